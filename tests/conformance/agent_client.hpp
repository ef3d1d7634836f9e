// A farside-agent started for this object, and one request at a time to it: the smallest client of
// the protocol that there can be. What breaks the conversation ends the run: it is no result of a
// case.
#pragma once

#include "protocol/frame_parser.hpp"
#include "protocol/handshake.hpp"
#include "protocol/message_table.hpp"
#include "protocol/multiplexer.hpp"
#include "protocol/support/unique_fd.hpp"

#include <string>
#include <variant>

#include <sys/types.h>

namespace farside::conformance {

enum class session_mode : bool { read_only, read_write };

class agent_client {
public:
    // Starts `program --stdio --target TARGET` and shakes hands. Throws std::runtime_error.
    agent_client(const std::string& program, const std::string& target, session_mode mode);
    agent_client(const agent_client&) = delete;
    agent_client& operator=(const agent_client&) = delete;

    // Ends the connection, which ends the agent, and waits for that.
    ~agent_client();

    // 0, or an errno; then `to` is as it was. Views in `to` live until the next call.
    template <protocol::answered_message Request>
    int call(const Request& request, typename Request::reply& to);

    // A reply of several frames: `Append` takes each.
    template <protocol::answered_message Request, typename Append>
    int call_in_parts(const Request& request, Append append);

private:
    using event = protocol::multiplexer::event;

    void send();
    // The next frame of the reply; pushes are met on the way.
    event receive();

    [[noreturn]] static void fail(const std::string& what);

    template <typename Message>
    static Message decoded(std::span<const std::byte> body) {
        auto message = protocol::decode<Message>(body);
        if (!message) {
            fail("malformed message: " + message.error().message());
        }
        return std::move(*message);
    }

    unique_fd socket_;
    pid_t agent_ = -1;
    protocol::frame_parser parser_;
    protocol::multiplexer requests_;
    protocol::buffer outgoing_;
};

template <protocol::answered_message Request, typename Append>
int agent_client::call_in_parts(const Request& request, Append append) {
    requests_.start(request, 0, outgoing_);
    send();
    for (;;) {
        const auto part = receive();
        if (part.failure != protocol::no_error) {
            return static_cast<int>(part.failure);
        }
        append(decoded<typename Request::reply>(part.body));
        if (!part.more) {
            return 0;
        }
    }
}

template <protocol::answered_message Request>
int agent_client::call(const Request& request, typename Request::reply& to) {
    return call_in_parts(request, [&](typename Request::reply&& reply) { to = std::move(reply); });
}

}  // namespace farside::conformance
