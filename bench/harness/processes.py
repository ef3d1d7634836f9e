"""Child processes of the harness: bounded, ended with it, and asked what they used.

Every child dies with the harness (PR_SET_PDEATHSIG), whatever ends the harness; only processes
that were started here are ever signalled.
"""
import ctypes
import os
import select
import signal
import subprocess
import time

PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None, use_errno=True)


class TimeLimit(Exception):
    """Something took longer than it may."""


class Failed(Exception):
    """A program said that it failed, or did not do what it must."""


def _die_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def start(command, **options):
    options.setdefault('stdin', subprocess.DEVNULL)
    return subprocess.Popen([str(word) for word in command], preexec_fn=_die_with_parent,
                            start_new_session=True, **options)


def end(process, patience=3.0):
    """SIGTERM, then SIGKILL, to the process and its group."""
    for sig in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            break
        try:
            os.killpg(process.pid, sig)
        except ProcessLookupError:
            break
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            stream.close()


def until(condition, seconds, what):
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            raise TimeLimit(what)
        time.sleep(0.002)


class Lines:
    """Lines of a pipe, each within a time limit."""

    def __init__(self, pipe):
        self.fd = pipe.fileno()
        self.pending = b''

    def next(self, seconds):
        limit = time.monotonic() + seconds
        while b'\n' not in self.pending:
            left = limit - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise TimeLimit(f'no answer in {seconds} s')
            got = os.read(self.fd, 65536)
            if not got:
                return ''
            self.pending += got
        line, self.pending = self.pending.split(b'\n', 1)
        return line.decode()


def parents():
    """pid -> (parent, name) of every process."""
    found = {}
    for name in os.listdir('/proc'):
        if name.isdigit():
            try:
                with open(f'/proc/{name}/stat') as f:
                    text = f.read()
            except OSError:
                continue
            close = text.rindex(')')
            found[int(name)] = (int(text[close + 2:].split()[1]), text[text.index('(') + 1:close])
    return found


def family(roots):
    """The processes and all their descendants."""
    all_parents = parents()
    members = set(roots) & set(all_parents)
    grown = True
    while grown:
        more = {pid for pid, (parent, _) in all_parents.items() if parent in members} - members
        grown = bool(more)
        members |= more
    return members


def child_named(parent, name):
    for pid, (of, called) in parents().items():
        if of == parent and called == name:
            return pid
    return None


def usage(pids):
    """Processor seconds so far and peak resident KiB, summed."""
    seconds, peak = 0.0, 0
    for pid in pids:
        try:
            for thread in os.listdir(f'/proc/{pid}/task'):
                with open(f'/proc/{pid}/task/{thread}/schedstat') as f:
                    seconds += int(f.read().split()[0]) / 1e9
            with open(f'/proc/{pid}/status') as f:
                peak += sum(int(line.split()[1]) for line in f if line.startswith('VmHWM'))
        except OSError:
            continue
    return seconds, peak
