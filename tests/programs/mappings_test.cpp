// Programs that map files to share what they store: databases, runtimes, linkers; and what the
// target itself sees of it.
#include "tests/programs/session_processes.hpp"
#include "tests/support/sides.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

namespace farside::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class mappings : public testing::TestWithParam<program_row> {};

TEST_P(mappings, AreSharedAsThoseOfLocalFiles) {
    expect_the_same(GetParam());
}

const program_row rows[] = {
    {"Python", "run python3 $S/mapping.py"},
    {"SqliteWithAWriteAheadLog", "run python3 $S/wal.py"},
    {"Java", "java -Xshare:auto $S/Mapping.java", 0, "java"},
    {"Perl", "perl -e 'open F, \"<:mmap\", \"$ENV{R}/notes.txt\" or die; print <F>'"},
    {"LinkerThatMapsItsOutput",
     "echo 'int main(void) { return 42; }' > $R/m.c && cd $R && gcc -fuse-ld=gold m.c -o m && ./m; "
     "echo $?; rm m",
     0,
     "ld.gold"},
    {"GitPacks",
     "cd $R && rm fifo && export HOME=$L GIT_CONFIG_NOSYSTEM=1 && git init -q -b main . && "
     "git add -A && git -c user.name=a -c user.email=a@b commit -qm first && git repack -adq && "
     "git show --stat --format=%s && git fsck --full && git count-objects -v | grep packs; "
     "rm -rf .git",
     0,
     "git"},
};

INSTANTIATE_TEST_SUITE_P(Programs, mappings, testing::ValuesIn(rows), [](const auto& test) {
    return test.param.name;
});

// A covered Python that does a step for each line it is told, and says when it is done.
class stepwise : public testing::Test {
protected:
    stepwise() {
        write_file(file, std::string(10'000, '.'));
        const std::string script =
            "import mmap, os, sys\n"
            "f = open(os.environ['R'] + '/steps', 'r+b')\n"
            "m = mmap.mmap(f.fileno(), 0)\n"
            "print('mapped', flush=True)\n"
            "for number, line in enumerate(sys.stdin):\n"
            "    exec(line)\n"
            "    print('done', number, flush=True)\n";
        command what = both.covered_command({"python3", "-c", script});
        what.input = "";
        program.emplace(what);
        started = program->wait_for("mapped\n");
    }

    void step(const std::string& code) {
        program->write(code + "\n");
        EXPECT_TRUE(program->wait_for("done " + std::to_string(steps++) + "\n")) << code;
    }

    // What the target's own processes find in the file.
    [[nodiscard]] std::string in_target(std::size_t bytes) const {
        return read_file(file).substr(0, bytes);
    }

    // Whether they find it without the program doing anything.
    [[nodiscard]] bool comes_to_target(const std::string& begin) const {
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds{20};
        while (std::chrono::steady_clock::now() < limit) {
            if (in_target(begin.size()) == begin) {
                return true;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds{5});
        }
        return false;
    }

    sides both;
    fs::path file = both.remote() / "steps";
    std::optional<process> program;
    bool started = false;
    int steps = 0;
};

TEST_F(stepwise, StoresAreInTheTargetAfterFlush) {
    ASSERT_TRUE(started);
    step("m[0:5] = b'flush'; m.flush()");
    EXPECT_EQ(in_target(5), "flush");
}

TEST_F(stepwise, StoresAreInTheTargetAfterUnmapping) {
    ASSERT_TRUE(started);
    step("m[0:5] = b'unmap'; m.close()");
    EXPECT_EQ(in_target(5), "unmap");
}

TEST_F(stepwise, StoresAreInTheTargetAfterFsyncAndClose) {
    ASSERT_TRUE(started);
    step("m[0:5] = b'fsync'; os.fsync(f.fileno())");
    EXPECT_EQ(in_target(5), "fsync");
    step("g = os.open(f.name, os.O_RDONLY); m[0:5] = b'close'; os.close(g)");
    EXPECT_EQ(in_target(5), "close");
}

TEST_F(stepwise, StoresAreInTheTargetAfterAChildsEnd) {
    ASSERT_TRUE(started);
    step("os.fork() or (m.__setitem__(slice(0, 5), b'child'), os._exit(0)); os.wait()");
    EXPECT_EQ(in_target(5), "child");
}

TEST_F(stepwise, StoresComeToTheTargetByThemselves) {
    ASSERT_TRUE(started);
    step("m[0:7] = b'by time'");
    EXPECT_TRUE(comes_to_target("by time"));
}

TEST_F(stepwise, StoresOfAKilledProgramAreNotLost) {
    ASSERT_TRUE(started);
    step("m[0:6] = b'killed'; m[9000:9003] = b'end'");
    program->write("os.kill(os.getpid(), 9)\n");
    EXPECT_EQ(program->wait().status(), 128 + SIGKILL);
    EXPECT_EQ(in_target(6), "killed");
    EXPECT_EQ(read_file(file).substr(8999, 5), ".end.");
}

TEST_F(stepwise, ChangesInTheTargetAreSeenAndStoresBesideThemStay) {
    ASSERT_TRUE(started);
    step("m[0:3] = b'abc'");
    {
        std::fstream target{file};
        target.seekp(5);
        target << "TARGET";
    }
    step("while m[5:11] != b'TARGET': pass");
    step("assert m[0:12] == b'abc..TARGET.', m[0:12]; m.flush()");
    EXPECT_EQ(in_target(12), "abc..TARGET.");
    program->close_input();
    EXPECT_EQ(program->wait().status(), 0);
}

TEST_F(stepwise, StoresThatCannotBeWrittenAreAnErrorOrTold) {
    ASSERT_TRUE(started);
    step("m[0:4] = b'kept'; m.flush()");
    ::kill(processes_of(program->pid()).agent, SIGKILL);
    ASSERT_TRUE(program->wait_for_error("the agent ended"));
    step(R"py(m[0:4] = b'lost'; exec("try:\n m.flush()\nexcept OSError as e: print(e.errno)"))py");
    EXPECT_THAT(program->out(), HasSubstr("\n5\ndone 1\n"));
    program->close_input();
    const outcome result = program->wait();
    EXPECT_EQ(result.status(), 0);
    EXPECT_THAT(result.err, HasSubstr("/steps is lost: Input/output error\n"));
    EXPECT_EQ(in_target(4), "kept");
}

}  // namespace
}  // namespace farside::test
