// The cache is believed as long as the session lives, which keeps it true.
#include "layer/preload/cached.hpp"

#include <asm/errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>

namespace farside::preload {
namespace {

using segment::cache_reader;

// What is on its way to the target is not in the cache yet: only the session sees it.
bool usable() noexcept {
    const auto session = state.segment->slots[0].state.load(std::memory_order_acquire);
    return state.cache.usable() && (session & segment::state_owner_died) == 0 &&
           state.segment->head.unsettled_writes.load(std::memory_order_acquire) == 0;
}

// The node that a place's path is seen from; 0: the cache cannot answer for it. The session decides
// the side of a name in a directory, unless there is only one.
std::uint64_t start_of(const place& where) noexcept {
    if (where.base() == 0) {
        return segment::root_node;
    }
    const segment::open_file& base = entry_of(where.base());
    const bool plain =
        where.path().empty() ||
        (base.names_far.load(std::memory_order_relaxed) == 1 && !climbs(where.path()));
    if (!plain || base.id.load(std::memory_order_acquire) != where.base()) {
        return 0;
    }
    return base.node.load(std::memory_order_acquire);
}

struct statx_timestamp to_time(std::int64_t seconds, std::uint32_t nanoseconds) noexcept {
    struct statx_timestamp out {};

    out.tv_sec = seconds;
    out.tv_nsec = nanoseconds;
    return out;
}

struct timespec to_timespec(std::int64_t seconds, std::uint32_t nanoseconds) noexcept {
    return {seconds, static_cast<long>(nanoseconds)};
}

}  // namespace

cached_answer look_up(const place& where, cached_node& out) noexcept {
    const std::uint64_t start = usable() ? start_of(where) : 0;
    if (start == 0) {
        return cached_answer::unknown;
    }
    const auto last = where.last() == last_link::keep ? cache_reader::last_link::keep
                                                      : cache_reader::last_link::follow;
    return state.cache.resolve(start, where.path(), last, out);
}

long failure_of(cached_answer known) noexcept {
    switch (known) {
        case cached_answer::missing:
            return -ENOENT;
        case cached_answer::not_directory:
            return -ENOTDIR;
        case cached_answer::loop:
            return -ELOOP;
        default:
            return 0;
    }
}

[[gnu::noinline]] long cached_failure(const place& where) noexcept {
    cached_node node;
    return failure_of(look_up(where, node));
}

bool look_up(std::uint64_t id, cached_node& out) noexcept {
    const segment::open_file& file = entry_of(id);
    const std::uint64_t node = file.node.load(std::memory_order_acquire);
    return node != 0 && file.id.load(std::memory_order_acquire) == id && usable() &&
           state.cache.read_node(node, out) == cached_answer::found;
}

void fill_stat(struct stat& out, const segment::node_attributes& from) noexcept {
    out = {};
    out.st_dev = gnu_dev_makedev(from.dev_major, from.dev_minor);
    out.st_ino = from.inode;
    out.st_nlink = from.links;
    out.st_mode = from.mode;
    out.st_uid = from.uid;
    out.st_gid = from.gid;
    out.st_rdev = gnu_dev_makedev(from.rdev_major, from.rdev_minor);
    out.st_size = static_cast<off_t>(from.size);
    out.st_blksize = from.block_bytes;
    out.st_blocks = static_cast<blkcnt_t>(from.blocks);
    out.st_atim = to_timespec(from.accessed_s, from.accessed_ns);
    out.st_mtim = to_timespec(from.modified_s, from.modified_ns);
    out.st_ctim = to_timespec(from.changed_s, from.changed_ns);
}

void fill_statx(struct statx& out, const segment::node_attributes& from) noexcept {
    out = {};
    out.stx_mask = from.mask;
    out.stx_blksize = from.block_bytes;
    out.stx_attributes = from.flags;
    out.stx_attributes_mask = from.flags_mask;
    out.stx_nlink = from.links;
    out.stx_uid = from.uid;
    out.stx_gid = from.gid;
    out.stx_mode = static_cast<std::uint16_t>(from.mode);
    out.stx_ino = from.inode;
    out.stx_size = from.size;
    out.stx_blocks = from.blocks;
    out.stx_atime = to_time(from.accessed_s, from.accessed_ns);
    out.stx_btime = to_time(from.born_s, from.born_ns);
    out.stx_ctime = to_time(from.changed_s, from.changed_ns);
    out.stx_mtime = to_time(from.modified_s, from.modified_ns);
    out.stx_rdev_major = from.rdev_major;
    out.stx_rdev_minor = from.rdev_minor;
    out.stx_dev_major = from.dev_major;
    out.stx_dev_minor = from.dev_minor;
    out.stx_mnt_id = from.mount_id;
}

// While somebody watches anything, reading is to be seen by the target's kernel.
cache_reader::piece cached_bytes(std::uint64_t id, std::uint64_t offset) noexcept {
    const segment::open_file& file = entry_of(id);
    const std::uint64_t data = file.data.load(std::memory_order_acquire);
    if (data == 0 || file.id.load(std::memory_order_acquire) != id || !usable() ||
        state.segment->head.watch_instances.load(std::memory_order_acquire) != 0) {
        return {};
    }
    return state.cache.find_bytes(data, offset);
}

void note_use(const cache_reader::piece& piece) noexcept {
    auto& used = state.segment->slab_used[piece.slab % segment::slabs_max];
    if (used.load(std::memory_order_relaxed) == 0) {
        used.store(1, std::memory_order_relaxed);
    }
}

}  // namespace farside::preload
