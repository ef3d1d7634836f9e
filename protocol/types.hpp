// The small types that messages are made of: ids that cannot be mixed up, and views of bulk bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace farside::protocol {

// Chosen by the client, unique among its unanswered requests; 0 marks a message without a reply.
enum class request_id : std::uint64_t {};
inline constexpr request_id one_way_id{0};

// The agent's name for an open file. Ids only grow and are never used again; 0 is no handle.
enum class handle_id : std::uint64_t {};
inline constexpr handle_id no_handle{0};

// The client's name for an inotify instance of the agent. Never used again in a connection.
enum class instance_id : std::uint64_t {};

// A Linux errno number, or 0: unchanged from the agent's kernel to the caller.
enum class wire_errno : std::int32_t {};
inline constexpr wire_errno no_error{0};
inline constexpr wire_errno errno_max{4095};  // MAX_ERRNO: a larger one would look like a result

// Bulk bytes inside a message. A view: it points into the frame the message was decoded from, or
// into the caller's buffer for a message about to be encoded, and lives no longer than that.
struct bytes_view {
    std::span<const std::byte> bytes;

    friend bool operator==(const bytes_view& a, const bytes_view& b) {
        return std::ranges::equal(a.bytes, b.bytes);
    }
};

// A point in time, as in statx(2).
struct timestamp {
    std::int64_t seconds = 0;
    std::uint32_t nanoseconds = 0;

    friend bool operator==(const timestamp&, const timestamp&) = default;
};

}  // namespace farside::protocol
