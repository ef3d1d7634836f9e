// The session knows who holds locks on what; here is only when to ask it.
#include "layer/preload/record_locks.hpp"

#include "layer/preload/open_files.hpp"
#include "layer/preload/process_state.hpp"
#include "layer/preload/program_memory.hpp"
#include "layer/preload/remote_call.hpp"
#include "layer/preload/session_call.hpp"
#include "layer/preload/syscall_x86_64.hpp"

#include <asm/errno.h>
#include <fcntl.h>
#include <unistd.h>

namespace farside::preload {
namespace {

bool may_hold_locks() noexcept {
    const auto bit = segment::lock_holder_bit(static_cast<std::uint32_t>(kernel(__NR_getpid)));
    const auto word = state.view->lock_holders[bit / 64].load(std::memory_order_seq_cst);
    return (word >> (bit % 64) & 1U) != 0;
}

// close(2) gives locks up whether a signal comes or not.
void release(std::uint64_t id) noexcept {
    long result = -EINTR;
    while (result == -EINTR) {
        session_call call{segment::call::release_locks};
        result = call.argument(0, id).run();
    }
}

bool sets(long command) noexcept {
    return command == F_SETLK || command == F_SETLKW;
}

bool tells(long command) noexcept {
    return command == F_GETLK || command == F_OFD_GETLK;
}

}  // namespace

long record_lock(const call_frame& frame, std::uint64_t id) noexcept {
    const long command = static_cast<int>(frame.argument(1));
    auto* const lock = frame.argument<struct flock*>(2);
    if (!(tells(command) ? can_write(lock) : can_read(lock))) {
        return -EFAULT;
    }
    const bool unlocks = lock->l_type == F_UNLCK;
    long result = 0;
    {
        session_call call{segment::call::lock_record};
        __builtin_memcpy(call.data(), lock, sizeof *lock);
        result = call.argument(0, id)
                     .argument(1, static_cast<std::uint64_t>(command))
                     .data_bytes(sizeof *lock)
                     .run();
        if (result >= 0 && tells(command)) {
            __builtin_memcpy(lock, call.data(), sizeof *lock);
        }
    }
    // Another thread closed the descriptor meanwhile, and may have done so before the lock was
    // taken: then nobody would give it up.
    if (result >= 0 && sets(command) && !unlocks && open_file_of(frame.argument(0)) != id) {
        release(id);
        return -EBADF;
    }
    return result;
}

void release_record_locks(std::uint64_t id) noexcept {
    if (may_hold_locks() && !path_only(id)) {
        release(id);
    }
}

void release_record_locks_at_exec(long directory, const char* program) noexcept {
    if (!may_hold_locks() ||
        (program != nullptr && kernel(__NR_faccessat, directory, program, X_OK) < 0)) {
        return;
    }
    const unsigned bound = descriptor_bound();
    for (unsigned fd = 0; fd < bound; ++fd) {
        const std::uint64_t id = state.open_files[fd].load(std::memory_order_relaxed);
        if (id == 0 || id == own_descriptor || path_only(id)) {
            continue;
        }
        const long flags = kernel(__NR_fcntl, fd, F_GETFD);
        if (flags >= 0 && (flags & FD_CLOEXEC) != 0) {
            release(id);
        }
    }
}

}  // namespace farside::preload
