// `farside exec` as a process among others: its status, signals, streams, its end and what it
// leaves behind are those of the program.
#include "tests/programs/session_processes.hpp"
#include "tests/support/sides.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <set>

#include <unistd.h>

namespace farside::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

class exec : public testing::Test {
protected:
    // A program that is still there, with a pipe for its input.
    [[nodiscard]] command running(const std::string& script) const {
        command result = both_.covered_command({"sh", "-c", script});
        result.input = "";
        return result;
    }

    sides both_;
};

// The program proves that it is covered before it ends.
constexpr const char* reads_first = "cat $R/notes.txt >/dev/null || exit 99; ";

TEST_F(exec, ReturnsTheProgramsStatus) {
    for (const int status :
         {0, 1, 2, 3, 42, 99, 124, 125, 126, 127, 128, 130, 137, 143, 254, 255}) {
        const outcome result = both_.run_covered(
            (status == 99 ? "" : reads_first) + ("exit " + std::to_string(status))
        );
        EXPECT_EQ(result.wait_status, status << 8) << result.err;
        EXPECT_EQ(result.err, "");
    }
}

TEST_F(exec, EndsByTheSignalThatEndedTheProgram) {
    for (const int signal :
         {SIGHUP,
          SIGINT,
          SIGQUIT,
          SIGABRT,
          SIGKILL,
          SIGSEGV,
          SIGPIPE,
          SIGTERM,
          SIGUSR1,
          SIGRTMIN + 3}) {
        const std::string script =
            "ulimit -c 0; " + std::string{reads_first} + "kill -" + std::to_string(signal) + " $$";
        const outcome result = run(both_.covered_command({"sh", "-c", script}));
        EXPECT_TRUE(WIFSIGNALED(result.wait_status)) << result.wait_status;
        EXPECT_EQ(WTERMSIG(result.wait_status), signal);
        EXPECT_EQ(result.err, "");
    }
}

TEST_F(exec, ShellSeesTheSignalAsAStatus) {
    command inner = both_.covered_command({"sh", "-c", "kill -TERM $$"});
    inner.arguments.insert(inner.arguments.begin(), {"bash", "-c", "\"$@\"; echo $?", "_"});
    EXPECT_EQ(run(inner).out, "143\n");
}

