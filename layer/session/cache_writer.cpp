// Every store into the shared tables is in here, inside a stable_write.
#include "layer/session/cache_writer.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace farside::session {
namespace {

using segment::stable_write;
constexpr auto relaxed = std::memory_order_relaxed;

segment::node_attributes to_node_attributes(const struct statx& from) {
    segment::node_attributes to{};
    to.mask = from.stx_mask;
    to.block_bytes = from.stx_blksize;
    to.flags = from.stx_attributes;
    to.flags_mask = from.stx_attributes_mask;
    to.links = from.stx_nlink;
    to.uid = from.stx_uid;
    to.gid = from.stx_gid;
    to.mode = from.stx_mode;
    to.inode = from.stx_ino;
    to.size = from.stx_size;
    to.blocks = from.stx_blocks;
    to.accessed_s = from.stx_atime.tv_sec;
    to.born_s = from.stx_btime.tv_sec;
    to.changed_s = from.stx_ctime.tv_sec;
    to.modified_s = from.stx_mtime.tv_sec;
    to.accessed_ns = from.stx_atime.tv_nsec;
    to.born_ns = from.stx_btime.tv_nsec;
    to.changed_ns = from.stx_ctime.tv_nsec;
    to.modified_ns = from.stx_mtime.tv_nsec;
    to.rdev_major = from.stx_rdev_major;
    to.rdev_minor = from.stx_rdev_minor;
    to.dev_major = from.stx_dev_major;
    to.dev_minor = from.stx_dev_minor;
    to.mount_id = from.stx_mnt_id;
    return to;
}

// Stores bytes as words; what is left of the last one is zero.
template <std::size_t Words>
void store_words(std::atomic<std::uint64_t> (&to)[Words], const void* from, std::size_t bytes) {
    const auto* const text = static_cast<const char*>(from);
    for (std::size_t i = 0; i * sizeof(std::uint64_t) < bytes; ++i) {
        const std::size_t done = i * sizeof(std::uint64_t);
        std::uint64_t word = 0;
        std::memcpy(&word, text + done, std::min(sizeof word, bytes - done));
        to[i].store(word, relaxed);
    }
}

}  // namespace

cache_writer::cache_writer(const memory& where)
    : shared_{where.shared}, arena_{where.arena, where.used, [this](const block_key& key) {
                                        hide_block(key);
                                    }} {
    if (enabled()) {
        shared_->head.open.store(1, std::memory_order_release);
    }
}

// ---- names ----

void cache_writer::put_name(std::uint64_t directory, std::string_view name, std::uint64_t node) {
    if (!enabled() || name.size() > segment::name_max) {
        return;
    }
    const segment::name_key key = key_of(shared_->head.numbers, directory, name);
    auto& set = shared_->names[set_of_name(key)];
    segment::name_record* place = nullptr;
    bool known = false;
    for (auto& record : set) {
        if (record.low.load(relaxed) == key.low && record.high.load(relaxed) == key.high) {
            place = &record;
            known = true;
            break;
        }
        if (record.low.load(relaxed) == 0) {
            place = &record;
        }
    }
    if (node == segment::no_node && complete(directory)) {
        // What is not there is missing: it needs no record.
        if (known) {
            erase_name(*place);
        }
        return;
    }
    if (place == nullptr) {
        place = &set[next_victim_++ % segment::name_ways];
    }
    auto& directory_of = shared_->directory_of_name[set_of_name(key)][place - set];
    if (!known && place->low.load(relaxed) != 0) {
        clear_complete(directory_of);
    }
    directory_of = directory;
    name_sets_used_.set(set_of_name(key));
    const stable_write writing{place->sequence};
    place->low.store(key.low, relaxed);
    place->high.store(key.high, relaxed);
    place->node.store(node, relaxed);
}

void cache_writer::remove_name(std::uint64_t directory, std::string_view name) {
    if (!enabled() || name.size() > segment::name_max) {
        return;
    }
    clear_complete(directory);
    const segment::name_key key = key_of(shared_->head.numbers, directory, name);
    for (auto& record : shared_->names[set_of_name(key)]) {
        if (record.low.load(relaxed) == key.low && record.high.load(relaxed) == key.high) {
            erase_name(record);
            return;
        }
    }
}

void cache_writer::erase_name(segment::name_record& record) {
    const stable_write writing{record.sequence};
    record.low.store(0, relaxed);
    record.high.store(0, relaxed);
    record.node.store(segment::no_node, relaxed);
}

// ---- nodes ----

segment::node_record* cache_writer::find_node(std::uint64_t node) const {
    for (auto& record : shared_->nodes[segment::set_of_node(node)]) {
        if (record.id.load(relaxed) == node) {
            return &record;
        }
    }
    return nullptr;
}

bool cache_writer::has_node(std::uint64_t node) const {
    return enabled() && find_node(node) != nullptr;
}

bool cache_writer::complete(std::uint64_t directory) const {
    const segment::node_record* const record = find_node(directory);
    return record != nullptr && (record->flags.load(relaxed) & segment::node_is_complete) != 0;
}

void cache_writer::clear_complete(std::uint64_t directory) {
    if (!complete(directory)) {
        return;
    }
    segment::node_record& record = *find_node(directory);
    const stable_write writing{record.sequence};
    record.flags.store(record.flags.load(relaxed) & ~segment::node_is_complete, relaxed);
}

