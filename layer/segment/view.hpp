// The view: what the session tells every covered process, and they only read. A memfd that the
// session maps read-write and the others inherit as a read-only descriptor. Behind it, in the same
// memfd, is the cache (cache.hpp).
#pragma once

#include "layer/common/path_policy.hpp"
#include "layer/common/side.hpp"
#include "layer/segment/cache.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace farside::segment {

inline constexpr std::uint64_t view_magic = 0x31777664'64697366;  // "fsiddvw1"

// The decisions the session took on paths that only it can decide. Single writer; append only: an
// entry is complete before its `hash` is stored (release), and never changes after.
struct decision {
    std::atomic<std::uint64_t> hash;  // of the path; 0: empty
    std::uint32_t text_offset;
    std::uint32_t text_bytes;
    side verdict;
};

struct decision_table {
    static constexpr std::uint32_t entries =
        8192;  // a power of two; at most three quarters are used
    static constexpr std::uint32_t text_room = 1024 * 1024;

    decision slots[entries];  // open addressing, linear probing from hash % entries
    char text[text_room];
};

// FNV-1a with a final mix; 0 is mapped to 1.
[[nodiscard]] constexpr std::uint64_t path_hash(const char* path, std::size_t bytes) noexcept {
    std::uint64_t h = 0xcbf29ce484222325;
    for (std::size_t i = 0; i < bytes; ++i) {
        h = (h ^ static_cast<unsigned char>(path[i])) * 0x100000001b3;
    }
    h ^= h >> 32U;
    return h == 0 ? 1 : h;
}

// Which processes may hold record locks, by a hash of their pids: a process whose bit is not set
// holds none, and has nothing to give up when it closes a descriptor.
inline constexpr std::uint32_t lock_holder_bits = 4096;

[[nodiscard]] constexpr std::uint32_t lock_holder_bit(std::uint32_t pid) noexcept {
    return pid % lock_holder_bits;
}

struct view {
    static constexpr std::size_t target_room = 512;
    static constexpr std::size_t library_room = 4096;

    std::uint64_t magic;
    std::uint32_t version;  // segment::layout_version
    std::uint32_t
        allow_local;  // 1: programs that cannot be covered run all the same, on local files
    std::uint64_t cache_bytes;   // of the cache and its arena, at cache_offset; 0: there is none
    char target[target_room];    // as the user named it, "docker/web"; NUL-terminated
    char library[library_room];  // absolute path of libfarside.so; NUL-terminated
    std::atomic<std::uint64_t> lock_holders[lock_holder_bits / 64];
    policy_table policy;
    decision_table decisions;
};

// Where the cache (cache.hpp) is in the view's memfd.
inline constexpr std::size_t cache_offset =
    (sizeof(view) + alignof(cache) - 1) / alignof(cache) * alignof(cache);

}  // namespace farside::segment