TEST_F(exec, PassesSignalsOn) {
    for (const char* signal : {"TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "WINCH"}) {
        SCOPED_TRACE(signal);
        process program{running(
            "trap 'cat $R/table.csv; exit 3' " + std::string{signal} +
            "; echo ready; while :; do read line; done"
        )};
        ASSERT_TRUE(program.wait_for("ready\n"));
        ASSERT_EQ(
            run({.arguments = {"bash", "-c", "kill -$0 $1", signal, std::to_string(program.pid())}}
            ).status(),
            0
        );
        ASSERT_TRUE(program.wait_for("anna,2\n"));
        program.close_input();
        EXPECT_EQ(program.wait().wait_status, 3 << 8);
        EXPECT_EQ(children_left(), "");
    }
}

TEST_F(exec, SigkillOfFarsideEndsTheProgram) {
    process farside{running("cat $R/empty; echo ready; read line; touch $L/went-on")};
    ASSERT_TRUE(farside.wait_for("ready\n"));
    const session_processes inside = processes_of(farside.pid());
    ASSERT_NE(inside.program, 0);
    ASSERT_NE(inside.session, 0);
    farside.signal(SIGKILL);
    EXPECT_TRUE(wait_for_end(inside.program));
    EXPECT_TRUE(wait_for_end(inside.session));
    EXPECT_TRUE(wait_for_end(inside.agent));
    EXPECT_EQ(farside.wait().wait_status, SIGKILL);
    EXPECT_TRUE(wait_for_children()) << children_left();
    EXPECT_FALSE(fs::exists(both_.local() / "went-on"));
}

TEST_F(exec, ReadsNothingOfTheProgramsInput) {
    command shell = both_.covered_command({"head", "-c", "3"});
    shell.arguments.insert(shell.arguments.begin(), {"sh", "-c", "\"$@\"; echo; cat", "_"});
    shell.input = "abcdef";
    EXPECT_EQ(run(shell).out, "abc\ndef");
    write_file(both_.local() / "input", "abcdef");
    shell.arguments[2] = "exec < $L/input; \"$@\"; echo; cat";
    shell.input.reset();
    EXPECT_EQ(run(shell).out, "abc\ndef");
}

TEST_F(exec, LeavesClosedStreamsClosed) {
    const std::string look =
        "import os; r = []\n"
        "for fd in 0, 1, 2:\n"
        "    try: os.fstat(fd); r.append('open')\n"
        "    except OSError: r.append('closed')\n"
        "open(os.environ['L'] + '/seen', 'w').write(' '.join(r))\n"
        "open(os.environ['R'] + '/written', 'w').write('x')\n";

    struct row {
        const char* redirections;
        const char* seen;
    };

    for (const auto& [redirections, seen] :
         {row{"<&-", "closed open open"},
          row{">&-", "open closed open"},
          row{"2>&-", "open open closed"},
          row{"<&- >&- 2>&-", "closed closed closed"}}) {
        SCOPED_TRACE(redirections);
        // Python opens /dev/null for streams that it finds closed, unless it is asked not to look.
        command shell = both_.covered_command({"python3", "-I", "-S", "-c", look});
        shell.arguments.insert(
            shell.arguments.begin(), {"bash", "-c", "\"$@\" " + std::string{redirections}, "_"}
        );
        EXPECT_EQ(run(shell).status(), 0);
        EXPECT_EQ(read_file(both_.local() / "seen"), seen);
        EXPECT_EQ(read_file(both_.remote() / "written"), "x");
    }
}

TEST_F(exec, PassesOtherDescriptorsOn) {
    write_file(both_.local() / "file", "one\ntwo\nthree\n");
    command shell =
        both_.covered_command({"sh", "-c", "read a <&7; echo $a; cat $R/table.csv >&8"});
    shell.arguments.insert(
        shell.arguments.begin(),
        {"bash", "-c", "exec 7< $L/file 8> $L/copy; read b <&7; \"$@\"; cat <&7; cat $L/copy", "_"}
    );
    EXPECT_EQ(run(shell).out, "two\nthree\n" + read_file(both_.remote() / "table.csv"));
}

TEST_F(exec, ShowsTheProgramNoDescriptorOfItsOwn) {
    const outcome result =
        both_.run_covered("exec 3>&-; for f in /dev/fd/*; do echo ${f##*/}; done");
    std::istringstream lines{result.out};
    for (int fd = -1; lines >> fd;) {
        EXPECT_TRUE(fd <= 3 || fd >= 900) << fd;  // the layer's are near the ceiling, out of sight
    }
}

TEST_F(exec, ReturnsWhileADaemonIsStillServed) {
    const fs::path go = both_.local() / "go";
    ASSERT_EQ(::mkfifo(go.c_str(), 0600), 0);
    const outcome result = both_.run_covered(
        "setsid sh -c 'read word < $L/go; cat $R/notes.txt > $R/copy; echo $word >> $R/copy' "
        "> /dev/null 2>&1 < /dev/null & echo started; exit 4"
    );
    EXPECT_EQ(result.wait_status, 4 << 8) << result.err;
    EXPECT_EQ(result.out, "started\n");
    EXPECT_NE(children_left(), "");
    EXPECT_FALSE(fs::exists(both_.remote() / "copy"));
    std::ofstream{go} << "went\n";
    EXPECT_TRUE(wait_for_children()) << children_left();
    EXPECT_EQ(
        read_file(both_.remote() / "copy"), read_file(both_.remote() / "notes.txt") + "went\n"
    );
}

TEST_F(exec, EndsWithItsProgramThoughItsOutputIsStillOpen) {
    // The daemon keeps standard output open; farside itself has ended.
    process farside{running("sh -c 'echo $$; exec sleep 1000' & read line; exit 5")};
    ASSERT_TRUE(farside.wait_for("\n"));
    const pid_t daemon = std::stoi(farside.out());
    farside.write("go\n");
    EXPECT_TRUE(wait_for_end(farside.pid()));
    ::kill(daemon, SIGKILL);
    EXPECT_EQ(farside.wait().wait_status, 5 << 8);
    EXPECT_TRUE(wait_for_children()) << children_left();
}

// Names of what could be left on the machine: shared memory, temporary files, sockets.
std::set<std::string> traces() {
    std::set<std::string> result;
    for (const char* directory : {"/tmp", "/var/tmp", "/dev/shm", "/run"}) {
        for (const auto& entry : fs::directory_iterator{directory}) {
            result.insert(entry.path());
        }
    }
    std::ifstream sockets{"/proc/net/unix"};
    for (std::string line; std::getline(sockets, line);) {
        const std::size_t name = line.find_first_of("@/");
        if (name != std::string::npos) {
            result.insert(line.substr(name));
        }
    }
    return result;
}

TEST_F(exec, LeavesNothingBehind) {
    const std::set<std::string> before = traces();
    EXPECT_EQ(both_.run_covered("cat $R/notes.txt; echo x > $R/a; ls $R").status(), 0);
    EXPECT_NE(both_.run_covered("kill -KILL $$").status(), 0);
    process farside{running("cat $R/empty; echo ready; read line")};
    ASSERT_TRUE(farside.wait_for("ready\n"));
    farside.signal(SIGKILL);
    (void)farside.wait();
    ASSERT_TRUE(wait_for_children()) << children_left();
    for (const std::string& name : traces()) {
        // Other tests that run now have traces, too: what is ours has our name.
        EXPECT_TRUE(before.contains(name) || name.find("farside") == std::string::npos) << name;
    }
}

TEST_F(exec, JoinsTheSessionItIsIn) {
    const outcome result = both_.run_covered(
        "echo $FARSIDE_SESSION; " + farside_program() +
        " exec -- sh -c 'echo $FARSIDE_SESSION; cat "
        "$R/table.csv'; echo $?; " +
        farside_program() + " exec --target dir/" + both_.target().string() +
        " -- sh -c 'echo x >> $R/made; exit 7'; echo $?; " + "cat $R/made"
    );
    std::istringstream lines{result.out};
    std::string outer;
    std::string inner;
    std::getline(lines, outer);
    std::getline(lines, inner);
    EXPECT_NE(outer, "");
    EXPECT_EQ(outer, inner);
    EXPECT_THAT(result.out, HasSubstr("anna,2\n0\n7\nx\n"));
    EXPECT_EQ(result.err, "");
}

TEST_F(exec, RefusesAnotherTargetInside) {
    const outcome result = both_.run_covered(
        farside_program() + " exec --target dir//usr -- touch $L/ran; echo $?; cat $R/table.csv"
    );
    EXPECT_THAT(result.out, HasSubstr("125\nname,count\n"));
    EXPECT_THAT(result.err, testing::MatchesRegex("farside: [^\n]*already inside[^\n]*\n"));
    EXPECT_FALSE(fs::exists(both_.local() / "ran"));
}

TEST_F(exec, SetsTheProgramsNameAsTheShellWould) {
    const outcome result = run(both_.covered_command({"sh", "-c", "echo [$0]"}));
    EXPECT_EQ(result.out, "[sh]\n");
    EXPECT_EQ(both_.run_covered("run readlink /proc/self/exe").out, "/usr/bin/readlink\n");
}

TEST_F(exec, RunsAProgramThatOnlyTheTargetHas) {
    fs::copy_file("/usr/bin/wc", both_.remote() / "only-there");
    EXPECT_EQ(both_.run_covered("run $R/only-there -c $R/table.csv").out, "40 $R/table.csv\n");
    EXPECT_EQ(both_.run_covered("run $R/run.sh x").out.substr(0, 9), "ran $R/ru");
}

TEST_F(exec, SaysThatAProgramIsMissing) {
    struct row {
        const char* program;
        int status;
        const char* reason;
    };

    for (const auto& [program, status, reason] :
         {row{"no-such-program", 127, "No such file or directory"},
          row{"/usr/no/such", 127, "No such file or directory"},
          row{"/etc/passwd", 126, "Permission denied"},
          row{"/usr", 126, "Permission denied"},
          row{"/srv/app/missing", 127, "No such file or directory"},
          row{"/srv/app/notes.txt", 126, "Permission denied"}}) {
        SCOPED_TRACE(program);
        const outcome result = run(both_.covered_command({program}));
        EXPECT_EQ(result.status(), status);
        EXPECT_THAT(result.err, HasSubstr(reason));
        EXPECT_EQ(result.err.find('\n'), result.err.size() - 1);
        EXPECT_THAT(result.out, IsEmpty());
    }
}

}  // namespace
}  // namespace farside::test
