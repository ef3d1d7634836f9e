# What Python's standard library does with files beyond opening them: copies, archives, temporary
# files, databases, rotation of logs, configuration, byte code, test discovery, environments.
import compileall
import configparser
import contextlib
import csv
import dbm.dumb
import errno
import fcntl
import filecmp
import fileinput
import glob
import gzip
import hashlib
import importlib.resources
import io
import json
import linecache
import logging.handlers
import lzma
import mmap
import os
import pathlib
import pickle
import py_compile
import runpy
import selectors
import shelve
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import unittest
import venv
import zipfile
import zipimport

root, local = os.environ["R"], os.environ["L"]
top = pathlib.Path(root)
sys.dont_write_bytecode = True


def show(*values):
    print(*(str(v).replace(root, "$R").replace(local, "$L") for v in values), flush=True)


def tree(of):
    return sorted(str(p.relative_to(of)) for p in pathlib.Path(of).rglob("*"))


def error_of(call, *arguments, **named):
    try:
        return call(*arguments, **named)
    except OSError as error:
        return f"{errno.errorcode[error.errno]} {error.filename} {error.filename2}"


def paths():
    show(sorted(top.glob("**/*.txt")), sorted(top.glob("[nt]*")), list(top.glob("missing/*")))
    show(sorted(glob.glob("**", root_dir=root, recursive=True)), glob.glob(f"{root}/dir/.*"))
    p = top / "dir"
    show(p.exists(), p.is_dir(), p.is_symlink(), (top / "fifo").is_fifo(), p.owner(), p.group())
    show((top / "link").samefile(top / "notes.txt"), (top / "link").readlink(), (top / "dangling").exists())
    show(error_of((top / "dir/x/y").mkdir), error_of((top / "empty").mkdir), error_of((top / "dir").rmdir))
    (top / "new").touch(0o640)
    (top / "hard").hardlink_to(top / "new")
    (top / "hard").replace(top / "harder")
    show((top / "new").stat().st_nlink, oct((top / "new").stat().st_mode), error_of((top / "no").unlink))
    (top / "no").unlink(missing_ok=True)
    (top / "new").chmod(0o400)
    show((top / "a/../notes.txt").resolve(strict=False), error_of((top / "a").resolve, strict=True))
    os.chdir(top / "dir")
    show(pathlib.Path.cwd(), pathlib.Path("sub").absolute(), os.path.relpath("sub/deep.txt", root))
    show(os.path.commonpath([os.getcwd(), root]), os.path.ismount(root), os.path.expanduser("x"))
    os.chdir(local)


def walking():
    show([(d, sorted(n), sorted(f)) for d, n, f in sorted(os.walk(root, followlinks=True))])
    show(sorted((d, sorted(n), sorted(f)) for d, n, f, _ in os.fwalk(root)))
    with os.scandir(root) as entries:
        for e in sorted(entries, key=lambda e: e.name):
            s = e.stat(follow_symlinks=False)
            show(e.name, e.is_file(), e.is_dir(follow_symlinks=False), e.is_symlink(), s.st_size if e.is_file() else 0,
                 e.inode() == os.lstat(e.path).st_ino)
    fd = os.open(root, os.O_RDONLY)
    first, again = os.listdir(fd), os.listdir(fd)
    show(sorted(first) == sorted(again) == sorted(os.listdir(root)))
    os.close(fd)
    for i in range(500):
        os.close(os.open(f"{root}/dir/sub/f{i}", os.O_CREAT | os.O_WRONLY))
    with os.scandir(f"{root}/dir/sub") as entries:
        for e in entries:  # removed while it is read
            if e.name.startswith("f"):
                os.unlink(e)
    show(sorted(os.listdir(f"{root}/dir/sub")), os.listdir(os.fsencode(f"{root}/empty_dir")))


