# Python's children: fork, subprocess in all its forms, multiprocessing, threads that fork.
import multiprocessing
import os
import subprocess
import sys
import threading

root, local = os.environ["R"], os.environ["L"]


def show(*values):
    print(*values, flush=True)


def forks():
    fd = os.open(f"{root}/numbers.txt", os.O_RDONLY)
    show(os.read(fd, 8))
    pid = os.fork()
    if pid == 0:
        show("child", os.read(fd, 8))
        os._exit(7)
    show(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), os.read(fd, 8))
    os.close(fd)


def subprocesses():
    with open(f"{root}/notes.txt") as source, open(f"{root}/out", "w") as sink:
        show(subprocess.run(["cat"], stdin=source, stdout=sink).returncode)
        sink.write("parent\n")
    show(open(f"{root}/out").read())
    show(subprocess.check_output(["sh", "-c", "pwd; cat deep.txt"], cwd=f"{root}/dir/sub", text=True))
    show(subprocess.check_output(f"wc -l < {root}/table.csv", shell=True))
    show(subprocess.check_output(["cat", f"{root}/empty", f"{root}/link"], env={}, close_fds=True))
    fd = os.open(f"{root}/numbers.txt", os.O_RDONLY)
    os.lseek(fd, 4, os.SEEK_SET)
    code = f"import os; print(os.read({fd}, 4), os.path.exists('{root}/dir'))"
    show(subprocess.check_output([sys.executable, "-c", code], pass_fds=[fd]), os.read(fd, 4))
    closed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    show(closed.returncode, closed.stderr.splitlines()[-1])
    os.close(fd)
    try:
        subprocess.run(["cat"], cwd=f"{root}/missing")
    except OSError as error:
        show(error.errno, os.path.basename(error.filename))
    show(subprocess.run([f"{root}/run.sh", "a"], capture_output=True).returncode)
    with subprocess.Popen(["sort", "-n"], stdin=subprocess.PIPE, stdout=open(f"{root}/sorted", "w")) as p:
        p.stdin.write(open(f"{root}/numbers.txt", "rb").read())
    show(open(f"{root}/sorted").readline(), os.system(f"cmp -s {root}/sorted {root}/numbers.txt"))
    show(os.popen(f"head -1 {root}/notes.txt").read())


def work(number):
    with open(f"{root}/log", "a") as log:
        log.write(f"{number:03}\n")
    return len(open(f"{root}/noise.bin", "rb").read()) + number


def pools():
    with multiprocessing.get_context("fork").Pool(3) as pool:
        show(sum(pool.map(work, range(20))))
    show(sorted(open(f"{root}/log").read().split()) == [f"{n:03}" for n in range(20)])
    os.unlink(f"{root}/log")
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        show(sum(pool.map(len, [open(f"{root}/notes.txt").read()] * 4)))


def threads():
    wrong = []

    def use(number):
        for turn in range(15):
            name = f"{root}/thread-{number}"
            with open(name, "w+") as f:
                f.write(f"{number} {turn}")
                f.seek(0)
                if f.read() != f"{number} {turn}" or not os.path.exists(name):
                    wrong.append((number, turn))

    running = [threading.Thread(target=use, args=(n,)) for n in range(20)]
    for thread in running:
        thread.start()
    for turn in range(20):
        pid = os.fork()
        if pid == 0:
            with open(f"{root}/numbers.txt") as f:
                os._exit(0 if f.readline() == "919\n" else 1)
        if os.waitpid(pid, 0)[1] != 0:
            wrong.append(turn)
    for thread in running:
        thread.join()
    show(wrong, len([n for n in os.listdir(root) if n.startswith("thread-")]))


if __name__ == "__main__":
    for part in forks, subprocesses, pools, threads:
        show(f"-- {part.__name__}")
        part()
