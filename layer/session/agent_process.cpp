// Starting with posix_spawn, waiting with a pidfd: no signal handler, no SIGCHLD.
#include "layer/session/agent_process.hpp"

#include "layer/session/deadline.hpp"
#include "layer/session/pidfd.hpp"

#include <climits>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace farside::session {
namespace {

constexpr unsigned patience_ms = 1000;
constexpr unsigned terminate_patience_ms = 500;
constexpr std::chrono::milliseconds retry_pause{50};

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

    // The child's standard input and output are `connection`, its standard error is `errors`; all
    // signals are as a program expects them.
    void prepare(int connection, int errors) {
        ::posix_spawn_file_actions_adddup2(&actions, connection, STDIN_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions, connection, STDOUT_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
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

// False: standard error is full, and writing would block.
bool hand_on(std::string_view text) {
    struct pollfd standard_error {
        STDERR_FILENO, POLLOUT, 0
    };

    if (::poll(&standard_error, 1, 0) == 0) {
        return false;
    }
    // Room for PIPE_BUF bytes is what POLLOUT promises. An error means that nobody will ever read.
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
    return true;
}

std::string describe_end(const siginfo_t& info) {
    if (info.si_code == CLD_EXITED) {
        return "exit status " + std::to_string(info.si_status);
    }
    return "signal " + std::to_string(info.si_status) + " (" + ::strsignal(info.si_status) + ")";
}

}  // namespace

agent_process::agent_process(
    const asio::any_io_executor& executor,
    pid_t pid,
    int pidfd,
    unique_fd connection,
    unique_fd errors
)
    : pid_{pid},
      pidfd_{executor, pidfd},
      connection_{std::move(connection)},
      errors_{executor, errors.release()} {}

protocol::result<agent_process> agent_process::start(
    const asio::any_io_executor& executor, const std::vector<std::string>& arguments
) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return system_error(errno);
    }
    unique_fd ours{ends[0]};
    const unique_fd theirs{ends[1]};
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) != 0) {
        return system_error(errno);
    }
    unique_fd errors{pipe[0]};
    const unique_fd their_errors{pipe[1]};

    std::vector<char*> argv;
    for (const auto& argument : arguments) {
        argv.push_back(const_cast<char*>(argument.c_str()));
    }
    argv.push_back(nullptr);
    spawn_options options;
    options.prepare(theirs.get(), their_errors.get());
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
    return agent_process{executor, pid, pidfd, std::move(ours), std::move(errors)};
}

awaitable<> agent_process::relay_errors() {
    std::array<char, PIPE_BUF> bytes{};
    const auto buffer = asio::buffer(bytes);
    asio::steady_timer pause{errors_.get_executor()};
    while (errors_.is_open()) {
        const auto [ec, n] = co_await errors_.async_read_some(buffer, as_result);
        if (ec) {
            break;
        }
        while (!hand_on(std::string_view{bytes.data(), n}) && errors_.is_open()) {
            pause.expires_after(retry_pause);
            co_await pause.async_wait(as_result);
        }
    }
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
    // A child of the agent may still hold the pipe: what is there now is all that counts.
    std::array<char, PIPE_BUF> bytes{};
    errors_.non_blocking(true);
    for (;;) {
        const auto n = ::read(errors_.native_handle(), bytes.data(), bytes.size());
        if (n <= 0 || !hand_on(std::string_view{bytes.data(), static_cast<std::size_t>(n)})) {
            break;
        }
    }
    errors_.close();
}

}  // namespace farside::session
