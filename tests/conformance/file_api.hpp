// Files as a program sees them: one method per system call, kernel semantics, a value or -errno.
// The cases know only this; behind it is the kernel itself (native_api), which may have the layer
// in front of it without noticing, or an agent spoken to over its protocol (agent_api).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/uio.h>

namespace farside::conformance {

// A value, or -errno.
using outcome = std::int64_t;

// The directory that a case works in, which is its own.
inline constexpr int here = AT_FDCWD;

// A path, and the directory descriptor that it starts at.
struct name {
    name(const char* text) : path{text} {}  // NOLINT: a path is a name

    name(std::string text) : path{std::move(text)} {}  // NOLINT

    name(int base, std::string text) : dir{base}, path{std::move(text)} {}

    int dir = here;
    std::string path;
};

inline name in(int dir, std::string path) {
    return {dir, std::move(path)};
}

struct moment {
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;  // or UTIME_NOW, UTIME_OMIT

    friend auto operator<=>(const moment&, const moment&) = default;
};

struct file_status {
    std::uint32_t mode = 0;
    std::uint64_t links = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t blocks = 0;
    std::int64_t block_bytes = 0;
    std::uint32_t device_major = 0;
    std::uint32_t device_minor = 0;
    std::uint32_t rdev_major = 0;
    std::uint32_t rdev_minor = 0;
    moment accessed;
    moment modified;
    moment changed;
};

struct directory_entry {
    std::string name;
    std::uint8_t type = 0;  // DT_*
    std::uint64_t inode = 0;
    std::int64_t next_position = 0;
};

struct file_system_status {
    std::uint64_t type = 0;
    std::uint64_t block_bytes = 0;
    std::uint64_t blocks = 0;
    std::uint64_t blocks_free = 0;
    std::uint64_t name_bytes_max = 0;
};

// How names that start at `here` are written: all ways must lead to the same file.
enum class path_style {
    relative,    // to the working directory
    absolute,    // from the root of the tree
    descriptor,  // to a descriptor of the case's directory
};

class file_api {
public:
    file_api() = default;
    file_api(const file_api&) = delete;
    file_api& operator=(const file_api&) = delete;
    virtual ~file_api() = default;

    // Makes `here` the directory `path`, which is absolute.
    virtual outcome enter(const std::string& path) = 0;

    virtual outcome umask(unsigned mask) = 0;

    // Open files.
    virtual outcome open(const name& at, int flags, unsigned mode) = 0;
    virtual outcome openat2(const name& at, const open_how& how) = 0;
    virtual outcome close(int fd) = 0;
    virtual outcome read(int fd, std::span<char> to) = 0;
    virtual outcome pread(int fd, std::span<char> to, std::int64_t offset) = 0;
    virtual outcome readv(int fd, std::span<const iovec> to) = 0;
    virtual outcome preadv(int fd, std::span<const iovec> to, std::int64_t offset) = 0;
    virtual outcome write(int fd, std::string_view from) = 0;
    virtual outcome pwrite(int fd, std::string_view from, std::int64_t offset) = 0;
    virtual outcome writev(int fd, std::span<const iovec> from) = 0;
    virtual outcome pwritev2(
        int fd, std::span<const iovec> from, std::int64_t offset, int flags
    ) = 0;
    virtual outcome lseek(int fd, std::int64_t offset, int whence) = 0;
    virtual outcome ftruncate(int fd, std::int64_t size) = 0;
    virtual outcome fallocate(int fd, int mode, std::int64_t offset, std::int64_t bytes) = 0;
    virtual outcome fsync(int fd) = 0;
    virtual outcome fdatasync(int fd) = 0;
    virtual outcome syncfs(int fd) = 0;
    virtual outcome sync_file_range(
        int fd, std::int64_t offset, std::int64_t bytes, unsigned flags
    ) = 0;
    // A null offset stands for the position of the descriptor.
    virtual outcome copy_file_range(
        int from, std::int64_t* from_offset, int to, std::int64_t* to_offset, std::size_t bytes
    ) = 0;
    virtual outcome get_flags(int fd) = 0;
    virtual outcome set_flags(int fd, int flags) = 0;
    virtual outcome flock(int fd, int operation) = 0;
    virtual outcome lock_record(int fd, int command, struct flock& lock) = 0;
    virtual outcome ioctl(int fd, unsigned long command, int& value) = 0;
    virtual outcome getdents(int fd, std::size_t bytes, std::vector<directory_entry>& to) = 0;

    // What is told of a file.
    virtual outcome stat(const name& at, int flags, file_status& to) = 0;
    virtual outcome fstat(int fd, file_status& to) = 0;
    virtual outcome statx(const name& at, int flags, unsigned mask, struct statx& to) = 0;
    virtual outcome access(const name& at, int mode, int flags) = 0;
    virtual outcome readlink(const name& at, std::span<char> to) = 0;
    virtual outcome statfs(const std::string& path, file_system_status& to) = 0;
    virtual outcome fstatfs(int fd, file_system_status& to) = 0;

    // Attributes.
    virtual outcome truncate(const std::string& path, std::int64_t size) = 0;
    virtual outcome chmod(const name& at, unsigned mode, int flags) = 0;
    virtual outcome fchmod(int fd, unsigned mode) = 0;
    virtual outcome chown(const name& at, unsigned uid, unsigned gid, int flags) = 0;
    virtual outcome fchown(int fd, unsigned uid, unsigned gid) = 0;
    virtual outcome utimens(
        const name& at, const moment& accessed, const moment& modified, int flags
    ) = 0;
    virtual outcome futimens(int fd, const moment& accessed, const moment& modified) = 0;

    // Names.
    virtual outcome mkdir(const name& at, unsigned mode) = 0;
    virtual outcome mknod(const name& at, unsigned mode, unsigned major, unsigned minor) = 0;
    virtual outcome unlink(const name& at, int flags) = 0;
    virtual outcome rename(const name& from, const name& to, unsigned flags) = 0;
    virtual outcome link(const name& from, const name& to, int flags) = 0;
    virtual outcome symlink(const std::string& target, const name& at) = 0;

    // Extended attributes, by name or (where `at.path` is empty) of the descriptor `at.dir`.
    virtual outcome get_xattr(
        const name& at, int flags, const std::string& key, std::span<char> to
    ) = 0;
    virtual outcome list_xattr(const name& at, int flags, std::span<char> to) = 0;
    virtual outcome set_xattr(
        const name& at, int flags, const std::string& key, std::string_view value, int how
    ) = 0;
    virtual outcome remove_xattr(const name& at, int flags, const std::string& key) = 0;
};

}  // namespace farside::conformance
