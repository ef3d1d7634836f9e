// What programs write goes to the target behind them: it looks as on local files all the same,
// nothing of it is lost without a word, and where the target is full that is told as natively.
#include "tests/programs/session_processes.hpp"
#include "tests/support/sides.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

namespace farside::test {
namespace {

using testing::HasSubstr;

std::string content_of(const std::filesystem::path& file) {
    std::ostringstream text;
    text << std::ifstream{file, std::ios::binary}.rdbuf();
    return text.str();
}

TEST(WriteBehindPrograms, SeeWhatTheyWrote) {
    const program_row row{"behind", "python3 -B $S/behind.py $R | tee $L/out"};
    expect_the_same(row);
}

TEST(WriteBehindPrograms, AreTheSameWithoutIt) {
    const sides world;
    const std::string script = "python3 -B $S/behind.py $R";
    const auto behind = world.run_covered(script);
    const auto at_once = world.run_covered("rm $R/behind*; " + script, {"--sync"});
    EXPECT_EQ(behind.err, "");
    EXPECT_EQ(at_once.err, "");
    EXPECT_EQ(behind.out, at_once.out);
}

// ---- who is gone ----

TEST(WriteBehindPrograms, MayDieOnceTheyWrote) {
    const sides world;
    const auto result = world.run_covered(
        "exec python3 -c \"import os, signal; fd = os.open('$R/made', os.O_CREAT | os.O_WRONLY); "
        "[os.write(fd, b'%07d\\n' % i) for i in range(5000)]; os.kill(os.getpid(), 9)\""
    );
    EXPECT_EQ(result.status(), 128 + SIGKILL);
    EXPECT_EQ(result.err, "");
    const std::string made = content_of(world.remote() / "made");
    EXPECT_EQ(made.size(), 40000U);
    EXPECT_THAT(made, testing::EndsWith("0004999\n"));
}

// A shell whose child has ended knows that the bytes are there, although nobody closed the file.
TEST(WriteBehindPrograms, LeaveTheirBytesWhenTheyEnd) {
    const sides world;
    command what = world.covered_command(
        {"bash",
         "-c",
         "exec 8> $R/made; python3 -c 'import os; [os.write(8, b\"x\" * 100) for i in range(500)]; "
         "os._exit(3)' 8>&8; echo ended $?; read"}
    );
    what.input = "";
    process program{what};
    ASSERT_TRUE(program.wait_for("ended 3\n"));
    EXPECT_EQ(content_of(world.remote() / "made"), std::string(50000, 'x'));
    program.close_input();
    EXPECT_EQ(program.wait().err, "");
}

class told_writer {
public:
    explicit told_writer(const sides& world) : program_{make(world)} {}

    [[nodiscard]] bool ready() { return program_.wait_for("ready\n"); }

    void order(const std::string& text) { program_.write(text + "\n"); }

    [[nodiscard]] bool answers(const std::string& text) { return program_.wait_for(text + "\n"); }

    [[nodiscard]] pid_t pid() const { return program_.pid(); }

    outcome end() {
        program_.close_input();
        return program_.wait();
    }

private:
    // Each line of input is an expression, whose value or errno is printed.
    static command make(const sides& world) {
        command what = world.covered_command(
            {"python3",
             "-c",
             "import os, sys\n"
             "fd = os.open(os.environ['R'] + '/made', os.O_CREAT | os.O_RDWR)\n"
             "os.write(fd, b'first')\n"
             "os.stat(os.environ['R'])\n"
             "print('ready', flush=True)\n"
             "for line in sys.stdin:\n"
             "    try: print(line.split()[0], eval(line.split('#')[1]), flush=True)\n"
             "    except OSError as e: print(line.split()[0], os.strerror(e.errno), flush=True)\n"}
        );
        what.input = "";
        return what;
    }

    process program_;
};

TEST(WriteBehindPrograms, LearnThatTheAgentTookTheirBytesAlong) {
    const sides world;
    told_writer program{world};
    ASSERT_TRUE(program.ready());
    const session_processes inside = processes_of(program.pid());
    ::kill(inside.agent, SIGSTOP);
    program.order("a # os.write(fd, b'x' * 1000)");
    ASSERT_TRUE(program.answers("a 1000"));
    ::kill(inside.agent, SIGKILL);
    program.order("b # os.close(fd)");
    EXPECT_TRUE(program.answers("b Input/output error"));
    const outcome result = program.end();
    EXPECT_EQ(
        result.err,
        "farside: the agent ended; remote files now answer EIO\n"
        "farside: the target did not confirm 1000 bytes written to /srv/app/made: they may be "
        "lost\n"
    );
}

TEST(WriteBehindPrograms, SyncReachesTheTargetEachTime) {
    const sides world;
    const std::string stats = world.local() / "stats";
    const auto result = world.run_covered(
        "python3 -c \"import os; fd = os.open('$R/made', os.O_CREAT | os.O_WRONLY)\n"
        "for i in range(10): os.write(fd, b'x'); os.fsync(fd); os.fdatasync(fd)\"",
        {"--stats=" + stats}
    );
    EXPECT_EQ(result.err, "");
    EXPECT_THAT(content_of(stats), HasSubstr("\"sync\": {\"round_trips\": 20, \"requests\": 20"));
}

// The round trips of a stream: to open it, the first write, which must know the file system first,
// and what is on its way at the end. Where the window is full somebody waits, but never for each
// write.
TEST(WriteBehindPrograms, StreamWithoutWaitingForEachWrite) {
    const sides world;
    const std::string stats = world.local() / "stats";
    const auto result = world.run_covered(
        "dd if=/dev/zero of=$R/made bs=4k count=2000 status=none", {"--stats=" + stats}
    );
    EXPECT_EQ(result.err, "");
    const std::string counts = content_of(stats);
    const auto at = counts.find("\"write\": {\"round_trips\": ");
    ASSERT_NE(at, std::string::npos) << counts;
    EXPECT_LE(std::stoul(counts.substr(at + 25)), 2000U / 32) << counts;
    EXPECT_EQ(content_of(world.remote() / "made").size(), 2000U * 4096);
}

// ---- file systems that are full ----

class full_file_system : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) {
            GTEST_SKIP() << "only root mounts";
        }
    }

    // A file system of that size at `where`, for as long as this lives.
    class small_file_system {
    public:
        small_file_system(std::filesystem::path where, std::uint64_t bytes)
            : where_{std::move(where)} {
            std::filesystem::create_directories(where_);
            const std::string options = "size=" + std::to_string(bytes);
            mounted_ = ::mount("small", where_.c_str(), "tmpfs", 0, options.c_str()) == 0;
        }

        small_file_system(const small_file_system&) = delete;
        small_file_system& operator=(const small_file_system&) = delete;

        ~small_file_system() {
            if (mounted_) {
                ::umount2(where_.c_str(), MNT_DETACH);
            }
        }

        [[nodiscard]] bool mounted() const { return mounted_; }

    private:
        std::filesystem::path where_;
        bool mounted_ = false;
    };

    sides world_;
};

