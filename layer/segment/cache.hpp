// The cache: what the session knows of the target's names and files, for every covered process to
// look up without a call. It lies in the view's memfd (view.hpp), behind the view: written by the
// session alone, mapped read-only by the others. Three tables of fixed size and an arena of bytes:
//
//   names   (directory node, name) -> node, or that there is no such name
//   nodes   node -> attributes, what a symbolic link says, whether all names of a directory are
//   here blocks  (data id, index) -> where in the arena 64 KiB of a file's bytes are
//
// Ids of nodes and data are never reused. Each table is set-associative; what is not found in its
// set is not known. Readers never wait: whatever is missing, or changes while it is read, is a
// miss.
//
// Consistency. There is one writer, a thread of the session. Each record has a sequence counter.
// The writer makes it odd, fence(release), stores the words (relaxed), makes it even (release). A
// reader loads it (acquire), the words (relaxed), fence(acquire), and loads it again (relaxed):
//   - the same even number twice: a word of a later write would have been stored behind a release
//     fence that follows the odd store, and reading it before our acquire fence makes that odd
//     store visible to the second load. A word of an earlier write cannot be seen, because the
//     first load synchronises with the store of that even number. So all words are of one write.
//   - the counter has 64 bits: it comes to no number twice.
//   - Bytes in the arena are only reused after the record that led to them was made invalid, with a
//     release fence between. A reader copies them, fence(acquire), and checks the record as above.
//   - That a name is not there: the reader sees a complete directory, then looks for the name in
//     vain, fence(acquire), then sees the directory's record unchanged. The writer takes "complete"
//     off a directory before it takes away a name that exists; so at the time of the search all
//     names were there. A record is changed in place or made invalid, and never moves.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace farside::segment {

// Of the root directory of the target.
inline constexpr std::uint64_t root_node = 1;
inline constexpr std::uint64_t no_node = 0;  // of a name: there is none such

inline constexpr std::size_t name_max = 255;

// ---- names ----

struct name_key {
    std::uint64_t low;  // odd: 0 is the key of an unused record
    std::uint64_t high;

    friend constexpr bool operator==(const name_key&, const name_key&) = default;
};

// The random numbers of the session behind its keys.
struct name_numbers {
    // For the directory, the length, and each eight bytes of the name; and one to begin with.
    static constexpr std::size_t words_max = 2 + (name_max + 7) / 8;

    std::uint64_t begin[2][2];
    std::uint64_t factor[words_max][2][2];
};

// Stands for (directory, name): multilinear hashing, twice. A sum of the words, each times a random
// number of 128 bits, modulo 2^128, of which the upper half counts: two names that were chosen
// without knowing the numbers have the same key with a probability of 2^-127. Whoever makes names
// in the target does not know them, so the names themselves need not be kept.
// REQUIRES: name.size() <= name_max.
[[nodiscard]] inline name_key key_of(
    const name_numbers& numbers, std::uint64_t directory, std::string_view name
) noexcept {
    __extension__ using wide = unsigned __int128;
    const auto joined = [](const std::uint64_t(&halves)[2]) noexcept {
        return wide{halves[1]} << 64U | halves[0];
    };
    wide low = joined(numbers.begin[0]);
    wide high = joined(numbers.begin[1]);
    std::size_t at = 0;
    const auto add = [&](std::uint64_t word) noexcept {
        low += joined(numbers.factor[at][0]) * word;
        high += joined(numbers.factor[at][1]) * word;
        ++at;
    };
    add(directory);
    add(name.size());
    std::size_t done = 0;
    for (; done + sizeof(std::uint64_t) <= name.size(); done += sizeof(std::uint64_t)) {
        std::uint64_t word = 0;
        std::memcpy(&word, name.data() + done, sizeof word);
        add(word);
    }
    if (done < name.size()) {
        std::uint64_t word = 0;
        for (std::size_t i = name.size(); i > done; --i) {
            word = word << 8U | static_cast<unsigned char>(name[i - 1]);
        }
        add(word);
    }
    return {static_cast<std::uint64_t>(low >> 64U) | 1U, static_cast<std::uint64_t>(high >> 64U)};
}

struct name_record {
    std::atomic<std::uint64_t> sequence;
    std::atomic<std::uint64_t> low;  // the key; 0: unused
    std::atomic<std::uint64_t> high;
    std::atomic<std::uint64_t> node;  // no_node: known to be missing
};

// ---- nodes ----

// What statx(2) tells.
struct node_attributes {
    std::uint32_t mask;  // STATX_*: which of the fields are valid
    std::uint32_t block_bytes;
    std::uint64_t flags;
    std::uint64_t flags_mask;
    std::uint32_t links;
    std::uint32_t uid;
    std::uint32_t gid;
    std::uint32_t mode;
    std::uint64_t inode;
    std::uint64_t size;
    std::uint64_t blocks;
    std::int64_t accessed_s;
    std::int64_t born_s;
    std::int64_t changed_s;
    std::int64_t modified_s;
    std::uint32_t accessed_ns;
    std::uint32_t born_ns;
    std::uint32_t changed_ns;
    std::uint32_t modified_ns;
    std::uint32_t rdev_major;
    std::uint32_t rdev_minor;
    std::uint32_t dev_major;
    std::uint32_t dev_minor;
    std::uint64_t mount_id;
};

