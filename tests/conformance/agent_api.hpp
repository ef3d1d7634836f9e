// Files through the agent alone: each method is one request. What the protocol leaves to the caller
// is done here as the session does it: positions, access modes that never reach the agent, the size
// rules of readlink and the xattr calls, the umask.
#pragma once

#include "tests/conformance/agent_client.hpp"
#include "tests/conformance/file_api.hpp"

#include <map>

namespace farside::conformance {

class agent_api final : public file_api {
public:
    // REQUIRES: `agent` outlives this, and `style` is relative or absolute.
    agent_api(agent_client& agent, path_style style) : agent_{&agent}, style_{style} {}

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
    struct open_file {
        protocol::handle_id handle = protocol::no_handle;
        unsigned flags = 0;
        unsigned mode = 0;
        std::int64_t position = 0;

        [[nodiscard]] bool path_only() const { return (flags & O_PATH) != 0; }

        [[nodiscard]] bool readable() const;
        [[nodiscard]] bool writable() const;
        // Without a position: a FIFO, a device.
        [[nodiscard]] bool streams() const;
    };

    // Where a call acts, or the -errno it has for an answer.
    struct target {
        protocol::location at;
        outcome failure = 0;
    };

    // As AT_EMPTY_PATH: may an empty path mean the descriptor?
    enum class empty_path : bool { is_error, is_descriptor };

    [[nodiscard]] target find(const name& at, empty_path empty = empty_path::is_error) const;
    [[nodiscard]] target find(int fd) const;
    [[nodiscard]] target find_attributed(const name& at);
    // Null: EBADF.
    [[nodiscard]] open_file* file_of(int fd);
    [[nodiscard]] open_file* usable(int fd);

    // A request whose reply says no more than success.
    template <typename Request>
    outcome ask(const Request& request) {
        typename Request::reply reply;
        return -agent_->call(request, reply);
    }

    outcome open_with(const name& at, const open_how& how);
    outcome read_at(const open_file& file, std::span<char> to, std::int64_t offset);
    outcome read_file(open_file& file, std::span<char> to);
    outcome write_at(open_file& file, std::string_view from, std::int64_t offset, unsigned flags);
    outcome write_file(open_file& file, std::string_view from, unsigned flags);
    outcome sync(int fd, protocol::sync_kind kind);
    outcome set_attributes(const target& where, protocol::set_attributes what);
    outcome stat_at(const target& where, int flags, unsigned mask, protocol::attributes& to);
    outcome file_system_at(const target& where, file_system_status& to);

    agent_client* agent_;
    path_style style_;
    std::string directory_;
    protocol::handle_id directory_handle_ = protocol::no_handle;
    unsigned umask_ = 022;
    std::map<int, open_file> files_;
};

}  // namespace farside::conformance
