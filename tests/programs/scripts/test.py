# The main job: an unmodified script that opens, reads, writes, seeks and changes files in every way
# that Python has, and prints what it saw.
import glob
import io
import mmap
import os
import pathlib
import shutil
import stat
import sys
import tempfile
import zlib

root, local = os.environ["R"], os.environ["L"]


def show(*values):
    print(*values)


def error_of(call, *arguments, **named):
    try:
        call(*arguments, **named)
    except OSError as error:
        return f"{error.__class__.__name__} {error.errno} {error.filename!r}".replace(root, "$R")
    return "no error"


def seeking():
    fd = os.open(f"{root}/numbers.txt", os.O_RDWR)
    show(os.lseek(fd, 0, os.SEEK_END), os.lseek(fd, 10, os.SEEK_SET))
    show(os.read(fd, 5), os.lseek(fd, -3, os.SEEK_CUR), os.read(fd, 4))
    show(os.lseek(fd, -6, os.SEEK_END), os.read(fd, 100), os.read(fd, 100))
    show(error_of(os.lseek, fd, -1, os.SEEK_SET), error_of(os.lseek, fd, 0, 99))
    show(os.lseek(fd, 100000, os.SEEK_SET), os.read(fd, 1), os.write(fd, b"far"))
    show(os.fstat(fd).st_size, os.pread(fd, 4, 99999), os.pwrite(fd, b"XY", 0))
    show(os.preadv(fd, [bytearray(3), bytearray(3)], 0), os.lseek(fd, 0, os.SEEK_CUR))
    show(os.lseek(fd, 0, os.SEEK_DATA), os.lseek(fd, 0, os.SEEK_HOLE) > 0)
    show(error_of(os.lseek, fd, 200000, os.SEEK_DATA))
    os.ftruncate(fd, 12)
    show(os.fstat(fd).st_size, os.pread(fd, 100, 0))
    os.close(fd)
    show(error_of(os.read, fd, 1))


def appending():
    with open(f"{root}/log", "a+") as first, open(f"{root}/log", "a") as second:
        for i in range(3):
            first.write(f"first {i}\n")
            first.flush()
            second.write(f"second {i}\n")
            second.flush()
        first.seek(0)
        show(first.read(), first.tell())
    fd = os.open(f"{root}/log", os.O_WRONLY | os.O_APPEND)
    show(os.pwrite(fd, b"appended\n", 0), os.lseek(fd, 0, os.SEEK_CUR))
    show(os.write(fd, b"end\n"), os.lseek(fd, 0, os.SEEK_CUR))
    os.close(fd)


def relative_to_descriptors():
    at = os.open(f"{root}/dir", os.O_RDONLY | os.O_DIRECTORY)
    fd = os.open("sub/deep.txt", os.O_RDONLY, dir_fd=at)
    show(os.read(fd, 100))
    os.close(fd)
    fd = os.open("../made", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640, dir_fd=at)
    show(os.write(fd, b"made\n"))
    os.close(fd)
    show(error_of(os.open, "../made", os.O_CREAT | os.O_EXCL, dir_fd=at))
    show(error_of(os.open, "../link", os.O_RDONLY | os.O_NOFOLLOW, dir_fd=at))
    os.mkdir("new", 0o750, dir_fd=at)
    os.symlink("sub/deep.txt", "soft", dir_fd=at)
    os.link("one.c", "new/hard", src_dir_fd=at, dst_dir_fd=at)
    os.rename("two.c", "new/renamed", src_dir_fd=at, dst_dir_fd=at)
    os.chmod("one.c", 0o600, dir_fd=at)
    os.utime("one.c", ns=(10**18, 10**18 + 7), dir_fd=at)
    os.unlink("up", dir_fd=at)
    show(os.readlink("soft", dir_fd=at), os.stat("soft", dir_fd=at).st_size)
    show(oct(os.stat("soft", dir_fd=at, follow_symlinks=False).st_mode))
    show(os.access("one.c", os.R_OK, dir_fd=at), sorted(os.listdir(at)))
    with os.scandir(at) as entries:
        show(sorted((e.name, e.is_dir(), e.is_symlink()) for e in entries))
    os.fchdir(at)
    show(os.getcwd().replace(root, "$R"), os.path.exists("sub/.hidden"))
    show(os.path.abspath("sub").replace(root, "$R"))
    os.chdir("sub")
    show(os.getcwd().replace(root, "$R"), open("deep.txt").read(), os.listdir("."))
    os.chdir(local)
    os.close(at)
    fd = os.open(f"{root}/notes.txt", os.O_RDONLY)
    show(error_of(os.stat, "x", dir_fd=fd), error_of(os.fchdir, fd), error_of(os.listdir, fd))
    os.close(fd)


