// Starting with posix_spawn, waiting with a pidfd: no signal handler, no SIGCHLD.
#include "layer/session/agent_process.hpp"

#include "layer/session/deadline.hpp"
#include "layer/session/pidfd.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace farside::session {
namespace {

constexpr unsigned patience_ms = 2000;
constexpr unsigned terminate_patience_ms = 1000;

boost::system::error_code system_error(int number) {
    return {number, boost::system::system_category()};
}

// posix_spawn's two option objects, released together.
class spawn_options {
public:
    spawn_options() {
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawnattr_init(&attributes);
    }

    spawn_options(const spawn_options&) = delete;
    spawn_options& operator=(const spawn_options&) = delete;

    ~spawn_options() {
        ::posix_spawnattr_destroy(&attributes);
        ::posix_spawn_file_actions_destroy(&actions);
    }

    // The child's standard input and output are `fd`; all signals are as a program expects them.
    void prepare(int fd) {
        ::posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
        sigset_t signals;
        ::sigfillset(&signals);
        ::posix_spawnattr_setsigdefault(&attributes, &signals);
        ::sigemptyset(&signals);
        ::posix_spawnattr_setsigmask(&attributes, &signals);
        ::posix_spawnattr_setpgroup(&attributes, 0);
        ::posix_spawnattr_setflags(
            &attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP
        );
    }

    posix_spawn_file_actions_t actions{};
    posix_spawnattr_t attributes{};
};

std::string describe_end(const siginfo_t& info) {
    if (info.si_code == CLD_EXITED) {
        return "exit status " + std::to_string(info.si_status);
    }
    return "signal " + std::to_string(info.si_status) + " (" + ::strsignal(info.si_status) + ")";
}

}  // namespace

agent_process::agent_process(
    const asio::any_io_executor& executor, pid_t pid, int pidfd, unique_fd connection
)
    : pid_{pid}, pidfd_{executor, pidfd}, connection_{std::move(connection)} {}

protocol::result<agent_process> agent_process::start(
    const asio::any_io_executor& executor, const std::vector<std::string>& arguments
) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return system_error(errno);
    }
    unique_fd ours{ends[0]};
    const unique_fd theirs{ends[1]};

    std::vector<char*> argv;
    for (const auto& argument : arguments) {
        argv.push_back(const_cast<char*>(argument.c_str()));
    }
    argv.push_back(nullptr);
    spawn_options options;
    options.prepare(theirs.get());
    pid_t pid = 0;
    const int failed =
        ::posix_spawn(&pid, argv[0], &options.actions, &options.attributes, argv.data(), environ);
    if (failed != 0) {
        return system_error(failed);
    }
    const int pidfd = open_pidfd(pid);
    if (pidfd < 0) {
        const int number = errno;
        ::kill(-pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
        return system_error(number);
    }
    return agent_process{executor, pid, pidfd, std::move(ours)};
}

awaitable<std::optional<std::string>> agent_process::ended_within(unsigned milliseconds) {
    const deadline limit{pidfd_.get_executor(), std::chrono::milliseconds{milliseconds}, [this] {
                             pidfd_.cancel();
                         }};
    if (!ended_) {
        const auto [ec] = co_await pidfd_.async_wait(async_descriptor::wait_read, as_result);
        siginfo_t info{};
        const auto id = static_cast<id_t>(pid_);
        if (!ec && ::waitid(P_PID, id, &info, WEXITED | WNOHANG) == 0 && info.si_pid == pid_) {
            ended_ = describe_end(info);
        }
    }
    co_return ended_;
}

awaitable<> agent_process::stop() {
    auto ended = co_await ended_within(patience_ms);
    if (!ended) {
        ::kill(-pid_, SIGTERM);
        ended = co_await ended_within(terminate_patience_ms);
    }
    if (!ended) {
        ::kill(-pid_, SIGKILL);
        ended = co_await ended_within(patience_ms);
    }
}

}  // namespace farside::session