def copying():
    shutil.copy(top / "run.sh", top / "c1")
    shutil.copyfile(top / "link", top / "c2", follow_symlinks=False)
    shutil.copy2(top / "run.sh", local)
    shutil.copymode(top / "private", top / "c1")
    shutil.copystat(top / "notes.txt", top / "c1")
    show(os.stat(top / "c1").st_mtime_ns, oct(os.stat(top / "c1").st_mode), os.readlink(top / "c2"))
    show(error_of(shutil.copyfile, top / "dir", top / "c3"), error_of(shutil.copyfile, top / "fifo2", top / "c3"))
    shutil.copytree(top / "dir", top / "tree", symlinks=True, ignore=shutil.ignore_patterns("*.c"))
    shutil.copytree(top / "tree", f"{local}/tree", dirs_exist_ok=True)
    shutil.copytree(f"{local}/tree", top / "tree", dirs_exist_ok=True)
    show(tree(top / "tree"), error_of(shutil.copytree, top / "dir", top / "tree"))
    shutil.move(top / "tree", top / "empty_dir")
    shutil.move(top / "empty_dir/tree", f"{local}/moved")
    shutil.move(f"{local}/moved", top / "back")
    show(tree(top / "back"), filecmp.cmp(top / "notes.txt", top / "link", shallow=False))
    comparison = filecmp.dircmp(top / "dir", top / "back")
    show(sorted(comparison.left_only), sorted(comparison.common), sorted(comparison.diff_files))
    shutil.rmtree(top / "back")
    seen = []
    shutil.rmtree(top / "missing", onerror=lambda f, p, e: seen.append((f.__name__, e[1].errno)))
    show(seen, error_of(shutil.rmtree, top / "notes.txt"), shutil.which("run.sh", path=root))
    for name in "run.sh", "tree":
        shutil.rmtree(f"{local}/{name}", ignore_errors=True)
    os.unlink(f"{local}/run.sh")
    a, b = os.open(top / "noise.bin", os.O_RDONLY), os.open(top / "cfr", os.O_RDWR | os.O_CREAT)
    show(os.copy_file_range(a, b, 100000), os.copy_file_range(a, b, 1000, 5, 10), os.fstat(b).st_size)
    show(os.lseek(a, 0, os.SEEK_CUR), os.sendfile(b, a, 299990, 100), os.lseek(b, 0, os.SEEK_CUR))
    show(os.posix_fallocate(b, 0, 200000), os.fstat(b).st_size, os.posix_fadvise(a, 0, 0, os.POSIX_FADV_RANDOM))
    show(hashlib.md5(os.pread(b, 300000, 0)).hexdigest(), os.fdatasync(b), os.fpathconf(b, "PC_NAME_MAX"))
    os.close(a)
    os.close(b)
    r, w = os.pipe()
    with open(top / "notes.txt", "rb") as f:
        show(os.sendfile(w, f.fileno(), 0, 20), os.read(r, 100))


def archives():
    for kind in "zip", "tar", "gztar", "bztar", "xztar":
        made = shutil.make_archive(top / "archive", kind, root, "dir")
        shutil.unpack_archive(made, top / kind)
        show(os.path.basename(made), tree(top / kind))
        shutil.rmtree(top / kind)
        os.unlink(made)
    with zipfile.ZipFile(top / "z.zip", "w", zipfile.ZIP_DEFLATED) as z:
        z.write(top / "notes.txt", "notes")
        z.writestr("module.py", "value = 6\n")
    with zipfile.ZipFile(top / "z.zip", "a") as z:
        z.write(top / "noise.bin", "noise")
        show(z.namelist(), z.testzip(), len(z.read("noise")))
    show(zipimport.zipimporter(str(top / "z.zip")).load_module("module").value)
    with tarfile.open(top / "t.tar", "w") as t:
        t.add(top / "names", "names")
        t.add(top / "table.csv", "one")
        t.add(top / "table_too.csv", "two")
    with tarfile.open(top / "t.tar") as t:
        show([(m.name, m.size, m.islnk()) for m in t], t.extractfile("one").readline())
        t.extractall(top / "out")
    show(tree(top / "out"), os.path.samefile(top / "out/one", top / "out/two"))
    for opener, name in (gzip.open, "g.gz"), (lzma.open, "g.xz"):
        with opener(top / name, "wt") as f:
            f.write("packed " * 1000)
        with opener(top / name, "rt") as f:
            show(len(f.read()))
        os.unlink(top / name)
    os.unlink(top / "t.tar")
    os.unlink(top / "z.zip")


