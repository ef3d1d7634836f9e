// Reading and writing what is open. Offsets are explicit: positions belong to the callers' open
// file descriptions, which live on the other side.
#include "agent/limits.hpp"
#include "agent/services.hpp"
#include "protocol/limits.hpp"

#include <algorithm>
#include <cstring>

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

namespace farside::agent {
namespace {

constexpr std::int64_t no_offset = -1;

// As pwritev2(2) takes them; the others are about how to wait, which is not the caller's affair
// here.
constexpr std::uint32_t write_flags = RWF_DSYNC | RWF_SYNC | RWF_APPEND;

// O_DIRECT wants aligned memory, and the bytes of a frame lie where they lie.
std::span<const std::byte> bytes_to_write(
    const protocol::write& request, const work_context& context
) {
    const auto bytes = request.data.bytes;
    if ((context.file->flags & O_DIRECT) == 0 || bytes.empty()) {
        return bytes;
    }
    const auto aligned = context.data->room(bytes.size());
    std::memcpy(aligned.data(), bytes.data(), bytes.size());
    return aligned;
}

ssize_t write_bytes(int fd, std::span<const std::byte> bytes, const protocol::write& request) {
    if (request.sync_flags == 0) {
        return request.offset == no_offset
                   ? ::write(fd, bytes.data(), bytes.size())
                   : ::pwrite(fd, bytes.data(), bytes.size(), request.offset);
    }
    // iovec has no const: writing does not change the bytes.
    iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
    return ::pwritev2(fd, &part, 1, request.offset, static_cast<int>(request.sync_flags));
}

}  // namespace

result<protocol::read_reply> execute(const protocol::read& request, const work_context& context) {
    if (request.offset < no_offset) {
        return errno_code(EINVAL);
    }
    const auto room = context.data->room(std::min(request.bytes, protocol::limits::data_bytes_max));
    const auto got = unless_interrupted(context, [&] {
        return request.offset == no_offset
                   ? ::read(context.fd(), room.data(), room.size())
                   : ::pread(context.fd(), room.data(), room.size(), request.offset);
    });
    if (got < 0) {
        return last_error();
    }
    return protocol::read_reply{{room.first(static_cast<std::size_t>(got))}};
}

result<protocol::write_reply> execute(const protocol::write& request, const work_context& context) {
    if (request.offset < no_offset ||
        request.data.bytes.size() > protocol::limits::data_bytes_max) {
        return errno_code(EINVAL);
    }
    if ((request.sync_flags & ~write_flags) != 0) {
        return errno_code(EOPNOTSUPP);
    }
    const auto bytes = bytes_to_write(request, context);
    const auto written =
        unless_interrupted(context, [&] { return write_bytes(context.fd(), bytes, request); });
    if (written < 0) {
        return last_error();
    }
    protocol::write_reply reply{static_cast<std::uint32_t>(written), request.offset + written};
    if (request.offset == no_offset) {
        reply.position = context.file->kind == file_kind::regular
                             ? ::lseek(context.fd(), 0, SEEK_CUR)
                             : no_offset;
    } else if (((context.file->flags & O_APPEND) | (request.sync_flags & RWF_APPEND)) != 0) {
        reply.position = no_offset;  // Linux appends whatever offset it is given (pwrite(2), BUGS)
    }
    return reply;
}

result<protocol::position_reply> execute(
    const protocol::seek& request, const work_context& context
) {
    const auto whence = static_cast<int>(request.whence);
    if (whence != SEEK_END && whence != SEEK_DATA && whence != SEEK_HOLE) {
        return errno_code(EINVAL);
    }
    const auto position = ::lseek(context.fd(), request.offset, whence);
    if (position < 0) {
        return last_error();
    }
    // The descriptor of a directory stands elsewhere now.
    context.file->directory_position = position;
    return protocol::position_reply{position};
}

result<protocol::empty_reply> execute(const protocol::sync& request, const work_context& context) {
    const int fd = context.fd();
    return done_unless_interrupted(context, [&] {
        switch (request.kind) {
            case protocol::sync_kind::all:
                return ::fsync(fd);
            case protocol::sync_kind::data:
                return ::fdatasync(fd);
            case protocol::sync_kind::file_system:
                return ::syncfs(fd);
            case protocol::sync_kind::range:
                return ::sync_file_range(fd, request.offset, request.bytes, request.flags);
        }
        errno = EINVAL;
        return -1;
    });
}

result<protocol::empty_reply> execute(
    const protocol::allocate& request, const work_context& context
) {
    return done_unless_interrupted(context, [&] {
        return ::fallocate(
            context.fd(), static_cast<int>(request.mode), request.offset, request.bytes
        );
    });
}

result<protocol::copy_range_reply> execute(
    const protocol::copy_range& request, const work_context& context
) {
    auto from = request.from_offset;
    auto to = request.to_offset;
    const auto bytes = std::min(request.bytes, limits::copy_bytes_max);
    const auto copied = unless_interrupted(context, [&] {
        return ::copy_file_range(context.fd(), &from, context.file_to->fd.get(), &to, bytes, 0);
    });
    if (copied < 0) {
        return last_error();
    }
    return protocol::copy_range_reply{static_cast<std::uint64_t>(copied)};
}

}  // namespace farside::agent
