// Publishes what the session knows of names, files and their bytes into the cache that covered
// processes read (layer/segment/cache.hpp). It holds no knowledge of its own: whatever has no room
// is not published, which costs a call and nothing else.
//
// Owned by the session's thread, as all its functions. Without a cache (--no-cache) nothing is
// published and all functions may be called all the same.
#pragma once

#include "layer/segment/cache.hpp"
#include "layer/session/block_arena.hpp"

#include <atomic>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <sys/stat.h>

namespace farside::session {

class cache_writer {
public:
    // Where to publish. `used`: one for each slab of the arena, which readers set.
    struct memory {
        segment::cache* shared = nullptr;  // null: there is no cache
        std::span<std::byte> arena;
        std::span<std::atomic<std::uint8_t>> used;
    };

    // Opens the cache for readers. REQUIRES: the memory is zero but for its header's numbers.
    explicit cache_writer(const memory& where);

    cache_writer(const cache_writer&) = delete;
    cache_writer& operator=(const cache_writer&) = delete;

    // ---- names and nodes ----
    // Ids are never 0 and never used for something else later. The root is segment::root_node.

    // `node` 0: there is no such name. A name that was said to be something else is changed.
    void put_name(std::uint64_t directory, std::string_view name, std::uint64_t node);

    // Nothing is known of the name any more. A complete directory is complete no more; that a name
    // of it is gone is said by put_name(directory, name, 0).
    void remove_name(std::uint64_t directory, std::string_view name);

    struct node_record {
        const struct statx* attributes = nullptr;  // null: unknown
        bool complete = false;  // every name of the directory was put: others do not exist
        std::string_view link;  // what a symbolic link says; empty: unknown, or none
        bool plain = false;     // it has no extended attributes
    };

    // Replaces what was published of the node. Attributes are those that hold until told otherwise.
    void put_node(std::uint64_t node, const node_record& record);

    // Its names stay: those of a directory whose changes are told no more are to be removed first.
    void remove_node(std::uint64_t node);

    // Whether readers find it: what had no room is forgotten, and may be put again.
    [[nodiscard]] bool has_node(std::uint64_t node) const;

    // ---- data ----

    // Bytes of the file from index * segment::block_bytes on; at most that many, fewer where the
    // file ends behind them (`ends_file`, also where the last block is full) or the rest is not
    // known. A block that was put before is replaced. False: there is no room.
    bool put_block(
        std::uint64_t data, std::uint64_t index, std::span<const std::byte> bytes, bool ends_file
    );

    // Its bytes, as long as nothing else is put; data() is null where it is not there.
    [[nodiscard]] std::span<const std::byte> find_block(std::uint64_t data, std::uint64_t index);

    void remove_block(std::uint64_t data, std::uint64_t index);
    void remove_data(std::uint64_t data);  // all its blocks

    // ---- all ----

    // Forgets everything.
    void clear();

    // Readers find nothing from now on: nobody will tell them of changes.
    void close();

private:
    using block_key = block_arena::key;

    [[nodiscard]] bool enabled() const { return shared_ != nullptr; }

    [[nodiscard]] segment::node_record* find_node(std::uint64_t node) const;
    [[nodiscard]] segment::node_record& place_for_node(std::uint64_t node);
    [[nodiscard]] bool complete(std::uint64_t directory) const;
    void clear_complete(std::uint64_t directory);
    void erase_name(segment::name_record& record);
    void publish_block(const block_key& key, const block_arena::place& where);
    void hide_block(const block_key& key);

    segment::cache* shared_;
    std::bitset<segment::name_sets> name_sets_used_;  // what clear() has to look at
    std::bitset<segment::node_sets> node_sets_used_;
    block_arena arena_;
    std::uint32_t next_victim_ = 0;
};

}  // namespace farside::session
