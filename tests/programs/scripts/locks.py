# Record locks as programs use them: fcntl.lockf, F_GETLK, flock; among a process and its children.
import errno
import fcntl
import os
import struct

path = f"{os.environ['R']}/locked"
layout = "hhqqi4x"


def tell(fd, kind=fcntl.F_WRLCK, start=0, length=0):
    asked = struct.pack(layout, kind, os.SEEK_SET, start, length, 0)
    kind, whence, start, length, pid = struct.unpack(layout, fcntl.fcntl(fd, fcntl.F_GETLK, asked))
    whose = {0: "nobody", os.getpid(): "mine", os.getppid(): "my parent's"}.get(pid, "another's")
    return kind, whence, start, length, whose


def attempt(what, *arguments):
    try:
        what(*arguments)
        return "done"
    except OSError as e:
        return errno.errorcode[e.errno]


def in_child(body):
    """What `body` answers in a child that then ends."""
    down, up = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(up, repr(body()).encode())
        os._exit(0)
    os.close(up)
    answer = b""
    while part := os.read(down, 4096):
        answer += part
    os.close(down)
    return answer.decode(), os.waitpid(pid, 0)[1]


exclusively = fcntl.LOCK_EX | fcntl.LOCK_NB
shared = fcntl.LOCK_SH | fcntl.LOCK_NB
with open(path, "w") as made:
    made.write("0123456789")

with open(path, "r+b") as f:
    print(attempt(fcntl.lockf, f, exclusively, 4, 2))
    print(in_child(lambda: tell(f.fileno())))
    print(in_child(lambda: attempt(fcntl.lockf, open(path, "r+b"), exclusively)))
    print(in_child(lambda: attempt(fcntl.lockf, open(path, "r+b"), exclusively, 2)))
    print(attempt(fcntl.lockf, f, exclusively))
    print(attempt(fcntl.lockf, f, shared), in_child(lambda: attempt(fcntl.lockf, f, shared)))
    open(path).close()
    print(in_child(lambda: attempt(fcntl.lockf, f, exclusively)))
    # A child that ends with its lock leaves nothing behind, however soon it is asked for.
    print([in_child(lambda: attempt(fcntl.lockf, f, exclusively)) for _ in range(20)][-1])
    print(attempt(fcntl.lockf, f, exclusively))
    print(in_child(lambda: attempt(fcntl.flock, open(path), exclusively)))
    print(attempt(fcntl.flock, f, exclusively))
    print(in_child(lambda: attempt(fcntl.flock, open(path), shared)))

print(attempt(fcntl.lockf, open(path), exclusively))


# Each adds to a number under the lock: none is lost.
def count():
    for _ in range(25):
        with open(path, "r+") as f:
            fcntl.lockf(f, fcntl.LOCK_EX)
            number = int(f.read() or 0)
            f.seek(0)
            f.truncate()
            f.write(str(number + 1))
    return "counted"


with open(path, "w"):
    pass
children = []
for _ in range(3):
    pid = os.fork()
    if pid == 0:
        count()
        os._exit(0)
    children.append(pid)
print([os.waitpid(pid, 0)[1] for pid in children], open(path).read())
