// Open files, and what is told of files: one call each. Calls that the C library has no function
// for go through syscall(2). The calls that change names and attributes are in native_names.cpp.
#include "tests/conformance/native_api.hpp"

#include "tests/conformance/told.hpp"

#include <cstdio>
#include <cstring>

#include <dirent.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace farside::conformance {
namespace {

moment to_moment(const timespec& t) {
    return {t.tv_sec, t.tv_nsec};
}

void fill(file_status& to, const struct stat& from) {
    to.mode = from.st_mode;
    to.links = from.st_nlink;
    to.uid = from.st_uid;
    to.gid = from.st_gid;
    to.inode = from.st_ino;
    to.size = from.st_size;
    to.blocks = from.st_blocks;
    to.block_bytes = from.st_blksize;
    to.device_major = gnu_dev_major(from.st_dev);
    to.device_minor = gnu_dev_minor(from.st_dev);
    to.rdev_major = gnu_dev_major(from.st_rdev);
    to.rdev_minor = gnu_dev_minor(from.st_rdev);
    to.accessed = to_moment(from.st_atim);
    to.modified = to_moment(from.st_mtim);
    to.changed = to_moment(from.st_ctim);
}

void fill(file_system_status& to, const struct statfs& from) {
    to.type = static_cast<std::uint64_t>(from.f_type);
    to.block_bytes = static_cast<std::uint64_t>(from.f_bsize);
    to.blocks = from.f_blocks;
    to.blocks_free = from.f_bfree;
    to.name_bytes_max = static_cast<std::uint64_t>(from.f_namelen);
}

// struct linux_dirent64 of getdents64(2).
void parse(std::span<const char> records, std::vector<directory_entry>& to) {
    constexpr std::size_t name_offset = 19;
    while (records.size() > name_offset) {
        auto& entry = to.emplace_back();
        std::uint16_t record_bytes = 0;
        std::memcpy(&entry.inode, records.data(), sizeof entry.inode);
        std::memcpy(&entry.next_position, records.data() + 8, sizeof entry.next_position);
        std::memcpy(&record_bytes, records.data() + 16, sizeof record_bytes);
        entry.type = static_cast<std::uint8_t>(records[18]);
        entry.name = records.data() + name_offset;
        records = records.subspan(record_bytes);
    }
}

}  // namespace

native_api::~native_api() {
    if (directory_fd_ >= 0) {
        ::close(directory_fd_);
    }
}

outcome native_api::enter(const std::string& path) {
    directory_ = path;
    if (style_ == path_style::relative) {
        return told(::chdir(path.c_str()));
    }
    if (style_ == path_style::absolute) {
        return 0;
    }
    if (directory_fd_ >= 0) {
        ::close(directory_fd_);
    }
    directory_fd_ = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return told(directory_fd_);
}

name native_api::spelled(const name& at) const {
    if (at.dir != here || at.path.starts_with('/') || style_ == path_style::relative) {
        return at;
    }
    if (style_ == path_style::descriptor) {
        return {directory_fd_, at.path};
    }
    return at.path.empty() ? at : name{directory_ + '/' + at.path};
}

std::string native_api::spelled(const std::string& path) const {
    const bool as_it_is = path.empty() || path.starts_with('/') || style_ == path_style::relative;
    return as_it_is ? path : directory_ + '/' + path;
}

outcome native_api::umask(unsigned mask) {
    return ::umask(mask);
}

outcome native_api::open(const name& at, int flags, unsigned mode) {
    const name where = spelled(at);
    return told(
        where.dir == here ? ::open(where.path.c_str(), flags, mode)
                          : ::openat(where.dir, where.path.c_str(), flags, mode)
    );
}

outcome native_api::openat2(const name& at, const open_how& how) {
    const name where = spelled(at);
    return told(::syscall(SYS_openat2, where.dir, where.path.c_str(), &how, sizeof how));
}

outcome native_api::close(int fd) {
    return told(::close(fd));
}

outcome native_api::read(int fd, std::span<char> to) {
    return told(::read(fd, to.data(), to.size()));
}

outcome native_api::pread(int fd, std::span<char> to, std::int64_t offset) {
    return told(::pread(fd, to.data(), to.size(), offset));
}

outcome native_api::readv(int fd, std::span<const iovec> to) {
    return told(::readv(fd, to.data(), static_cast<int>(to.size())));
}

outcome native_api::preadv(int fd, std::span<const iovec> to, std::int64_t offset) {
    return told(::preadv(fd, to.data(), static_cast<int>(to.size()), offset));
}

