// Calls that ask about files: the stat family, statfs(2), access(2), readlink(2).
#include "layer/preload/cached.hpp"
#include "layer/preload/dispatch.hpp"
#include "layer/preload/remote_call.hpp"

#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

namespace farside::preload {
namespace {

struct timespec to_timespec(const struct statx_timestamp& from) noexcept {
    struct timespec out {};

    out.tv_sec = from.tv_sec;
    out.tv_nsec = static_cast<long>(from.tv_nsec);
    return out;
}

void fill(struct stat& out, const struct statx& from) noexcept {
    out = {};
    out.st_dev = gnu_dev_makedev(from.stx_dev_major, from.stx_dev_minor);
    out.st_ino = from.stx_ino;
    out.st_nlink = from.stx_nlink;
    out.st_mode = from.stx_mode;
    out.st_uid = from.stx_uid;
    out.st_gid = from.stx_gid;
    out.st_rdev = gnu_dev_makedev(from.stx_rdev_major, from.stx_rdev_minor);
    out.st_size = static_cast<off_t>(from.stx_size);
    out.st_blksize = from.stx_blksize;
    out.st_blocks = static_cast<blkcnt_t>(from.stx_blocks);
    out.st_atim = to_timespec(from.stx_atime);
    out.st_mtim = to_timespec(from.stx_mtime);
    out.st_ctim = to_timespec(from.stx_ctime);
}

long give_stat(session_call& call, long result, struct stat* out) noexcept {
    if (result < 0) {
        return result;
    }
    if (!can_write(out)) {
        return -EFAULT;
    }

    struct statx x {};

    __builtin_memcpy(&x, call.data(), sizeof x);
    fill(*out, x);
    return 0;
}

void ask(session_call& call, std::uint64_t flags, std::uint64_t mask) noexcept {
    call.argument(segment::first_argument, flags).argument(segment::first_argument + 1, mask);
}

// What the cache answers, or 1: ask.
constexpr long not_cached = 1;

[[gnu::noinline]] long stat_cached(
    const place& where, std::uint64_t flags, struct stat* out
) noexcept {
    constexpr std::uint64_t known_flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
    if (!where.remote() || (flags & ~known_flags) != 0) {
        return not_cached;
    }
    cached_node node;
    const cached_answer known = look_up(where, node);
    if (known == cached_answer::unknown) {
        return not_cached;
    }
    count_hit();
    if (known != cached_answer::found) {
        return failure_of(known);
    }
    if (!can_write(out)) {
        return -EFAULT;
    }
    fill_stat(*out, node.attributes);
    return 0;
}

[[gnu::noinline]] long fstat_cached(std::uint64_t id, struct stat* out) noexcept {
    cached_node node;
    if (!look_up(id, node)) {
        return not_cached;
    }
    count_hit();
    if (!can_write(out)) {
        return -EFAULT;
    }
    fill_stat(*out, node.attributes);
    return 0;
}

// Of what was not asked for, kernels leave out the time of birth, and (as of 6.13) those of changes
// where neither of both is wanted.
void leave_out(struct statx& out, std::uint64_t mask) noexcept {
    if ((mask & STATX_BTIME) == 0) {
        out.stx_mask &= ~STATX_BTIME;
        out.stx_btime = {};
    }
    if ((mask & (STATX_MTIME | STATX_CTIME)) == 0) {
        out.stx_mask &= ~(STATX_MTIME | STATX_CTIME);
        out.stx_mtime = out.stx_ctime = {};
    }
}

[[gnu::noinline]] long statx_cached(
    const place& where, std::uint64_t flags, std::uint64_t mask, struct statx* out
) noexcept {
    constexpr std::uint64_t known_flags =
        AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC | AT_EMPTY_PATH;
    constexpr std::uint64_t known_mask = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID;
    if (!where.remote() || (flags & ~known_flags) != 0 || (mask & UINT32_MAX & ~known_mask) != 0) {
        return not_cached;
    }
    cached_node node;
    const cached_answer known = look_up(where, node);
    const std::uint64_t needed = STATX_BASIC_STATS | STATX_MNT_ID | (mask & STATX_BTIME);
    if (known == cached_answer::unknown ||
        (known == cached_answer::found && (needed & ~std::uint64_t{node.attributes.mask}) != 0)) {
        return not_cached;
    }
    count_hit();
    if (known != cached_answer::found) {
        return failure_of(known);
    }
    if (!can_write(out)) {
        return -EFAULT;
    }
    fill_statx(*out, node.attributes);
    leave_out(*out, mask);
    return 0;
}

outcome stat_at(
    call_frame& frame,
    const place& where,
    std::size_t path_index,
    std::uint64_t flags,
    struct stat* out
) noexcept {
    if (const long known = stat_cached(where, flags, out); known != not_cached) {
        return answer(frame, known);
    }
    return serve_location(
        frame,
        where,
        path_index,
        segment::call::stat,
        [&](session_call& call) noexcept { ask(call, flags, STATX_BASIC_STATS); },
        [&](session_call& call, long result) noexcept { return give_stat(call, result, out); }
    );
}

}  // namespace

// stat(2) and lstat(2).
outcome on_stat(call_frame& frame) noexcept {
    const std::uint64_t flags = frame.number == __NR_lstat ? AT_SYMLINK_NOFOLLOW : 0;
    const place where{
        AT_FDCWD, frame.argument<const char*>(0), link_rule(static_cast<long>(flags))};
    return stat_at(frame, where, 0, flags, frame.argument<struct stat*>(1));
}

outcome on_fstat(call_frame& frame) noexcept {
    FARSIDE_REMOTE_DESCRIPTOR(id, frame.argument(0))
    if (const long known = fstat_cached(id, frame.argument<struct stat*>(1)); known != not_cached) {
        return answer(frame, known);
    }
    return serve_descriptor(
        frame,
        id,
        segment::call::stat,
        [](session_call& call) noexcept { ask(call, 0, STATX_BASIC_STATS); },
        [&](session_call& call, long result) noexcept {
            return give_stat(call, result, frame.argument<struct stat*>(1));
        }
    );
}

outcome on_newfstatat(call_frame& frame) noexcept {
    const long flags = frame.argument(3);
    const place where{
        frame.argument(0), frame.argument<const char*>(1), link_rule(flags), empty_rule(flags)};
    // Of what statx(2) takes, this takes the same bits and asks nothing of them.
    constexpr long ignored = AT_EMPTY_PATH | AT_STATX_SYNC_TYPE;
    return stat_at(
        frame,
        where,
        1,
        static_cast<std::uint64_t>(flags & ~ignored),
        frame.argument<struct stat*>(2)
    );
}

outcome on_statx(call_frame& frame) noexcept {
    const long flags = frame.argument(2);
    const place where{
        frame.argument(0), frame.argument<const char*>(1), link_rule(flags), empty_rule(flags)};
    auto* const out = frame.argument<struct statx*>(4);
    const auto mask = frame.argument<std::uint64_t>(3);
    const long known = statx_cached(where, static_cast<std::uint64_t>(flags), mask, out);
    if (known != not_cached) {
        return answer(frame, known);
    }
    return serve_location(
        frame,
        where,
        1,
        segment::call::stat,
        [&](session_call& call) noexcept {
            ask(call, static_cast<std::uint64_t>(flags & ~AT_EMPTY_PATH), mask);
        },
        [&](session_call& call, long result) noexcept {
            return result < 0 ? result : copy_out(out, call.data(), sizeof *out);
        }
    );
}

namespace {

long give_statfs(session_call& call, long result, struct statfs* out) noexcept {
    return result < 0 ? result : copy_out(out, call.data(), sizeof *out);
}

void nothing_more(session_call&) noexcept {}

}  // namespace

outcome on_statfs(call_frame& frame) noexcept {
    const place where{AT_FDCWD, frame.argument<const char*>(0)};
    return serve_location(
        frame,
        where,
        0,
        segment::call::file_system,
        nothing_more,
        [&](session_call& call, long result) noexcept {
            return give_statfs(call, result, frame.argument<struct statfs*>(1));
        }
    );
}

outcome on_fstatfs(call_frame& frame) noexcept {
    FARSIDE_REMOTE_DESCRIPTOR(id, frame.argument(0))
    return serve_descriptor(
        frame,
        id,
        segment::call::file_system,
        nothing_more,
        [&](session_call& call, long result) noexcept {
            return give_statfs(call, result, frame.argument<struct statfs*>(1));
        }
    );
}

namespace {

// Whether a file is there can be told, and where it is not nothing else matters.
[[gnu::noinline]] long access_cached(
    const place& where, std::uint64_t mode, std::uint64_t flags
) noexcept {
    constexpr std::uint64_t known_flags = AT_SYMLINK_NOFOLLOW | AT_EACCESS;
    constexpr std::uint64_t known_modes = R_OK | W_OK | X_OK;
    if (!where.remote() || (flags & ~known_flags) != 0 || (mode & ~known_modes) != 0) {
        return not_cached;
    }
    cached_node node;
    const cached_answer known = look_up(where, node);
    if (known == cached_answer::unknown || (known == cached_answer::found && mode != F_OK)) {
        return not_cached;
    }
    count_hit();
    return failure_of(known);
}

outcome access_at(
    call_frame& frame,
    const place& where,
    std::size_t path_index,
    std::uint64_t mode,
    std::uint64_t flags
) noexcept {
    if (const long known = access_cached(where, mode, flags); known != not_cached) {
        return answer(frame, known);
    }
    return serve_location(
        frame,
        where,
        path_index,
        segment::call::access,
        [&](session_call& call) noexcept {
            call.argument(segment::first_argument, mode)
                .argument(segment::first_argument + 1, flags);
        }
    );
}

}  // namespace

outcome on_access(call_frame& frame) noexcept {
    const place where{AT_FDCWD, frame.argument<const char*>(0)};
    return access_at(frame, where, 0, frame.argument<std::uint64_t>(1), 0);
}

// faccessat(2) and faccessat2(2): only the second has flags.
outcome on_faccessat(call_frame& frame) noexcept {
    const long flags = frame.number == __NR_faccessat2 ? frame.argument(3) : 0;
    const place where{
        frame.argument(0), frame.argument<const char*>(1), link_rule(flags), empty_rule(flags)};
    return access_at(
        frame,
        where,
        1,
        frame.argument<std::uint64_t>(2),
        static_cast<std::uint64_t>(flags & ~AT_EMPTY_PATH)
    );
}

namespace {

long give_link(long room, char* out, const void* target, long bytes) noexcept {
    if (room <= 0) {
        return -long{EINVAL};
    }
    const long given = bytes < room ? bytes : room;
    const long copied = copy_out(out, target, static_cast<std::size_t>(given));
    return copied < 0 ? copied : given;
}

[[gnu::noinline]] long read_link_cached(const place& where, long room, char* out) noexcept {
    if (!where.remote() || where.path().empty() || room <= 0) {
        return not_cached;
    }
    cached_node node;
    const cached_answer known = look_up(where, node);
    const bool link = known == cached_answer::found && S_ISLNK(node.attributes.mode);
    if (known == cached_answer::unknown || (link && node.link_bytes() == 0)) {
        return not_cached;
    }
    count_hit();
    if (known != cached_answer::found) {
        return failure_of(known);
    }
    return link ? give_link(room, out, node.link, static_cast<long>(node.link_bytes())) : -EINVAL;
}

outcome read_link(call_frame& frame, const place& where, std::size_t path_index) noexcept {
    const long room = static_cast<int>(frame.argument(path_index + 2));
    auto* const out = frame.argument<char*>(path_index + 1);
    if (where.link_to() != 0) {
        session_call call{segment::call::canonicalize};
        const long result = call.location(0, where.link_to(), {})
                                .argument(segment::first_argument, segment::name_of_descriptor)
                                .run();
        return answer(
            frame, result < 0 ? result : give_link(room, out, call.path(0).data(), result)
        );
    }
    if (const long known = read_link_cached(where, room, out); known != not_cached) {
        return answer(frame, known);
    }
    return serve_location(
        frame,
        where,
        path_index,
        segment::call::read_link,
        nothing_more,
        [&](session_call& call, long result) noexcept {
            return result < 0 ? result : give_link(room, out, call.data(), result);
        }
    );
}

}  // namespace

outcome on_readlink(call_frame& frame) noexcept {
    const place where{AT_FDCWD, frame.argument<const char*>(0), last_link::keep};
    return read_link(frame, where, 0);
}

outcome on_readlinkat(call_frame& frame) noexcept {
    // An empty path means the descriptor itself, without any flag.
    const place where{
        frame.argument(0),
        frame.argument<const char*>(1),
        last_link::keep,
        empty_path::is_descriptor};
    return read_link(frame, where, 1);
}

}  // namespace farside::preload
