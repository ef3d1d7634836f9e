// How much a frame is wanted: what is written first, at both ends. A request says its class in the
// flags of its header, beside those of frame.hpp.
#pragma once

#include "protocol/frame.hpp"

#include <cassert>
#include <cstddef>
#include <cstdint>

namespace farside::protocol {

// Smaller is sooner.
enum class priority : std::uint8_t {
    control = 0,     // pushes; no request says it
    metadata = 1,    // somebody waits, for little: everything but what follows
    stream = 2,      // somebody waits, for much
    prefetch = 3,    // nobody waits yet
    write_back = 4,  // nobody waits, and the request is what is long
};

inline constexpr priority priority_last = priority::write_back;

// What is longer is much.
inline constexpr std::uint32_t small_bytes_max = 16 * 1024;

namespace frame_flags {
inline constexpr unsigned class_shift = 4;
inline constexpr std::uint16_t class_mask = 7U << class_shift;  // only on requests: a priority
}  // namespace frame_flags

[[nodiscard]] constexpr std::uint16_t flags_of(priority said) {
    return static_cast<std::uint16_t>(static_cast<unsigned>(said) << frame_flags::class_shift);
}

// What the flags of a request say; control: nothing.
[[nodiscard]] constexpr priority said_priority(std::uint16_t flags) {
    return static_cast<priority>((flags & frame_flags::class_mask) >> frame_flags::class_shift);
}

// Lets the request whose frame begins at `start` say its class. It has no other flags.
inline void say_priority(buffer& out, std::size_t start, priority said) {
    constexpr std::size_t flags_at = 6;
    assert(said <= priority_last && out.size() >= start + frame_header_bytes);
    out[start + flags_at] = static_cast<std::byte>(flags_of(said));
    static_assert(frame_flags::class_mask <= 0xff);
}

}  // namespace farside::protocol
