"""What was written is seen by whatever looks at the file next, closed or not: argv[1] is the directory."""
import fcntl
import mmap
import os
import subprocess
import sys

root = sys.argv[1]
path = os.path.join(root, "behind")
count = 0


def fresh(flags=os.O_RDWR):
    global count
    count += 1
    name = path + str(count)
    fd = os.open(name, flags | os.O_CREAT | os.O_TRUNC, 0o644)
    # In parts, far apart and over each other, so that some of it is always on its way.
    for i in range(64):
        os.write(fd, bytes([65 + i % 26]) * 1000)
    os.pwrite(fd, b"far", 1 << 20)
    os.pwrite(fd, b"over", 500)
    return name, fd


def show(what, value):
    print(what, value)


def digest(data):
    return len(data), hash_of(data)


def hash_of(data):
    value = 0
    for byte in data:
        value = (value * 31 + byte) % 1000003
    return value


def child(script, *arguments):
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True)
    return done.stdout + done.stderr


def own_descriptor():
    name, fd = fresh()
    show("pread", digest(os.pread(fd, 3000, 0)))
    name, fd = fresh()
    show("fstat", os.fstat(fd).st_size)
    name, fd = fresh()
    show("position", os.lseek(fd, 0, os.SEEK_CUR))
    show("end", os.lseek(fd, 0, os.SEEK_END))
    name, fd = fresh()
    show("data", os.lseek(fd, 1000, os.SEEK_DATA))
    name, fd = fresh()
    os.ftruncate(fd, 700)
    show("ftruncate", digest(os.pread(fd, 3000, 0)))
    name, fd = fresh()
    os.posix_fallocate(fd, 0, 2 << 20)
    show("fallocate", os.fstat(fd).st_size)
    name, fd = fresh()
    os.utime(fd, ns=(10**18, 10**18))
    os.close(fd)
    show("utime", os.stat(name).st_mtime_ns)
    name, fd = fresh()
    fcntl.fcntl(fd, fcntl.F_SETFL, os.O_APPEND)
    os.write(fd, b"tail")
    show("F_SETFL", (os.fstat(fd).st_size, os.pread(fd, 10, 1 << 20)))
    name, fd = fresh()
    with mmap.mmap(fd, 0, mmap.MAP_PRIVATE) as private:
        show("private", digest(private[:3000]))
    name, fd = fresh()
    with mmap.mmap(fd, 0, mmap.MAP_SHARED) as shared:
        show("shared", digest(shared[:3000]))
        os.pwrite(fd, b"later", 100)
        show("shared", shared[98:107])
    name, fd = fresh()
    other = os.dup(fd)
    os.close(fd)
    show("dup", (os.write(other, b"more"), os.fstat(other).st_size))
    name, fd = fresh()
    os.fsync(fd)
    os.fdatasync(fd)
    show("fsync", os.fstat(fd).st_size)


def by_name():
    name, fd = fresh()
    show("stat", os.stat(name).st_size)
    name, fd = fresh()
    with open(name, "rb") as again:
        show("open", digest(again.read()))
    name, fd = fresh()
    os.rename(name, name + "r")
    show("rename", os.stat(name + "r").st_size)
    os.write(fd, b"after")
    show("renamed", digest(open(name + "r", "rb").read()))
    name, fd = fresh()
    os.link(name, name + "l")
    show("link", os.stat(name + "l").st_size)
    name, fd = fresh()
    os.unlink(name)
    os.write(fd, b"after")
    show("unlink", os.fstat(fd).st_size)
    name, fd = fresh()
    os.truncate(name, 700)
    show("truncate", digest(open(name, "rb").read()))
    name, fd = fresh()
    show("O_TRUNC", (os.close(os.open(name, os.O_WRONLY | os.O_TRUNC)), os.fstat(fd).st_size))
    name, fd = fresh()
    with open(name, "ab") as tail:
        tail.write(b"tail")
        tail.flush()
        show("O_APPEND", (tail.tell(), os.pread(fd, 10, 1 << 20)))
    name, fd = fresh()
    second = os.open(name, os.O_WRONLY)
    os.pwrite(second, b"second", 498)
    show("second", os.pread(fd, 12, 494))
    name, fd = fresh()
    target = os.open(name + "c", os.O_RDWR | os.O_CREAT)
    show("copy", os.copy_file_range(fd, target, 2000, 0, 0))
    show("copied", digest(os.pread(target, 3000, 0)))
    name, fd = fresh()
    show("sendfile", os.sendfile(target, fd, 0, 1500))


def other_processes():
    look = "import os, sys; print(os.stat(sys.argv[1]).st_size, len(open(sys.argv[1], 'rb').read()))"
    name, fd = fresh()
    show("child", child(look, name))
    name, fd = fresh()
    pid = os.fork()
    if pid == 0:
        os.write(fd, b"child")
        os._exit(0)
    os.waitpid(pid, 0)
    show("fork", (os.lseek(fd, 0, os.SEEK_CUR), os.pread(fd, 8, 63998)))
    name, fd = fresh()
    fcntl.flock(fd, fcntl.LOCK_EX)
    os.write(fd, b"locked")
    fcntl.flock(fd, fcntl.LOCK_UN)
    show("flock", child(look, name))
    name, fd = fresh()
    fcntl.lockf(fd, fcntl.LOCK_EX)
    os.write(fd, b"locked")
    fcntl.lockf(fd, fcntl.LOCK_UN)
    show("lockf", child(look, name))
    script = path + ".sh"
    with open(script, "w") as text:
        text.write("#!/bin/sh\necho ran $1\n")
        os.fchmod(text.fileno(), 0o755)
    show("exec", subprocess.run([script, "it"], capture_output=True, text=True).stdout)


own_descriptor()
by_name()
other_processes()
