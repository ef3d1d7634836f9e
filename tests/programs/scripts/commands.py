# Does what it is told on standard input, a line at a time, and says what came of it.
import os
import sys

root, local = os.environ["R"], os.environ["L"]
opened = {}


def read(name):
    return str(len(open(f"{root}/{name}", "rb").read()))


def open_file(name):
    opened[name] = os.open(f"{root}/{name}", os.O_RDWR)
    return "opened"


def read_open(name):
    return str(len(os.pread(opened[name], 10, 0)))


def write_open(name):
    return str(os.write(opened[name], b"written"))


def close(name):
    os.close(opened.pop(name))
    return "closed"


def look(name):
    return str(os.stat(f"{root}/{name}").st_size)


def note(name):
    open(f"{local}/{name}", "w").write("here")
    return open(f"{local}/{name}").read()


def child(name):
    return os.popen(f"cat {local}/{name}; cat {root}/{name} 2>&1 | tail -n 1").read().strip().replace("\n", "|")


commands = {"read": read, "open": open_file, "read-open": read_open, "write-open": write_open,
            "close": close, "stat": look, "note": note, "child": child}
print("ready", flush=True)
for line in sys.stdin:
    verb, name = line.split()
    try:
        print(f"{verb} {name}: {commands[verb](name)}", flush=True)
    except OSError as error:
        print(f"{verb} {name}: {os.strerror(error.errno)}", flush=True)
print("end", flush=True)
