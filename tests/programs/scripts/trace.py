# Calls whose trace is known: trace.py one|names|many REMOTE
import os
import sys
import threading

what, remote = sys.argv[1:3]


def stats():
    for _ in range(200):
        os.path.exists(remote + "/" + "n" * 200)


if what == "one":
    fd = os.open(remote + "/notes.txt", os.O_RDONLY)
    os.lseek(fd, 3, os.SEEK_SET)
    os.read(fd, 10)
    os.close(fd)
elif what == "names":
    os.mkdir(os.fsencode(remote) + b'/a"\n\xff\\')
else:
    for _ in range(8):
        if os.fork() == 0:
            os.closerange(3, 2000)
            threads = [threading.Thread(target=stats) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            os._exit(0)
    for _ in range(8):
        os.wait()
