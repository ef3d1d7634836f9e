"""The table of workloads: what each runs, and what is asked of it.

`targets` holds, for a round-trip time in ms, the ratio (best peer / farside, cold) that farside
must reach and the one it aims at. Everywhere else it must not be slower than the best peer by
more than 5%.
"""
from dataclasses import dataclass, field

from harness import tree

NEVER_WORSE = 0.95


@dataclass
class Workload:
    name: str
    title: str
    program: str = 'tool'        # of farside_workload
    folder: str = ''             # below the root
    command: list = field(default_factory=list)
    targets: dict = field(default_factory=dict)
    writes: str = ''             # 'file' or 'tree': what is looked at natively afterwards
    same_output: bool = True     # a peer's output is the native one too, not only as long
    core: bool = False           # one of those that have targets
    payload: int = 0             # bytes of content that the program asks for


def must(at_0, at_2, at_20):
    return {0: at_0, 2: at_2, 20: at_20}


READ = must((3, 4), (2.5, 3.1), (4, 11))
STAT = must((10, 25), (4, 52), (3, 75))
WRITE = must((10, 15), (10, 15), (4, 9))

ALL = [
    Workload('read_4k', 'sequential read, 64 MiB by 4 KiB', 'read_4k', targets=READ, core=True,
             payload=64 << 20),
    Workload('read_128k', 'sequential read, 64 MiB by 128 KiB', 'read_128k', targets=READ,
             core=True, payload=64 << 20),
    Workload('small_files', 'open, fstat, read, close of 1000 files of 2 KiB', 'small_files',
             targets=must((8, 44), (100, 260), (100, 325)), core=True, payload=1000 * 2048),
    Workload('stat_existing', '5000 stats of names that exist', 'stat_existing', targets=STAT,
             core=True),
    Workload('stat_missing', '5000 stats of names that do not exist', 'stat_missing',
             targets=STAT, core=True),
    Workload('ls', 'ls -lR, 5000 files in 50 directories', folder='tree',
             command=['ls', '-lR', '.'], targets=must((4, 5.9), (8, 11), (25, 40)),
             same_output=False, core=True),
    Workload('grep', 'grep -r, 2000 files of 4 KiB', folder='text',
             command=['grep', '-r', 'needle', '.'], targets=must((6, 17), (40, 250), (100, 1000)),
             core=True, payload=2000 * 4096),
    Workload('random_read', '1000 random reads of 4 KiB in 256 MiB', 'random_read',
             targets=must((5, 10), (1, 4.3), (1.5, 4)), core=True, payload=1000 * 4096),
    Workload('write_close', 'write 64 MiB by 4 KiB, close', 'write_close', targets=WRITE,
             writes='file', core=True),
    Workload('write_fsync', 'write 64 MiB by 4 KiB, fsync, close', 'write_fsync', writes='file',
             core=True),
    Workload('find', 'find by name among 5000', folder='tree',
             command=['find', '.', '-name', '*7']),
    Workload('git_status', f'git status, {tree.REPOSITORY_FILES} files', folder='repository',
             command=['git', '--no-optional-locks', '-c', 'safe.directory=*', 'status',
                      '--porcelain']),
    Workload('python_import', f'python3: import {tree.PACKAGES * (tree.MODULES + 1)} modules',
             command=['python3', '-B', '-S', '-c', tree.import_all('{root}/packages')]),
    Workload('compile', f'gcc -fsyntax-only with {tree.HEADERS} headers', folder='headers',
             command=['gcc', '-fsyntax-only', '-Iinclude0', '-Iinclude1', '-Iinclude2', 'main.c']),
    Workload('tar_create', 'tar c, 2000 files of 4 KiB', folder='text',
             command=['tar', 'cf', '-', '--sort=name', '.'], payload=2000 * 4096),
    Workload('tar_extract', f'tar x, {tree.ARCHIVE_FILES} files', folder='out',
             command=['sh', '-c', 'mkdir p{pass} && tar xf {scratch}/archive.tar -C p{pass}'],
             writes='tree'),
    Workload('sqlite', 'sqlite3: a select by index and a scan', folder='',
             command=['sqlite3', '-readonly', 'database', tree.SELECT]),
    Workload('resolve', 'module resolution as in Node.js, 200 modules', 'resolve'),
    Workload('processes', '1000 processes that read a small file each', 'short_lived',
             payload=1000 * 2048),
    Workload('tail', 'tail -f: from a write in the target to the line'),
    Workload('stat_in_stream', 'a stat while a file streams', 'stat_during_stream'),
    Workload('session', 'start of a session or mount, and its end'),
]
BY_NAME = {w.name: w for w in ALL}


def command_of(workload, place, root):
    """The words for farside_workload, its name first."""
    directory = f'{root}/{workload.folder}' if workload.folder else root
    words = [place.workload, workload.program, directory]
    if workload.command:
        known = {'{root}': root, '{scratch}': place.scratch}
        words.append('--')
        for word in workload.command:
            for name, value in known.items():
                word = word.replace(name, value)
            words.append(word)
    return words
