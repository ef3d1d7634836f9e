// The system calls, as plain as they can be. Raw where the C library would emulate something.
#include "tests/agent/native.hpp"

#include <climits>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace farside::agent::test {
namespace {

namespace fs = std::filesystem;

int errno_of(long returned) {
    return returned < 0 ? errno : 0;
}

// Some calls find out about the place of a file that "" would be; an empty path is an error.
const char* pointer(const protocol::location& at, const std::string& path) {
    return at.path.empty() ? "" : path.c_str();
}

bool nofollow(std::uint32_t flags) {
    return (flags & AT_SYMLINK_NOFOLLOW) != 0;
}

timespec to_timespec(const protocol::timestamp& t) {
    return {t.seconds, static_cast<long>(t.nanoseconds)};
}

class scoped_umask {
public:
    explicit scoped_umask(std::uint32_t mask) : before_{::umask(static_cast<mode_t>(mask))} {}

    scoped_umask(const scoped_umask&) = delete;
    scoped_umask& operator=(const scoped_umask&) = delete;

    ~scoped_umask() { ::umask(before_); }

private:
    mode_t before_;
};

}  // namespace

int native(const native_root& root, const protocol::open& request) {
    const scoped_umask mask{request.umask};
    const auto path = root.path(request.at);
    const int fd = ::open(pointer(request.at, path), static_cast<int>(request.flags), request.mode);
    const int failure = errno_of(fd);
    if (fd >= 0) {
        ::close(fd);
    }
    return failure;
}

int native(const native_root& root, const protocol::stat& request) {
    struct statx told {};

    const auto path = root.path(request.at);
    return errno_of(::statx(
        AT_FDCWD, pointer(request.at, path), static_cast<int>(request.flags), request.mask, &told
    ));
}

int native(const native_root& root, const protocol::access& request) {
    const auto path = root.path(request.at);
    return errno_of(
        ::syscall(SYS_faccessat2, AT_FDCWD, pointer(request.at, path), request.mode, request.flags)
    );
}

int native(const native_root& root, const protocol::read_link& request) {
    char target[PATH_MAX];
    const auto path = root.path(request.at);
    return errno_of(::readlink(pointer(request.at, path), target, sizeof target));
}

int native(const native_root& root, const protocol::file_system& request) {
    struct statfs told {};

    const auto path = root.path(request.at);
    return errno_of(::statfs(pointer(request.at, path), &told));
}

int native(const native_root& root, const protocol::canonicalize& request) {
    const int before = ::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    const auto path = root.path(request.at);
    const int failure = errno_of(::chdir(pointer(request.at, path)));
    if (::fchdir(before) != 0) {
        return -1;
    }
    ::close(before);
    return failure;
}

int native(const native_root& root, const protocol::set_attributes& request) {
    const auto path = root.path(request.at);
    const char* name = pointer(request.at, path);
    const timespec times[] = {to_timespec(request.accessed), to_timespec(request.modified)};
    const auto flags = static_cast<int>(request.flags);
    switch (request.mask) {
        case protocol::set_mask::mode:
            return errno_of(::fchmodat(AT_FDCWD, name, request.mode, flags));
        case protocol::set_mask::owner:
            return errno_of(::fchownat(AT_FDCWD, name, request.uid, request.gid, flags));
        case protocol::set_mask::size:
            return errno_of(::truncate(name, request.size));
        default:
            return errno_of(::utimensat(AT_FDCWD, name, times, flags));
    }
}

int native(const native_root& root, const protocol::make_directory& request) {
    const scoped_umask mask{request.umask};
    const auto path = root.path(request.at);
    return errno_of(::mkdir(pointer(request.at, path), request.mode));
}

int native(const native_root& root, const protocol::make_node& request) {
    const scoped_umask mask{request.umask};
    const auto path = root.path(request.at);
    const auto device = gnu_dev_makedev(request.major, request.minor);
    return errno_of(::mknod(pointer(request.at, path), request.mode, device));
}

int native(const native_root& root, const protocol::make_link& request) {
    const auto from = root.path(request.from);
    const auto to = root.path(request.to);
    return errno_of(::linkat(
        AT_FDCWD,
        pointer(request.from, from),
        AT_FDCWD,
        pointer(request.to, to),
        static_cast<int>(request.flags)
    ));
}

int native(const native_root& root, const protocol::make_symlink& request) {
    const auto path = root.path(request.at);
    return errno_of(::symlink(request.target.c_str(), pointer(request.at, path)));
}

int native(const native_root& root, const protocol::rename& request) {
    const auto from = root.path(request.from);
    const auto to = root.path(request.to);
    return errno_of(::renameat2(
        AT_FDCWD, pointer(request.from, from), AT_FDCWD, pointer(request.to, to), request.flags
    ));
}

int native(const native_root& root, const protocol::remove& request) {
    const auto path = root.path(request.at);
    return errno_of(::unlinkat(AT_FDCWD, pointer(request.at, path), static_cast<int>(request.flags))
    );
}

int native(const native_root& root, const protocol::get_xattr& request) {
    char value[65536];
    const auto path = root.path(request.at);
    const char* name = pointer(request.at, path);
    const auto get = nofollow(request.flags) ? ::lgetxattr : ::getxattr;
    return errno_of(get(name, request.name.c_str(), value, sizeof value));
}

int native(const native_root& root, const protocol::list_xattr& request) {
    char names[65536];
    const auto path = root.path(request.at);
    const auto list = nofollow(request.flags) ? ::llistxattr : ::listxattr;
    return errno_of(list(pointer(request.at, path), names, sizeof names));
}

int native(const native_root& root, const protocol::set_xattr& request) {
    const auto path = root.path(request.at);
    const auto set = nofollow(request.flags) ? ::lsetxattr : ::setxattr;
    return errno_of(
        set(pointer(request.at, path),
            request.name.c_str(),
            request.value.data(),
            request.value.size(),
            static_cast<int>(request.how))
    );
}

int native(const native_root& root, const protocol::remove_xattr& request) {
    const auto path = root.path(request.at);
    const auto remove = nofollow(request.flags) ? ::lremovexattr : ::removexattr;
    return errno_of(remove(pointer(request.at, path), request.name.c_str()));
}

std::string listing(const std::string& directory) {
    std::vector<fs::path> names;
    for (const auto& entry : fs::recursive_directory_iterator{directory}) {
        names.push_back(entry.path());
    }
    std::ranges::sort(names);
    std::ostringstream text;
    for (const auto& name : names) {
        struct stat told {};

        ::lstat(name.c_str(), &told);
        text << name.lexically_relative(directory).string() << ' ' << std::oct << told.st_mode
             << std::dec << ' ' << told.st_nlink;
        if (S_ISREG(told.st_mode)) {
            std::ifstream file{name};
            text << " \"" << file.rdbuf() << '"';
        } else if (S_ISLNK(told.st_mode)) {
            text << " -> " << fs::read_symlink(name).string();
        }
        text << '\n';
    }
    return text.str();
}

}  // namespace farside::agent::test
