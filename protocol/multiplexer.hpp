// The client's half of a connection as state: which requests are unanswered, and what a received
// frame means for them. Bytes and state only; the owner does the I/O and the waiting.
//
// A request is started (an id is chosen and its frame encoded), then answered by one reply of one
// or more frames, or abandoned. An abandoned request keeps its id until its reply came: to forget
// an id that the server may still answer would hand the reply to somebody else.
#pragma once

#include "protocol/priority.hpp"

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

namespace farside::protocol {

class multiplexer {
public:
    // What the owner wants to be told with a reply, e.g. an index of who waits for it.
    using cookie = std::uint64_t;

    struct event {
        enum class kind : std::uint8_t {
            reply,    // a frame of the reply to the request with `owner`; the last unless `more`
            push,     // a push: `op` and `body` say which; one of unknown `op` is ignored
            nothing,  // the reply to an abandoned request
        };

        kind what = kind::nothing;
        cookie owner = 0;
        opcode op{};
        wire_errno failure = no_error;  // of a reply; then there is no body
        bool more = false;
        std::span<const std::byte> body;  // lives as long as the frame
    };

    // The unanswered requests that the server allows, from its hello_reply. Until then: our own
    // limit.
    void allow(std::uint32_t requests_max);

    // Whether start() may be called.
    [[nodiscard]] bool has_room() const { return waiting_.size() < requests_max_; }

    // Appends the request's frame to `out`; without a class where `said` is control. REQUIRES:
    // has_room().
    template <answered_message Request>
    request_id start(
        const Request& message, cookie owner, buffer& out, priority said = priority::control
    ) {
        const request_id id = add(Request::op, owner);
        const auto start_of_frame = out.size();
        append_request(out, id, message);
        say_priority(out, start_of_frame, said);
        return id;
    }

    // The caller no longer wants the reply. Unknown ids (already answered) are fine.
    void abandon(request_id id);

    // An error means that the peer broke the protocol: close the connection.
    [[nodiscard]] result<event> on_frame(const frame& received);

    // The connection is gone: the owners of all requests that will never be answered, oldest first.
    // Leaves none.
    [[nodiscard]] std::vector<cookie> fail_all();

    [[nodiscard]] std::size_t unanswered() const { return waiting_.size(); }

private:
    struct entry {
        opcode op{};
        std::optional<cookie> owner;  // none: abandoned
    };

    request_id add(opcode op, cookie owner);

    std::uint32_t requests_max_ = limits::requests_in_flight_max;
    std::uint64_t last_id_ = 0;
    std::unordered_map<std::uint64_t, entry> waiting_;
};

}  // namespace farside::protocol
