// Deadlines are there to end a broken test, generous and never part of a result.
#include "tests/layer/launcher/running_program.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace farside::test {
namespace {

constexpr int patience_ms = 20000;

void execute(const std::vector<std::string>& command) {
    std::vector<char*> arguments;
    arguments.reserve(command.size() + 1);
    for (const std::string& word : command) {
        arguments.push_back(const_cast<char*>(word.c_str()));
    }
    arguments.push_back(nullptr);
    ::execvp(arguments[0], arguments.data());
    ::_exit(99);
}

int open_terminal() {
    const int fd = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || ::grantpt(fd) != 0 || ::unlockpt(fd) != 0) {
        ADD_FAILURE() << "no terminal: " << errno;
    }
    return fd;
}

// Whoever runs the tests may ignore or block signals; programs under test begin with none of that.
void reset_signals() {
    for (int signal = 1; signal < NSIG; ++signal) {
        ::signal(signal, SIG_DFL);
    }
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void stand_on(int input, int output) {
    ::dup2(input, STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
}

}  // namespace

running_program::running_program(
    const std::vector<std::string>& command, where place, void (*prepare)()
) {
    int ends[2] = {-1, -1};
    const char* name = nullptr;
    if (place == where::terminal) {
        output_ = open_terminal();
        name = ::ptsname(output_);
    } else {
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        output_ = ends[0];
    }
    pid_ = ::fork();
    if (pid_ == 0) {
        if (place == where::terminal) {
            ::setsid();
            const int terminal = ::open(name, O_RDWR);
            ::ioctl(terminal, TIOCSCTTY, 0);
            stand_on(terminal, terminal);
            ::close(terminal);
        } else {
            stand_on(::open("/dev/null", O_RDONLY | O_CLOEXEC), ends[1]);
        }
        reset_signals();
        if (prepare != nullptr) {
            prepare();
        }
        execute(command);
    }
    if (ends[1] >= 0) {
        ::close(ends[1]);
    }
}

running_program::~running_program() {
    if (!ended_) {
        ::kill(pid_, SIGKILL);
        ::kill(pid_, SIGCONT);
        ::waitpid(pid_, nullptr, 0);
    }
    ::close(output_);
}

void running_program::type(const std::string& text) const {
    EXPECT_EQ(::write(output_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

bool running_program::read_more() {
    pollfd output{output_, POLLIN, 0};
    if (::poll(&output, 1, patience_ms) <= 0) {
        ADD_FAILURE() << "nothing more was printed after: " << text_;
        return false;
    }
    char buffer[4096];
    const ssize_t bytes = ::read(output_, buffer, sizeof buffer);
    if (bytes <= 0) {
        return false;  // a terminal's end is EIO
    }
    text_.append(buffer, static_cast<std::size_t>(bytes));
    return true;
}

std::optional<std::string> running_program::expect(const std::string& text) {
    for (;;) {
        const std::size_t at = text_.find(text);
        if (at != std::string::npos) {
            std::string before = text_.substr(0, at);
            text_.erase(0, at + text.size());
            return before;
        }
        if (!read_more()) {
            ADD_FAILURE() << "'" << text << "' was not printed, but: " << text_;
            return std::nullopt;
        }
    }
}

std::string running_program::rest() {
    while (read_more()) {
    }
    return std::exchange(text_, {});
}

int running_program::wait() {
    int status = 0;
    if (!is_gone(pid_)) {
        ADD_FAILURE() << "still runs";
        return -1;  // killed when this object goes
    }
    EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
    ended_ = true;
    return status;
}

int running_program::wait_for_stop() {
    int status = 0;
    EXPECT_EQ(::waitpid(pid_, &status, WUNTRACED), pid_);
    EXPECT_TRUE(WIFSTOPPED(status)) << status;
    ended_ = ended_ || !WIFSTOPPED(status);
    return WIFSTOPPED(status) ? WSTOPSIG(status) : -1;
}

bool is_gone(pid_t process) {
    const int fd = static_cast<int>(::syscall(SYS_pidfd_open, process, 0));
    if (fd < 0) {
        return errno == ESRCH;
    }
    pollfd end{fd, POLLIN, 0};
    const bool gone = ::poll(&end, 1, patience_ms) == 1;
    ::close(fd);
    return gone;
}

bool is_reaped(pid_t process) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds{patience_ms};
    while (::kill(process, 0) == 0) {
        if (std::chrono::steady_clock::now() > deadline) {
            return false;
        }
        ::sched_yield();
    }
    return errno == ESRCH;
}

int plain_status(int wait_status) {
    return WIFSIGNALED(wait_status) ? -WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

}  // namespace farside::test
