// Open files through the agent. Names and attributes are in agent_names.cpp.
#include "tests/conformance/agent_api.hpp"

#include <climits>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace farside::conformance {
namespace {

constexpr int first_descriptor = 3;
constexpr std::int64_t no_offset = -1;
constexpr std::uint64_t this_process = 1;  // as an owner of record locks
constexpr unsigned settable_flags = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME;
constexpr unsigned creation_flags = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC;

constexpr unsigned path_flags = O_PATH | O_DIRECTORY | O_NOFOLLOW;
constexpr unsigned known_flags = 0100000U | path_flags | creation_flags | settable_flags |
                                 O_ACCMODE | O_SYNC | O_DSYNC | O_ASYNC | O_TMPFILE;

std::size_t total(std::span<const iovec> parts) {
    std::size_t sum = 0;
    for (const auto& part : parts) {
        sum += part.iov_len;
    }
    return sum;
}

std::string gathered(std::span<const iovec> parts) {
    std::string all;
    for (const auto& part : parts) {
        all.append(static_cast<const char*>(part.iov_base), part.iov_len);
    }
    return all;
}

outcome scatter(std::string_view data, std::span<const iovec> parts, outcome got) {
    if (got <= 0) {
        return got;
    }
    data = data.substr(0, static_cast<std::size_t>(got));
    for (const auto& part : parts) {
        const auto bytes = std::min(part.iov_len, data.size());
        std::memcpy(part.iov_base, data.data(), bytes);
        data.remove_prefix(bytes);
    }
    return got;
}

bool too_many(std::span<const iovec> parts) {
    constexpr std::size_t iov_max = 1024;
    return parts.size() > iov_max;
}

}  // namespace

bool agent_api::open_file::readable() const {
    return !path_only() && (flags & O_ACCMODE) != O_WRONLY && (flags & O_ACCMODE) != O_ACCMODE;
}

bool agent_api::open_file::writable() const {
    return !path_only() && (flags & O_ACCMODE) != O_RDONLY && (flags & O_ACCMODE) != O_ACCMODE;
}

bool agent_api::open_file::streams() const {
    return !path_only() && !S_ISREG(mode) && !S_ISDIR(mode) && !S_ISBLK(mode);
}

outcome agent_api::enter(const std::string& path) {
    directory_ = path;
    if (style_ == path_style::absolute) {
        return 0;
    }
    if (directory_handle_ != protocol::no_handle) {
        protocol::close close;
        close.handle = directory_handle_;
        ask(close);
    }
    protocol::open request;
    request.at.path = path;
    request.flags = O_PATH | O_DIRECTORY;
    protocol::open_reply reply;
    const int failed = agent_->call(request, reply);
    directory_handle_ = reply.handle;
    return -failed;
}

outcome agent_api::umask(unsigned mask) {
    const auto before = umask_;
    umask_ = mask & 0777U;
    return before;
}

agent_api::open_file* agent_api::file_of(int fd) {
    const auto found = files_.find(fd);
    return found != files_.end() ? &found->second : nullptr;
}

agent_api::open_file* agent_api::usable(int fd) {
    auto* const file = file_of(fd);
    return file != nullptr && !file->path_only() ? file : nullptr;
}

agent_api::target agent_api::find(int fd) const {
    const auto found = files_.find(fd);
    return found != files_.end() ? target{{found->second.handle, {}}} : target{{}, -EBADF};
}

agent_api::target agent_api::find(const name& at, empty_path empty) const {
    if (at.path.empty() && empty == empty_path::is_error) {
        return {{}, -ENOENT};
    }
    if (at.path.size() >= PATH_MAX) {
        return {{}, -ENAMETOOLONG};
    }
    if (at.path.starts_with('/')) {
        return {{protocol::no_handle, at.path}};
    }
    if (at.dir == here) {
        if (style_ == path_style::relative) {
            return {{directory_handle_, at.path}};
        }
        return {{protocol::no_handle, at.path.empty() ? directory_ : directory_ + '/' + at.path}};
    }
    auto found = find(at.dir);
    found.at.path = at.path;
    return found;
}

outcome agent_api::open(const name& at, int flags, unsigned mode) {
    open_how how{};
    how.flags = static_cast<unsigned>(flags);
    how.mode = mode;
    return open_with(at, how);
}

