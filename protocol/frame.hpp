// The frame: 16 bytes of header, then the payload. Both ends meet in this file.
//
//     0        4        6        8                16
//     | payload | opcode | flags  | request id      | payload ...
//       bytes
//
// A request's payload is its message. A reply's payload is an errno (i32), then, where that is 0,
// the reply message. A long reply is several frames with the same id, all but the last marked
// `more`, each a complete reply message. A message without a reply (a push of the server, a one-way
// request of the client) has id 0 and the message as its payload.
#pragma once

#include "protocol/codec.hpp"
#include "protocol/opcode.hpp"

#include <cassert>

namespace farside::protocol {

struct frame_header {
    std::uint32_t payload_bytes = 0;
    opcode op{};
    std::uint16_t flags = 0;
    request_id id{};

    friend bool operator==(const frame_header&, const frame_header&) = default;
};

inline constexpr std::size_t frame_header_bytes = 16;

namespace frame_flags {
inline constexpr std::uint16_t reply = 1;
inline constexpr std::uint16_t more = 2;  // only on replies: another frame of this reply follows
inline constexpr std::uint16_t known = reply | more;
}  // namespace frame_flags

// A received frame. The payload points into the parser and lives until its next prepare().
struct frame {
    frame_header header;
    std::span<const std::byte> payload;
};

namespace detail {

// Appends a frame whose payload `fill` writes, then puts the length in.
template <typename Fill>
void append_frame(buffer& out, opcode op, std::uint16_t flags, request_id id, Fill fill) {
    const std::size_t start = out.size();
    encode(frame_header{0, op, flags, id}, out);
    fill(out);
    const auto payload = static_cast<std::uint32_t>(out.size() - start - frame_header_bytes);
    assert(payload <= limits::frame_payload_bytes_max);
    for (std::size_t i = 0; i < sizeof payload; ++i) {
        out[start + i] = static_cast<std::byte>((payload >> (8 * i)) & 0xffU);
    }
}

}  // namespace detail

template <answered_message Request>
void append_request(buffer& out, request_id id, const Request& message) {
    detail::append_frame(out, Request::op, 0, id, [&](buffer& b) { encode(message, b); });
}

enum class more_frames : bool { no, yes };

// `Request` names the request that `message` (a Request::reply) answers.
template <answered_message Request>
void append_reply(
    buffer& out,
    request_id id,
    const typename Request::reply& message,
    more_frames more = more_frames::no
) {
    assert(more == more_frames::no || reply_may_split(Request::op));
    const auto flags = static_cast<std::uint16_t>(
        frame_flags::reply | (more == more_frames::yes ? frame_flags::more : 0)
    );
    detail::append_frame(out, Request::op, flags, id, [&](buffer& b) {
        writer{b}.put(no_error);
        encode(message, b);
    });
}

// REQUIRES: failure != no_error.
inline void append_error(buffer& out, opcode op, request_id id, wire_errno failure) {
    assert(failure != no_error);
    detail::append_frame(out, op, frame_flags::reply, id, [&](buffer& b) {
        writer{b}.put(failure);
    });
}

// From either end: a push, or a one-way request.
template <one_way_message Message>
void append_one_way(buffer& out, const Message& message) {
    detail::append_frame(out, Message::op, 0, one_way_id, [&](buffer& b) { encode(message, b); });
}

}  // namespace farside::protocol