// Until it is full, with what was told on the way.
constexpr const char* fill =
    "import errno, os, sys\n"
    "fd = os.open(sys.argv[1] + '/made', os.O_CREAT | os.O_WRONLY)\n"
    "done = 0\n"
    "part = b'x' * int(sys.argv[2])\n"
    "try:\n"
    "    while True:\n"
    "        n = os.write(fd, part)\n"
    "        done += n\n"
    "        if n < len(part): print('short', n)\n"
    "except OSError as e: print(errno.errorcode[e.errno], done)\n"
    "try: os.fsync(fd); print('synced')\n"
    "except OSError as e: print('fsync', errno.errorcode[e.errno])\n"
    "try: os.close(fd); print('closed')\n"
    "except OSError as e: print('close', errno.errorcode[e.errno])\n"
    "print(os.stat(sys.argv[1] + '/made').st_size)\n";

TEST_F(full_file_system, IsToldAsNatively) {
    constexpr std::uint64_t mib = 1 << 20;

    struct row {
        std::uint64_t size;
        const char* part;
    };

    const row rows[] = {
        {8192, "4096"},
        {mib, "50000"},
        {64 * mib - 4096, "1000000"},
        {65 * mib, "50000"},
        {65 * mib + 4096, "1000000"},
        {66 * mib + 20480, "120000"},
        {80 * mib, "1000000"},
    };
    for (const auto& [size, part] : rows) {
        SCOPED_TRACE(std::to_string(size) + " bytes by " + part);
        outcome native;
        outcome covered;
        {
            const small_file_system there{world_.local() / "small", size};
            ASSERT_TRUE(there.mounted());
            native = run({{"python3", "-c", fill, world_.local() / "small", part}});
        }
        {
            const small_file_system there{world_.remote() / "small", size};
            ASSERT_TRUE(there.mounted());
            covered = run(world_.covered_command(
                {"python3", "-c", fill, std::string{remote_root} + "/small", part}
            ));
        }
        EXPECT_EQ(covered.out, native.out);
        EXPECT_EQ(covered.err, "");
    }
}

// Somebody else takes all the space at once: what write(2) accepted before cannot be written, and
// that is told late, by whichever call comes next.
TEST_F(full_file_system, IsToldLateWhereOthersFillIt) {
    const std::filesystem::path small = world_.remote() / "small";
    const small_file_system there{small, std::uint64_t{256} << 20U};
    ASSERT_TRUE(there.mounted());
    for (const std::string last : {"os.write(fd, b'y')", "os.fsync(fd)", "os.close(fd)"}) {
        SCOPED_TRACE(last);
        told_writer program{world_};
        ASSERT_TRUE(program.ready());
        program.order("o # (fd := os.open(os.environ['R'] + '/small/made', os.O_CREAT | os.O_RDWR))"
        );
        ASSERT_TRUE(program.answers("o 4"));
        program.order("s # len(os.listdir(os.environ['R'] + '/small'))");
        ASSERT_TRUE(program.answers("s 1"));
        const int other = ::open((small / "other").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        ASSERT_EQ(::posix_fallocate(other, 0, (off_t{256} << 20U) - 4096), 0);
        program.order("w # os.write(fd, b'x' * 100000)");
        const bool late = program.answers("w 100000");
        if (late) {
            // It waits for the target's answers to all that was written, and tells of none.
            program.order("d # len([os.statvfs(os.environ['R'])])");
            ASSERT_TRUE(program.answers("d 1"));
            program.order("l # " + last);
            EXPECT_TRUE(program.answers("l No space left on device"));
        }
        ::close(other);
        std::filesystem::remove(small / "other");
        const outcome result = program.end();
        EXPECT_TRUE(late);
        EXPECT_EQ(result.err, "");
        std::filesystem::remove(small / "made");
    }
}

}  // namespace
}  // namespace farside::test
