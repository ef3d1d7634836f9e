// Calls on an open file other than moving its bytes.
#include "layer/preload/dispatch.hpp"
#include "layer/preload/remote_call.hpp"

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>

namespace farside::preload {
namespace {

// As protocol/file_messages.hpp (sync_kind, set_mask) and segment.hpp: what the session is told.
enum sync_kind : std::uint64_t { sync_all, sync_data, sync_file_system, sync_range };

constexpr std::uint64_t set_size = 4;

}  // namespace

outcome on_ftruncate(call_frame& frame) noexcept {
    FARSIDE_REMOTE_DESCRIPTOR(id, frame.argument(0))
    if (frame.argument(1) < 0) {
        return answer(frame, -EINVAL);
    }
    if (!writable(id)) {
        return answer(frame, path_only(id) ? -EBADF : -EINVAL);
    }
    return serve_descriptor(
        frame,
        id,
        segment::call::set_attributes,
        [&](session_call& call) noexcept {
            call.argument(segment::first_argument + 1, set_size)
                .argument(segment::first_argument + 2, frame.argument<std::uint64_t>(1));
        },
        [](session_call&, long result) noexcept { return result; }
    );
}

outcome on_fallocate(call_frame& frame) noexcept {
    FARSIDE_REMOTE_DESCRIPTOR(id, frame.argument(0))
    session_call call{segment::call::allocate};
    return answer(
        frame,
        call.argument(0, id)
            .argument(1, frame.argument<std::uint64_t>(1))
            .argument(2, frame.argument<std::uint64_t>(2))
            .argument(3, frame.argument<std::uint64_t>(3))
            .run()
    );
}

// posix_fadvise(2) and readahead(2): advice, and there is nothing to read ahead into yet.
outcome on_fadvise64(call_frame& frame) noexcept {
    FARSIDE_REMOTE_DESCRIPTOR(id, frame.argument(0))
    constexpr long advice_max = 5;  // POSIX_FADV_NOREUSE
    const auto mode = entry_of(id).mode.load(std::memory_order_relaxed);
    if (path_only(id)) {
        return answer(frame, -EBADF);
    }
    if (frame.number == __NR_fadvise64) {
        if (S_ISFIFO(mode)) {
            return answer(frame, -ESPIPE);
        }
        if (frame.argument(3) < 0 || frame.argument(3) > advice_max || frame.argument(2) < 0) {
            return answer(frame, -EINVAL);
        }
    } else if (!readable(id)) {
        return answer(frame, -EBADF);
    } else if (!S_ISREG(mode)) {
        return answer(frame, -EINVAL);
    }
    count_hit();
    return answer(frame, 0);
}

// fsync(2), fdatasync(2), syncfs(2).
outcome on_sync(call_frame& frame) noexcept {
    FARSIDE_REMOTE_DESCRIPTOR(id, frame.argument(0))
    if (path_only(id)) {
        return answer(frame, -EBADF);
    }
    const std::uint64_t kind = frame.number == __NR_fsync       ? sync_all
                               : frame.number == __NR_fdatasync ? sync_data
                                                                : sync_file_system;
    session_call call{segment::call::sync};
    return answer(frame, call.argument(0, id).argument(1, kind).run());
}

// sync(2) is about this machine's disks.
outcome on_sync_here(call_frame& /*frame*/) noexcept {
    settle_writes();
    return outcome::pass;
}

outcome on_sync_file_range(call_frame& frame) noexcept {
    FARSIDE_REMOTE_DESCRIPTOR(id, frame.argument(0))
    if (path_only(id)) {
        return answer(frame, -EBADF);
    }
    session_call call{segment::call::sync};
    return answer(
        frame,
        call.argument(0, id)
            .argument(1, sync_range)
            .argument(2, frame.argument<std::uint64_t>(1))
            .argument(3, frame.argument<std::uint64_t>(2))
            .argument(4, frame.argument<std::uint64_t>(3))
            .run()
    );
}

outcome on_flock(call_frame& frame) noexcept {
    FARSIDE_REMOTE_DESCRIPTOR(id, frame.argument(0))
    if (path_only(id)) {
        return answer(frame, -EBADF);
    }
    session_call call{segment::call::lock_file};
    return answer(frame, call.argument(0, id).argument(1, frame.argument<std::uint64_t>(1)).run());
}

namespace {

// FICLONE(2) and its kin: reflinks of a file are not asked of the target.
long refuse_clone(long source) noexcept {
    const std::uint64_t id = open_file_of(source);
    if (id == own_descriptor || (id == 0 && kernel(__NR_fcntl, source, F_GETFD) < 0)) {
        return -EBADF;
    }
    return id == 0 ? -EXDEV : -EOPNOTSUPP;  // callers copy instead
}

// FIONBIO: O_NONBLOCK by another name.
long set_nonblocking(std::uint64_t id, bool wanted) noexcept {
    const auto flags = entry_of(id).flags.load(std::memory_order_relaxed);
    session_call call{segment::call::set_flags};
    return call.argument(0, id)
        .argument(1, wanted ? flags | O_NONBLOCK : flags & ~static_cast<unsigned>(O_NONBLOCK))
        .run();
}

// FIGETBSZ: the block size of the file system.
long tell_block_size(std::uint64_t id, int& value) noexcept {
    session_call call{segment::call::file_system};
    const long result = call.location(0, id, {}).run();
    if (result >= 0) {
        struct statfs found;
        __builtin_memcpy(&found, call.data(), sizeof found);
        value = static_cast<int>(found.f_bsize);
    }
    return result;
}

// Those that the target's kernel answers, with one number in and out.
long ask_target(std::uint64_t id, unsigned command, int& value) noexcept {
    session_call call{segment::call::ioctl};
    const long result = call.argument(0, id)
                            .argument(1, command)
                            .argument(2, static_cast<std::uint64_t>(value))
                            .run();
    if (result < 0 || command == FS_IOC_SETFLAGS) {
        return result;
    }
    const bool counted =
        command == FIONREAD && S_ISREG(entry_of(id).mode.load(std::memory_order_relaxed));
    // The agent's descriptor has no position of ours: what is left is counted from ours.
    value = static_cast<int>(
        call.answered(2) - (counted ? entry_of(id).position.load(std::memory_order_relaxed) : 0)
    );
    return result;
}

}  // namespace

outcome on_ioctl(call_frame& frame) noexcept {
    FARSIDE_REMOTE_DESCRIPTOR(id, frame.argument(0))
    const auto command = frame.argument<unsigned>(1);
    auto* const value = frame.argument<int*>(2);
    if (path_only(id)) {
        return answer(frame, -EBADF);
    }
    switch (command) {
        case FIOCLEX:
        case FIONCLEX:
            return outcome::pass;  // of the descriptor, which is a real one
        case FICLONE:
            return refuse(frame, refuse_clone(frame.argument(2)), row_of(frame).special);
        case FS_IOC_FIEMAP:
        case FIDEDUPERANGE:
            return refuse(frame, -EOPNOTSUPP, row_of(frame).special);
        case FIONREAD:
        case FIONBIO:
        case FIOASYNC:
        case FIGETBSZ:
        case FICLONERANGE:
        case FS_IOC_GETFLAGS:
        case FS_IOC_SETFLAGS:
        case FS_IOC_GETVERSION:
            break;
        default:
            // Above all TCGETS, by which every program asks whether it writes to a terminal.
            count_hit();
            return answer(frame, -ENOTTY);
    }
    if (!can_write(value)) {
        return answer(frame, -EFAULT);
    }
    switch (command) {
        case FICLONERANGE:  // begins with the descriptor of the source
            return refuse(frame, refuse_clone(*value), row_of(frame).special);
        case FIONBIO:
            return answer(frame, set_nonblocking(id, *value != 0));
        case FIOASYNC:
            return answer(frame, *value != 0 ? -ENOTTY : 0);
        case FIGETBSZ:
            return answer(frame, tell_block_size(id, *value));
        default:
            return answer(frame, ask_target(id, command, *value));
    }
}

}  // namespace farside::preload
