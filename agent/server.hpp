// The agent as a whole, once its target is entered: connections, workers and watches, with one end.
// Stop means: accept nobody, end every connection, wait for them, then release what they used.
#pragma once

#include "agent/connection.hpp"
#include "agent/file_leases.hpp"
#include "agent/lanes.hpp"
#include "agent/listening_socket.hpp"
#include "agent/mount_watch.hpp"
#include "agent/target/entered_target.hpp"
#include "agent/task_group.hpp"

#include <list>
#include <string>

namespace farside::agent {

struct server_options {
    std::string token;
    lane_limits lanes;
    std::chrono::milliseconds handshake_timeout{protocol::limits::handshake_timeout_ms};
    std::size_t handles_max = protocol::limits::handles_max;
    std::size_t clients_max = limits::clients_max;
};

class server {
public:
    // REQUIRES: one thread so far; the references outlive the server; `loop` runs on one thread.
    server(
        asio::io_context& loop,
        const entered_target& target,
        const creation_mask& mask,
        server_options options,
        const logger& log
    );

    // One client, and the server stops when it leaves, also if calls of it hang on.
    void serve_only(transport stream);

    // One more client, on a connected socket.
    void serve_client(unique_fd client);

    // Everybody who comes to the socket.
    void serve_clients(const listening_socket& socket);

    // Ends all connections with a last word, and then the server; join() returns when it has ended.
    void stop(const std::string& reason);
    [[nodiscard]] awaitable<void> stop_requested();
    [[nodiscard]] awaitable<void> join();

    // Whether the target ended: then stop() was called with its last word.
    [[nodiscard]] bool target_ended() const { return target_ended_; }

    [[nodiscard]] std::size_t clients() const { return connections_.size(); }

private:
    [[nodiscard]] awaitable<void> serve(transport stream, connection_options options);
    [[nodiscard]] awaitable<void> accept_clients();
    [[nodiscard]] awaitable<void> watch_target();
    void stop_watching();
    [[nodiscard]] connection_options options_for(std::string client) const;

    asio::any_io_executor executor_;
    const entered_target& target_;
    server_options options_;
    const logger& log_;
    mount_watch mounts_;
    file_leases file_leases_;
    served_files files_;
    lanes lanes_;
    descriptor acceptor_;
    descriptor target_process_;
    std::list<connection> connections_;
    std::uint64_t last_client_ = 0;
    bool stopping_ = false;
    bool target_ended_ = false;
    notification stop_;
    task_group tasks_;
};

}  // namespace farside::agent
