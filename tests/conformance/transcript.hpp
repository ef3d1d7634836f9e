// Makes the calls of a case and writes down what each was and what came of it, one line per call.
// What may differ between two runs of the same case on two trees is never written: descriptors are
// numbered in the order of their opening, inodes and times appear only as comparisons (note()).
#pragma once

#include "tests/conformance/file_api.hpp"
#include "tests/conformance/text.hpp"

#include <cstdio>
#include <map>
#include <optional>

#include <sys/file.h>

namespace farside::conformance {

class transcript {
public:
    // `directory`: where `here` is, absolute.
    transcript(file_api& api, std::string directory, std::FILE* out)
        : api_{&api}, directory_{std::move(directory)}, out_{out} {}

    transcript(const transcript&) = delete;
    transcript& operator=(const transcript&) = delete;

    // Closes what the case left open.
    ~transcript();

    [[nodiscard]] file_api& api() { return *api_; }

    // Only where the tree has a root of its own is it the same on every way.
    [[nodiscard]] const std::string& directory() const { return directory_; }

    // ---- lines of the case's own ----
    void note(const std::string& line);
    void note(const std::string& what, bool holds);
    // For calls that a case makes itself.
    outcome record(const std::string& call, outcome result, const std::string& detail = {});

    // ---- open files; an open that failed answers -1, so that what follows is EBADF ----
    int open(const name& at, int flags, unsigned mode = 0);
    int openat2(const name& at, const open_how& how);
    outcome close(int fd);
    std::string read(int fd, std::size_t bytes);
    std::string pread(int fd, std::size_t bytes, std::int64_t offset);
    std::string readv(int fd, const std::vector<std::size_t>& sizes);
    std::string preadv(int fd, const std::vector<std::size_t>& sizes, std::int64_t offset);
    outcome write(int fd, std::string_view bytes);
    outcome pwrite(int fd, std::string_view bytes, std::int64_t offset);
    outcome writev(int fd, const std::vector<std::string>& parts);
    outcome pwritev2(int fd, const std::vector<std::string>& parts, std::int64_t offset, int flags);
    outcome lseek(int fd, std::int64_t offset, int whence);
    outcome ftruncate(int fd, std::int64_t size);
    outcome fallocate(int fd, int mode, std::int64_t offset, std::int64_t bytes);
    outcome fsync(int fd);
    outcome fdatasync(int fd);
    outcome syncfs(int fd);
    outcome sync_file_range(int fd, std::int64_t offset, std::int64_t bytes, unsigned flags);
    // No offset: the position of the descriptor.
    outcome copy_file_range(
        int from,
        std::optional<std::int64_t> from_offset,
        int to,
        std::optional<std::int64_t> to_offset,
        std::size_t bytes
    );
    outcome get_flags(int fd);
    outcome set_flags(int fd, int flags);
    outcome flock(int fd, int operation);
    outcome lock_record(int fd, int command, struct flock lock);
    outcome ioctl(int fd, unsigned long command, const std::string& command_name, int value = 0);

    // ---- directories ----
    outcome getdents(int fd, std::vector<directory_entry>& to, std::size_t bytes = 32768);
    // Reads from where the descriptor stands to the end; answers and writes the sorted names.
    std::vector<directory_entry> list(int fd);
    std::vector<directory_entry> list(const name& at);

    // ---- what is told of a file ----
    file_status stat(const name& at, int flags = 0);

    file_status lstat(const name& at) { return stat(at, AT_SYMLINK_NOFOLLOW); }

    file_status fstat(int fd);
    struct statx statx(const name& at, int flags, unsigned mask);
    // Not written down, unless it fails.
    file_status peek(const name& at, int flags = 0);
    file_status peek(int fd);
    outcome access(const name& at, int mode, int flags = 0);
    std::string readlink(const name& at, std::size_t room = 8192);
    file_system_status statfs(const std::string& path);
    file_system_status fstatfs(int fd);

    // ---- attributes ----
    outcome truncate(const std::string& path, std::int64_t size);
    outcome chmod(const name& at, unsigned mode, int flags = 0);
    outcome fchmod(int fd, unsigned mode);
    outcome chown(const name& at, unsigned uid, unsigned gid, int flags = 0);
    outcome fchown(int fd, unsigned uid, unsigned gid);
    outcome utimens(const name& at, const moment& accessed, const moment& modified, int flags = 0);
    outcome futimens(int fd, const moment& accessed, const moment& modified);
    void show_times(const name& at, int flags = 0);
    // Times so long ago that any change since is seen.
    void make_old(const name& at);
    // Which of the times have changed since make_old().
    void show_renewed(const name& at);

    // ---- names ----
    outcome umask(unsigned mask);
    outcome mkdir(const name& at, unsigned mode = 0755);
    outcome mkfifo(const name& at, unsigned mode = 0644);
    outcome mknod(const name& at, unsigned mode, unsigned major = 0, unsigned minor = 0);
    outcome unlink(const name& at, int flags = 0);

    outcome rmdir(const name& at) { return unlink(at, AT_REMOVEDIR); }

    outcome rename(const name& from, const name& to, unsigned flags = 0);
    outcome link(const name& from, const name& to, int flags = 0);
    outcome symlink(const std::string& target, const name& at);

    // ---- extended attributes; `at.path` empty: of the descriptor ----
    outcome get_xattr(
        const name& at, const std::string& key, std::size_t room = 65536, int flags = 0
    );
    outcome list_xattr(const name& at, std::size_t room = 65536, int flags = 0);
    outcome set_xattr(
        const name& at, const std::string& key, std::string_view value, int how = 0, int flags = 0
    );
    outcome remove_xattr(const name& at, const std::string& key, int flags = 0);

    // ---- several calls ----
    void make_file(const name& at, std::string_view content, unsigned mode = 0644);
    void show_file(const name& at);

    [[nodiscard]] std::string of(const name& at) const;
    [[nodiscard]] std::string of(int fd) const;

private:
    std::string finish_read(const std::string& call, outcome got, std::string data);
    int opened(const std::string& call, outcome result);
    file_status show_status(const std::string& call, outcome result, const file_status& status);

    file_api* api_;
    std::string directory_;
    std::FILE* out_;
    std::map<int, std::string> descriptors_;
    int opened_ = 0;
};

}  // namespace farside::conformance