def temporary():
    tempfile.tempdir = root
    with tempfile.TemporaryFile() as f, tempfile.NamedTemporaryFile(suffix=".t") as g:
        f.write(b"x" * 100000)
        g.write(b"y")
        g.flush()
        f.seek(5)
        show(f.tell(), len(f.read()), os.path.getsize(g.name), os.fstat(f.fileno()).st_nlink)
    with tempfile.SpooledTemporaryFile(max_size=10) as f:
        f.write(b"spills over")
        f.seek(0)
        show(f.read())
    with tempfile.TemporaryDirectory() as d:
        os.symlink("x", f"{d}/link")
        os.mkdir(f"{d}/locked", 0)
        fd, name = tempfile.mkstemp(dir=d, prefix="p-")
        show(oct(os.fstat(fd).st_mode), os.path.dirname(name) == d, len(os.listdir(d)))
        os.close(fd)
    tempfile.tempdir = None
    show(sorted(n for n in os.listdir(root) if n.startswith("tmp")))


def mapping():
    with open(top / "noise.bin", "rb") as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as m:
        show(len(m), hashlib.md5(m).hexdigest(), m.rfind(b"\x00"), m[-3:])
    with open(top / "notes.txt", "rb") as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_COPY) as m:
        m[0:5] = b"FIRST"
        show(m.readline(), open(top / "notes.txt").readline())
    with open(top / "noise.bin", "rb") as f, mmap.mmap(f.fileno(), 5000, mmap.MAP_PRIVATE, mmap.PROT_READ, offset=8192) as m:
        show(hashlib.md5(m).hexdigest())
    with open(top / "empty", "rb") as f:
        try:
            mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as error:
            show(error)


def databases():
    with dbm.dumb.open(str(top / "dumb"), "c") as d:
        d["k"] = "v"
    with dbm.dumb.open(str(top / "dumb")) as d:
        show(d["k"], len(d))
    with shelve.Shelf(dbm.dumb.open(str(top / "shelf"), "c")) as s:
        s["list"] = [1, 2]
    with shelve.Shelf(dbm.dumb.open(str(top / "shelf"), "r")) as s:
        show(s["list"])
    (top / "p").write_bytes(pickle.dumps({"a": 1}))
    with open(top / "p", "rb") as f:
        show(pickle.load(f))
    (top / "j").write_text(json.dumps({"ü": [1, None]}))
    with open(top / "j") as f:
        show(json.load(f))
    with open(top / "table.csv", newline="") as f:
        show(list(csv.DictReader(f)))
    parser = configparser.ConfigParser()
    parser["part"] = {"key": "value"}
    with open(top / "ini", "w") as f:
        parser.write(f)
    show(parser.read([top / "ini", top / "missing"]))


def logs():
    handler = logging.handlers.RotatingFileHandler(top / "log", maxBytes=200, backupCount=3)
    logger = logging.getLogger("rotated")
    logger.addHandler(handler)
    for i in range(30):
        logger.warning("message %d", i)
    handler.close()
    timed = logging.handlers.WatchedFileHandler(top / "watched")
    logger.addHandler(timed)
    logger.removeHandler(handler)
    logger.warning("before")
    os.rename(top / "watched", top / "watched.1")
    logger.warning("after")
    timed.close()
    show(sorted(n for n in os.listdir(root) if "log" in n or "watched" in n))


def lines():
    with fileinput.input([top / "table.csv", top / "numbers.txt"], inplace=True, backup=".orig") as f:
        for line in f:
            print(line.upper(), end="")
    show(linecache.getline(str(top / "table.csv"), 2), (top / "table.csv.orig").read_text())
    with open(top / "notes.txt") as f, contextlib.redirect_stdout(io.StringIO()) as out:
        print(f.readlines()[-1])
    show(out.getvalue())


