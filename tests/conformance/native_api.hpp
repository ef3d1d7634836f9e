// The kernel, through the C library: each method is the call of its name, the plain one where the
// name starts at the case's directory (mkdir, rename, ...), the *at one where it starts at a
// descriptor. The C library must be a shared one, so that the layer can live in it.
#pragma once

#include "tests/conformance/file_api.hpp"

namespace farside::conformance {

class native_api final : public file_api {
public:
    explicit native_api(path_style style) : style_{style} {}

    ~native_api() override;

    outcome enter(const std::string& path) override;
    outcome umask(unsigned mask) override;

    outcome open(const name& at, int flags, unsigned mode) override;
    outcome openat2(const name& at, const open_how& how) override;
    outcome close(int fd) override;
    outcome read(int fd, std::span<char> to) override;
    outcome pread(int fd, std::span<char> to, std::int64_t offset) override;
    outcome readv(int fd, std::span<const iovec> to) override;
    outcome preadv(int fd, std::span<const iovec> to, std::int64_t offset) override;
    outcome write(int fd, std::string_view from) override;
    outcome pwrite(int fd, std::string_view from, std::int64_t offset) override;
    outcome writev(int fd, std::span<const iovec> from) override;
    outcome pwritev2(int fd, std::span<const iovec> from, std::int64_t offset, int flags) override;
    outcome lseek(int fd, std::int64_t offset, int whence) override;
    outcome ftruncate(int fd, std::int64_t size) override;
    outcome fallocate(int fd, int mode, std::int64_t offset, std::int64_t bytes) override;
    outcome fsync(int fd) override;
    outcome fdatasync(int fd) override;
    outcome syncfs(int fd) override;
    outcome sync_file_range(int fd, std::int64_t offset, std::int64_t bytes, unsigned flags)
        override;
    outcome copy_file_range(
        int from, std::int64_t* from_offset, int to, std::int64_t* to_offset, std::size_t bytes
    ) override;
    outcome get_flags(int fd) override;
    outcome set_flags(int fd, int flags) override;
    outcome flock(int fd, int operation) override;
    outcome lock_record(int fd, int command, struct flock& lock) override;
    outcome ioctl(int fd, unsigned long command, int& value) override;
    outcome getdents(int fd, std::size_t bytes, std::vector<directory_entry>& to) override;

    outcome stat(const name& at, int flags, file_status& to) override;
    outcome fstat(int fd, file_status& to) override;
    outcome statx(const name& at, int flags, unsigned mask, struct statx& to) override;
    outcome access(const name& at, int mode, int flags) override;
    outcome readlink(const name& at, std::span<char> to) override;
    outcome statfs(const std::string& path, file_system_status& to) override;
    outcome fstatfs(int fd, file_system_status& to) override;

    outcome truncate(const std::string& path, std::int64_t size) override;
    outcome chmod(const name& at, unsigned mode, int flags) override;
    outcome fchmod(int fd, unsigned mode) override;
    outcome chown(const name& at, unsigned uid, unsigned gid, int flags) override;
    outcome fchown(int fd, unsigned uid, unsigned gid) override;
    outcome utimens(const name& at, const moment& accessed, const moment& modified, int flags)
        override;
    outcome futimens(int fd, const moment& accessed, const moment& modified) override;

    outcome mkdir(const name& at, unsigned mode) override;
    outcome mknod(const name& at, unsigned mode, unsigned major, unsigned minor) override;
    outcome unlink(const name& at, int flags) override;
    outcome rename(const name& from, const name& to, unsigned flags) override;
    outcome link(const name& from, const name& to, int flags) override;
    outcome symlink(const std::string& target, const name& at) override;

    outcome get_xattr(const name& at, int flags, const std::string& key, std::span<char> to)
        override;
    outcome list_xattr(const name& at, int flags, std::span<char> to) override;
    outcome set_xattr(
        const name& at, int flags, const std::string& key, std::string_view value, int how
    ) override;
    outcome remove_xattr(const name& at, int flags, const std::string& key) override;

private:
    // Where a name is, in this object's style.
    [[nodiscard]] name spelled(const name& at) const;

    // The same for calls that have no *at form.
    [[nodiscard]] std::string spelled(const std::string& path) const;

    path_style style_;
    std::string directory_;
    int directory_fd_ = -1;
};

}  // namespace farside::conformance
