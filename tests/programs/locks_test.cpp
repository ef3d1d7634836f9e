// Programs that keep each other out of a file: natively, through farside, and one of each at a
// time.
#include "tests/support/sides.hpp"

#include <gtest/gtest.h>

namespace farside::test {
namespace {

class locks : public testing::TestWithParam<program_row> {};

TEST_P(locks, KeepOthersOutAsOnLocalFiles) {
    expect_the_same(GetParam());
}

const program_row rows[] = {
    {"Python", "run python3 -B $S/locks.py"},
    {"Perl", "run perl $S/locks.pl"},
    {"SqliteDeletesItsJournal", "run bash $S/writers.bash delete", 0, "sqlite3"},
    {"SqliteTruncatesItsJournal", "run bash $S/writers.bash truncate", 0, "sqlite3"},
    {"SqliteKeepsItsJournal", "run bash $S/writers.bash persist", 0, "sqlite3"},
    {"SqliteHoldsTheFile",
     "cd $R; sqlite3 db 'create table t(a)'; sqlite3 db 'begin exclusive' "
     "'.system sqlite3 db \"insert into t values(1)\" 2>&1' 'commit' 'insert into t values(2)'; "
     "sqlite3 db 'select * from t'; rm db",
     0,
     "sqlite3"},
    {"Flock",
     "exec 8> $R/lock; flock -n 8 && echo mine; flock -n $R/lock true || echo theirs; "
     "flock -u 8; flock -n $R/lock echo free; for i in {1..10}; do flock -n $R/lock echo again; "
     "done"},
    {"FlockWaits",
     "echo 0 > $R/n; add() { flock 8; read -r n < $R/n; echo $((n + 1)) > $R/n; }; "
     "for i in {1..8}; do (add) 8> $R/lock & done; wait; cat $R/n"},
};

INSTANTIATE_TEST_SUITE_P(All, locks, testing::ValuesIn(rows), [](const auto& test) {
    return test.param.name;
});

// One writer is covered, the other works on the target's own files.
TEST(LocksOfBothSides, LetNoWriteOfEitherBeLost) {
    if (!is_installed("sqlite3")) {
        GTEST_SKIP() << "sqlite3 is not installed";
    }
    const sides world;
    const std::string there = "cd " + world.remote().string() + "; ";
    const auto natively = [&](const std::string& script) {
        return command{{"/bin/bash", "-c", there + script}};
    };
    ASSERT_EQ(run(natively("sqlite3 db 'create table t(n); insert into t values(0)'")).err, "");
    const std::string add =
        "for i in {1..25}; do sqlite3 -cmd '.timeout 50000' db 'begin immediate; update t set n = "
        "n + 1; commit'; done";
    process other{natively(add)};
    const auto covered = world.run_covered("cd $R; " + add);
    const auto native = other.wait();
    EXPECT_EQ(covered.err, "");
    EXPECT_EQ(native.err, "");
    EXPECT_EQ(
        run(natively("sqlite3 db 'select n from t; pragma integrity_check'")).out, "50\nok\n"
    );
}

// A lock that a program of the target holds keeps the covered one out, and the other way round.
TEST(LocksOfBothSides, KeepEachOtherOut) {
    const sides world;
    const std::string hold =
        "import fcntl, sys; f = open(sys.argv[1], 'r+'); fcntl.lockf(f, fcntl.LOCK_EX); "
        "print('held', flush=True); sys.stdin.read()";
    const std::string attempt =
        "import fcntl, sys\n"
        "f = open(sys.argv[1], 'r+')\n"
        "try: fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB); print('taken')\n"
        "except BlockingIOError: print('kept out')";
    const std::string there = world.remote() / "notes.txt";
    const std::string here = std::string{remote_root} + "/notes.txt";
    const auto natively = [&](const std::string& script) {
        return command{{"/usr/bin/python3", "-c", script, there}};
    };
    const auto covered = [&](const std::string& script) {
        return world.covered_command({"/usr/bin/python3", "-c", script, here});
    };
    for (const bool native_first : {true, false}) {
        auto first = native_first ? natively(hold) : covered(hold);
        const auto second = native_first ? covered(attempt) : natively(attempt);
        first.input = "";
        process holder{first};
        ASSERT_TRUE(holder.wait_for("held"));
        EXPECT_EQ(run(second).out, "kept out\n");
        holder.close_input();
        EXPECT_EQ(holder.wait().status(), 0);
        EXPECT_EQ(run(second).out, "taken\n");
    }
}

}  // namespace
}  // namespace farside::test
