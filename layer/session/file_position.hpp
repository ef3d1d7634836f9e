// The position of an open file, in the segment: lseek(2) moves it there without asking the session,
// so that whoever uses it compares and swaps.
#pragma once

#include "layer/session/open_files.hpp"

#include <cstdint>
#include <optional>

namespace farside::session {

// For files without a position.
inline constexpr std::int64_t no_offset = -1;

[[nodiscard]] inline bool valid_offset(std::int64_t offset) {
    return offset >= 0 || offset == segment::position_current;
}

// Moves the position from `before` to `after`, unless somebody else moved it.
[[nodiscard]] inline bool move_position(open_file& file, std::int64_t before, std::int64_t after) {
    return file.entry.position.compare_exchange_strong(
        before, after, std::memory_order_acq_rel, std::memory_order_relaxed
    );
}

inline void store_position(open_file& file, std::int64_t position) {
    file.entry.position.store(position, std::memory_order_release);
}

// Adds without overflow, or fails.
[[nodiscard]] inline std::optional<std::int64_t> sum(std::int64_t a, std::int64_t b) {
    std::int64_t s = 0;
    if (__builtin_add_overflow(a, b, &s) || s < 0) {
        return std::nullopt;
    }
    return s;
}

}  // namespace farside::session
