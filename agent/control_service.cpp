// What changes how an open file behaves, not what it holds: status flags, locks, ioctls. Locks
// belong to the open file description, which here is the handle: so record locks are always OFD
// locks.
#include "agent/services.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>

namespace farside::agent {

result<protocol::empty_reply> execute(
    const protocol::set_flags& request, const work_context& context
) {
    constexpr std::uint32_t settable = O_APPEND | O_NONBLOCK | O_NOATIME | O_DIRECT;
    const auto flags = request.flags & settable;
    if (::fcntl(context.fd(), F_SETFL, static_cast<int>(flags)) != 0) {
        return last_error();
    }
    context.file->flags = (context.file->flags & ~settable) | flags;
    return protocol::empty_reply{};
}

result<protocol::empty_reply> execute(
    const protocol::lock_file& request, const work_context& context
) {
    return done_unless_interrupted(context, [&] {
        return ::flock(context.fd(), static_cast<int>(request.operation));
    });
}

result<protocol::lock_record_reply> execute(
    const protocol::lock_record& request, const work_context& context
) {
    const auto command = static_cast<int>(request.command);
    const auto& asked = request.lock;
    if (command != F_OFD_GETLK && command != F_OFD_SETLK && command != F_OFD_SETLKW) {
        return errno_code(EINVAL);
    }
    if (asked.whence != SEEK_SET && asked.whence != SEEK_END) {
        return errno_code(EINVAL);
    }

    struct flock lock {};

    lock.l_type = asked.type;
    lock.l_whence = asked.whence;
    lock.l_start = asked.start;
    lock.l_len = asked.bytes;
    lock.l_pid = asked.pid;
    const int returned =
        unless_interrupted(context, [&] { return ::fcntl(context.fd(), command, &lock); });
    if (returned != 0) {
        return last_error();
    }
    return protocol::lock_record_reply{
        {lock.l_type, lock.l_whence, lock.l_start, lock.l_len, lock.l_pid}};
}

result<protocol::ioctl_reply> execute(const protocol::ioctl& request, const work_context& context) {
    // Any other command could take a pointer, or do anything: its meaning is the driver's.
    switch (request.command) {
        case FIONREAD:
        case FS_IOC_GETFLAGS:
        case FS_IOC_SETFLAGS:
        case FS_IOC_GETVERSION:
            break;
        default:
            return errno_code(context.file->kind == file_kind::path_only ? EBADF : ENOTTY);
    }
    // All four take an int, whatever the headers say of two of them.
    int value = static_cast<int>(request.value);
    const int returned = ::ioctl(context.fd(), request.command, &value);
    if (returned < 0) {
        return last_error();
    }
    return protocol::ioctl_reply{returned, value};
}

}  // namespace farside::agent
