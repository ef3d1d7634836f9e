// Opening and closing. An open that may wait for somebody else (the other end of a FIFO, a device,
// a lease that must be given up first) must not run on the loop thread, and only the file itself
// says whether it does: so it is looked at before it is opened, and opened without waiting there.
#include "agent/attributes.hpp"
#include "agent/file_systems.hpp"
#include "agent/services.hpp"
#include "protocol/limits.hpp"

#include <algorithm>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace farside::agent {
namespace {

constexpr unsigned told_at_open = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID;

bool creates(std::uint32_t flags) {
    return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

bool waits(std::uint32_t mode) {
    return S_ISFIFO(mode) || S_ISCHR(mode) || S_ISBLK(mode);
}

file_kind kind_of(std::uint32_t mode) {
    if (S_ISREG(mode)) {
        return file_kind::regular;
    }
    if (S_ISDIR(mode)) {
        return file_kind::directory;
    }
    if (S_ISCHR(mode)) {
        return file_kind::character_device;
    }
    return S_ISBLK(mode) ? file_kind::block_device : file_kind::pipe;
}

bool is_foreign(int fd) {
    struct statfs told {};

    return ::fstatfs(fd, &told) != 0 || !is_local_file_system(told.f_type);
}

result<opened_file> describe(unique_fd fd, std::uint32_t flags) {
    struct statx told {};

    if (::statx(fd.get(), "", AT_EMPTY_PATH, told_at_open, &told) != 0) {
        return last_error();
    }
    opened_file opened{std::make_shared<open_file>(), to_wire(told), {}};
    auto& file = *opened.file;
    file.flags = flags;
    file.inode = {makedev(told.stx_dev_major, told.stx_dev_minor), told.stx_ino};
    file.kind = (flags & O_PATH) != 0 ? file_kind::path_only : kind_of(told.stx_mode);
    file.foreign = !is_stream(file.kind) && is_foreign(fd.get());
    file.fd = std::move(fd);
    return opened;
}

}  // namespace

lane lane_of_open(const protocol::open& request, const work_context& context) {
    // These open no FIFO and no device, or fail before.
    constexpr std::uint32_t never_waits = O_PATH | O_DIRECTORY;
    const bool exclusive = (request.flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
    if ((request.flags & never_waits) != 0 || exclusive) {
        return lane::here;
    }
    const auto links = (request.flags & O_NOFOLLOW) != 0 ? follow::no : follow::yes;
    const auto where = context.root->object_spot(context.at(request.at), links);
    if (!where) {
        return lane::here;  // the open will say what is wrong
    }

    struct statx told {};

    const int failed = ::statx(where->directory, where->name, where->flags, STATX_TYPE, &told);
    return failed == 0 && waits(told.stx_mode) ? lane::patient : lane::here;
}

result<opened_file> execute(const protocol::open& request, const work_context& context) {
    open_request how{request.flags, request.mode, request.resolve};
    if (creates(how.flags)) {
        how.mode = context.mask->apply(how.mode, request.umask);
    }
    const bool path_only = (how.flags & O_PATH) != 0;
    if (request.enters && !path_only) {
        return errno_code(EINVAL);  // it may yet fail, and must have changed nothing
    }
    // What was looked at may have been replaced since, or somebody holds a lease on it.
    const bool must_not_wait = context.where != lane::patient && !path_only;
    if (context.where == lane::foreign && lane_of_open(request, context) == lane::patient) {
        return errno_code(EWOULDBLOCK);
    }
    if (must_not_wait) {
        how.flags |= O_NONBLOCK;
    }
    result<unique_fd> fd = errno_code(EINTR);
    const auto opened = unless_interrupted(context, [&] {
        fd = context.root->open(context.at(request.at), how);
        errno = fd ? 0 : fd.error().value();
        return fd ? 0 : -1;
    });
    if (opened != 0) {
        return fd.error();
    }
    auto file = describe(std::move(*fd), request.flags);
    if (!file) {
        return file.error();
    }
    if (request.enters) {
        auto path = entered_path(file->file->fd.get(), file->attr.mode, *context.root);
        if (!path) {
            return path.error();
        }
        file->path = std::move(*path);
    }
    if (must_not_wait && (request.flags & O_NONBLOCK) == 0) {
        if (waits(file->attr.mode)) {
            return errno_code(EWOULDBLOCK);
        }
        if (::fcntl(file->file->fd.get(), F_SETFL, static_cast<int>(request.flags)) != 0) {
            return last_error();
        }
    }
    return file;
}

protocol::open as_open(const protocol::open_leased& request) {
    return {
        request.at, request.flags, request.mode, request.umask, request.resolve, /*enters=*/false};
}

lane lane_of_open(const protocol::open_leased& request, const work_context& context) {
    return lane_of_open(as_open(request), context);
}

result<opened_file> execute(const protocol::open_leased& request, const work_context& context) {
    auto opened = execute(as_open(request), context);
    if (opened) {
        opened->inline_bytes = std::min(request.inline_bytes, protocol::limits::data_bytes_max);
    }
    return opened;
}

result<protocol::empty_reply> execute(const protocol::close&, const work_context& context) {
    // Somebody else still uses it as the base of a path, and closes it when done.
    if (context.file.use_count() > 1) {
        return protocol::empty_reply{};
    }
    // close(2) takes the descriptor away even where it fails, so it is never repeated.
    if (::close(context.file->fd.release()) != 0 && errno != EINTR) {
        return last_error();
    }
    return protocol::empty_reply{};
}

}  // namespace farside::agent
