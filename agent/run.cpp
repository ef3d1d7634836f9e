// The order of a start: what belongs to the host (token, socket, standard streams) while this
// process still sees the host's files, then the target, then the loop and the threads.
#include "agent/run.hpp"

#include "agent/server.hpp"
#include "agent/spinning_loop.hpp"
#include "protocol/frame.hpp"
#include "protocol/support/heap.hpp"

#include <array>
#include <csignal>
#include <cstdio>
#include <optional>

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace farside::agent {
namespace {

// Standard input and output, moved away so that nothing else can write into the protocol.
struct standard_streams {
    unique_fd in;
    unique_fd out;
};

or_failure<standard_streams> take_standard_streams() {
    standard_streams taken{
        unique_fd{::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)},
        unique_fd{::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)},
    };
    if (!taken.in || !taken.out) {
        return failure{"--stdio needs standard input and standard output to be open"};
    }
    const unique_fd nothing{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    if (!nothing || ::dup2(nothing.get(), STDIN_FILENO) < 0 ||
        ::dup2(nothing.get(), STDOUT_FILENO) < 0) {
        return failure{"/dev/null cannot be opened"};
    }
    return taken;
}

void prepare_process() {
    keep_buffers_on_the_heap();
    std::signal(SIGPIPE, SIG_IGN);  // EPIPE says it
    std::signal(SIGXFSZ, SIG_IGN);  // EFBIG says it
    blocking_pool::install_interrupt_handler();
    // One descriptor for each open file of each client.
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &files);
    }
}

// Before there is a connection: the client reads it in place of the answer to its hello. What the
// client sends meanwhile is read away, so that its end does not fail before it has read.
void say_goodbye(const standard_streams& streams, const std::string& reason) {
    protocol::buffer frame;
    const protocol::goodbye last_word{reason};
    protocol::append_one_way(frame, last_word);
    std::size_t written = 0;
    while (written < frame.size()) {
        const auto bytes =
            ::write(streams.out.get(), frame.data() + written, frame.size() - written);
        if (bytes < 0) {
            return;
        }
        written += static_cast<std::size_t>(bytes);
    }
    ::shutdown(streams.out.get(), SHUT_WR);
    std::array<std::byte, 4096> unread{};
    pollfd readable{streams.in.get(), POLLIN, 0};
    while (::poll(&readable, 1, limits::farewell_timeout_ms) > 0) {
        if (::read(streams.in.get(), unread.data(), unread.size()) <= 0) {
            return;
        }
    }
}

awaitable<void> obey_signals(signal_set& signals, server& served) {
    const auto [ec, number] = co_await signals.async_wait();
    if (!ec) {
        served.stop("the agent was stopped");
    }
}

// What is left after the limit cannot be interrupted (a dead network file system): the process ends
// without it.
awaitable<void> limit_end(server& served, timer& limit, listening_socket* socket) {
    co_await served.stop_requested();
    limit.expires_after(std::chrono::milliseconds{limits::shutdown_timeout_ms});
    const auto [ec] = co_await limit.async_wait();
    if (ec) {
        co_return;
    }
    if (socket != nullptr) {
        socket->remove_name();
    }
    ::_exit(exit_failure);
}

awaitable<void> await_end(server& served, signal_set& signals, timer& limit) {
    co_await served.join();
    signals.cancel();
    limit.cancel();
}

// Serves until the client, the target or a signal ends it.
int serve(
    const entered_target& target,
    server_options options,
    const logger& log,
    std::optional<standard_streams> streams,
    listening_socket* socket,
    spinning spins
) {
    asio::io_context loop{1};
    const auto mask = creation_mask::of_process();
    server served{loop, target, mask, std::move(options), log};
    signal_set signals{loop, SIGINT, SIGTERM, SIGHUP};
    timer limit{loop};
    task_group tasks{loop.get_executor(), log};
    tasks.spawn(obey_signals(signals, served));
    tasks.spawn(limit_end(served, limit, socket));
    if (streams) {
        descriptor in{loop, streams->in.release()};
        descriptor out{loop, streams->out.release()};
        transport stream{std::move(in), std::move(out)};
        served.serve_only(std::move(stream));
    } else {
        served.serve_clients(*socket);
        log.info(target.name.text + ": serves at " + socket->name());
    }
    tasks.spawn(await_end(served, signals, limit));
    run_loop(loop, spins);
    return served.target_ended() ? exit_failure : exit_success;
}

int fail(const std::string& line) {
    std::fprintf(stderr, "farside-agent: %s\n", line.c_str());
    return exit_failure;
}

int run_on_stdio(const config& parsed, const logger& log) {
    auto streams = take_standard_streams();
    if (!streams) {
        return fail(streams.error().line);
    }
    auto descriptors = process_descriptors::open();
    if (!descriptors) {
        return fail("/proc is needed: " + descriptors.error().message());
    }
    const auto target = enter_target(parsed.target, *descriptors);
    if (!target) {
        say_goodbye(*streams, target.error().line);
        return exit_failure;
    }
    return serve(*target, {}, log, std::move(*streams), nullptr, spinning{parsed.spin});
}

int run_listening(const config& parsed, const logger& log) {
    server_options options;
    if (!parsed.token_file.empty()) {
        auto token = read_token(parsed.token_file);
        if (!token) {
            return fail(token.error().line);
        }
        options.token = std::move(*token);
    }
    auto socket = listening_socket::open(parsed.listen);
    if (!socket) {
        return fail(socket.error().line);
    }
    auto descriptors = process_descriptors::open();
    if (!descriptors) {
        return fail("/proc is needed: " + descriptors.error().message());
    }
    const auto target = enter_target(parsed.target, *descriptors);
    if (!target) {
        return fail(target.error().line);
    }
    return serve(*target, std::move(options), log, std::nullopt, &*socket, spinning{parsed.spin});
}

}  // namespace

int run(const config& parsed) {
    const logger log{parsed.level};
    prepare_process();
    return parsed.stdio ? run_on_stdio(parsed, log) : run_listening(parsed, log);
}

}  // namespace farside::agent