def attributes():
    for name in "notes.txt", "names", "link", "fifo", "run.sh", "private", "dangling":
        s = os.lstat(f"{root}/{name}")
        show(name, stat.filemode(s.st_mode), s.st_nlink, s.st_mtime_ns, s.st_uid == os.getuid())
    show(error_of(os.stat, f"{root}/dangling"), error_of(os.stat, f"{root}/notes.txt/x"))
    show(os.path.samefile(f"{root}/table.csv", f"{root}/table_too.csv"))
    show(os.path.realpath(f"{root}/link_to_dir/../up").replace(root, "$R"))
    os.chmod(f"{root}/empty", 0o604)
    os.utime(f"{root}/empty", (1, 2))
    show(os.stat(f"{root}/empty")[7:9], os.statvfs(root).f_namemax)
    os.setxattr(f"{root}/empty", "user.colour", b"green")
    show(os.getxattr(f"{root}/empty", "user.colour"), os.listxattr(f"{root}/empty"))
    show(error_of(os.getxattr, f"{root}/empty", "user.none"))
    os.truncate(f"{root}/empty", 3)
    show(os.path.getsize(f"{root}/empty"), os.umask(0o022) >= 0)


def errors():
    long_name = "x" * 256
    show(error_of(open, f"{root}/missing"), error_of(open, f"{root}/dir"))
    show(error_of(open, f"{root}/dir", "w"), error_of(os.listdir, f"{root}/notes.txt"))
    show(error_of(os.mkdir, f"{root}/dir"), error_of(os.rmdir, f"{root}/dir"))
    show(error_of(os.unlink, f"{root}/dir"), error_of(os.rename, f"{root}/dir", f"{root}/empty"))
    show(error_of(os.stat, f"{root}/{long_name}")[:20], error_of(os.stat, f"{root}/{'y/' * 3000}")[:20])
    show(error_of(os.readlink, f"{root}/notes.txt"), error_of(os.link, f"{root}/dir", f"{root}/d2"))
    show(error_of(os.symlink, "x", f"{root}/link"), error_of(os.rmdir, f"{root}/notes.txt"))
    fd = os.open(f"{root}/dir", os.O_RDONLY)
    show(error_of(os.read, fd, 10), error_of(os.write, fd, b"x"), error_of(os.ftruncate, fd, 1))
    os.close(fd)
    fd = os.open(f"{root}/notes.txt", os.O_RDONLY)
    show(error_of(os.write, fd, b"x"), error_of(os.pread, fd, 1, -1), error_of(os.ftruncate, fd, 1))
    os.close(fd)


def buffered():
    with open(f"{root}/notes.txt", "r+", encoding="utf-8", newline="") as f:
        show(f.readline(), f.tell(), f.readlines(), f.isatty(), f.seekable())
        f.seek(4)
        f.write("LINE Ünïcode")
        f.truncate()
    show(open(f"{root}/notes.txt", "rb").read())
    with open(f"{root}/noise.bin", "rb", buffering=0) as f:
        show(len(f.read()), f.seek(-5, io.SEEK_END), f.read(), f.read())
        target = bytearray(1000)
        show(f.seek(1234), f.readinto(target), zlib.crc32(target))
    with open(f"{root}/noise.bin", "rb") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as m:
        show(len(m), m[250000:250010], m.find(b"\x00\x01"))
    with open(f"{root}/x", "x") as f:
        print("printed", file=f)
    show(error_of(open, f"{root}/x", "x"))


