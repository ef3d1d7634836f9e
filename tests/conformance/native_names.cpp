// The part of native_api that changes attributes and names.
#include "tests/conformance/native_api.hpp"
#include "tests/conformance/told.hpp"

#include <array>
#include <cstdio>

#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace farside::conformance {
namespace {

std::array<timespec, 2> to_timespecs(const moment& accessed, const moment& modified) {
    return {{{accessed.seconds, accessed.nanoseconds}, {modified.seconds, modified.nanoseconds}}};
}

bool of_descriptor(const name& at) {
    return at.dir != here && at.path.empty();
}

bool keeps_link(int flags) {
    return (flags & AT_SYMLINK_NOFOLLOW) != 0;
}

}  // namespace

outcome native_api::truncate(const std::string& path, std::int64_t size) {
    return told(::truncate(spelled(path).c_str(), size));
}

outcome native_api::chmod(const name& at, unsigned mode, int flags) {
    const name where = spelled(at);
    const char* const path = where.path.c_str();
    return told(
        where.dir == here && flags == 0 ? ::chmod(path, mode)
                                        : ::fchmodat(where.dir, path, mode, flags)
    );
}

outcome native_api::fchmod(int fd, unsigned mode) {
    return told(::fchmod(fd, mode));
}

outcome native_api::chown(const name& at, unsigned uid, unsigned gid, int flags) {
    const name where = spelled(at);
    const char* const path = where.path.c_str();
    if (where.dir == here && flags == 0) {
        return told(::chown(path, uid, gid));
    }
    if (where.dir == here && flags == AT_SYMLINK_NOFOLLOW) {
        return told(::lchown(path, uid, gid));
    }
    return told(::fchownat(where.dir, path, uid, gid, flags));
}

outcome native_api::fchown(int fd, unsigned uid, unsigned gid) {
    return told(::fchown(fd, uid, gid));
}

outcome native_api::utimens(
    const name& at, const moment& accessed, const moment& modified, int flags
) {
    const name where = spelled(at);
    const auto times = to_timespecs(accessed, modified);
    return told(::utimensat(where.dir, where.path.c_str(), times.data(), flags));
}

outcome native_api::futimens(int fd, const moment& accessed, const moment& modified) {
    return told(::futimens(fd, to_timespecs(accessed, modified).data()));
}

outcome native_api::mkdir(const name& at, unsigned mode) {
    const name where = spelled(at);
    const char* const path = where.path.c_str();
    return told(where.dir == here ? ::mkdir(path, mode) : ::mkdirat(where.dir, path, mode));
}

outcome native_api::mknod(const name& at, unsigned mode, unsigned major, unsigned minor) {
    const name where = spelled(at);
    const char* const path = where.path.c_str();
    const auto device = gnu_dev_makedev(major, minor);
    return told(
        where.dir == here ? ::mknod(path, mode, device) : ::mknodat(where.dir, path, mode, device)
    );
}

outcome native_api::unlink(const name& at, int flags) {
    const name where = spelled(at);
    const char* const path = where.path.c_str();
    if (where.dir != here || (flags != 0 && flags != AT_REMOVEDIR)) {
        return told(::unlinkat(where.dir, path, flags));
    }
    return told(flags == 0 ? ::unlink(path) : ::rmdir(path));
}

outcome native_api::rename(const name& from, const name& to, unsigned flags) {
    const name old_name = spelled(from);
    const name new_name = spelled(to);
    const char* const a = old_name.path.c_str();
    const char* const b = new_name.path.c_str();
    if (flags != 0) {
        return told(::renameat2(old_name.dir, a, new_name.dir, b, flags));
    }
    const bool plain = old_name.dir == here && new_name.dir == here;
    return told(plain ? ::rename(a, b) : ::renameat(old_name.dir, a, new_name.dir, b));
}

outcome native_api::link(const name& from, const name& to, int flags) {
    const name old_name = spelled(from);
    const name new_name = spelled(to);
    const char* const a = old_name.path.c_str();
    const char* const b = new_name.path.c_str();
    const bool plain = old_name.dir == here && new_name.dir == here && flags == 0;
    return told(plain ? ::link(a, b) : ::linkat(old_name.dir, a, new_name.dir, b, flags));
}

outcome native_api::symlink(const std::string& target, const name& at) {
    const name where = spelled(at);
    const char* const path = where.path.c_str();
    return told(
        where.dir == here ? ::symlink(target.c_str(), path)
                          : ::symlinkat(target.c_str(), where.dir, path)
    );
}

outcome native_api::get_xattr(
    const name& at, int flags, const std::string& key, std::span<char> to
) {
    if (of_descriptor(at)) {
        return told(::fgetxattr(at.dir, key.c_str(), to.data(), to.size()));
    }
    const auto path = spelled(at.path);
    return told(
        keeps_link(flags) ? ::lgetxattr(path.c_str(), key.c_str(), to.data(), to.size())
                          : ::getxattr(path.c_str(), key.c_str(), to.data(), to.size())
    );
}

outcome native_api::list_xattr(const name& at, int flags, std::span<char> to) {
    if (of_descriptor(at)) {
        return told(::flistxattr(at.dir, to.data(), to.size()));
    }
    const auto path = spelled(at.path);
    return told(
        keeps_link(flags) ? ::llistxattr(path.c_str(), to.data(), to.size())
                          : ::listxattr(path.c_str(), to.data(), to.size())
    );
}

outcome native_api::set_xattr(
    const name& at, int flags, const std::string& key, std::string_view value, int how
) {
    const char* const text = key.c_str();
    if (of_descriptor(at)) {
        return told(::fsetxattr(at.dir, text, value.data(), value.size(), how));
    }
    const auto path = spelled(at.path);
    return told(
        keeps_link(flags) ? ::lsetxattr(path.c_str(), text, value.data(), value.size(), how)
                          : ::setxattr(path.c_str(), text, value.data(), value.size(), how)
    );
}

outcome native_api::remove_xattr(const name& at, int flags, const std::string& key) {
    if (of_descriptor(at)) {
        return told(::fremovexattr(at.dir, key.c_str()));
    }
    const auto path = spelled(at.path);
    return told(
        keeps_link(flags) ? ::lremovexattr(path.c_str(), key.c_str())
                          : ::removexattr(path.c_str(), key.c_str())
    );
}

}  // namespace farside::conformance