def locks():
    with open(top / "lock", "w") as f, open(top / "lock") as g:
        fcntl.flock(f, fcntl.LOCK_EX)
        show(error_of(fcntl.flock, g, fcntl.LOCK_SH | fcntl.LOCK_NB))
        fcntl.flock(f, fcntl.LOCK_UN)
        show(error_of(fcntl.flock, g, fcntl.LOCK_SH | fcntl.LOCK_NB))
        show(fcntl.fcntl(f, fcntl.F_GETFL) & os.O_ACCMODE, fcntl.fcntl(f, fcntl.F_GETFD))
        show(fcntl.fcntl(f, fcntl.F_DUPFD, 200), os.get_blocking(f.fileno()), os.isatty(f.fileno()))
        os.close(200)
        with selectors.SelectSelector() as s:
            s.register(f, selectors.EVENT_WRITE)
            show(len(s.select(0)))


def modules():
    package = top / "pack"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text("from .inner import deep\nname = __name__\n")
    (package / "inner/__init__.py").write_text("")
    (package / "inner/deep.py").write_text("import os\nhere = os.path.dirname(__file__)\n")
    (package / "__main__.py").write_text("import sys\nprint('main', sys.argv[1:], __package__)\n")
    (package / "data.txt").write_text("data")
    (package / "test_it.py").write_text(
        "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): self.assertTrue(open(__file__).read())\n")
    sys.path.insert(0, root)
    module = importlib.import_module("pack")
    show(module.name, module.deep.here, importlib.resources.files("pack").joinpath("data.txt").read_text())
    show(runpy.run_path(str(package / "inner/deep.py"))["here"])
    result = unittest.TextTestRunner(stream=io.StringIO()).run(
        unittest.defaultTestLoader.discover(str(package), top_level_dir=root))
    show(result.testsRun, result.wasSuccessful())
    show(compileall.compile_dir(str(package), quiet=1), tree(package / "inner/__pycache__"))
    show(py_compile.compile(str(package / "data.txt"), quiet=1, cfile=str(top / "no.pyc")))
    os.unlink(top / "no.pyc")
    run = subprocess.run([sys.executable, "-m", "pack", "x"], cwd=root, capture_output=True, text=True)
    show(run.stdout, run.stderr)
    run = subprocess.run([sys.executable, "-B", str(package), "y"], capture_output=True, text=True)
    show(run.returncode, run.stdout)
    os.makedirs(top / "app/zipped")
    (top / "app/__main__.py").write_text("print('from an archive')\n")
    subprocess.run([sys.executable, "-m", "zipapp", str(top / "app"), "-p", sys.executable], check=True)
    show(subprocess.run([str(top / "app.pyz")], capture_output=True, text=True).stdout)
    for cache in top.rglob("__pycache__"):
        shutil.rmtree(cache)
    os.unlink(top / "app.pyz")
    sys.path.pop(0)


def environments():
    # Copies: an absolute link would lead to the target's own interpreter, which it need not have.
    venv.create(top / "venv", with_pip=False, symlinks=False)
    show([n for n in tree(top / "venv") if "lib64" in n or n.startswith("bin/")])
    code = "import sys; print(sys.prefix != sys.base_prefix, sys.prefix)"
    show(subprocess.run([str(top / "venv/bin/python"), "-c", code], capture_output=True, text=True).stdout)
    script = f". {root}/venv/bin/activate && cd {root}/dir && python -c '{code}' && command -v python"
    show(subprocess.run(["sh", "-c", script], capture_output=True, text=True).stdout)
    site = next((top / "venv/lib").iterdir()) / "site-packages"
    (site / "extra.pth").write_text(f"{root}/dir\n")
    (top / "dir/extra.py").write_text("print('extra')")
    run = subprocess.run([str(top / "venv/bin/python"), "-B", "-c", "import extra"], capture_output=True, text=True)
    show(run.stdout, run.stderr)
    shutil.rmtree(top / "venv")


for part in sys.argv[1:] or ("paths", "walking", "copying", "archives", "temporary", "mapping", "databases", "logs",
                             "lines", "locks", "modules", "environments"):
    show(f"-- {part}")
    globals()[part]()