// Without restrictions a request is open(2)'s, which ignores what openat2(2) refuses: that is the
// caller's to know. With RESOLVE_IN_ROOT "/" is the directory that the path starts at.
outcome agent_api::openat2(const name& at, const open_how& how) {
    const bool creates = (how.flags & O_CREAT) != 0 || (how.flags & O_TMPFILE) == O_TMPFILE;
    const auto known = (how.flags & O_PATH) != 0 ? path_flags | O_CLOEXEC : known_flags;
    if ((how.flags & ~std::uint64_t{known}) != 0 || (how.mode & ~(creates ? 07777U : 0U)) != 0) {
        return -EINVAL;
    }
    const bool confined = (how.resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) != 0;
    const bool absolute =
        at.path.starts_with('/') || (at.dir == here && style_ == path_style::absolute);
    if (!confined || !absolute) {
        return open_with(at, how);
    }
    if ((how.resolve & RESOLVE_BENEATH) != 0) {
        return (how.resolve & RESOLVE_IN_ROOT) != 0 ? -EINVAL : -EXDEV;
    }
    auto inside = at;
    inside.path.erase(0, inside.path.find_first_not_of('/'));
    return open_with(inside, how);
}

outcome agent_api::open_with(const name& at, const open_how& how) {
    const auto where = find(at);
    if (where.failure != 0) {
        return where.failure;
    }
    protocol::open request;
    request.at = where.at;
    request.flags = static_cast<std::uint32_t>(how.flags) & ~static_cast<unsigned>(O_CLOEXEC);
    request.mode = static_cast<std::uint32_t>(how.mode);
    request.umask = umask_;
    request.resolve = how.resolve;
    protocol::open_reply reply;
    if (const int failed = agent_->call(request, reply)) {
        return -failed;
    }
    int fd = first_descriptor;
    while (files_.contains(fd)) {
        ++fd;
    }
    const bool path_only = (request.flags & O_PATH) != 0;
    auto status = request.flags & (path_only ? path_flags : ~creation_flags);
    status |= (status & (O_SYNC ^ O_DSYNC)) != 0 ? O_DSYNC : 0U;
    files_[fd] = {reply.handle, status, reply.attr.mode, 0};
    return fd;
}

outcome agent_api::close(int fd) {
    const auto found = files_.find(fd);
    if (found == files_.end()) {
        return -EBADF;
    }
    protocol::close request;
    request.handle = found->second.handle;
    if ((found->second.flags & O_PATH) == 0) {
        protocol::release_locks release;
        release.handle = request.handle;
        release.owner = this_process;
        ask(release);
    }
    files_.erase(found);
    return ask(request);
}

outcome agent_api::read_at(const open_file& file, std::span<char> to, std::int64_t offset) {
    outcome done = 0;
    do {
        protocol::read request;
        request.handle = file.handle;
        request.offset = offset == no_offset ? no_offset : offset + done;
        request.bytes = static_cast<std::uint32_t>(
            std::min<std::size_t>(to.size(), protocol::limits::read_bytes_max)
        );
        std::size_t got = 0;
        const int failed = agent_->call_in_parts(request, [&](const protocol::read_reply& part) {
            const auto bytes = std::min(part.data.bytes.size(), to.size());
            std::memcpy(to.data(), part.data.bytes.data(), bytes);
            to = to.subspan(bytes);
            got += bytes;
        });
        if (failed != 0) {
            return done > 0 ? done : -failed;
        }
        done += static_cast<outcome>(got);
        if (got < request.bytes) {
            break;
        }
    } while (!to.empty());
    return done;
}

outcome agent_api::read_file(open_file& file, std::span<char> to) {
    if (file.streams()) {
        return read_at(file, to, no_offset);
    }
    const auto got = read_at(file, to, file.position);
    file.position += std::max<outcome>(got, 0);
    return got;
}

outcome agent_api::read(int fd, std::span<char> to) {
    auto* const file = file_of(fd);
    return file == nullptr || !file->readable() ? -EBADF : read_file(*file, to);
}

outcome agent_api::pread(int fd, std::span<char> to, std::int64_t offset) {
    const auto* const file = file_of(fd);
    if (offset < 0) {
        return -EINVAL;
    }
    if (file == nullptr || !(file->readable() || file->streams())) {
        return -EBADF;
    }
    return read_at(*file, to, offset);
}

outcome agent_api::readv(int fd, std::span<const iovec> to) {
    std::string data(total(to), '\0');
    if (too_many(to)) {
        return file_of(fd) == nullptr ? -EBADF : -EINVAL;
    }
    return scatter(data, to, read(fd, data));
}

outcome agent_api::preadv(int fd, std::span<const iovec> to, std::int64_t offset) {
    std::string data(total(to), '\0');
    const auto got = pread(fd, data, offset);
    return scatter(data, to, got);
}

