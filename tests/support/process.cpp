// One poll loop moves all three standard streams, so that no program ever blocks on a full pipe.
#include "tests/support/process.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

namespace farside::test {

namespace {

namespace fs = std::filesystem;
using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct pipe_ends {
    unique_fd read;
    unique_fd write;
};

[[noreturn]] void fail(const char* what) {
    throw std::system_error{errno, std::generic_category(), what};
}

pipe_ends make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        fail("pipe2");
    }
    return {unique_fd{ends[0]}, unique_fd{ends[1]}};
}

unique_fd open_process(pid_t pid) {
    return unique_fd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
}

// Appends what is there to `text`; closes the descriptor at the end.
void read_some(unique_fd& from, std::string& text) {
    std::array<char, 65536> buffer{};
    const ssize_t bytes = ::read(from.get(), buffer.data(), buffer.size());
    if (bytes > 0) {
        text.append(buffer.data(), static_cast<std::size_t>(bytes));
    } else if (bytes == 0 || errno != EINTR) {
        from.reset();
    }
}

// As a login shell would find it, whatever the tester's shell or ctest have set.
void reset_signals() {
    for (int number = 1; number < NSIG; ++number) {
        ::signal(number, SIG_DFL);
    }
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void become(const command& what, int in, int out, int err) {
    ::setsid();
    reset_signals();
    ::dup2(in, STDIN_FILENO);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(err, STDERR_FILENO);
    // Descriptors of the tester's are none of the program's business.
    ::syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0);
    for (const std::string& setting : what.environment) {
        const std::size_t equals = setting.find('=');
        if (equals == std::string::npos) {
            ::unsetenv(setting.c_str());
        } else {
            ::setenv(setting.substr(0, equals).c_str(), setting.c_str() + equals + 1, 1);
        }
    }
    std::vector<char*> arguments;
    for (const std::string& argument : what.arguments) {
        arguments.push_back(const_cast<char*>(argument.c_str()));
    }
    arguments.push_back(nullptr);
    if (!what.directory.empty() && ::chdir(what.directory.c_str()) != 0) {
        ::dprintf(STDERR_FILENO, "test: %s: %s\n", what.directory.c_str(), std::strerror(errno));
        ::_exit(127);
    }
    ::execvp(arguments[0], arguments.data());
    ::dprintf(STDERR_FILENO, "test: %s: %s\n", arguments[0], std::strerror(errno));
    ::_exit(127);
}

// All processes of the machine, from /proc/PID/stat: "PID (NAME) STATE PPID ...".
std::vector<process_line> all_processes() {
    std::vector<process_line> result;
    for (const auto& entry : fs::directory_iterator{"/proc"}) {
        const std::string number = entry.path().filename();
        if (number.find_first_not_of("0123456789") != std::string::npos) {
            continue;
        }
        std::ifstream file{entry.path() / "stat"};
        std::string text;
        std::getline(
            file, text, '\0'
        );  // fails, where an iterator would throw, if it ends just now
        const std::size_t open = text.find('(');
        const std::size_t close = text.rfind(')');
        if (close == std::string::npos) {
            continue;  // it is gone
        }
        process_line line{std::stoi(number), '\0', 0, text.substr(open + 1, close - open - 1)};
        std::istringstream{text.substr(close + 1)} >> line.state >> line.parent;
        result.push_back(line);
    }
    return result;
}

}  // namespace

process::process(const command& what) : deadline_{steady_clock::now() + what.limit} {
    start(what);
}

void process::start(const command& what) {
    ::signal(SIGPIPE, SIG_IGN);
    pipe_ends out = make_pipe();
    pipe_ends err = make_pipe();
    pipe_ends in;
    if (what.input) {
        in = make_pipe();
        unwritten_ = *what.input;
        input_ = std::move(in.write);
    } else {
        in.read = unique_fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    }
    pid_ = ::fork();
    if (pid_ < 0) {
        fail("fork");
    }
    if (pid_ == 0) {
        become(what, in.read.get(), out.write.get(), err.write.get());
    }
    handle_ = open_process(pid_);
    output_ = std::move(out.read);
    errors_ = std::move(err.read);
    if (input_) {
        ::fcntl(input_.get(), F_SETFL, O_NONBLOCK);
    }
}

