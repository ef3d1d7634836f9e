// What handlers have in common: a location asked of the session, a local call made by another path,
// an open file checked before it is used.
#pragma once

#include "layer/preload/call_frame.hpp"
#include "layer/preload/place.hpp"
#include "layer/preload/process_state.hpp"
#include "layer/preload/program_memory.hpp"
#include "layer/preload/session_call.hpp"
#include "layer/preload/syscall_x86_64.hpp"

#include <initializer_list>

#include <asm/errno.h>
#include <fcntl.h>
#include <signal.h>

namespace farside::preload {

struct replaced_argument {
    replaced_argument(std::size_t at, long with) noexcept : index{at}, value{with} {}

    replaced_argument(std::size_t at, const void* with) noexcept
        : index{at}, value{reinterpret_cast<long>(with)} {}

    std::size_t index;
    long value;
};

// The same call to the kernel, some of its arguments replaced.
inline long repeat(
    const call_frame& frame, std::initializer_list<replaced_argument> others = {}
) noexcept {
    long a[6];
    for (std::size_t i = 0; i < 6; ++i) {
        a[i] = frame.arguments[i];
    }
    for (const replaced_argument& other : others) {
        a[other.index] = other.value;
    }
    return syscall6(frame.number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

// The same call by another path. It is absolute, so a descriptor beside it is not looked at.
inline long local_call(const call_frame& frame, std::size_t path_index, const char* path) noexcept {
    return repeat(frame, {{path_index, path}});
}

// Serves a call with one location. `prepare(call)` adds the other arguments; `finish(call, result)`
// hands results to the program and returns what it sees.
template <typename Prepare, typename Finish>
outcome serve_location(
    call_frame& frame,
    const place& where,
    std::size_t path_index,
    segment::call op,
    Prepare prepare,
    Finish finish
) noexcept {
    switch (where.what()) {
        case place::kind::untouched:
            return outcome::pass;
        case place::kind::failed:
            return answer(frame, where.failure());
        case place::kind::local:
            return answer(frame, local_call(frame, path_index, where.path().data()));
        case place::kind::remote:
            break;
    }
    session_call call{op};
    call.location(0, where.base(), where.path());
    prepare(call);
    const long result = call.run();
    if (result >= 0 && call.decided_side() == side::local) {
        return answer(frame, local_call(frame, path_index, call.path(0).data()));
    }
    return answer(frame, finish(call, result));
}

template <typename Prepare>
outcome serve_location(
    call_frame& frame, const place& where, std::size_t path_index, segment::call op, Prepare prepare
) noexcept {
    return serve_location(
        frame,
        where,
        path_index,
        op,
        prepare,
        [](session_call&, long result) noexcept { return result; }
    );
}

// Serves a call on the open file itself, through a location without a path.
template <typename Prepare, typename Finish>
outcome serve_descriptor(
    call_frame& frame, std::uint64_t id, segment::call op, Prepare prepare, Finish finish
) noexcept {
    session_call call{op};
    call.location(0, id, {});
    prepare(call);
    const long result = call.run();
    return answer(frame, finish(call, result));
}

// What a handler of a call on a descriptor begins with: whose descriptor is it?
#define FARSIDE_REMOTE_DESCRIPTOR(id, fd)      \
    const std::uint64_t id = open_file_of(fd); \
    if (id == 0) {                             \
        return outcome::pass;                  \
    }                                          \
    if (id == own_descriptor) {                \
        return answer(frame, -EBADF);          \
    }

inline bool readable(std::uint64_t id) noexcept {
    const auto flags = entry_of(id).flags.load(std::memory_order_relaxed);
    return (flags & O_ACCMODE) != O_WRONLY && (flags & O_PATH) == 0;
}

inline bool writable(std::uint64_t id) noexcept {
    const auto flags = entry_of(id).flags.load(std::memory_order_relaxed);
    return (flags & O_ACCMODE) != O_RDONLY && (flags & O_PATH) == 0;
}

inline bool path_only(std::uint64_t id) noexcept {
    return (entry_of(id).flags.load(std::memory_order_relaxed) & O_PATH) != 0;
}

inline last_link link_rule(long at_flags) noexcept {
    return (at_flags & AT_SYMLINK_NOFOLLOW) != 0 ? last_link::keep : last_link::follow;
}

inline empty_path empty_rule(long at_flags) noexcept {
    return (at_flags & AT_EMPTY_PATH) != 0 ? empty_path::is_descriptor : empty_path::is_error;
}

// What the kernel does besides EPIPE where nobody reads what is written.
inline void signal_broken_pipe(long result) noexcept {
    if (result == -EPIPE) {
        kernel(__NR_tgkill, kernel(__NR_getpid), kernel(__NR_gettid), SIGPIPE);
    }
}

// Counts a call answered without the session.
inline void count_hit() noexcept {
    state.segment->head.hits.fetch_add(1, std::memory_order_relaxed);
}

// What programs wrote and is still on its way comes to the target. A failure is told by calls on
// the file, or to the user.
inline void settle_writes() noexcept {
    if (state.segment->head.unsettled_writes.load(std::memory_order_seq_cst) != 0) {
        session_call call{segment::call::settle};
        static_cast<void>(call.run());
    }
}

}  // namespace farside::preload