outcome native_api::write(int fd, std::string_view from) {
    return told(::write(fd, from.data(), from.size()));
}

outcome native_api::pwrite(int fd, std::string_view from, std::int64_t offset) {
    return told(::pwrite(fd, from.data(), from.size(), offset));
}

outcome native_api::writev(int fd, std::span<const iovec> from) {
    return told(::writev(fd, from.data(), static_cast<int>(from.size())));
}

outcome native_api::pwritev2(int fd, std::span<const iovec> from, std::int64_t offset, int flags) {
    return told(::pwritev2(fd, from.data(), static_cast<int>(from.size()), offset, flags));
}

outcome native_api::lseek(int fd, std::int64_t offset, int whence) {
    return told(::lseek(fd, offset, whence));
}

outcome native_api::ftruncate(int fd, std::int64_t size) {
    return told(::ftruncate(fd, size));
}

outcome native_api::fallocate(int fd, int mode, std::int64_t offset, std::int64_t bytes) {
    return told(::fallocate(fd, mode, offset, bytes));
}

outcome native_api::fsync(int fd) {
    return told(::fsync(fd));
}

outcome native_api::fdatasync(int fd) {
    return told(::fdatasync(fd));
}

outcome native_api::syncfs(int fd) {
    return told(::syncfs(fd));
}

outcome native_api::sync_file_range(
    int fd, std::int64_t offset, std::int64_t bytes, unsigned flags
) {
    return told(::sync_file_range(fd, offset, bytes, flags));
}

outcome native_api::copy_file_range(
    int from, std::int64_t* from_offset, int to, std::int64_t* to_offset, std::size_t bytes
) {
    return told(::copy_file_range(from, from_offset, to, to_offset, bytes, 0));
}

outcome native_api::get_flags(int fd) {
    return told(::fcntl(fd, F_GETFL));
}

outcome native_api::set_flags(int fd, int flags) {
    return told(::fcntl(fd, F_SETFL, flags));
}

outcome native_api::flock(int fd, int operation) {
    return told(::flock(fd, operation));
}

outcome native_api::lock_record(int fd, int command, struct flock& lock) {
    return told(::fcntl(fd, command, &lock));
}

outcome native_api::ioctl(int fd, unsigned long command, int& value) {
    return told(::ioctl(fd, command, &value));
}

outcome native_api::getdents(int fd, std::size_t bytes, std::vector<directory_entry>& to) {
    std::vector<char> room(bytes);
    const auto got = told(::getdents64(fd, room.data(), room.size()));
    if (got > 0) {
        parse(std::span{room}.first(static_cast<std::size_t>(got)), to);
    }
    return got;
}

outcome native_api::stat(const name& at, int flags, file_status& to) {
    const name where = spelled(at);
    const char* const path = where.path.c_str();

    struct stat status {};

    int returned = -1;
    if (where.dir == here && flags == 0) {
        returned = ::stat(path, &status);
    } else if (where.dir == here && flags == AT_SYMLINK_NOFOLLOW) {
        returned = ::lstat(path, &status);
    } else {
        returned = ::fstatat(where.dir, path, &status, flags);
    }
    fill(to, status);
    return told(returned);
}

outcome native_api::fstat(int fd, file_status& to) {
    struct stat status {};

    const int returned = ::fstat(fd, &status);
    fill(to, status);
    return told(returned);
}

outcome native_api::statx(const name& at, int flags, unsigned mask, struct statx& to) {
    const name where = spelled(at);
    return told(::statx(where.dir, where.path.c_str(), flags, mask, &to));
}

outcome native_api::access(const name& at, int mode, int flags) {
    const name where = spelled(at);
    const char* const path = where.path.c_str();
    return told(
        where.dir == here && flags == 0 ? ::access(path, mode)
                                        : ::faccessat(where.dir, path, mode, flags)
    );
}

outcome native_api::readlink(const name& at, std::span<char> to) {
    const name where = spelled(at);
    const char* const path = where.path.c_str();
    return told(
        where.dir == here ? ::readlink(path, to.data(), to.size())
                          : ::readlinkat(where.dir, path, to.data(), to.size())
    );
}

outcome native_api::statfs(const std::string& path, file_system_status& to) {
    struct statfs status {};

    const int returned = ::statfs(spelled(path).c_str(), &status);
    fill(to, status);
    return told(returned);
}

outcome native_api::fstatfs(int fd, file_system_status& to) {
    struct statfs status {};

    const int returned = ::fstatfs(fd, &status);
    fill(to, status);
    return told(returned);
}

}  // namespace farside::conformance
