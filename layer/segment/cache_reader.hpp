// Looking up names, attributes and bytes in the cache (cache.hpp), as the kernel would walk a path.
// Freestanding, no allocation, about 1 KiB of stack: it runs inside covered processes, in signal
// handlers and in children of vfork(2) too. It never waits; an answer other than `unknown` was true
// at a moment during the call.
#pragma once

#include "layer/segment/cache.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace farside::segment {

class cache_reader {
public:
    constexpr cache_reader() noexcept = default;

    // `where` with its arena behind it stays mapped.
    void attach(const cache& where) noexcept {
        cache_ = &where;
        arena_ = reinterpret_cast<const std::byte*>(&where) + sizeof where;
    }

    // Whether there is a cache, and it may be believed.
    [[nodiscard]] bool usable() const noexcept {
        return cache_ != nullptr && cache_->head.open.load(std::memory_order_acquire) == 1;
    }

    // ---- names; REQUIRES: usable() ----

    enum class answer : std::uint8_t {
        found,
        missing,        // ENOENT
        not_directory,  // ENOTDIR
        loop,           // ELOOP: too many symbolic links
        unknown,        // ask the session
    };

    enum class last_link : bool { follow, keep };

    struct node_view {
        std::uint64_t id;
        std::uint64_t flags;  // node_record::flags
        node_attributes attributes;
        char link[link_max];

        [[nodiscard]] bool has_attributes() const noexcept {
            return (flags & node_has_attributes) != 0;
        }

        [[nodiscard]] bool is_plain() const noexcept { return (flags & node_is_plain) != 0; }

        [[nodiscard]] std::size_t link_bytes() const noexcept {
            return flags >> node_link_shift & node_link_mask;
        }
    };

    // Walks `path` from the directory `start`: from the root for an absolute one, or where the
    // directory is open. A path that climbs above a directory other than the root is unknown.
    // Found: with attributes.
    [[nodiscard]] answer resolve(
        std::uint64_t start, std::string_view path, last_link last, node_view& out
    ) const noexcept;

    // What is known of a node: found or unknown; with attributes.
    [[nodiscard]] answer read_node(std::uint64_t id, node_view& out) const noexcept;

    // ---- data; REQUIRES: usable() ----

    // Bytes from an offset on. Whoever has copied them then asks still_holds(): only if that is so,
    // they are the file's.
    struct piece {
        const std::byte* bytes = nullptr;  // null: unknown
        std::size_t size = 0;              // 0: the file ends here
        bool ends_file = false;            // behind these bytes
        std::uint32_t slab = 0;            // of the arena, to be marked as used
        const std::atomic<std::uint64_t>* sequence = nullptr;
        std::uint64_t seen = 0;

        [[nodiscard]] bool still_holds() const noexcept {
            std::atomic_thread_fence(std::memory_order_acquire);
            return sequence->load(std::memory_order_relaxed) == seen;
        }
    };

    [[nodiscard]] piece find_bytes(std::uint64_t data, std::uint64_t offset) const noexcept;

private:
    friend class cache_walk;

    enum class name_state : std::uint8_t { present, missing, not_here, changing };

    struct named {
        name_state state;
        std::uint64_t node;
    };

    [[nodiscard]] named find_name(std::uint64_t directory, std::string_view name) const noexcept;
    [[nodiscard]] const node_record* find_node(std::uint64_t id) const noexcept;
    [[nodiscard]] piece find_block(std::uint64_t data, std::uint64_t index) const noexcept;

    const cache* cache_ = nullptr;
    const std::byte* arena_ = nullptr;
};

}  // namespace farside::segment