// The root and directories lead to others: they give way last.
segment::node_record& cache_writer::place_for_node(std::uint64_t node) {
    if (segment::node_record* const known = find_node(node)) {
        return *known;
    }
    auto& set = shared_->nodes[segment::set_of_node(node)];
    for (auto& record : set) {
        if (record.id.load(relaxed) == 0) {
            return record;
        }
    }
    ++next_victim_;
    constexpr std::size_t mode_word =
        offsetof(segment::node_attributes, mode) / sizeof(std::uint64_t);
    constexpr unsigned mode_shift = offsetof(segment::node_attributes, mode) % 8 * 8;
    for (std::uint32_t i = 0; i < segment::node_ways; ++i) {
        auto& record = set[(next_victim_ + i) % segment::node_ways];
        const auto mode =
            static_cast<std::uint32_t>(record.attributes[mode_word].load(relaxed) >> mode_shift);
        if ((record.flags.load(relaxed) & segment::node_has_attributes) != 0 && !S_ISDIR(mode)) {
            return record;
        }
    }
    return set[next_victim_ % segment::node_ways];
}

void cache_writer::put_node(std::uint64_t node, const node_record& record) {
    assert(node != 0);
    if (!enabled()) {
        return;
    }
    std::uint64_t flags = record.complete ? segment::node_is_complete : 0;
    flags |= record.plain ? segment::node_is_plain : 0;
    segment::node_attributes attributes{};
    if (record.attributes != nullptr) {
        attributes = to_node_attributes(*record.attributes);
        flags |= segment::node_has_attributes;
    }
    if (record.link.size() <= segment::link_max) {
        flags |= std::uint64_t{record.link.size()} << segment::node_link_shift;
    }
    segment::node_record& place = place_for_node(node);
    node_sets_used_.set(segment::set_of_node(node));
    const stable_write writing{place.sequence};
    place.id.store(node, relaxed);
    place.flags.store(flags, relaxed);
    if (record.attributes != nullptr) {
        store_words(place.attributes, &attributes, sizeof attributes);
    }
    if (record.link.size() <= segment::link_max) {
        store_words(place.link, record.link.data(), record.link.size());
    }
}

void cache_writer::remove_node(std::uint64_t node) {
    if (!enabled() || node == 0) {
        return;
    }
    if (segment::node_record* const record = find_node(node)) {
        const stable_write writing{record->sequence};
        record->id.store(0, relaxed);
        record->flags.store(0, relaxed);
    }
}

// ---- data ----

bool cache_writer::put_block(
    std::uint64_t data, std::uint64_t index, std::span<const std::byte> bytes, bool ends_file
) {
    assert(data != 0 && bytes.size() <= segment::block_bytes);
    if (!enabled()) {
        return false;
    }
    const block_key key{data, index};
    arena_.remove(key);
    const auto where = arena_.add(key, bytes, ends_file);
    if (where) {
        publish_block(key, *where);
    }
    return where.has_value();
}

void cache_writer::publish_block(const block_key& key, const block_arena::place& where) {
    auto& set = shared_->blocks[segment::set_of_block(key.first, key.second)];
    segment::block_record* place = nullptr;
    for (auto& record : set) {
        if (record.data.load(relaxed) == 0) {
            place = &record;
            break;
        }
    }
    if (place == nullptr) {
        place = &set[next_victim_++ % segment::block_ways];
        arena_.remove({place->data.load(relaxed), place->index.load(relaxed)});
    }
    const stable_write writing{place->sequence};
    place->data.store(key.first, relaxed);
    place->index.store(key.second, relaxed);
    place->place.store(
        where.page | std::uint64_t{where.bytes} << segment::place_bytes_shift |
            (where.ends_file ? segment::place_ends_file : 0),
        relaxed
    );
}

void cache_writer::hide_block(const block_key& key) {
    for (auto& record : shared_->blocks[segment::set_of_block(key.first, key.second)]) {
        if (record.data.load(relaxed) == key.first && record.index.load(relaxed) == key.second) {
            const stable_write writing{record.sequence};
            record.data.store(0, relaxed);
            return;
        }
    }
}

std::span<const std::byte> cache_writer::find_block(std::uint64_t data, std::uint64_t index) {
    const block_arena::place* const where = arena_.find({data, index});
    if (where == nullptr) {
        return {};
    }
    arena_.note_use(*where);
    return arena_.bytes_of(*where);
}

void cache_writer::remove_block(std::uint64_t data, std::uint64_t index) {
    arena_.remove({data, index});
}

void cache_writer::remove_data(std::uint64_t data) {
    arena_.remove_all(data);
}

// ---- all ----

void cache_writer::clear() {
    for (std::size_t set = 0; set < segment::node_sets; ++set) {
        if (!node_sets_used_.test(set)) {
            continue;
        }
        for (auto& record : shared_->nodes[set]) {
            remove_node(record.id.load(relaxed));
        }
    }
    for (std::size_t set = 0; set < segment::name_sets; ++set) {
        if (!name_sets_used_.test(set)) {
            continue;
        }
        for (auto& record : shared_->names[set]) {
            erase_name(record);
        }
    }
    node_sets_used_.reset();
    name_sets_used_.reset();
    arena_.clear();
}

void cache_writer::close() {
    if (enabled()) {
        shared_->head.open.store(0, std::memory_order_release);
    }
}

}  // namespace farside::session