process::~process() {
    if (!reaped_) {
        ::kill(-pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
}

void process::write(std::string_view text) {
    unwritten_ += text;
    write_some();
}

// As much as the pipe takes.
void process::write_some() {
    const ssize_t bytes = ::write(input_.get(), unwritten_.data(), unwritten_.size());
    if (bytes >= 0) {
        unwritten_.erase(0, static_cast<std::size_t>(bytes));
    } else if (errno != EAGAIN) {
        unwritten_.clear();
        input_.reset();
    }
}

void process::close_input() {
    ends_input_ = true;
}

void process::signal(int number) const {
    ::kill(pid_, number);
}

int process::milliseconds_left() const {
    const auto left = duration_cast<milliseconds>(deadline_ - steady_clock::now()).count();
    return left < 0 ? 0 : static_cast<int>(left);
}

// Waits for one event at most: a stream is ready, or the program ended.
void process::pump() {
    if (input_ && unwritten_.empty() && ends_input_) {
        input_.reset();
    }
    // poll(2) ignores descriptors below 0: streams that have ended.
    std::array<pollfd, 4> events{
        pollfd{output_.get(), POLLIN, 0},
        pollfd{errors_.get(), POLLIN, 0},
        pollfd{unwritten_.empty() ? -1 : input_.get(), POLLOUT, 0},
        pollfd{output_ || errors_ ? -1 : handle_.get(), POLLIN, 0}};
    if (::poll(events.data(), events.size(), milliseconds_left()) <= 0) {
        return;
    }
    if (events[0].revents != 0) {
        read_some(output_, result_.out);
    }
    if (events[1].revents != 0) {
        read_some(errors_, result_.err);
    }
    if (events[2].revents != 0) {
        write_some();
    }
    if (events[3].revents != 0 && !reaped_) {
        reaped_ = ::waitpid(pid_, &result_.wait_status, 0) == pid_;
    }
}

bool process::wait_for(std::string_view text) {
    while (result_.out.find(text) == std::string::npos) {
        if (!output_ || milliseconds_left() == 0) {
            return false;
        }
        pump();
    }
    return true;
}

bool process::wait_for_error(std::string_view text) {
    while (result_.err.find(text) == std::string::npos) {
        if (!errors_ || milliseconds_left() == 0) {
            return false;
        }
        pump();
    }
    return true;
}

outcome process::wait() {
    while (!reaped_ && !result_.timed_out) {
        pump();
        result_.timed_out = !reaped_ && milliseconds_left() == 0;
    }
    if (!reaped_) {
        result_.err += "\ntest: still running at the time limit, killed\n";
        ::kill(-pid_, SIGKILL);
        reaped_ = ::waitpid(pid_, &result_.wait_status, 0) == pid_;
    }
    return result_;
}

outcome run(const command& what) {
    process program{what};
    program.close_input();
    return program.wait();
}

std::vector<process_line> children_of(pid_t parent) {
    std::vector<process_line> result = all_processes();
    std::erase_if(result, [parent](const process_line& line) { return line.parent != parent; });
    return result;
}

bool wait_for_end(pid_t pid, std::chrono::seconds limit) {
    const unique_fd handle = open_process(pid);
    if (!handle) {
        return true;
    }
    pollfd end{handle.get(), POLLIN, 0};
    return ::poll(&end, 1, static_cast<int>(duration_cast<milliseconds>(limit).count())) == 1;
}

void adopt_orphans() {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

std::string children_left() {
    std::string result;
    for (const process_line& line : children_of(::getpid())) {
        if (::waitpid(line.pid, nullptr, WNOHANG) != line.pid) {
            result += std::to_string(line.pid) + " (" + line.name + ")\n";
        }
    }
    return result;
}

bool wait_for_children(std::chrono::seconds limit) {
    const auto deadline = steady_clock::now() + limit;
    while (!children_left().empty()) {
        std::vector<unique_fd> handles;
        std::vector<pollfd> events;
        for (const process_line& line : children_of(::getpid())) {
            handles.push_back(open_process(line.pid));
            events.push_back({handles.back().get(), POLLIN, 0});
        }
        const auto left = duration_cast<milliseconds>(deadline - steady_clock::now()).count();
        if (left <= 0 || ::poll(events.data(), events.size(), static_cast<int>(left)) == 0) {
            return children_left().empty();
        }
    }
    return true;
}

bool is_installed(std::string_view program) {
    std::istringstream directories{std::getenv("PATH")};
    for (std::string directory; std::getline(directories, directory, ':');) {
        if (::access((fs::path{directory} / program).c_str(), X_OK) == 0) {
            return true;
        }
    }
    return false;
}

}  // namespace farside::test
