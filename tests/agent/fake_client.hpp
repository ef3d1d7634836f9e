// The other end of an agent's connection: blocking, one thread, built on the client's half of the
// protocol. Nothing waits longer than `patience`, so that a test fails where it would hang.
#pragma once

#include "protocol/frame_parser.hpp"
#include "protocol/message_table.hpp"
#include "protocol/multiplexer.hpp"
#include "protocol/priority.hpp"
#include "protocol/support/unique_fd.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farside::agent::test {

inline constexpr std::chrono::seconds patience{30};

// A whole reply. Bodies own their bytes; views in a decoded message point into them.
struct raw_answer {
    int failure = 0;
    std::vector<protocol::buffer> bodies;  // one of each frame
};

template <typename Request>
struct answer {
    int failure = 0;
    typename Request::reply reply{};  // of the first frame
    raw_answer raw;
};

class fake_client {
public:
    explicit fake_client(unique_fd socket);

    // The magic and the hello; the answer to it.
    answer<protocol::hello> greet(const protocol::hello& request);
    [[nodiscard]] static protocol::hello default_hello(bool read_only);

    template <typename Request>
    protocol::request_id send(const Request& request) {
        protocol::buffer frame;
        const auto id = requests_.start(request, ++last_cookie_, frame);
        cookies_[id] = last_cookie_;
        send_bytes(frame);
        return id;
    }

    void cancel(protocol::request_id id);

    // Several requests in one write.
    template <typename Request>
    protocol::request_id queue(
        const Request& request, protocol::priority said = protocol::priority::control
    ) {
        const auto start_of_frame = queued_.size();
        const auto id = requests_.start(request, ++last_cookie_, queued_);
        protocol::say_priority(queued_, start_of_frame, said);
        cookies_[id] = last_cookie_;
        return id;
    }

    void flush();

    template <typename Request>
    answer<Request> wait(protocol::request_id id) {
        answer<Request> whole;
        whole.raw = wait_raw(id);
        whole.failure = whole.raw.failure;
        if (!whole.raw.bodies.empty()) {
            whole.reply =
                protocol::decode<typename Request::reply>(whole.raw.bodies.front()).value();
        }
        return whole;
    }

    template <typename Request>
    answer<Request> call(const Request& request) {
        const auto id = send(request);
        return wait<Request>(id);
    }

    // Whether the answer has come, without waiting for anything.
    [[nodiscard]] bool answered(protocol::request_id id);

    // The id of the next request that is answered, by anything.
    protocol::request_id wait_any();

    // The data of all frames of a read.
    std::string read(protocol::handle_id handle, std::int64_t offset, std::uint32_t bytes);
    [[nodiscard]] static std::string data_of(const raw_answer& whole);

    // What was told of watches so far, in messages as they came; they are forgotten then.
    std::vector<protocol::watch_events> take_events();
    // The same, but waits where there is nothing yet.
    std::vector<protocol::watch_events> wait_for_events();

    // The same of notices of leases. Their data are not kept: there are none in notices.
    std::vector<protocol::changes> take_changes();
    std::vector<protocol::changes> wait_for_changes();

    // Reads to the end of the connection; the reason of the goodbye, or nothing.
    std::optional<std::string> wait_for_goodbye();

    void send_bytes(std::span<const std::byte> bytes);

    void send_text(std::string_view text) { send_bytes(std::as_bytes(std::span{text})); }

    void shutdown_writing() const;

    void disconnect() { socket_.reset(); }

    [[nodiscard]] int fd() const { return socket_.get(); }

private:
    raw_answer wait_raw(protocol::request_id id);
    bool receive(bool may_wait);  // false: the end, or nothing there
    void on_frame(const protocol::frame& frame);

    unique_fd socket_;
    protocol::frame_parser parser_;
    protocol::multiplexer requests_;
    protocol::multiplexer::cookie last_cookie_ = 0;
    protocol::buffer queued_;
    std::map<protocol::request_id, protocol::multiplexer::cookie> cookies_;
    std::map<protocol::multiplexer::cookie, raw_answer> partial_;
    std::map<protocol::multiplexer::cookie, raw_answer> complete_;
    std::vector<protocol::multiplexer::cookie> order_;  // of completion, not yet told
    std::vector<protocol::watch_events> events_;
    std::vector<protocol::changes> changes_;
    std::optional<std::string> goodbye_;
};

// A connected pair: the client's end and the server's.
struct socket_pair {
    unique_fd client;
    unique_fd server;
};

[[nodiscard]] socket_pair make_socket_pair();

}  // namespace farside::agent::test
