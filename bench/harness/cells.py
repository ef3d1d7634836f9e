"""Measuring one cell: a workload on a peer at a round-trip time.

The workload program stops before each pass and after the last until it is told to go on, so that
the processor time of session, mount and servers is read exactly around a pass.
"""
import filecmp
import json
import os
import shutil
import subprocess
import time

from harness import processes, workloads


def options_first(command, options):
    """Options of farside_workload stand before the "--" of its command."""
    at = command.index('--') if '--' in command else len(command)
    return command[:at] + options + command[at:]


class Passes:
    """A running farside_workload with --steps."""

    def __init__(self, peer, command):
        self.peer = peer
        self.process = processes.start(
            peer.prefix + command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        self.lines = processes.Lines(self.process.stdout)
        self.expect(30)
        self.client = peer.client(self.process.pid)

    def expect(self, seconds):
        line = self.lines.next(seconds)
        if not line:
            said = self.process.stderr.read().decode(errors='replace')
            raise processes.Failed(f'{self.peer.name}: {said.strip()[-300:]}')
        return json.loads(line)

    def next(self, seconds):
        """One pass; with what both sides used."""
        before = [processes.usage(of) for of in (self.client, self.peer.server())]
        self.process.stdin.write(b'\n')
        self.process.stdin.flush()
        result = self.expect(seconds)
        for side, of, (cpu, _) in zip(('client', 'server'), (self.client, self.peer.server()),
                                      before):
            now, peak = processes.usage(of)
            result[f'{side}_cpu'] = round(now - cpu, 6)
            result[f'{side}_peak_kib'] = peak
        return result

    def finish(self):
        self.process.stdin.close()
        self.process.wait(20)

    def end(self):
        processes.end(self.process)


def clean_output(place):
    shutil.rmtree(f'{place.native}/out', ignore_errors=True)
    os.makedirs(f'{place.native}/out')


def arrived(workload, place, number, limit):
    """Waits until what was written is whole in the target, and checks its bytes. 0 for who is done
    when close returns; some peers upload later. -> seconds waited."""
    begin = time.monotonic()
    if workload.writes == 'file':
        path = f'{place.native}/out/w{number:04d}'
        whole = 64 << 20
        processes.until(lambda: os.path.exists(path) and os.path.getsize(path) == whole, limit,
                        'what was written does not arrive')
        waited = time.monotonic() - begin
        check = [place.workload, 'check_written', place.native, '--passes', str(number)]
        done = subprocess.run(check, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=60)
        if done.returncode != 0 or json.loads(done.stdout.splitlines()[-1])['count'] != whole:
            raise processes.Failed('the target has other bytes than were written')
        return waited
    made, wanted = f'{place.native}/out/p{number}', f'{place.scratch}/archive.tar.d'
    files = [os.path.relpath(f'{folder}/{name}', wanted)
             for folder, _, names in os.walk(wanted) for name in names]
    sizes = {name: os.path.getsize(f'{wanted}/{name}') for name in files}

    def size(name):
        try:
            return os.path.getsize(f'{made}/{name}')
        except OSError:
            return -1
    processes.until(lambda: all(size(name) == sizes[name] for name in files), limit,
                    'what was extracted does not arrive')
    waited = time.monotonic() - begin
    if filecmp.cmpfiles(made, wanted, files, shallow=False)[0] != files:
        raise processes.Failed('the target has other files than were extracted')
    return waited


def run_passes(workload, peer, place, passes, limit, thorough=False):
    """Cold, then warm: the results of the passes. A TimeLimit leaves what there is so far."""
    options = ['--steps', '--passes', str(passes)] + (['--thorough'] if thorough else [])
    command = options_first(workloads.command_of(workload, place, peer.root), options)
    results = []
    running = None
    try:
        running = Passes(peer, command)
        for number in range(1, passes + 1):
            result = running.next(limit)
            if 'median_wait' in result:
                result['seconds'] = result['median_wait']
            if workload.writes:
                late = arrived(workload, place, number, limit)
                # Looking at the file takes some time itself.
                result['late'] = round(late, 6) if late > 0.005 else 0
                result['seconds'] += result['late']
            results.append(result)
        running.finish()
    except processes.TimeLimit:
        results.append({'over': limit})
    finally:
        if running:
            running.end()
    return results


def run_session(peer, begin_seconds):
    """From nothing to a program that has run and ended."""
    begin = time.monotonic()
    done = subprocess.run(peer.prefix + ['stat', '-c', '%s', f'{peer.root}/big'], timeout=60,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    if done.returncode != 0 or int(done.stdout) != 64 << 20:
        raise processes.Failed(f'{peer.name}: no first stat')
    mounting = 0 if peer.prefix else begin_seconds
    return [{'seconds': time.monotonic() - begin + mounting, 'count': 1, 'check': ''}]


def run_tail(peer, place, limit):
    """The median time from a native append to the line at the reader."""
    name = 'out/log'
    with open(f'{place.native}/{name}', 'w') as f:
        f.write('first\n')
    tail = processes.start(peer.prefix + ['tail', '-n', '+1', '-f', f'{peer.root}/{name}'],
                           stdout=subprocess.PIPE)
    waits = []
    try:
        lines = processes.Lines(tail.stdout)
        lines.next(limit)
        for i in range(15):
            # Apart, and in no step with anybody's interval of polling.
            time.sleep(0.05 + 0.037 * i)
            begin = time.monotonic()
            with open(f'{place.native}/{name}', 'a') as f:
                f.write(f'line {i}\n')
            if lines.next(limit) != f'line {i}':
                raise processes.Failed(f'{peer.name}: tail shows another line')
            waits.append(time.monotonic() - begin)
    except processes.TimeLimit:
        return [{'over': limit}]
    finally:
        processes.end(tail)
    waits.sort()
    return [{'seconds': waits[len(waits) // 2], 'worst_wait': waits[-1], 'count': len(waits),
             'check': ''}]


def measure(workload, peer, place, limit, passes=2, thorough=False):
    """One repetition in a new mount or session -> (passes, counters of the session)."""
    clean_output(place)
    begin = time.monotonic()
    try:
        peer.begin()
        took = time.monotonic() - begin
        if workload.name == 'tail':
            results = run_tail(peer, place, limit)
        elif workload.name == 'session':
            results = run_session(peer, took)
        else:
            results = run_passes(workload, peer, place, passes, limit, thorough)
        counters = peer.counters()
    finally:
        peer.end()
    return results, counters
