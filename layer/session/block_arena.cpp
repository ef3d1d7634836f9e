// Slabs are taken in order, so that memory is touched only as it is needed.
#include "layer/session/block_arena.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

namespace farside::session {
namespace {

unsigned class_of(std::size_t bytes) {
    unsigned size_class = 0;
    while ((std::size_t{segment::arena_page_bytes} << size_class) < bytes) {
        ++size_class;
    }
    return size_class;
}

// Readers may still look at what was here: they find out afterwards (segment/cache.hpp). That is a
// race only by the letter, which the thread sanitizer must be spared.
void copy_beside_readers(std::byte* to, std::span<const std::byte> bytes) {
#ifdef __SANITIZE_THREAD__
    for (const std::byte one : bytes) {
        __atomic_store_n(
            reinterpret_cast<unsigned char*>(to++),
            static_cast<unsigned char>(one),
            __ATOMIC_RELAXED
        );
    }
#else
    if (!bytes.empty()) {
        std::memcpy(to, bytes.data(), bytes.size());
    }
#endif
}

}  // namespace

block_arena::block_arena(
    std::span<std::byte> bytes,
    std::span<std::atomic<std::uint8_t>> used,
    std::function<void(const key&)> hide
)
    : bytes_{bytes},
      used_{used},
      hide_{std::move(hide)},
      slabs_room_{std::min(bytes.size() / segment::block_bytes, used.size())} {}

std::optional<block_arena::place> block_arena::add(
    const key& which, std::span<const std::byte> bytes, bool ends_file
) {
    assert(bytes.size() <= segment::block_bytes && !blocks_.contains(which));
    const unsigned size_class = class_of(bytes.size());
    const auto index = slab_with_room(size_class);
    if (!index) {
        return std::nullopt;
    }
    slab& into = slabs_[*index];
    const unsigned units = slab_pages >> size_class;
    const auto unit = static_cast<unsigned>(std::countr_one(into.taken));
    into.taken |= 1U << unit;
    into.blocks[unit] = which;
    if (static_cast<unsigned>(std::popcount(into.taken)) == units) {
        partial_[size_class].erase(*index);
    }
    place where;
    where.page = *index * slab_pages + (unit << size_class);
    where.bytes = static_cast<std::uint32_t>(bytes.size());
    where.ends_file = ends_file;
    // Readers of what was here before must see that it is hidden, before they see these bytes.
    std::atomic_thread_fence(std::memory_order_release);
    copy_beside_readers(bytes_.data() + std::size_t{where.page} * segment::arena_page_bytes, bytes);
    blocks_.emplace(which, where);
    note_use(where);
    return where;
}

std::optional<std::uint32_t> block_arena::slab_with_room(unsigned size_class) {
    auto& partial = partial_[size_class];
    if (!partial.empty()) {
        return *partial.begin();
    }
    if (empty_.empty() && slabs_.size() < slabs_room_) {
        empty_.insert(static_cast<std::uint32_t>(slabs_.size()));
        slabs_.emplace_back();
    }
    // The second time round at the latest, nobody used it since the first.
    for (std::size_t looked = 0; empty_.empty() && looked < 2 * slabs_.size(); ++looked) {
        const std::uint32_t index = hand_;
        hand_ = (hand_ + 1) % static_cast<std::uint32_t>(slabs_.size());
        if (used_[index].exchange(0, std::memory_order_relaxed) == 0) {
            empty(index);
        }
    }
    if (empty_.empty()) {
        if (slabs_.empty()) {
            return std::nullopt;
        }
        empty(hand_);  // those who use the others are too fast for us
    }
    const std::uint32_t index = *empty_.begin();
    empty_.erase(empty_.begin());
    slab& found = slabs_[index];
    found.size_class = size_class;
    found.taken = 0;
    found.blocks.assign(slab_pages >> size_class, key{});
    partial.insert(index);
    return index;
}

void block_arena::empty(std::uint32_t index) {
    const std::vector<key> blocks = slabs_[index].blocks;
    for (std::size_t unit = 0; unit < blocks.size(); ++unit) {
        if ((slabs_[index].taken >> unit & 1U) != 0) {
            remove(blocks[unit]);
        }
    }
}

const block_arena::place* block_arena::find(const key& which) const {
    const auto found = blocks_.find(which);
    return found == blocks_.end() ? nullptr : &found->second;
}

std::span<const std::byte> block_arena::bytes_of(const place& where) const {
    return bytes_.subspan(std::size_t{where.page} * segment::arena_page_bytes, where.bytes);
}

void block_arena::note_use(const place& where) {
    used_[where.page / slab_pages].store(1, std::memory_order_relaxed);
}

void block_arena::remove(const key& which) {
    const auto found = blocks_.find(which);
    if (found == blocks_.end()) {
        return;
    }
    hide_(which);
    const place where = found->second;
    blocks_.erase(found);
    release(where);
}

void block_arena::release(const place& where) {
    const std::uint32_t index = where.page / slab_pages;
    slab& from = slabs_[index];
    from.taken &= ~(1U << ((where.page % slab_pages) >> from.size_class));
    if (from.taken == 0) {
        partial_[from.size_class].erase(index);
        empty_.insert(index);
    } else {
        partial_[from.size_class].insert(index);
    }
}

void block_arena::remove_all(std::uint64_t data) {
    for (auto at = blocks_.lower_bound({data, 0}); at != blocks_.end() && at->first.first == data;
         at = blocks_.lower_bound({data, 0})) {
        remove(at->first);
    }
}

void block_arena::clear() {
    while (!blocks_.empty()) {
        remove(blocks_.begin()->first);
    }
}

}  // namespace farside::session