inline constexpr std::size_t attribute_words = sizeof(node_attributes) / sizeof(std::uint64_t);
inline constexpr std::size_t link_words = 12;
inline constexpr std::size_t link_max = link_words * sizeof(std::uint64_t);  // longer ones: unknown

// node_record::flags.
inline constexpr std::uint64_t node_has_attributes = 1;
inline constexpr std::uint64_t node_is_complete = 2;  // every name of the directory is in `names`
inline constexpr std::uint64_t node_is_plain = 4;     // it has no extended attributes
inline constexpr unsigned node_link_shift = 8;        // above: bytes of the link; 0: unknown, none
inline constexpr std::uint64_t node_link_mask = 0xff;

struct alignas(256) node_record {
    std::atomic<std::uint64_t> sequence;
    std::atomic<std::uint64_t> id;  // 0: unused
    std::atomic<std::uint64_t> flags;
    std::atomic<std::uint64_t> attributes[attribute_words];
    std::atomic<std::uint64_t> link[link_words];
};

// ---- blocks ----

inline constexpr std::uint32_t block_bytes = 64 * 1024;
inline constexpr std::uint32_t arena_page_bytes = 4096;
// A slab of the arena is the room of a block of full size, or of several short ones.
inline constexpr std::uint32_t slabs_max = 65536;

struct block_record {
    std::atomic<std::uint64_t> sequence;
    std::atomic<std::uint64_t> data;   // 0: unused
    std::atomic<std::uint64_t> index;  // of the block in the file
    std::atomic<std::uint64_t> place;  // below
};

// block_record::place: the arena's page, the number of bytes, whether the file ends behind them.
inline constexpr std::uint64_t place_page_mask = 0xffffffff;
inline constexpr unsigned place_bytes_shift = 32;
inline constexpr std::uint64_t place_bytes_mask = 0xffffff;
inline constexpr std::uint64_t place_ends_file = std::uint64_t{1} << 63U;

// ---- all of it ----

inline constexpr std::uint32_t name_ways = 8;
inline constexpr std::uint32_t name_sets = 65536;
inline constexpr std::uint32_t node_ways = 4;
inline constexpr std::uint32_t node_sets = 49152;
inline constexpr std::uint32_t block_ways = 8;
inline constexpr std::uint32_t block_sets = 32768;

struct alignas(4096) cache_header {
    std::atomic<std::uint64_t> open;  // 1 while readers may believe what they find
    std::uint64_t arena_bytes;
    name_numbers numbers;
};

struct cache {
    cache_header head;
    name_record names[name_sets][name_ways];
    alignas(4096) node_record nodes[node_sets][node_ways];
    alignas(4096) block_record blocks[block_sets][block_ways];
    // The directory of each record of `names`; only the session looks at it.
    alignas(4096) std::uint64_t directory_of_name[name_sets][name_ways];
};

// Behind it, arena_bytes: the arena.
static_assert(sizeof(cache) % arena_page_bytes == 0);
static_assert(sizeof(name_record) == 32 && sizeof(block_record) == 32);
static_assert(sizeof(node_record) == 256);
static_assert(sizeof(node_attributes) % sizeof(std::uint64_t) == 0);

[[nodiscard]] constexpr std::uint32_t set_of_name(const name_key& key) noexcept {
    return static_cast<std::uint32_t>(key.high % name_sets);
}

[[nodiscard]] constexpr std::uint32_t set_of_node(std::uint64_t id) noexcept {
    return static_cast<std::uint32_t>(id % node_sets);
}

[[nodiscard]] constexpr std::uint32_t set_of_block(
    std::uint64_t data, std::uint64_t index
) noexcept {
    const std::uint64_t mixed = (data * 0x9e3779b97f4a7c15 + index) * 0xbf58476d1ce4e5b9;
    return static_cast<std::uint32_t>(mixed >> 32U) % block_sets;
}

// The words of a record as of one moment; see above.
class stable_read {
public:
    explicit stable_read(const std::atomic<std::uint64_t>& sequence) noexcept
        : sequence_{sequence}, seen_{sequence.load(std::memory_order_acquire)} {}

    // Whether what was loaded since the beginning belongs together and is still so.
    [[nodiscard]] bool holds() const noexcept {
        std::atomic_thread_fence(std::memory_order_acquire);
        return seen_ % 2 == 0 && sequence_.load(std::memory_order_relaxed) == seen_;
    }

private:
    const std::atomic<std::uint64_t>& sequence_;
    std::uint64_t seen_;
};

// The writer's side: readers see all of what is stored in its life, or none.
class stable_write {
public:
    explicit stable_write(std::atomic<std::uint64_t>& sequence) noexcept
        : sequence_{sequence}, before_{sequence.load(std::memory_order_relaxed)} {
        sequence_.store(before_ + 1, std::memory_order_relaxed);
        std::atomic_thread_fence(std::memory_order_release);
    }

    ~stable_write() { sequence_.store(before_ + 2, std::memory_order_release); }

    stable_write(const stable_write&) = delete;
    stable_write& operator=(const stable_write&) = delete;
    stable_write(stable_write&&) = delete;
    stable_write& operator=(stable_write&&) = delete;

private:
    std::atomic<std::uint64_t>& sequence_;
    std::uint64_t before_;
};

}  // namespace farside::segment
