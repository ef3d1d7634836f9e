// Names and attributes through the agent.
#include "tests/conformance/agent_api.hpp"

#include <climits>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace farside::conformance {
namespace {

moment to_moment(const protocol::timestamp& t) {
    return {t.seconds, t.nanoseconds};
}

void fill(file_status& to, const protocol::attributes& from) {
    to.mode = from.mode;
    to.links = from.links;
    to.uid = from.uid;
    to.gid = from.gid;
    to.inode = from.inode;
    to.size = static_cast<std::int64_t>(from.size);
    to.blocks = static_cast<std::int64_t>(from.blocks);
    to.block_bytes = from.block_bytes;
    to.device_major = from.dev_major;
    to.device_minor = from.dev_minor;
    to.rdev_major = from.rdev_major;
    to.rdev_minor = from.rdev_minor;
    to.accessed = to_moment(from.accessed);
    to.modified = to_moment(from.modified);
    to.changed = to_moment(from.changed);
}

statx_timestamp to_statx(const protocol::timestamp& t) {
    statx_timestamp to{};
    to.tv_sec = t.seconds;
    to.tv_nsec = t.nanoseconds;
    return to;
}

void fill(struct statx& to, const protocol::attributes& from) {
    to.stx_mask = from.mask;
    to.stx_blksize = from.block_bytes;
    to.stx_attributes = from.flags;
    to.stx_attributes_mask = from.flags_mask;
    to.stx_nlink = from.links;
    to.stx_uid = from.uid;
    to.stx_gid = from.gid;
    to.stx_mode = static_cast<std::uint16_t>(from.mode);
    to.stx_ino = from.inode;
    to.stx_size = from.size;
    to.stx_blocks = from.blocks;
    to.stx_atime = to_statx(from.accessed);
    to.stx_btime = to_statx(from.born);
    to.stx_ctime = to_statx(from.changed);
    to.stx_mtime = to_statx(from.modified);
    to.stx_rdev_major = from.rdev_major;
    to.stx_rdev_minor = from.rdev_minor;
    to.stx_dev_major = from.dev_major;
    to.stx_dev_minor = from.dev_minor;
    to.stx_mnt_id = from.mount_id;
}

bool valid(const moment& m) {
    return (m.nanoseconds >= 0 && m.nanoseconds < 1'000'000'000) || m.nanoseconds == UTIME_NOW ||
           m.nanoseconds == UTIME_OMIT;
}

protocol::timestamp to_wire(const moment& m) {
    return {m.seconds, static_cast<std::uint32_t>(m.nanoseconds)};
}

// The rules of the xattr calls: no room asks for the size.
outcome give(const std::string& value, std::span<char> to) {
    if (to.empty()) {
        return static_cast<outcome>(value.size());
    }
    if (value.size() > to.size()) {
        return -ERANGE;
    }
    std::ranges::copy(value, to.begin());
    return static_cast<outcome>(value.size());
}

std::uint32_t without_empty_path(int flags) {
    return static_cast<std::uint32_t>(flags & ~AT_EMPTY_PATH);
}

}  // namespace

outcome agent_api::stat_at(
    const target& where, int flags, unsigned mask, protocol::attributes& to
) {
    if (where.failure != 0) {
        return where.failure;
    }
    protocol::stat request;
    request.at = where.at;
    request.flags = without_empty_path(flags);
    request.mask = mask;
    protocol::attributes_reply reply;
    const int failed = agent_->call(request, reply);
    to = reply.attr;
    return -failed;
}

outcome agent_api::stat(const name& at, int flags, file_status& to) {
    const bool empty = (flags & AT_EMPTY_PATH) != 0;
    const auto where = find(at, empty_path{empty});
    protocol::attributes attr;
    const auto result = stat_at(where, flags & ~AT_STATX_SYNC_TYPE, STATX_BASIC_STATS, attr);
    fill(to, attr);
    return result;
}

outcome agent_api::fstat(int fd, file_status& to) {
    protocol::attributes attr;
    const auto result = stat_at(find(fd), 0, STATX_BASIC_STATS, attr);
    fill(to, attr);
    return result;
}

outcome agent_api::statx(const name& at, int flags, unsigned mask, struct statx& to) {
    const bool empty = (flags & AT_EMPTY_PATH) != 0;
    protocol::attributes attr;
    const auto result = stat_at(find(at, empty_path{empty}), flags, mask, attr);
    fill(to, attr);
    return result;
}

outcome agent_api::access(const name& at, int mode, int flags) {
    const bool empty = (flags & AT_EMPTY_PATH) != 0;
    const auto where = find(at, empty_path{empty});
    if (where.failure != 0) {
        return where.failure;
    }
    protocol::access request;
    request.at = where.at;
    request.mode = static_cast<std::uint32_t>(mode);
    request.flags = without_empty_path(flags);
    return ask(request);
}

outcome agent_api::readlink(const name& at, std::span<char> to) {
    const bool itself = at.dir != here;
    const auto where = find(at, empty_path{itself});
    if (where.failure != 0) {
        return where.failure;
    }
    protocol::read_link request;
    request.at = where.at;
    protocol::path_reply reply;
    if (const int failed = agent_->call(request, reply)) {
        return -failed;
    }
    if (to.empty()) {
        return -EINVAL;
    }
    const auto bytes = std::min(reply.path.size(), to.size());
    std::memcpy(to.data(), reply.path.data(), bytes);
    return static_cast<outcome>(bytes);
}

outcome agent_api::file_system_at(const target& where, file_system_status& to) {
    if (where.failure != 0) {
        return where.failure;
    }
    protocol::file_system request;
    request.at = where.at;
    protocol::file_system_reply reply;
    const int failed = agent_->call(request, reply);
    to = {reply.type, reply.block_bytes, reply.blocks, reply.blocks_free, reply.name_bytes_max};
    return -failed;
}

outcome agent_api::statfs(const std::string& path, file_system_status& to) {
    return file_system_at(find(name{path}), to);
}

outcome agent_api::fstatfs(int fd, file_system_status& to) {
    return file_system_at(find(fd), to);
}

outcome agent_api::set_attributes(const target& where, protocol::set_attributes what) {
    if (where.failure != 0) {
        return where.failure;
    }
    what.at = where.at;
    return ask(what);
}

outcome agent_api::truncate(const std::string& path, std::int64_t size) {
    if (size < 0) {
        return -EINVAL;
    }
    protocol::set_attributes what;
    what.mask = protocol::set_mask::size;
    what.size = size;
    return set_attributes(find(name{path}), what);
}

outcome agent_api::ftruncate(int fd, std::int64_t size) {
    const auto* const file = file_of(fd);
    if (size < 0) {
        return -EINVAL;
    }
    if (file != nullptr && !file->path_only() && !file->writable()) {
        return -EINVAL;
    }
    if (file == nullptr || file->path_only()) {
        return -EBADF;
    }
    protocol::set_attributes what;
    what.mask = protocol::set_mask::size;
    what.size = size;
    return set_attributes(find(fd), what);
}

outcome agent_api::chmod(const name& at, unsigned mode, int flags) {
    protocol::set_attributes what;
    what.flags = static_cast<std::uint32_t>(flags);
    what.mask = protocol::set_mask::mode;
    what.mode = mode;
    return set_attributes(find(at), what);
}

outcome agent_api::fchmod(int fd, unsigned mode) {
    protocol::set_attributes what;
    what.mask = protocol::set_mask::mode;
    what.mode = mode;
    return set_attributes(usable(fd) != nullptr ? find(fd) : target{{}, -EBADF}, what);
}

outcome agent_api::chown(const name& at, unsigned uid, unsigned gid, int flags) {
    const bool empty = (flags & AT_EMPTY_PATH) != 0;
    protocol::set_attributes what;
    what.flags = static_cast<std::uint32_t>(flags);
    what.mask = protocol::set_mask::owner;
    what.uid = uid;
    what.gid = gid;
    return set_attributes(find(at, empty_path{empty}), what);
}

outcome agent_api::fchown(int fd, unsigned uid, unsigned gid) {
    protocol::set_attributes what;
    what.mask = protocol::set_mask::owner;
    what.uid = uid;
    what.gid = gid;
    return set_attributes(usable(fd) != nullptr ? find(fd) : target{{}, -EBADF}, what);
}

outcome agent_api::utimens(
    const name& at, const moment& accessed, const moment& modified, int flags
) {
    // The kernel looks at nothing at all where nothing is to be changed.
    const bool omit = accessed.nanoseconds == UTIME_OMIT && modified.nanoseconds == UTIME_OMIT;
    if (omit) {
        return 0;
    }
    if (!valid(accessed) || !valid(modified)) {
        return -EINVAL;
    }
    const bool empty = (flags & AT_EMPTY_PATH) != 0;
    protocol::set_attributes what;
    what.flags = static_cast<std::uint32_t>(flags);
    what.mask = protocol::set_mask::times;
    what.accessed = to_wire(accessed);
    what.modified = to_wire(modified);
    return set_attributes(find(at, empty_path{empty}), what);
}

outcome agent_api::futimens(int fd, const moment& accessed, const moment& modified) {
    if (!valid(accessed) || !valid(modified)) {
        return -EINVAL;
    }
    protocol::set_attributes what;
    what.mask = protocol::set_mask::times;
    what.accessed = to_wire(accessed);
    what.modified = to_wire(modified);
    return set_attributes(usable(fd) != nullptr ? find(fd) : target{{}, -EBADF}, what);
}

outcome agent_api::mkdir(const name& at, unsigned mode) {
    const auto where = find(at);
    if (where.failure != 0) {
        return where.failure;
    }
    protocol::make_directory request;
    request.at = where.at;
    request.mode = mode;
    request.umask = umask_;
    return ask(request);
}

outcome agent_api::mknod(const name& at, unsigned mode, unsigned major, unsigned minor) {
    const auto where = find(at);
    if (where.failure != 0) {
        return where.failure;
    }
    protocol::make_node request;
    request.at = where.at;
    request.mode = mode;
    request.umask = umask_;
    request.major = major;
    request.minor = minor;
    return ask(request);
}

outcome agent_api::unlink(const name& at, int flags) {
    const auto where = find(at);
    if (where.failure != 0) {
        return where.failure;
    }
    protocol::remove request;
    request.at = where.at;
    request.flags = static_cast<std::uint32_t>(flags);
    return ask(request);
}

outcome agent_api::rename(const name& from, const name& to, unsigned flags) {
    const auto old_name = find(from);
    const auto new_name = find(to);
    if (old_name.failure != 0 || new_name.failure != 0) {
        return old_name.failure != 0 ? old_name.failure : new_name.failure;
    }
    protocol::rename request;
    request.from = old_name.at;
    request.to = new_name.at;
    request.flags = flags;
    return ask(request);
}

outcome agent_api::link(const name& from, const name& to, int flags) {
    const bool empty = (flags & AT_EMPTY_PATH) != 0;
    const auto old_name = find(from, empty_path{empty});
    const auto new_name = find(to);
    if (old_name.failure != 0 || new_name.failure != 0) {
        return old_name.failure != 0 ? old_name.failure : new_name.failure;
    }
    protocol::make_link request;
    request.from = old_name.at;
    request.to = new_name.at;
    request.flags = without_empty_path(flags);
    return ask(request);
}

outcome agent_api::symlink(const std::string& target_path, const name& at) {
    if (target_path.empty() || target_path.size() >= PATH_MAX) {
        return target_path.empty() ? -ENOENT : -ENAMETOOLONG;
    }
    const auto where = find(at);
    if (where.failure != 0) {
        return where.failure;
    }
    protocol::make_symlink request;
    request.target = target_path;
    request.at = where.at;
    return ask(request);
}

namespace {

bool valid_key(const std::string& key) {
    return !key.empty() && key.size() <= protocol::limits::xattr_name_bytes_max;
}

}  // namespace

// A name, or (where the path is empty) a descriptor, which must be usable.
agent_api::target agent_api::find_attributed(const name& at) {
    if (at.dir != here && usable(at.dir) == nullptr) {
        return {{}, -EBADF};
    }
    return find(at, empty_path{at.dir != here});
}

outcome agent_api::get_xattr(
    const name& at, int flags, const std::string& key, std::span<char> to
) {
    const auto where = find_attributed(at);
    if (!valid_key(key) || where.failure != 0) {
        return valid_key(key) ? where.failure : -ERANGE;
    }
    protocol::get_xattr request;
    request.at = where.at;
    request.flags = static_cast<std::uint32_t>(flags);
    request.name = key;
    protocol::xattr_reply reply;
    const int failed = agent_->call(request, reply);
    return failed != 0 ? -failed : give(reply.value, to);
}

outcome agent_api::list_xattr(const name& at, int flags, std::span<char> to) {
    const auto where = find_attributed(at);
    if (where.failure != 0) {
        return where.failure;
    }
    protocol::list_xattr request;
    request.at = where.at;
    request.flags = static_cast<std::uint32_t>(flags);
    protocol::xattr_reply reply;
    const int failed = agent_->call(request, reply);
    return failed != 0 ? -failed : give(reply.value, to);
}

outcome agent_api::set_xattr(
    const name& at, int flags, const std::string& key, std::string_view value, int how
) {
    const auto where = find_attributed(at);
    if (!valid_key(key) || where.failure != 0) {
        return valid_key(key) ? where.failure : -ERANGE;
    }
    protocol::set_xattr request;
    request.at = where.at;
    request.flags = static_cast<std::uint32_t>(flags);
    request.name = key;
    request.value = value;
    request.how = static_cast<std::uint32_t>(how);
    return ask(request);
}

outcome agent_api::remove_xattr(const name& at, int flags, const std::string& key) {
    const auto where = find_attributed(at);
    if (!valid_key(key) || where.failure != 0) {
        return valid_key(key) ? where.failure : -ERANGE;
    }
    protocol::remove_xattr request;
    request.at = where.at;
    request.flags = static_cast<std::uint32_t>(flags);
    request.name = key;
    return ask(request);
}

}  // namespace farside::conformance
