// The bytes of cached files: which block is where in the arena, and which gives way to another.
//
// The arena is divided into slabs of 64 KiB. A slab holds blocks of one size class (4, 8, 16, 32 or
// 64 KiB), so that small files take little and a slab of any class can become one of another. A
// slab as a whole gives way: the first, going round, that nobody used since the last time (CLOCK).
// Covered processes say that they used a slab by a byte of the segment; a wrong one costs a hit.
#pragma once

#include "layer/segment/cache.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace farside::session {

class block_arena {
public:
    // Data id and index of the block.
    using key = std::pair<std::uint64_t, std::uint64_t>;

    struct place {
        std::uint32_t page = 0;  // of the arena
        std::uint32_t bytes = 0;
        bool ends_file = false;
    };

    // `hide` is called with each block before its room is given to another.
    block_arena(
        std::span<std::byte> bytes,
        std::span<std::atomic<std::uint8_t>> used,
        std::function<void(const key&)> hide
    );

    // Room for a block that is not there, filled with its bytes; nothing: the arena has none.
    // REQUIRES: at most segment::block_bytes.
    [[nodiscard]] std::optional<place> add(
        const key& which, std::span<const std::byte> bytes, bool ends_file
    );

    [[nodiscard]] const place* find(const key& which) const;
    [[nodiscard]] std::span<const std::byte> bytes_of(const place& where) const;

    // Somebody in the session used it.
    void note_use(const place& where);

    // Gives its room back, after `hide`. No effect where it is not there.
    void remove(const key& which);
    void remove_all(std::uint64_t data);

    void clear();

private:
    static constexpr unsigned classes = 5;
    static constexpr std::uint32_t slab_pages = segment::block_bytes / segment::arena_page_bytes;

    struct slab {
        unsigned size_class = 0;
        std::uint32_t taken = 0;  // bit per unit
        std::vector<key> blocks;  // by unit; those of bits in `taken`
    };

    [[nodiscard]] std::optional<std::uint32_t> slab_with_room(unsigned size_class);
    void empty(std::uint32_t index);
    void release(const place& where);

    std::span<std::byte> bytes_;
    std::span<std::atomic<std::uint8_t>> used_;
    std::function<void(const key&)> hide_;
    std::map<key, place> blocks_;
    std::vector<slab> slabs_;        // those that were ever used; at most all
    std::size_t slabs_room_ = 0;     // how many there can be
    std::set<std::uint32_t> empty_;  // of slabs_
    std::array<std::set<std::uint32_t>, classes> partial_;  // with room for one more
    std::uint32_t hand_ = 0;
};

}  // namespace farside::session
