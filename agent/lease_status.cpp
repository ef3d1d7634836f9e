// statx(2) with the fields that `stat` tells by default.
#include "agent/lease_status.hpp"

#include "agent/file_systems.hpp"
#include "agent/process_descriptors.hpp"

#include <cerrno>
#include <ctime>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

namespace farside::agent {
namespace {

constexpr unsigned told_of_names = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID;

constexpr const char* acl = "system.posix_acl_access";

// Of what getxattr(2) answered. Without ACLs, as tmpfs may be mounted, it has another errno.
bool has_no_acl(ssize_t answered) {
    return answered < 0 && errno == ENODATA;
}

}  // namespace

bool stat_name(int directory, const std::string& name, struct statx& told) {
    constexpr int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
    return ::statx(directory, name.c_str(), flags, told_of_names, &told) == 0;
}

bool stat_file(int fd, struct statx& told) {
    return ::statx(fd, "", AT_EMPTY_PATH, told_of_names, &told) == 0;
}

bool is_leasable(int fd) {
    struct statfs told {};

    return ::fstatfs(fd, &told) == 0 && is_leasable_file_system(told.f_type);
}

inode_key key_of(const struct statx& told) {
    return {makedev(told.stx_dev_major, told.stx_dev_minor), told.stx_ino};
}

bool knows_mount(const struct statx& told) {
    return (told.stx_mask & STATX_MNT_ID) != 0;
}

bool stays_accessed(const struct statx& told) {
    constexpr std::int64_t most_of_a_day = 23 * 3600;
    const auto after = [&](const struct statx_timestamp& other) {
        return std::pair{told.stx_atime.tv_sec, told.stx_atime.tv_nsec} >
               std::pair{other.tv_sec, other.tv_nsec};
    };
    const auto age = std::int64_t{::time(nullptr)} - told.stx_atime.tv_sec;
    return after(told.stx_mtime) && after(told.stx_ctime) && age < most_of_a_day;
}

bool is_plain(int directory, const std::string& name, const struct statx& told) {
    const auto path = process_descriptors::name_of(directory) + '/' + name;
    return S_ISREG(told.stx_mode) && ::llistxattr(path.c_str(), nullptr, 0) == 0 &&
           has_no_acl(::lgetxattr(path.c_str(), acl, nullptr, 0));
}

bool is_plain(int fd) {
    const auto path = process_descriptors::name_of(fd);
    return ::listxattr(path.c_str(), nullptr, 0) == 0 &&
           has_no_acl(::getxattr(path.c_str(), acl, nullptr, 0));
}

bool is_covered(const lease& directory, const struct statx& told) {
    const bool silent_kind = S_ISCHR(told.stx_mode) || S_ISBLK(told.stx_mode);
    return !silent_kind && !S_ISDIR(told.stx_mode) && told.stx_nlink == 1 && knows_mount(told) &&
           told.stx_mnt_id == directory.mount;
}

}  // namespace farside::agent
