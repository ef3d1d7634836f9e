// Seen from outside, a supervised program is the program: its status, signals, streams, stops. Each
// case runs real programs under supervise() with a fake session.
#include "tests/layer/launcher/running_program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace farside::test {
namespace {

using where = running_program::where;

std::vector<std::string> supervised(
    std::vector<std::string> command, const std::string& session = "fake/serves"
) {
    command.insert(command.begin(), {SUPERVISED, session});
    return command;
}

std::vector<std::string> shell(
    const std::string& script, const std::string& session = "fake/serves"
) {
    return supervised({"sh", "-c", script}, session);
}

pid_t number(const std::optional<std::string>& text) {
    return text ? static_cast<pid_t>(std::strtol(text->c_str(), nullptr, 10)) : -1;
}

TEST(Supervisor, ReturnsTheProgramsStatus) {
    for (const int status : {0, 1, 7, 125, 255}) {
        running_program program{shell("exit " + std::to_string(status))};
        EXPECT_EQ(plain_status(program.wait()), status);
    }
}

TEST(Supervisor, EndsByTheProgramsSignalWithoutACoreOfItsOwn) {
    for (const int signal : {SIGTERM, SIGKILL, SIGSEGV, SIGINT, SIGPIPE, SIGUSR1}) {
        running_program program{
            shell("ulimit -c 0; kill -" + std::to_string(signal) + " $$"), where::pipe, [] {
                const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
                ::setrlimit(RLIMIT_CORE, &all);
            }};
        const int status = program.wait();
        EXPECT_EQ(plain_status(status), -signal);
        EXPECT_FALSE(WCOREDUMP(status));
    }
}

TEST(Supervisor, PassesOnSignalsThatAreSentToIt) {
    for (const int signal :
         {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGALRM}) {
        running_program program{shell(
            "trap 'echo got; exit 3' " + std::to_string(signal) +
            "; echo ready; while :; do sleep 0.01; done"
        )};
        program.expect("ready");
        ::kill(program.pid(), signal);
        program.expect("got");
        EXPECT_EQ(plain_status(program.wait()), 3);
    }
}

TEST(Supervisor, DoesNotPassOnWhatTheProgramSendsToItsGroup) {
    running_program program{
        supervised({"python3", "-c", R"(
import os, signal, time
count = 0
def handler(*_):
    global count
    count += 1
signal.signal(signal.SIGUSR1, handler)
os.kill(0, signal.SIGUSR1)
# What was passed on would have come before this answer to a signal that is.
signal.signal(signal.SIGUSR2, lambda *_: (print("count", count, flush=True), os._exit(0)))
print("ready", flush=True)
while True: time.sleep(0.01)
)"}),
        where::pipe,
        [] { ::setpgid(0, 0); }};
    program.expect("ready");
    ::kill(program.pid(), SIGUSR2);
    program.expect("count 1");
    EXPECT_EQ(plain_status(program.wait()), 0);
}

TEST(Supervisor, KeepsTheValueOfAQueuedSignal) {
    running_program program{supervised({"python3", "-c", R"(
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
print("ready", flush=True)
info = signal.sigwaitinfo([signal.SIGRTMIN])
print("code", info.si_code, flush=True)
)"})};
    program.expect("ready");
    ::sigqueue(program.pid(), SIGRTMIN, sigval{.sival_int = 42});
    program.expect("code -1");
    EXPECT_EQ(plain_status(program.wait()), 0);
}

TEST(Supervisor, ItsDeathIsTheProgramsDeath) {
    running_program program{shell("echo $$ ; exec sleep 1000")};
    const pid_t child = number(program.expect("\n"));
    ASSERT_GT(child, 0);
    ::kill(program.pid(), SIGKILL);
    EXPECT_EQ(plain_status(program.wait()), -SIGKILL);
    EXPECT_TRUE(is_gone(child));
}

TEST(Supervisor, LeavesSignalsAsItFoundThem) {
    const auto prepare = [] {
        ::signal(SIGHUP, SIG_IGN);
        ::signal(SIGCHLD, SIG_IGN);
        sigset_t blocked;
        ::sigemptyset(&blocked);
        ::sigaddset(&blocked, SIGUSR2);
        ::sigprocmask(SIG_SETMASK, &blocked, nullptr);
    };
    // Not SigQ: that counts what is queued for all of the user's processes.
    const std::vector<std::string> command{"grep", "^Sig[^Q]", "/proc/self/status"};
    running_program direct{command, where::pipe, prepare};
    running_program indirect{supervised(command), where::pipe, prepare};
    EXPECT_EQ(indirect.rest(), direct.rest());
    EXPECT_EQ(plain_status(direct.wait()), 0);
    EXPECT_EQ(plain_status(indirect.wait()), 0);
}

TEST(Supervisor, GivesTheProgramWhatWasOpenAndFourDescriptorsMore) {
    const auto prepare = [] {
        ::close_range(STDERR_FILENO + 1, ~0U, 0);
        ::dup2(STDIN_FILENO, 5);
    };
    running_program program{
        supervised({"python3", "-c", R"(
import os
fds = []
for fd in os.listdir("/proc/self/fd"):
    try:
        os.fstat(int(fd))
        fds.append(int(fd))
    except OSError:
        pass
print(sorted(fds))
print(os.environ["FARSIDE_SESSION"])
)"}),
        where::pipe,
        prepare};
    program.expect("[0, 1, 2, 5, 1020, 1021, 1022, 1023]\n1:1023:1022:1021:1020:");
    EXPECT_EQ(plain_status(program.wait()), 0);
}

TEST(Supervisor, AStreamThatTheProgramClosesIsClosed) {
    running_program program{shell("echo $$; exec sleep 1000 >/dev/null"), where::pipe, [] {
                                ::dup2(::open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
                            }};
    const pid_t child = number(program.expect("\n"));
    EXPECT_EQ(program.rest(), "");
    ASSERT_GT(child, 0);
    EXPECT_EQ(::kill(child, SIGTERM), 0);
    EXPECT_EQ(plain_status(program.wait()), -SIGTERM);
}

TEST(Supervisor, SaysWhyTheSessionCouldNotStart) {
    running_program program{shell("echo never", "fake/refuses")};
    EXPECT_EQ(program.rest(), "farside: no such container: refuses\n");
    EXPECT_EQ(plain_status(program.wait()), 125);
    running_program other{shell("echo never", "fake/dies-first")};
    EXPECT_EQ(other.rest(), "farside: the session ended before it was ready\n");
    EXPECT_EQ(plain_status(other.wait()), 125);
}

TEST(Supervisor, TheProgramOutlivesItsSession) {
    running_program program{
        shell("trap 'exit 4' TERM; echo ready; while :; do sleep 0.01; done", "fake/dies")};
    const auto first = program.expect("ready\n");
    ASSERT_TRUE(first);
    if (!first->starts_with("farside: ")) {
        program.expect("farside: the session ended unexpectedly: remote files are out of reach\n");
    }
    ::kill(program.pid(), SIGTERM);
    EXPECT_EQ(plain_status(program.wait()), 4);
}

TEST(Supervisor, ReturnsWhileADaemonIsStillServed) {
    running_program program{
        shell("setsid sh -c 'echo $$; exec sleep 1000 >/dev/null 2>&1' & exit 6", "fake/lingers")};
    const pid_t daemon = number(program.expect("\n"));
    EXPECT_EQ(plain_status(program.wait()), 6);
    ASSERT_GT(daemon, 0);
    EXPECT_EQ(::kill(daemon, SIGTERM), 0);
}

TEST(Supervisor, AUserWhoIsTiredOfWaitingLeaves) {
    // The fake waits for the daemon, too.
    running_program program{shell("setsid sleep 1000 >/dev/null 2>&1 & echo $! $$; exit 6")};
    const pid_t daemon = number(program.expect(" "));
    const pid_t child = number(program.expect("\n"));
    ASSERT_GT(daemon, 0);
    ASSERT_GT(child, 0);
    EXPECT_TRUE(is_reaped(child));
    ::kill(program.pid(), SIGTERM);
    EXPECT_EQ(plain_status(program.wait()), 6);
    ::kill(daemon, SIGTERM);
}

TEST(SupervisorOnTerminal, AKeyReachesTheProgramOnce) {
    running_program program{
        shell("trap 'echo int' INT; trap 'echo term; exit 9' TERM; echo ready; "
              "while :; do sleep 0.01; done"),
        where::terminal};
    program.expect("ready");
    program.type("\x03");
    program.expect("int\r\n");
    ::kill(program.pid(), SIGTERM);
    EXPECT_EQ(program.expect("term"), "");
    EXPECT_EQ(plain_status(program.wait()), 9);
}

TEST(SupervisorOnTerminal, AnUntrappedCtrlCEndsBoth) {
    running_program program{shell("echo ready; exec sleep 1000"), where::terminal};
    program.expect("ready");
    program.type("\x03");
    EXPECT_EQ(plain_status(program.wait()), -SIGINT);
}

// An outer shell with job control, which knows only of the supervisor.
class outer_shell : public ::testing::Test {
protected:
    outer_shell() : shell_{{"bash", "--norc", "--noprofile", "-i"}, where::terminal, prepare} {
        run("PS1='outer> '; set +o history");
    }

    static void prepare() {
        ::setenv("PS1", "start> ", 1);
        ::setenv("TERM", "dumb", 1);
    }

    void run(const std::string& line) { shell_.type(line + "\n"); }

    running_program shell_;
    const std::string start_ = SUPERVISED " fake/serves ";
};

// A line is typed only when the program says that it reads: shells change the terminal's modes
// around programs, and what is typed meanwhile may be lost, with and without farside.
TEST_F(outer_shell, StopsAndContinuesAProgram) {
    run(start_ +
        "sh -c 'trap \"echo continued\" CONT; echo up-and-running; "
        "until read line; do :; done; echo got $line; exit 3'");
    shell_.expect("up-and-running\r\n");
    shell_.type("\x1a");
    shell_.expect("Stopped");
    run("jobs; echo between=$((40 + 2))");
    shell_.expect("between=42");
    run("fg");
    shell_.expect("continued\r\n");
    run("words");
    shell_.expect("got words\r\n");
    run("echo status=$?.");
    shell_.expect("status=3.");
}

// No child of the program is stopped half-way through vfork(2): its parent could not stop then.
TEST_F(outer_shell, ContinuesInTheBackground) {
    run(start_ +
        "python3 -c 'from signal import *; "
        "signal(SIGCONT, lambda *_: print(\"con\" \"tinued\", flush=True)); "
        "print(\"up\" \"-and-running\", flush=True); any(pause() for _ in range(99))'");
    shell_.expect("up-and-running\r\n");
    shell_.type("\x1a");
    shell_.expect("Stopped");
    run("bg");
    shell_.expect("continued");
    run("kill %1; wait %1; echo status=$?.");
    shell_.expect("status=143.");
}

TEST_F(outer_shell, AnInnerShellHasJobControl) {
    run(start_ + "bash --norc --noprofile -i");
    run("PS1='inner> '; echo level=$((1 + 1))");
    shell_.expect("level=2");
    run("sh -c 'echo asleep; exec sleep 1000'");
    shell_.expect("asleep\r\n");
    shell_.type("\x1a");
    shell_.expect("Stopped");
    run("kill %1; wait; echo inner-status=$?.");
    shell_.expect("inner-status=");
    run("sh -c 'echo before; exec sleep 1000'");
    shell_.expect("before\r\n");
    shell_.type("\x03");
    run("echo still=$((2 + 1)).");
    shell_.expect("still=3.");
    run("exit 5");
    run("echo outer-status=$?.");
    shell_.expect("outer-status=5.");
}

TEST_F(outer_shell, AnInnerShellCanBeSuspended) {
    run(start_ + "bash --norc --noprofile -i");
    run("PS1='inner> '; here=inside; echo in=$((1 + 1))");
    shell_.expect("in=2");
    run("suspend");
    shell_.expect("Stopped");
    run("here=outside; echo out=$here.");
    shell_.expect("out=outside.");
    run("fg");
    run("echo in=$here.");
    shell_.expect("in=inside.");
    run("exit");
    run("echo out=$here.");
    shell_.expect("out=outside.");
}

}  // namespace
}  // namespace farside::test
