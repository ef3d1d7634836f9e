# SQLite with a write-ahead log: two processes with a connection each share the log's index, which
# is a file that both map, and lock its parts.
import os
import sqlite3
import sys

path = f"{os.environ['R']}/wal.db"


def connect():
    connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    connection.execute("pragma synchronous = normal")
    return connection


def in_turns():
    """The one inserts, the other must see it at once."""
    down, up = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        reader = connect()
        for _ in range(20):
            os.read(down[0], 1)
            (count,) = reader.execute("select count(*) from t").fetchone()
            reader.execute("insert into seen values (?)", (count,))
            os.write(up[1], b"x")
        reader.close()
        os._exit(0)
    writer = connect()
    for i in range(20):
        writer.execute("insert into t values (?, ?)", (i, "a" * 500))
        os.write(down[1], b"x")
        os.read(up[0], 1)
    print([seen for (seen,) in writer.execute("select count from seen order by rowid")])
    print("reader", os.waitpid(pid, 0)[1])
    return writer


def at_once(writers, rows):
    children = []
    for number in range(writers):
        pid = os.fork()
        if pid == 0:
            connection = connect()
            for i in range(rows):
                connection.execute("begin immediate")
                connection.execute("insert into t values (?, ?)", (number * 1000 + i, "b"))
                connection.execute("commit")
            connection.close()
            os._exit(0)
        children.append(pid)
    print("writers", [os.waitpid(pid, 0)[1] for pid in children])


first = connect()
print(first.execute("pragma journal_mode = wal").fetchone())
first.execute("create table t (a, b)")
first.execute("create table seen (count)")
first.close()
kept = in_turns()
at_once(2, 30)
print(kept.execute("select count(*), sum(a) from t").fetchone())
print(kept.execute("pragma wal_checkpoint(truncate)").fetchone()[0])
print(kept.execute("pragma integrity_check").fetchone())
kept.close()
print(sorted(name for name in os.listdir(os.environ["R"]) if name.startswith("wal")))
sys.stdout.flush()
os.remove(path)
