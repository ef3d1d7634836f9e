// Calls that make and drop descriptors: close(2), close_range(2), dup(2) and its kin, fcntl(2), and
// those that bring descriptors from another process.
//
// In a vfork child they go to the kernel alone: the tables describe the parent, whose descriptors
// the child does not share. What the child leaves behind for the program it executes is found again
// from the descriptors themselves (process_state.cpp).
#include "layer/preload/dispatch.hpp"
#include "layer/preload/open_files.hpp"
#include "layer/preload/record_locks.hpp"
#include "layer/preload/remote_call.hpp"
#include "layer/preload/watches.hpp"
#include "layer/preload/working_directory.hpp"

#include <sys/socket.h>
#include <sys/stat.h>

namespace farside::preload {
namespace {

constexpr int F_DUPFD_QUERY = 1027;  // newer than our headers

std::uint64_t forget(long fd) noexcept {
    const auto index = static_cast<unsigned>(fd);
    if (index >= descriptors_max) {
        return 0;
    }
    if (state.hints[index].load(std::memory_order_relaxed) != descriptor_hint::unknown) {
        state.hints[index].store(descriptor_hint::unknown, std::memory_order_relaxed);
    }
    return state.open_files[index].load(std::memory_order_relaxed) == 0
               ? 0
               : state.open_files[index].exchange(0, std::memory_order_acq_rel);
}

}  // namespace

outcome on_close(call_frame& frame) noexcept {
    const long fd = frame.argument(0);
    const std::uint64_t id = open_file_of(fd);
    if (id == own_descriptor) {
        return answer(frame, -EBADF);
    }
    if (id == 0) {
        forget(fd);
        return may_end_watches(fd) ? answer(frame, close_inotify(fd)) : outcome::pass;
    }
    if (in_vfork_child()) {
        return outcome::pass;
    }
    // The table first: once the kernel has closed it, another thread may get the same number.
    const std::uint64_t taken = forget(fd);
    if (taken == 0) {
        return outcome::pass;  // another thread was faster; the kernel says what that means
    }
    release_record_locks(taken);
    const long closed = kernel(__NR_close, fd);
    const long released = closed_descriptor(taken);
    return answer(frame, closed < 0 ? closed : released);
}

namespace {

// Calls `range(first, last)` for the parts of [first, last] without our own descriptors.
template <typename Range>
long around_own(unsigned first, unsigned last, Range range) noexcept {
    std::uint64_t begin = first;
    while (begin <= last) {
        std::uint64_t own = std::uint64_t{last} + 1;
        const auto consider = [&](int fd) noexcept {
            const auto number = static_cast<std::uint64_t>(fd);
            if (fd >= 0 && number >= begin && number < own) {
                own = number;
            }
        };
        for (const int fd : state.descriptors) {
            consider(fd);
        }
        consider(directory_descriptor());
        if (own > begin) {
            const long result = range(static_cast<unsigned>(begin), static_cast<unsigned>(own - 1));
            if (result < 0) {
                return result;
            }
        }
        begin = own + 1;
    }
    return 0;
}

}  // namespace

outcome on_close_range(call_frame& frame) noexcept {
    constexpr unsigned close_on_exec = 4;  // CLOSE_RANGE_CLOEXEC
    constexpr unsigned unshare = 2;        // CLOSE_RANGE_UNSHARE
    const auto first = frame.argument<unsigned>(0);
    const auto last = frame.argument<unsigned>(1);
    const auto flags = frame.argument<unsigned>(2);
    if (first > last || (flags & ~(close_on_exec | unshare)) != 0) {
        return outcome::pass;  // EINVAL
    }
    const bool child = in_vfork_child();
    const long result = around_own(first, last, [&](unsigned begin, unsigned end) noexcept -> long {
        if ((flags & close_on_exec) != 0 || child) {
            return kernel(__NR_close_range, begin, end, flags);
        }
        // Remote files one by one, since each may be the last descriptor of its open file.
        const unsigned bound = descriptor_bound();
        for (unsigned fd = begin; fd <= end && fd < bound; ++fd) {
            const std::uint64_t id = forget(fd);
            if (id != 0) {
                release_record_locks(id);
                kernel(__NR_close, fd);
                closed_descriptor(id);
            }
        }
        return kernel(__NR_close_range, begin, end, flags);
    });
    tell_closed_range();
    return answer(frame, result);
}

outcome on_dup(call_frame& frame) noexcept {
    FARSIDE_REMOTE_DESCRIPTOR(id, frame.argument(0))
    const long made = kernel(__NR_dup, frame.argument(0));
    if (made >= static_cast<long>(descriptors_max)) {
        kernel(__NR_close, made);
        return answer(frame, -EMFILE);
    }
    if (made >= 0 && !in_vfork_child()) {
        add_descriptor(made, id);
    }
    return answer(frame, made);
}

namespace {

// Whether dup2(2) or dup3(2) onto an open descriptor will succeed.
bool will_replace(const call_frame& frame) noexcept {
    return kernel(__NR_fcntl, frame.argument(0), F_GETFD) >= 0 &&
           (frame.number != __NR_dup3 || (frame.argument(2) & ~O_CLOEXEC) == 0);
}

}  // namespace

// dup2(2) and dup3(2).
outcome on_dup2(call_frame& frame) noexcept {
    const long from = static_cast<int>(frame.argument(0));
    const long to = static_cast<int>(frame.argument(1));
    const std::uint64_t source = open_file_of(from);
    const std::uint64_t replaced = open_file_of(to);
    if (source == own_descriptor || replaced == own_descriptor) {
        return answer(frame, -EBADF);
    }
    if (from == to) {
        return outcome::pass;
    }
    if (source == 0 && replaced == 0) {
        forget(to);
        return outcome::pass;
    }
    if (in_vfork_child()) {
        return outcome::pass;
    }
    if (source != 0 && to >= static_cast<long>(descriptors_max)) {
        return answer(frame, -EBADF);
    }
    const std::uint64_t taken = forget(to);
    if (taken != 0 && will_replace(frame)) {
        release_record_locks(taken);
    }
    const long made = repeat(frame);
    if (made < 0) {
        if (taken != 0) {
            add_descriptor(to, taken);
        }
        return answer(frame, made);
    }
    if (source != 0) {
        add_descriptor(to, source);
    }
    if (taken != 0 && taken != source) {
        closed_descriptor(taken);
    }
    return answer(frame, made);
}

namespace {

long duplicate_above(call_frame& frame, std::uint64_t id) noexcept {
    const long made = repeat(frame);
    if (made >= static_cast<long>(descriptors_max)) {
        kernel(__NR_close, made);
        return -EMFILE;
    }
    if (made >= 0 && !in_vfork_child()) {
        add_descriptor(made, id);
    }
    return made;
}

long set_flags(std::uint64_t id, std::uint64_t flags) noexcept {
    session_call call{segment::call::set_flags};
    return call.argument(0, id).argument(1, flags).run();
}

// What fcntl(2) does with a descriptor that is for paths only.
bool is_for_every_descriptor(int command) noexcept {
    return command == F_DUPFD || command == F_DUPFD_CLOEXEC || command == F_GETFD ||
           command == F_SETFD || command == F_GETFL || command == F_DUPFD_QUERY;
}

// F_NOTIFY: to ask for nothing is allowed to all.
outcome refuse_notices(call_frame& frame, std::uint64_t id) noexcept {
    if ((frame.argument<unsigned>(2) & ~static_cast<unsigned>(DN_MULTISHOT)) == 0) {
        return answer(frame, 0);
    }
    return S_ISDIR(entry_of(id).mode.load(std::memory_order_relaxed))
               ? refuse(frame, -EINVAL, "this kernel does not see changes in the target")
               : answer(frame, -ENOTDIR);
}

long lifetime_hint(std::uint64_t* hint) noexcept {
    constexpr std::uint64_t none = RWH_WRITE_LIFE_NOT_SET;
    return copy_out(hint, &none, sizeof none);
}

}  // namespace

outcome on_fcntl(call_frame& frame) noexcept {
    FARSIDE_REMOTE_DESCRIPTOR(id, frame.argument(0))
    const int command = static_cast<int>(frame.argument(1));
    if (path_only(id) && !is_for_every_descriptor(command)) {
        return answer(frame, -EBADF);
    }
    switch (command) {
        case F_DUPFD:
        case F_DUPFD_CLOEXEC:
            return answer(frame, duplicate_above(frame, id));
        case F_GETFD:
        case F_SETFD:
        case F_DUPFD_QUERY:
        case F_GETOWN:
        case F_SETOWN:
        case F_GETOWN_EX:
        case F_SETOWN_EX:
        case F_GETSIG:
        case F_SETSIG:
            return outcome::pass;  // properties of the descriptor and its open, which are real ones
        case F_GETFL:
            count_hit();
            return answer(frame, entry_of(id).flags.load(std::memory_order_relaxed));
        case F_SETFL:
            return answer(frame, set_flags(id, frame.argument<std::uint64_t>(2)));
        case F_OFD_GETLK:
        case F_OFD_SETLK:
        case F_OFD_SETLKW:
        case F_GETLK:
        case F_SETLK:
        case F_SETLKW:
            return answer(frame, record_lock(frame, id));
        case F_GETPIPE_SZ:
        case F_SETPIPE_SZ:
            return answer(frame, -EBADF);  // no pipe of this kernel
        case F_GETLEASE:
            return answer(frame, F_UNLCK);
        case F_SETLEASE:
            return refuse(frame, -EINVAL, "no lease would be broken by what happens in the target");
        case F_NOTIFY:
            return refuse_notices(frame, id);
        case F_GET_RW_HINT:
            return answer(frame, lifetime_hint(frame.argument<std::uint64_t*>(2)));
        case F_SET_RW_HINT:
            return refuse(frame, -EINVAL, "hints about lifetime do not reach the target");
        default:
            return answer(frame, -EINVAL);
    }
}

// Without room for control data no descriptor comes.
outcome on_recvmsg(call_frame& frame) noexcept {
    const auto* const message = frame.argument<const struct msghdr*>(1);
    if (can_read(message) && message->msg_control != nullptr &&
        message->msg_controllen >= CMSG_LEN(sizeof(int))) {
        state.arrivals.store(true, std::memory_order_relaxed);
    }
    return outcome::pass;
}

// recvmmsg(2), pidfd_getfd(2).
outcome on_arrival(call_frame&) noexcept {
    state.arrivals.store(true, std::memory_order_relaxed);
    return outcome::pass;
}

}  // namespace farside::preload
