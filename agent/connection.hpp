// One client. Reads frames, hands requests to the request handler, writes what comes back. The
// choke point: every frame of a client passes on_frame(), where what the protocol forbids ends the
// connection. Knows sockets and frames; knows no files.
//
//     read_requests --> on_frame --> request_handler --+--> outgoing --> write_replies
//                                        |             |
//                                        +--> serve ---+    one task for each call that waits
#pragma once

#include "agent/asio.hpp"
#include "agent/lanes.hpp"
#include "agent/log.hpp"
#include "agent/outgoing_queue.hpp"
#include "agent/request_handler.hpp"
#include "agent/task_group.hpp"
#include "protocol/frame_parser.hpp"
#include "protocol/session_messages.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

namespace farside::agent {

// A client's byte stream, by two descriptors. They may be two of one socket.
struct transport {
    descriptor in;
    descriptor out;
};

struct connection_options {
    std::string target;  // "docker/web"
    std::string token;   // empty: none is required
    std::string client;  // for the log
    std::chrono::milliseconds handshake_timeout{protocol::limits::handshake_timeout_ms};
    std::size_t handles_max = protocol::limits::handles_max;
    std::function<void()> leaving;  // called when no further request is taken; may be empty
};

class connection {
public:
    // REQUIRES: all references outlive the connection.
    connection(
        transport stream,
        const served_files& files,
        lanes& workers,
        connection_options options,
        const logger& log
    );

    // Serves the client until it leaves, breaks the protocol or stop() is called; returns when
    // nothing of it is left. Call once.
    [[nodiscard]] awaitable<void> run();

    // Ends the connection, with a last word to the client.
    void stop(std::string_view reason);

private:
    [[nodiscard]] awaitable<void> watch_handshake();
    [[nodiscard]] awaitable<bool> read_magic();
    [[nodiscard]] awaitable<void> read_requests();
    [[nodiscard]] awaitable<bool> read_more();
    [[nodiscard]] awaitable<void> write_replies();
    [[nodiscard]] awaitable<void> tell_events();
    [[nodiscard]] awaitable<void> tell_changes();
    [[nodiscard]] awaitable<void> serve(std::shared_ptr<pending_call> call);
    [[nodiscard]] awaitable<bool> run_once(pending_call& call);
    [[nodiscard]] awaitable<bool> run_on_worker(pending_call& call);
    [[nodiscard]] awaitable<void> insist(std::shared_ptr<pending_call> call);
    [[nodiscard]] awaitable<void> end();
    [[nodiscard]] awaitable<void> limit_farewell();
    [[nodiscard]] awaitable<void> linger();

    void on_frame(const protocol::frame& frame);
    void on_hello(const protocol::frame& frame);
    void on_one_way(const protocol::frame& frame);
    void on_request(const protocol::frame& frame);
    [[nodiscard]] boost::system::error_code check_request(const protocol::frame_header& header
    ) const;
    void start_request(const protocol::frame& frame);
    [[nodiscard]] boost::system::error_code answer_ping(const protocol::frame& frame);
    void interrupt(const std::shared_ptr<pending_call>& call);
    [[nodiscard]] bool gives_up(const pending_call& call) const;
    void violated(const boost::system::error_code& rule);
    void stop_reading();
    void close_files();
    [[nodiscard]] bool gather_events();

    transport stream_;
    const served_files& files_;
    lanes& lanes_;
    connection_options options_;
    const logger& log_;
    asio::any_io_executor executor_;

    protocol::frame_parser parser_;
    outgoing_queue outgoing_;
    std::optional<request_handler> handler_;  // from the hello on
    std::unordered_map<std::uint64_t, std::shared_ptr<pending_call>> calls_;
    protocol::buffer held_events_;  // events of watches that wait for the notices before them
    bool all_events_held_ = true;   // and there are no more
    std::optional<std::string> last_word_;  // goodbye, once everything else is written
    bool ending_ = false;                   // no further frame is taken
    bool serving_ended_ = false;            // no further reply comes
    bool written_ = false;                  // the writer is done
    bool over_ = false;                     // nothing is left to wait for

    timer handshake_timer_;
    timer farewell_timer_;
    notification output_;  // outgoing_ has something, or serving_ended_
    notification room_;    // outgoing_ got shorter, or ending_
    notification writer_;  // written_
    task_group tasks_;     // writer, handshake watch, farewell limit
    task_group call_tasks_;
};

}  // namespace farside::agent
