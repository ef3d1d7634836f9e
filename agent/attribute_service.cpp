// What is known about a file beside its contents, and changing it.
#include "agent/attributes.hpp"
#include "agent/services.hpp"

#include <bit>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace farside::agent {
namespace {

follow follow_of(std::uint32_t flags) {
    return (flags & AT_SYMLINK_NOFOLLOW) != 0 ? follow::no : follow::yes;
}

::timespec to_timespec(const protocol::timestamp& t) {
    return {t.seconds, static_cast<long>(t.nanoseconds)};
}

// One system call for each bit of set_mask, on a handle.
int set_of_handle(int fd, const protocol::set_attributes& request) {
    const ::timespec times[] = {to_timespec(request.accessed), to_timespec(request.modified)};
    switch (request.mask) {
        case protocol::set_mask::mode:
            return ::fchmod(fd, request.mode);
        case protocol::set_mask::owner:
            return ::fchown(fd, request.uid, request.gid);
        case protocol::set_mask::size:
            return ::ftruncate(fd, request.size);
        default:
            return ::futimens(fd, times);
    }
}

// The same by path. "N" in /proc/self/fd leads to the object of descriptor N and no further, even
// where that is a symbolic link.
int set_of_object(const work_context& context, int fd, const protocol::set_attributes& request) {
    const int directory = context.root->descriptors().directory();
    const auto name = process_descriptors::name_of(fd);
    const ::timespec times[] = {to_timespec(request.accessed), to_timespec(request.modified)};
    switch (request.mask) {
        case protocol::set_mask::mode:
            return ::fchmodat(directory, name.c_str(), request.mode, 0);
        case protocol::set_mask::owner:
            return ::fchownat(directory, name.c_str(), request.uid, request.gid, 0);
        case protocol::set_mask::size:
            return ::truncate(name.c_str(), request.size);
        default:
            return ::utimensat(directory, name.c_str(), times, 0);
    }
}

bool is_symbolic_link(int fd) {
    struct stat told {};

    return ::fstat(fd, &told) == 0 && S_ISLNK(told.st_mode);
}

}  // namespace

result<protocol::attributes_reply> execute(
    const protocol::stat& request, const work_context& context
) {
    constexpr std::uint32_t known =
        AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE | AT_EMPTY_PATH;
    // Refused before the path is looked at.
    const bool both_kinds = (request.flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE;
    if ((request.flags & ~known) != 0 || both_kinds || (request.mask & STATX__RESERVED) != 0) {
        return errno_code(EINVAL);
    }
    const auto where = context.root->object_spot(context.at(request.at), follow_of(request.flags));
    if (!where) {
        return where.error();
    }
    const auto passed_on = request.flags & (AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE);
    const int flags = where->flags | static_cast<int>(passed_on);

    struct statx told {};

    if (::statx(where->directory, where->name, flags, request.mask, &told) != 0) {
        return last_error();
    }
    return protocol::attributes_reply{to_wire(told)};
}

result<protocol::empty_reply> execute(
    const protocol::access& request, const work_context& context
) {
    constexpr std::uint32_t known = AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH;
    if ((request.flags & ~known) != 0 || (request.mode & ~std::uint32_t{R_OK | W_OK | X_OK}) != 0) {
        return errno_code(EINVAL);
    }
    const auto where = context.root->object_spot(context.at(request.at), follow_of(request.flags));
    if (!where) {
        return where.error();
    }
    const auto flags = where->flags | static_cast<int>(request.flags & AT_EACCESS);
    const auto returned =
        ::syscall(SYS_faccessat2, where->directory, where->name, request.mode, flags);
    if (returned == 0 && context.read_only && (request.mode & W_OK) != 0) {
        return errno_code(EROFS);
    }
    return done_if_zero(static_cast<int>(returned));
}

result<protocol::file_system_reply> execute(
    const protocol::file_system& request, const work_context& context
) {
    const auto found = context.root->find(context.at(request.at), follow::yes);
    if (!found) {
        return found.error();
    }

    struct statfs told {};

    if (::fstatfs(found->fd, &told) != 0) {
        return last_error();
    }
    protocol::file_system_reply reply;
    reply.type = static_cast<std::uint64_t>(told.f_type);
    reply.block_bytes = static_cast<std::uint64_t>(told.f_bsize);
    reply.blocks = told.f_blocks;
    reply.blocks_free = told.f_bfree;
    reply.blocks_available = told.f_bavail;
    reply.files = told.f_files;
    reply.files_free = told.f_ffree;
    static_assert(sizeof told.f_fsid == sizeof reply.id);
    std::memcpy(&reply.id, &told.f_fsid, sizeof reply.id);
    reply.name_bytes_max = static_cast<std::uint64_t>(told.f_namelen);
    reply.fragment_bytes = static_cast<std::uint64_t>(told.f_frsize);
    reply.flags = static_cast<std::uint64_t>(told.f_flags);
    return reply;
}

result<protocol::empty_reply> execute(
    const protocol::set_attributes& request, const work_context& context
) {
    constexpr std::uint32_t known = protocol::set_mask::mode | protocol::set_mask::owner |
                                    protocol::set_mask::size | protocol::set_mask::times;
    constexpr std::uint32_t known_flags = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH;
    if (!std::has_single_bit(request.mask) || (request.mask & ~known) != 0 ||
        (request.flags & ~known_flags) != 0) {
        return errno_code(EINVAL);
    }
    if (request.mask == protocol::set_mask::size && request.size < 0) {
        return errno_code(EINVAL);  // before the file is looked for, as truncate(2)
    }
    const auto at = context.at(request.at);
    // fchmod(2) and its kin; with AT_EMPTY_PATH fchmodat2(2) and its kin, which take O_PATH as
    // well.
    if (at.is_handle() && (request.flags & AT_EMPTY_PATH) == 0) {
        return done_if_zero(set_of_handle(at.base, request));
    }
    const auto found = context.root->find(at, follow_of(request.flags));
    if (!found) {
        return found.error();
    }
    // File systems disagree on the mode of a symbolic link; the kernel's own answer is this one.
    if (request.mask == protocol::set_mask::mode && is_symbolic_link(found->fd)) {
        return errno_code(EOPNOTSUPP);
    }
    // A truncation waits for leases.
    return done_unless_interrupted(context, [&] {
        return set_of_object(context, found->fd, request);
    });
}

}  // namespace farside::agent
