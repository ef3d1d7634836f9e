// Every limit of the wire, named once. Both ends assert the same numbers, and the handshake carries
// the ones a peer may lower. Units are in the names.
#pragma once

#include <cstdint>

namespace farside::protocol::limits {

// Payload of one data message. At 1 Gbit/s this is one millisecond: the longest that a small reply
// ever waits behind a large one.
inline constexpr std::uint32_t data_bytes_max = 128 * 1024;

// Frame payload: one data message, or any control message, with room for its fixed fields.
inline constexpr std::uint32_t frame_payload_bytes_max = data_bytes_max + 4 * 1024;

// One read request may ask for this much; the reply comes in frames of data_bytes_max.
inline constexpr std::uint32_t read_bytes_max = 4 * 1024 * 1024;

// One directory read: the bytes of its entries in one reply frame.
inline constexpr std::uint32_t directory_bytes_max = 64 * 1024;

// As the kernel: PATH_MAX counts the terminating NUL, NAME_MAX does not (limits.h).
inline constexpr std::uint32_t path_bytes_max = 4095;
inline constexpr std::uint32_t name_bytes_max = 255;
inline constexpr std::uint32_t xattr_name_bytes_max = 255;
inline constexpr std::uint32_t xattr_value_bytes_max = 64 * 1024;
inline constexpr std::uint32_t xattr_list_bytes_max = 64 * 1024;

inline constexpr std::uint32_t token_bytes_max = 256;
inline constexpr std::uint32_t text_bytes_max = 1024;  // reasons and names shown to a person

// Requests a client may have without an answer; the server closes a connection that has more.
inline constexpr std::uint32_t requests_in_flight_max = 1024;

// Open files of one connection.
inline constexpr std::uint32_t handles_max = 65536;

// Bytes of encoded frames that may wait to be written, at either end, before the producer waits.
inline constexpr std::uint32_t outgoing_bytes_max = 4 * 1024 * 1024;

// The handshake must be complete this long after the connection began.
inline constexpr std::uint32_t handshake_timeout_ms = 10'000;

}  // namespace farside::protocol::limits
