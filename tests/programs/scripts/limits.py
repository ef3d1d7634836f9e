# Large numbers: descriptors until there are none, sizes beyond 32 bits, names beyond the limits.
import errno
import os
import resource
import sys

root = os.environ["R"]


def descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    opened = []
    try:
        while True:
            opened.append(os.open(f"{root}/notes.txt", os.O_RDONLY))
    except OSError as error:
        print(errno.errorcode[error.errno], len(opened) > 40)
    for call in (lambda: os.open(f"{root}/fresh", os.O_CREAT | os.O_WRONLY),
                 lambda: os.open(f"{root}/table.csv", os.O_TRUNC | os.O_WRONLY),
                 lambda: os.dup(opened[0]), lambda: os.listdir(root)):
        try:
            call()
        except OSError as error:
            print(errno.errorcode[error.errno])
    print(os.path.exists(f"{root}/fresh"), os.stat(f"{root}/table.csv").st_size)
    for fd in opened[10:]:
        os.close(fd)
    print(len(open(f"{root}/notes.txt").read()), os.read(opened[0], 5))


def many(count):
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    opened = [os.open(f"{root}/numbers.txt", os.O_RDONLY) for _ in range(count)]
    for turn, fd in enumerate(opened):
        os.lseek(fd, turn % 700, os.SEEK_SET)
    text = open(f"{root}/numbers.txt", "rb").read()
    wrong = sum(os.read(opened[turn], 5) != text[turn % 700:][:5] for turn in range(9, count, 10))
    pid = os.fork()
    if pid == 0:
        os._exit(os.read(opened[-1], 1) != text[(count - 1) % 700 + 5:][:1])
    print(len(set(opened)), wrong, os.waitpid(pid, 0)[1])
    for fd in opened:
        os.close(fd)
    again = [os.open(f"{root}/notes.txt", os.O_RDONLY) for _ in range(100)]
    print(len(again), os.read(again[-1], 5))


def sparse():
    size = 5 << 30
    fd = os.open(f"{root}/sparse", os.O_RDWR | os.O_CREAT, 0o644)
    os.ftruncate(fd, size)
    print(os.fstat(fd).st_size, os.lseek(fd, 0, os.SEEK_END), os.fstat(fd).st_blocks < 1000)
    print(os.pwrite(fd, b"end", size - 3), os.pread(fd, 10, size - 5), os.read(fd, 10))
    print(os.lseek(fd, -4, os.SEEK_END), os.read(fd, 10), os.read(fd, 10))
    print(os.lseek(fd, 0, os.SEEK_DATA) > 4 << 30, os.lseek(fd, 3 << 30, os.SEEK_HOLE) == 3 << 30)
    print(os.pread(fd, 1000, 4 << 30) == bytes(1000), os.path.getsize(f"{root}/sparse"))
    with open(f"{root}/sparse", "rb") as f:
        f.seek(size - 3)
        print(f.read(), f.tell())
    os.truncate(f"{root}/sparse", (4 << 30) + 7)
    print(os.stat(f"{root}/sparse").st_size)
    os.close(fd)
    os.unlink(f"{root}/sparse")


def names():
    def error_of(path):
        try:
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))
            return "made"
        except OSError as error:
            return errno.errorcode[error.errno]

    print(error_of(f"{root}/{'n' * 255}"), error_of(f"{root}/{'n' * 256}"), error_of(f"{root}/{'é' * 128}"))
    deep = f"{root}" + "/d" * ((4094 - len(root)) // 2)
    print(len(deep) < 4096, error_of(deep), error_of(deep + "/xx"), error_of("x" * 5000))
    at = os.open(root, os.O_RDONLY)
    for _ in range(14):
        os.mkdir("e" * 250, dir_fd=at)
        below = os.open("e" * 250, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    fd = os.open("bottom", os.O_CREAT | os.O_RDWR, 0o644, dir_fd=at)
    print(os.write(fd, b"deep"), os.listdir(at), os.stat("bottom", dir_fd=at).st_size)
    every = bytes(c for c in range(1, 256) if c != ord("/"))
    for name in every[:127], every[127:], b"\xff\xfe", b" ", b"\\", b"*?[", b"\n", b"...":
        path = os.fsencode(root) + b"/" + name
        open(path, "wb").write(name)
        print(open(path, "rb").read() == name, name in os.listdir(os.fsencode(root)))
        os.unlink(path)


def directories():
    fd = os.open(f"{root}/dir", os.O_RDONLY)
    for call in (lambda: os.read(fd, 10), lambda: os.pread(fd, 10, 0), lambda: os.readv(fd, [bytearray(1)])):
        try:
            print(call())
        except OSError as error:
            print(errno.errorcode[error.errno])
    try:
        open(f"{root}/dir").read()
    except OSError as error:
        print(errno.errorcode[error.errno])


what = {"descriptors": descriptors, "many": lambda: many(10000), "sparse": sparse, "names": names,
        "directories": directories}
what[sys.argv[1]]()
