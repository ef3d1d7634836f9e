// Record locks of processes. What fcntl(2) says of a range before it looks at any lock is said
// here, since the kernel is only asked about absolute ones.
#include "agent/lock_description.hpp"
#include "agent/record_locks.hpp"
#include "agent/services.hpp"

#include <fcntl.h>
#include <sys/stat.h>

namespace farside::agent {
namespace {

// As the kernel's flock_to_posix_lock().
result<locked_range> to_range(const protocol::record_lock& asked, int fd) {
    std::int64_t base = 0;
    if (asked.whence == SEEK_END) {
        struct stat now {};

        if (::fstat(fd, &now) != 0) {
            return last_error();
        }
        base = now.st_size;
    } else if (asked.whence != SEEK_SET) {
        return errno_code(EINVAL);
    }
    if (asked.start > range_end - base) {
        return errno_code(EOVERFLOW);
    }
    const auto start = base + asked.start;
    if (start < 0) {
        return errno_code(EINVAL);
    }
    locked_range range{asked.type, start, range_end};
    if (asked.bytes > 0) {
        if (asked.bytes - 1 > range_end - start) {
            return errno_code(EOVERFLOW);
        }
        range.last = start + (asked.bytes - 1);
    } else if (asked.bytes < 0) {
        if (start + asked.bytes < 0) {
            return errno_code(EINVAL);
        }
        range.last = start - 1;
        range.first = start + asked.bytes;
    }
    const bool known = asked.type == F_RDLCK || asked.type == F_WRLCK || asked.type == F_UNLCK;
    return known ? result<locked_range>{range} : errno_code(EINVAL);
}

result<protocol::lock_process_reply> tell(
    const protocol::lock_process& request, const locked_range& wanted, const work_context& context
) {
    const auto command = static_cast<int>(request.command);
    const auto found = context.locks->get(command, wanted, context);
    if (!found) {
        return found.error();
    }
    protocol::lock_process_reply reply;
    const auto& lock = found->lock;
    if (lock.l_type == F_UNLCK) {
        reply.lock = request.lock;
        reply.lock.type = F_UNLCK;
    } else {
        reply.lock = {lock.l_type, lock.l_whence, lock.l_start, lock.l_len, lock.l_pid};
    }
    reply.owner = found->owner;
    reply.holds = found->asker == holding::locks;
    return reply;
}

}  // namespace

result<protocol::lock_process_reply> execute(
    const protocol::lock_process& request, const work_context& context
) {
    const auto command = static_cast<int>(request.command);
    const bool asks = command == F_GETLK || command == F_OFD_GETLK;
    if (!asks && command != F_SETLK && command != F_SETLKW) {
        return errno_code(EINVAL);
    }
    if (context.file->kind == file_kind::path_only) {
        return errno_code(EBADF);
    }
    if (asks && command == F_GETLK && request.lock.type != F_RDLCK &&
        request.lock.type != F_WRLCK) {
        return errno_code(EINVAL);
    }
    const auto wanted = to_range(request.lock, context.fd());
    if (!wanted) {
        return wanted.error();
    }
    if (asks) {
        const bool pid_is_set = command == F_OFD_GETLK && request.lock.pid != 0;
        return pid_is_set ? errno_code(EINVAL) : tell(request, *wanted, context);
    }
    if (!permits(static_cast<int>(context.file->flags & O_ACCMODE), wanted->type)) {
        return errno_code(EBADF);
    }
    if (!context.owner) {
        if (wanted->type != F_UNLCK) {
            return errno_code(ENOLCK);
        }
        return protocol::lock_process_reply{request.lock, 0, false};  // it never had any
    }
    // Where it would have to wait the first try says so, and the request moves to that lane.
    const bool waits = command == F_SETLKW && context.where == lane::patient;
    const auto done =
        waits ? context.locks->set_waiting(*wanted, context) : context.locks->set(*wanted, context);
    if (!done) {
        return done.error();
    }
    return protocol::lock_process_reply{request.lock, 0, *done == holding::locks};
}

result<protocol::empty_reply> execute(
    const protocol::release_locks& /*request*/, const work_context& context
) {
    if (context.owner) {
        const auto done = context.locks->release(context);
        if (!done) {
            return done.error();
        }
    }
    return protocol::empty_reply{};
}

result<protocol::empty_reply> execute(
    const protocol::end_lock_owner& /*request*/, const work_context& context
) {
    if (context.owner) {
        context.locks->end(context.owner);
    }
    return protocol::empty_reply{};
}

}  // namespace farside::agent
