// Tasks of the server: accept, watch the target, watch its mounts, one for each client.
#include "agent/server.hpp"

#include <cerrno>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace farside::agent {

server::server(
    asio::io_context& loop,
    const entered_target& target,
    const creation_mask& mask,
    server_options options,
    const logger& log
)
    : executor_{loop.get_executor()},
      target_{target},
      options_{std::move(options)},
      log_{log},
      mounts_{executor_, target.root},
      file_leases_{executor_},
      files_{target.root, mask, mounts_, file_leases_},
      lanes_{options_.lanes, mask},
      acceptor_{executor_},
      target_process_{executor_},
      stop_{executor_},
      tasks_{executor_, log} {
    tasks_.spawn(mounts_.run());
    tasks_.spawn(file_leases_.run());
    if (target.pidfd) {
        target_process_.assign(::fcntl(target.pidfd.get(), F_DUPFD_CLOEXEC, 0));
        tasks_.spawn(watch_target());
    }
}

void server::serve_only(transport stream) {
    auto options = options_for("client");
    options.leaving = [this] { stop_watching(); };
    tasks_.spawn(serve(std::move(stream), std::move(options)));
}

void server::serve_clients(const listening_socket& socket) {
    acceptor_.assign(::fcntl(socket.fd(), F_DUPFD_CLOEXEC, 0));
    tasks_.spawn(accept_clients());
}

awaitable<void> server::stop_requested() {
    while (!stopping_) {
        co_await stop_.wait();
    }
}

awaitable<void> server::join() {
    co_await tasks_.join();
}

void server::stop(const std::string& reason) {
    stop_watching();
    for (auto& c : connections_) {
        c.stop(reason);
    }
}

void server::stop_watching() {
    stopping_ = true;
    stop_.notify();
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    target_process_.close(ignored);
    mounts_.stop();
    file_leases_.stop();
}

connection_options server::options_for(std::string client) const {
    connection_options made;
    made.target = target_.name.text;
    made.token = options_.token;
    made.client = std::move(client);
    made.handshake_timeout = options_.handshake_timeout;
    made.handles_max = options_.handles_max;
    return made;
}

awaitable<void> server::serve(transport stream, connection_options options) {
    connections_.emplace_front(std::move(stream), files_, lanes_, std::move(options), log_);
    const auto self = connections_.begin();
    co_await self->run();
    connections_.erase(self);
}

awaitable<void> server::accept_clients() {
    while (!stopping_) {
        const auto [ec] = co_await acceptor_.async_wait(asio::posix::stream_descriptor::wait_read);
        if (ec) {
            co_return;
        }
        unique_fd client{
            ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
        if (client) {
            serve_client(std::move(client));
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            // The client waits in the queue; asking again at once would be a busy loop.
            log_.warn("a client cannot be accepted: " + last_error().message());
            timer pause{executor_, std::chrono::milliseconds{limits::accept_pause_ms}};
            [[maybe_unused]] const auto [waited] = co_await pause.async_wait();
        }
    }
}

void server::serve_client(unique_fd client) {
    ++last_client_;
    const auto name = "client " + std::to_string(last_client_);
    if (connections_.size() >= options_.clients_max) {
        const auto reason =
            "the agent has as many clients as it serves: " + std::to_string(options_.clients_max);
        log_.warn(name + ": turned away: " + reason);
        protocol::buffer frame;
        const protocol::goodbye last_word{reason};
        protocol::append_one_way(frame, last_word);
        // A new connection has room for it; whoever left already does not matter.
        [[maybe_unused]] const auto sent =
            ::send(client.get(), frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        return;
    }
    // Both fail on a unix socket, which needs none of it.
    const int on = 1;
    const int unsent = protocol::unsent_bytes_max;
    ::setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(client.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
    unique_fd second{::fcntl(client.get(), F_DUPFD_CLOEXEC, 0)};
    if (!second) {
        log_.warn(name + ": turned away: " + last_error().message());
        return;
    }
    transport stream{
        descriptor{executor_, client.release()}, descriptor{executor_, second.release()}};
    tasks_.spawn(serve(std::move(stream), options_for(name)));
}

awaitable<void> server::watch_target() {
    const auto [ec] =
        co_await target_process_.async_wait(asio::posix::stream_descriptor::wait_read);
    if (ec) {
        co_return;
    }
    target_ended_ = true;
    log_.info(target_.last_word());
    stop(target_.last_word());
}

}  // namespace farside::agent