outcome agent_api::write_at(
    open_file& file, std::string_view from, std::int64_t offset, unsigned flags
) {
    outcome done = 0;
    do {
        protocol::write request;
        request.handle = file.handle;
        request.offset = offset == no_offset ? no_offset : offset + done;
        request.sync_flags = flags;
        request.data.bytes =
            std::as_bytes(std::span{from})
                .first(std::min<std::size_t>(from.size(), protocol::limits::data_bytes_max));
        protocol::write_reply reply;
        if (const int failed = agent_->call(request, reply)) {
            return done > 0 ? done : -failed;
        }
        done += reply.bytes;
        if (offset == no_offset && reply.position >= 0 && reply.bytes > 0) {
            file.position = reply.position;
        }
        from.remove_prefix(reply.bytes);
        if (reply.bytes < request.data.bytes.size()) {
            break;
        }
    } while (!from.empty());
    return done;
}

outcome agent_api::write_file(open_file& file, std::string_view from, unsigned flags) {
    if (file.streams() || (file.flags & O_APPEND) != 0 || (flags & RWF_APPEND) != 0) {
        return write_at(file, from, no_offset, flags);
    }
    const auto put = write_at(file, from, file.position, flags);
    file.position += std::max<outcome>(put, 0);
    return put;
}

outcome agent_api::write(int fd, std::string_view from) {
    auto* const file = file_of(fd);
    return file == nullptr || !file->writable() ? -EBADF : write_file(*file, from, 0);
}

outcome agent_api::pwrite(int fd, std::string_view from, std::int64_t offset) {
    auto* const file = file_of(fd);
    if (offset < 0) {
        return -EINVAL;
    }
    if (file == nullptr || !(file->writable() || file->streams())) {
        return -EBADF;
    }
    return write_at(*file, from, offset, 0);
}

outcome agent_api::writev(int fd, std::span<const iovec> from) {
    if (too_many(from)) {
        return file_of(fd) == nullptr ? -EBADF : -EINVAL;
    }
    return write(fd, gathered(from));
}

outcome agent_api::pwritev2(int fd, std::span<const iovec> from, std::int64_t offset, int flags) {
    auto* const file = file_of(fd);
    if (file == nullptr || !file->writable()) {
        return -EBADF;
    }
    const auto bits = static_cast<unsigned>(flags);
    const auto data = gathered(from);
    if (offset == no_offset) {
        return write_file(*file, data, bits);
    }
    return offset < 0 ? -EINVAL : write_at(*file, data, offset, bits);
}

outcome agent_api::lseek(int fd, std::int64_t offset, int whence) {
    auto* const file = usable(fd);
    if (file == nullptr) {
        return -EBADF;
    }
    if (whence < SEEK_SET || whence > SEEK_HOLE) {
        return -EINVAL;
    }
    const bool relative = whence == SEEK_SET || whence == SEEK_CUR;
    if (!relative || file->streams()) {
        protocol::seek request;
        request.handle = file->handle;
        request.offset = relative ? 0 : offset;
        request.whence = static_cast<std::uint32_t>(relative ? SEEK_END : whence);
        protocol::position_reply reply;
        if (const int failed = agent_->call(request, reply)) {
            return -failed;
        }
        file->position = reply.position;
        return reply.position;
    }
    std::int64_t moved = offset;
    const bool overflows =
        whence == SEEK_CUR && __builtin_add_overflow(file->position, offset, &moved);
    if (overflows || moved < 0) {
        return -EINVAL;
    }
    file->position = moved;
    return moved;
}

outcome agent_api::fallocate(int fd, int mode, std::int64_t offset, std::int64_t bytes) {
    const auto* const file = file_of(fd);
    if (file == nullptr || file->path_only()) {
        return -EBADF;
    }
    protocol::allocate request;
    request.handle = file->handle;
    request.mode = static_cast<std::uint32_t>(mode);
    request.offset = offset;
    request.bytes = bytes;
    return ask(request);
}

outcome agent_api::sync(int fd, protocol::sync_kind kind) {
    const auto* const file = usable(fd);
    if (file == nullptr) {
        return -EBADF;
    }
    protocol::sync request;
    request.handle = file->handle;
    request.kind = kind;
    return ask(request);
}

outcome agent_api::fsync(int fd) {
    return sync(fd, protocol::sync_kind::all);
}

outcome agent_api::fdatasync(int fd) {
    return sync(fd, protocol::sync_kind::data);
}

outcome agent_api::syncfs(int fd) {
    return sync(fd, protocol::sync_kind::file_system);
}

outcome agent_api::sync_file_range(
    int fd, std::int64_t offset, std::int64_t bytes, unsigned flags
) {
    const auto* const file = usable(fd);
    if (file == nullptr) {
        return -EBADF;
    }
    protocol::sync request;
    request.handle = file->handle;
    request.kind = protocol::sync_kind::range;
    request.offset = offset;
    request.bytes = bytes;
    request.flags = flags;
    return ask(request);
}

