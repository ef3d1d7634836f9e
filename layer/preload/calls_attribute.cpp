// Calls that change what a file's inode says: permissions, owners, size, times.
#include "layer/preload/dispatch.hpp"
#include "layer/preload/remote_call.hpp"

#include <sys/stat.h>
#include <sys/time.h>
#include <utime.h>

namespace farside::preload {
namespace {

constexpr unsigned nr_fchmodat2 = 452;

// As protocol::set_mask.
constexpr std::uint64_t set_mode = 1;
constexpr std::uint64_t set_owner = 2;
constexpr std::uint64_t set_size = 4;
constexpr std::uint64_t set_times = 8;

struct change {
    std::uint64_t flags = 0;
    std::uint64_t mask = 0;
    std::uint64_t value = 0;  // mode, uid or size
    std::uint64_t gid = 0;
    struct timespec times[2] = {};
};

void describe(session_call& call, const change& what) noexcept {
    call.argument(segment::first_argument, what.flags)
        .argument(segment::first_argument + 1, what.mask)
        .argument(segment::first_argument + 2, what.value)
        .argument(segment::first_argument + 3, what.gid);
    if (what.mask == set_times) {
        __builtin_memcpy(call.data(), what.times, sizeof what.times);
        call.data_bytes(sizeof what.times);
    }
}

// A path that leads to a descriptor (/proc/self/fd/N, or "" with AT_EMPTY_PATH) means the object,
// however it was opened: also by O_PATH, which fchmod(2) and its kin refuse.
outcome change_location(
    call_frame& frame, const place& where, std::size_t path_index, change what
) noexcept {
    const bool leads_to_descriptor = where.remote() && where.base() != 0 && where.path().empty();
    what.flags |= leads_to_descriptor ? AT_EMPTY_PATH : 0U;
    return serve_location(
        frame,
        where,
        path_index,
        segment::call::set_attributes,
        [&](session_call& call) noexcept { describe(call, what); }
    );
}

outcome change_descriptor(call_frame& frame, std::uint64_t id, const change& what) noexcept {
    if (path_only(id)) {
        return answer(frame, -EBADF);
    }
    return serve_descriptor(
        frame,
        id,
        segment::call::set_attributes,
        [&](session_call& call) noexcept { describe(call, what); },
        [](session_call&, long result) noexcept { return result; }
    );
}

}  // namespace

outcome on_chmod(call_frame& frame) noexcept {
    const place where{AT_FDCWD, frame.argument<const char*>(0)};
    return change_location(frame, where, 0, {0, set_mode, frame.argument<std::uint64_t>(1), 0, {}});
}

outcome on_fchmod(call_frame& frame) noexcept {
    FARSIDE_REMOTE_DESCRIPTOR(id, frame.argument(0))
    return change_descriptor(frame, id, {0, set_mode, frame.argument<std::uint64_t>(1), 0, {}});
}

// fchmodat(2) and fchmodat2(2): only the second has flags.
outcome on_fchmodat(call_frame& frame) noexcept {
    const long flags = frame.number == nr_fchmodat2 ? frame.argument(3) : 0;
    const place where{
        frame.argument(0), frame.argument<const char*>(1), link_rule(flags), empty_rule(flags)};
    return change_location(
        frame,
        where,
        1,
        {static_cast<std::uint64_t>(flags & ~AT_EMPTY_PATH),
         set_mode,
         frame.argument<std::uint64_t>(2),
         0,
         {}}
    );
}

// chown(2) and lchown(2).
outcome on_chown(call_frame& frame) noexcept {
    const std::uint64_t flags = frame.number == __NR_lchown ? AT_SYMLINK_NOFOLLOW : 0;
    const place where{
        AT_FDCWD, frame.argument<const char*>(0), link_rule(static_cast<long>(flags))};
    return change_location(
        frame,
        where,
        0,
        {flags, set_owner, frame.argument<std::uint64_t>(1), frame.argument<std::uint64_t>(2), {}}
    );
}

outcome on_fchown(call_frame& frame) noexcept {
    FARSIDE_REMOTE_DESCRIPTOR(id, frame.argument(0))
    return change_descriptor(
        frame,
        id,
        {0, set_owner, frame.argument<std::uint64_t>(1), frame.argument<std::uint64_t>(2), {}}
    );
}

outcome on_fchownat(call_frame& frame) noexcept {
    const long flags = frame.argument(4);
    const place where{
        frame.argument(0), frame.argument<const char*>(1), link_rule(flags), empty_rule(flags)};
    return change_location(
        frame,
        where,
        1,
        {static_cast<std::uint64_t>(flags & ~AT_EMPTY_PATH),
         set_owner,
         frame.argument<std::uint64_t>(2),
         frame.argument<std::uint64_t>(3),
         {}}
    );
}

outcome on_truncate(call_frame& frame) noexcept {
    const place where{AT_FDCWD, frame.argument<const char*>(0)};
    if (where.remote() && frame.argument(1) < 0) {
        return answer(frame, -EINVAL);
    }
    return change_location(frame, where, 0, {0, set_size, frame.argument<std::uint64_t>(1), 0, {}});
}

namespace {

void set_now(change& what) noexcept {
    what.times[0].tv_nsec = what.times[1].tv_nsec = UTIME_NOW;
}

bool from_microseconds(change& what, const struct timeval* given) noexcept {
    for (int i = 0; i < 2; ++i) {
        if (given[i].tv_usec < 0 || given[i].tv_usec >= 1'000'000) {
            return false;
        }
        what.times[i].tv_sec = given[i].tv_sec;
        what.times[i].tv_nsec = given[i].tv_usec * 1000;
    }
    return true;
}

}  // namespace

// utime(2), utimes(2), futimesat(2).
outcome on_utime(call_frame& frame) noexcept {
    const std::size_t index = frame.number == __NR_futimesat ? 1 : 0;
    const long fd = index == 1 ? frame.argument(0) : AT_FDCWD;
    const bool itself = index == 1 && frame.argument(1) == 0;
    const place where{
        fd,
        frame.argument<const char*>(index),
        last_link::follow,
        itself ? empty_path::is_descriptor : empty_path::is_error};
    if (!where.remote()) {
        return change_location(frame, where, index, {});
    }
    change what{0, set_times, 0, 0, {}};
    const auto* const times = frame.argument<const struct timeval*>(index + 1);
    const std::size_t bytes = frame.number == __NR_utime ? sizeof(utimbuf) : 2 * sizeof *times;
    if (times == nullptr) {
        set_now(what);
    } else if (!can_read(times, bytes)) {
        return answer(frame, -EFAULT);
    } else if (frame.number == __NR_utime) {
        const auto* const given = frame.argument<const struct utimbuf*>(1);
        what.times[0].tv_sec = given->actime;
        what.times[1].tv_sec = given->modtime;
    } else if (!from_microseconds(what, times)) {
        return answer(frame, -EINVAL);
    }
    return change_location(frame, where, index, what);
}

outcome on_utimensat(call_frame& frame) noexcept {
    const long flags = frame.argument(3);
    // Without a path the descriptor itself is meant: that is how futimens(3) calls it.
    const bool itself = frame.argument(1) == 0;
    const place where{
        frame.argument(0),
        frame.argument<const char*>(1),
        link_rule(flags),
        itself ? empty_path::is_descriptor : empty_rule(flags)};
    if (!where.remote()) {
        return change_location(frame, where, 1, {});
    }
    if (itself && where.base() != 0 && path_only(where.base())) {
        return answer(frame, -EBADF);
    }
    change what{static_cast<std::uint64_t>(flags & ~AT_EMPTY_PATH), set_times, 0, 0, {}};
    const auto* const given = frame.argument<const struct timespec*>(2);
    if (given == nullptr) {
        set_now(what);
    } else if (!can_read(given, sizeof what.times)) {
        return answer(frame, -EFAULT);
    } else {
        __builtin_memcpy(what.times, given, sizeof what.times);
        if (given[0].tv_nsec == UTIME_OMIT && given[1].tv_nsec == UTIME_OMIT) {
            return answer(frame, 0);  // the kernel does not even look whether the file exists
        }
    }
    return change_location(frame, where, 1, what);
}

}  // namespace farside::preload