def libraries():
    path = pathlib.Path(root)
    show(sorted(p.name for p in path.iterdir()), (path / "link").resolve().name)
    show(sorted(str(p.relative_to(path)) for p in path.rglob("*.txt")))
    (path / "p/q").mkdir(parents=True)
    (path / "p/q/r").write_text("text")
    show((path / "p/q/r").read_bytes(), (path / "p").is_dir(), (path / "p/q/r").stat().st_size)
    (path / "p/q/r").rename(path / "p/s")
    (path / "p/s").touch()
    (path / "p/t").symlink_to("s")
    (path / "p/q").rmdir()
    show(sorted(g.replace(root, "$R") for g in glob.glob(f"{root}/**/*.c", recursive=True)))
    shutil.copy2(path / "notes.txt", path / "copied")
    shutil.copytree(path / "names", path / "names2")
    shutil.copytree(path / "dir/sub", f"{local}/sub")
    shutil.move(f"{local}/sub", path / "moved")
    shutil.move(path / "private", local)
    shutil.rmtree(path / "names")
    shutil.make_archive(f"{local}/archive", "tar", root, "moved")
    os.remove(f"{local}/archive.tar")
    show(sorted((d.replace(root, "$R"), sorted(n), sorted(f)) for d, n, f in os.walk(root)))
    show(shutil.disk_usage(root).total > 0)
    with tempfile.TemporaryDirectory(dir=root) as d, tempfile.NamedTemporaryFile(dir=d) as f:
        f.write(b"temporary")
        f.flush()
        show(open(f.name).read(), os.listdir(d) == [os.path.basename(f.name)])
    with tempfile.TemporaryFile(dir=root) as f:
        f.write(b"nameless")
        f.seek(0)
        show(f.read(), os.fstat(f.fileno()).st_nlink)
    fd, name = tempfile.mkstemp(dir=root)
    os.close(fd)
    os.replace(name, f"{root}/replaced")


def many_bytes():
    block = bytes(range(256)) * 4096
    with open(f"{root}/large", "wb") as f:
        for _ in range(5):
            f.write(block)
        os.fsync(f.fileno())
    with open(f"{root}/large", "rb") as f:
        show(os.path.getsize(f"{root}/large"), f.read() == block * 5)
    source, sink = os.open(f"{root}/large", os.O_RDONLY), os.open(f"{local}/l", os.O_CREAT | os.O_WRONLY)
    sent = 0
    while count := os.sendfile(sink, source, sent, 1 << 20):
        sent += count
    show(sent)
    os.close(source)
    os.close(sink)
    show(open(f"{local}/l", "rb").read() == block * 5)
    os.unlink(f"{root}/large")
    os.unlink(f"{local}/l")


def descriptors():
    fd = os.open(f"{root}/dup", os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
    other = os.dup(fd)
    os.write(fd, b"hello ")
    os.write(other, b"world")
    show(os.lseek(fd, 0, os.SEEK_CUR), os.get_inheritable(fd), os.get_inheritable(other))
    os.dup2(fd, 100)
    os.close(fd)
    show(os.pread(100, 100, 0), os.lseek(100, 0, os.SEEK_SET), os.read(other, 5))
    os.close(other)
    os.writev(100, [b"A", b"B"])
    os.close(100)
    show(open(f"{root}/dup").read(), error_of(os.fstat, 100))
    r, w = os.pipe()
    show(error_of(os.lseek, r, 0, 0), os.isatty(w))
    first = os.open(f"{root}/notes.txt", os.O_RDONLY)
    os.unlink(f"{root}/notes.txt")
    show(os.read(first, 5), os.fstat(first).st_nlink, error_of(os.stat, f"{root}/notes.txt"))
    os.close(first)


for part in (seeking, appending, relative_to_descriptors, attributes, errors, buffered, libraries,
             many_bytes, descriptors):
    show(f"-- {part.__name__}")
    part()
    sys.stdout.flush()