outcome agent_api::copy_file_range(
    int from, std::int64_t* from_offset, int to, std::int64_t* to_offset, std::size_t bytes
) {
    auto* const source = file_of(from);
    auto* const sink = file_of(to);
    if (source == nullptr || sink == nullptr || source->path_only() || sink->path_only()) {
        return -EBADF;
    }
    auto& from_at = from_offset != nullptr ? *from_offset : source->position;
    auto& to_at = to_offset != nullptr ? *to_offset : sink->position;
    protocol::copy_range request;
    request.from = source->handle;
    request.from_offset = from_at;
    request.to = sink->handle;
    request.to_offset = to_at;
    request.bytes = bytes;
    protocol::copy_range_reply reply;
    if (const int failed = agent_->call(request, reply)) {
        return -failed;
    }
    from_at += static_cast<std::int64_t>(reply.bytes);
    to_at += static_cast<std::int64_t>(reply.bytes);
    return static_cast<outcome>(reply.bytes);
}

outcome agent_api::get_flags(int fd) {
    const auto* const file = file_of(fd);
    // O_LARGEFILE, which the C library calls 0: every file is one to a 64-bit program.
    constexpr unsigned large_file = 0100000;
    if (file == nullptr) {
        return -EBADF;
    }
    return outcome{file->path_only() ? file->flags : file->flags | large_file};
}

outcome agent_api::set_flags(int fd, int flags) {
    auto* const file = usable(fd);
    if (file == nullptr) {
        return -EBADF;
    }
    protocol::set_flags request;
    request.handle = file->handle;
    request.flags = static_cast<unsigned>(flags) & settable_flags;
    const auto result = ask(request);
    if (result == 0) {
        file->flags = (file->flags & ~settable_flags) | request.flags;
    }
    return result;
}

outcome agent_api::flock(int fd, int operation) {
    const auto* const file = usable(fd);
    if (file == nullptr) {
        return -EBADF;
    }
    protocol::lock_file request;
    request.handle = file->handle;
    request.operation = static_cast<std::uint32_t>(operation);
    return ask(request);
}

outcome agent_api::lock_record(int fd, int command, struct flock& lock) {
    const auto* const file = usable(fd);
    if (file == nullptr) {
        return -EBADF;
    }
    protocol::record_lock asked{lock.l_type, lock.l_whence, lock.l_start, lock.l_len, lock.l_pid};
    if (lock.l_whence == SEEK_CUR) {
        asked.whence = SEEK_SET;
        asked.start += file->position;
    }
    if (command == F_OFD_SETLK || command == F_OFD_SETLKW) {
        protocol::lock_record request;
        request.handle = file->handle;
        request.command = static_cast<std::uint32_t>(command);
        request.lock = asked;
        return ask(request);
    }
    protocol::lock_process request;
    request.handle = file->handle;
    request.owner = command == F_OFD_GETLK ? 0 : this_process;
    request.command = static_cast<std::uint32_t>(command);
    request.lock = asked;
    protocol::lock_process_reply reply;
    if (const int failed = agent_->call(request, reply)) {
        return -failed;
    }
    if (reply.lock.type == F_UNLCK) {
        lock.l_type = F_UNLCK;  // nothing else is told then
        return 0;
    }
    lock.l_type = reply.lock.type;
    lock.l_whence = reply.lock.whence;
    lock.l_start = reply.lock.start;
    lock.l_len = reply.lock.bytes;
    lock.l_pid = reply.owner == this_process ? ::getpid() : reply.lock.pid;
    return 0;
}

outcome agent_api::ioctl(int fd, unsigned long command, int& value) {
    const auto* const file = usable(fd);
    if (file == nullptr) {
        return -EBADF;
    }
    protocol::ioctl request;
    request.handle = file->handle;
    request.command = command;
    request.value = value;
    protocol::ioctl_reply reply;
    if (const int failed = agent_->call(request, reply)) {
        return -failed;
    }
    const bool rest = command == FIONREAD && S_ISREG(file->mode);
    value = static_cast<int>(reply.value - (rest ? file->position : 0));
    return reply.result;
}

outcome agent_api::getdents(int fd, std::size_t bytes, std::vector<directory_entry>& to) {
    auto* const file = file_of(fd);
    if (file == nullptr) {
        return -EBADF;
    }
    protocol::read_directory request;
    request.handle = file->handle;
    request.position = file->position;
    request.bytes = static_cast<std::uint32_t>(bytes);
    protocol::read_directory_reply reply;
    if (const int failed = agent_->call(request, reply)) {
        return -failed;
    }
    for (const auto& entry : reply.entries) {
        to.push_back({entry.name, entry.type, entry.inode, entry.next_position});
        file->position = entry.next_position;
    }
    return static_cast<outcome>(reply.entries.size());
}

}  // namespace farside::conformance
