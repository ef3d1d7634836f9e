// What becomes of a reply's frames: each is decoded where it arrives, while its bytes are still in
// the parser, and only what outlives it is kept. Most replies are one frame and one message; the
// data of a read goes straight to where the reader wants it.
#pragma once

#include "protocol/codec.hpp"
#include "protocol/file_messages.hpp"
#include "protocol/lease_messages.hpp"
#include "protocol/watch_messages.hpp"

#include <concepts>
#include <cstddef>
#include <cstring>
#include <functional>
#include <span>

namespace farside::session {

// One message that holds no views.
template <typename Request>
struct reply_collector {
    typename Request::reply value{};

    // An error means that the agent broke the protocol.
    [[nodiscard]] boost::system::error_code add(std::span<const std::byte> body) {
        auto decoded = protocol::decode<typename Request::reply>(body);
        if (!decoded) {
            return decoded.error();
        }
        value = std::move(*decoded);
        return {};
    }
};

// REQUIRES: the room is as large as the request's `bytes`, and lives until the call returned. Or
// `arrived` takes the data, at most `bytes_max`, frame by frame.
template <>
struct reply_collector<protocol::read> {
    std::span<std::byte> room;
    std::size_t value = 0;  // bytes read
    std::function<void(std::span<const std::byte>)> arrived;
    std::size_t bytes_max = 0;

    [[nodiscard]] boost::system::error_code add(std::span<const std::byte> body) {
        const auto decoded = protocol::decode<protocol::read_reply>(body);
        if (!decoded) {
            return decoded.error();
        }
        const auto data = decoded->data.bytes;
        if (data.size() > (arrived ? bytes_max : room.size()) - value) {
            return protocol::error::length_exceeds_limit;
        }
        if (arrived) {
            arrived(data);
        } else if (!data.empty()) {
            std::memcpy(room.data() + value, data.data(), data.size());
        }
        value += data.size();
        return {};
    }
};

// A lease that is granted is to be known before the notices that follow its reply. The data is a
// view that does not outlive this.
template <>
struct reply_collector<protocol::open_leased> {
    std::function<void(const protocol::open_leased_reply&)> arrived;

    [[nodiscard]] boost::system::error_code add(std::span<const std::byte> body) {
        const auto decoded = protocol::decode<protocol::open_leased_reply>(body);
        if (!decoded) {
            return decoded.error();
        }
        arrived(*decoded);
        return {};
    }
};

// A new watch is to be known before the events that follow its reply in the same bytes.
template <>
struct reply_collector<protocol::watch_add> {
    std::function<void(const protocol::watch_add_reply&)> arrived;

    [[nodiscard]] boost::system::error_code add(std::span<const std::byte> body) {
        const auto decoded = protocol::decode<protocol::watch_add_reply>(body);
        if (!decoded) {
            return decoded.error();
        }
        arrived(*decoded);
        return {};
    }
};

// Frames of what is leased, which tell it one after the other: each counts as it comes.
template <typename Request>
requires std::same_as<typename Request::reply, protocol::lookup_reply>

struct reply_collector<Request> {
    std::function<void(const protocol::lookup_reply&)> arrived;

    [[nodiscard]] boost::system::error_code add(std::span<const std::byte> body) {
        const auto decoded = protocol::decode<protocol::lookup_reply>(body);
        if (!decoded) {
            return decoded.error();
        }
        arrived(*decoded);
        return {};
    }
};

}  // namespace farside::session
