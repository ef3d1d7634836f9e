"""What the workloads read beyond what `farside_workload make` creates: a repository, packages of
Python, headers, a database, an archive. All of it is made natively, in the target's directory."""
import compileall
import os
import sqlite3
import subprocess
import tarfile

HEADERS = 300
PACKAGES = 40
MODULES = 6
REPOSITORY_FILES = 10000
ARCHIVE_FILES = 400


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as f:
        f.write(text)


def make_packages(root):
    for p in range(PACKAGES):
        lines = [f'from package{p:02d} import module{m}\n' for m in range(MODULES)]
        write(f'{root}/package{p:02d}/__init__.py', ''.join(lines))
        for m in range(MODULES):
            body = ''.join(f'def f{i}(x):\n    return x * {i} + {m}\n\n' for i in range(40))
            write(f'{root}/package{p:02d}/module{m}.py', body)
    compileall.compile_dir(root, quiet=2)


def import_all(root):
    names = ', '.join(f'package{p:02d}' for p in range(PACKAGES))
    return (f'import sys; sys.path[:0] = ["{root}"]; import {names}; '
            f'print(sum(package{PACKAGES - 1:02d}.module{MODULES - 1}.f3(i) for i in range(9)))')


def make_headers(root):
    """Headers in three include directories, as found in most builds: two thirds are searched for
    in vain in the first."""
    includes = []
    for h in range(HEADERS):
        text = f'#pragma once\nstruct s{h} {{ int a; }};\n'
        write(f'{root}/include{h % 3}/header{h}.h', text + f'int use{h}(struct s{h} *);\n' * 20)
        includes.append(f'#include <header{h}.h>\n')
    write(f'{root}/main.c', ''.join(includes) + 'int main(void) { return 0; }\n')


def make_repository(root):
    for i in range(REPOSITORY_FILES):
        write(f'{root}/d{i // 100:03d}/f{i % 100:02d}.txt', f'content {i}\n')
    git = ['git', '-C', root, '-c', 'user.name=b', '-c', 'user.email=b@localhost',
           '-c', 'gc.auto=0', '-c', 'safe.directory=*']
    for words in (['init', '-q'], ['add', '.'], ['commit', '-q', '-m', 'all']):
        subprocess.run(git + words, check=True, timeout=120)
    write(f'{root}/d000/f00.txt', 'changed, and longer\n')
    write(f'{root}/d001/new.txt', 'new\n')
    # The index knows all other files by their attributes from now on.
    subprocess.run(git + ['status', '--porcelain'], check=True, timeout=120,
                   stdout=subprocess.DEVNULL)


def make_database(path):
    with sqlite3.connect(path) as db:
        db.execute('create table t (id integer primary key, name text, value integer)')
        db.executemany('insert into t values (?, ?, ?)',
                       ((i, f'name {i * 7919 % 100003}', i * i % 1009) for i in range(100000)))
        db.execute('create index by_name on t (name)')
    db.close()


SELECT = ("select count(*), sum(value) from t where name in (select 'name ' || (id * 97) from t "
          "where id < 300); select sum(value) from t where value < 17;")


def make_archive(path):
    """On this side: what is extracted comes from here."""
    folder = f'{path}.d'
    for i in range(ARCHIVE_FILES):
        write(f'{folder}/p{i // 40:02d}/file{i}.txt', f'line of file {i}\n' * 200)
    with tarfile.open(path, 'w') as archive:
        archive.add(folder, arcname='.')


def make(place):
    subprocess.run([place.workload, 'make', place.native], check=True, timeout=120,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    make_packages(f'{place.native}/packages')
    make_headers(f'{place.native}/headers')
    make_repository(f'{place.native}/repository')
    make_database(f'{place.native}/database')
    make_archive(f'{place.scratch}/archive.tar')
