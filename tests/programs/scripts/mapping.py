# What Python's mmap does with a file, alone and between processes that take turns over pipes.
import mmap
import os

root = os.environ["R"]
path = f"{root}/mapped"


def take_turns(child, parent):
    """Runs child(give, wait) in a process of its own and parent(give, wait) here."""
    down, up = os.pipe(), os.pipe()
    pid = os.fork()
    mine, theirs = (up, down) if pid == 0 else (down, up)

    def give():
        os.write(mine[1], b"x")

    def wait():
        os.read(theirs[0], 1)

    if pid == 0:
        child(give, wait)
        os._exit(0)
    parent(give, wait)
    print("child", os.waitpid(pid, 0)[1])


def alone():
    with open(path, "wb") as file:
        file.write(b"0123456789" * 1000)
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as m:
        print(len(m), m[:10], m.find(b"9"))
        m[0:3] = b"abc"
        m.move(100, 0, 10)
        print(os.pread(file.fileno(), 12, 95))
        m.write(b"written")
        m.flush()
        m.flush(4096, 4096)
        file.seek(5)
        file.write(b"FILE")
        file.flush()
        print(m[:12])
        m.resize(12000)
        m[11990:] = b"behind all"
        m.resize(8192)
    print(os.stat(path).st_size, open(path, "rb").read()[:20])
    with open(path, "r+b") as file:
        with mmap.mmap(file.fileno(), 4096, access=mmap.ACCESS_COPY) as m:
            m[0:4] = b"mine"
        with mmap.mmap(file.fileno(), 4096, access=mmap.ACCESS_READ, offset=4096) as m:
            print(m[:5])
            try:
                m[0] = 1
            except TypeError as error:
                print(error)
    print(open(path, "rb").read()[:10])


def unrelated_processes():
    def child(give, wait):
        with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as m:
            wait()
            m[0:5] = b"child" if m[0:6] == b"parent" else b"blind"
            give()
            wait()
            m[4096:4100] = file.read(4)

    def parent(give, wait):
        with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as m:
            m[0:6] = b"parent"
            give()
            wait()
            print(m[:8])
            file.write(b"calls")
            file.flush()
            give()

    take_turns(child, parent)
    data = open(path, "rb").read()
    print(data[:8], data[4096:4102])


def growing():
    def child(give, wait):
        with open(path, "ab", buffering=0) as file:
            file.write(b"x" * 5000)
            give()
            wait()
            os.truncate(path, 100)
            give()

    def parent(give, wait):
        with open(path, "r+b") as file, mmap.mmap(file.fileno(), 8192) as m:
            wait()
            with mmap.mmap(file.fileno(), 0) as larger:
                print(len(larger), larger[8190:8195])
                larger[8192:8195] = b"yyy"
                print(os.pread(file.fileno(), 6, 8190))
            give()
            wait()
            print(m[98:102], os.fstat(file.fileno()).st_size)

    take_turns(child, parent)


for part in alone, unrelated_processes, growing:
    print(part.__name__)
    part()
