// Resolution of locations. What is subtle is a path relative to an open directory of a confined
// target: resolving it in the root of the *base* would make ".." and absolute links end there. So
// it is first resolved beneath the base, which is exact as long as it stays there, and only a path
// that leaves the base is resolved anew from the target's root, through the base's own path.
#include "agent/root_dir.hpp"

#include "protocol/limits.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace farside::agent {
namespace {

namespace wire = protocol::limits;

// A ".." that races with a rename makes openat2 answer EAGAIN; it is worth trying again so often.
constexpr int resolve_tries_max = 64;

constexpr std::string_view deleted_mark = " (deleted)";

boost::system::error_code check(const place& at) {
    if (at.path.size() > wire::path_bytes_max) {
        return errno_code(ENAMETOOLONG);
    }
    if (at.path.find('\0') != std::string::npos) {
        return errno_code(EINVAL);
    }
    if (at.base < 0 && at.path.empty()) {
        return errno_code(ENOENT);
    }
    // Without a base a relative path would start at the working directory of this process.
    if (at.base < 0 && at.path.front() != '/') {
        return errno_code(EINVAL);
    }
    return {};
}

// open(2) and openat(2) ignore what they do not know and what makes no sense; openat2(2) refuses
// it.
open_request as_open_does(open_request how) {
    constexpr std::uint32_t path_flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    constexpr std::uint32_t large_file = 0100000;  // O_LARGEFILE, which glibc defines as 0
    constexpr std::uint32_t known = O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND |
                                    O_NONBLOCK | O_SYNC | O_ASYNC | O_DIRECT | O_DIRECTORY |
                                    O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | O_TMPFILE |
                                    large_file;
    how.flags &= (how.flags & O_PATH) != 0 ? path_flags : known;
    const bool creates = (how.flags & O_CREAT) != 0 || (how.flags & O_TMPFILE) == O_TMPFILE;
    how.mode = creates ? how.mode & 07777U : 0;
    return how;
}

result<unique_fd> open_at(int directory, const char* path, const open_request& how) {
    struct open_how kernel_how {};

    kernel_how.flags = how.flags;
    kernel_how.mode = how.mode;
    kernel_how.resolve = how.resolve;
    for (int tries = 1;; ++tries) {
        const auto fd = ::syscall(SYS_openat2, directory, path, &kernel_how, sizeof kernel_how);
        if (fd >= 0) {
            return unique_fd{static_cast<int>(fd)};
        }
        const bool raced = errno == EAGAIN && (how.resolve & (RESOLVE_IN_ROOT | RESOLVE_BENEATH)) &&
                           !(how.resolve & RESOLVE_CACHED) && !(how.flags & O_NONBLOCK);
        if (!raced || tries == resolve_tries_max) {
            return last_error();
        }
    }
}

bool same_object(int a, int b) {
    struct stat of_a {};

    struct stat of_b {};

    return ::fstat(a, &of_a) == 0 && ::fstat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
           of_a.st_ino == of_b.st_ino;
}

// "a/b/c//" is "a/b/" and "c//".
std::size_t begin_of_last(const std::string& path) {
    const auto end = path.find_last_not_of('/');
    const auto slash = path.rfind('/', end);
    return slash == std::string::npos ? 0 : slash + 1;
}

}  // namespace

root_dir root_dir::of_process(const process_descriptors& descriptors) {
    return root_dir{descriptors};
}

result<root_dir> root_dir::of_directory(
    const process_descriptors& descriptors, int start, const std::string& path
) {
    root_dir made{descriptors};
    made.root_ = unique_fd{::openat(start, path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!made.root_) {
        return last_error();
    }
    return made;
}

result<unique_fd> root_dir::open(const place& at, const open_request& asked) const {
    if (const auto ec = check(at)) {
        return ec;
    }
    auto how = asked;
    how.flags |= O_CLOEXEC;
    if ((how.flags & O_PATH) == 0) {
        how.flags |= O_NOCTTY;  // a terminal of the target never becomes the agent's
    }
    if (at.is_handle()) {
        return reopen(at.base, how);
    }
    if (!joined()) {
        return open_confined(at, how.resolve == 0 ? as_open_does(how) : how);
    }
    const int directory = at.base >= 0 ? at.base : AT_FDCWD;
    if (how.resolve != 0) {
        return open_at(directory, at.path.c_str(), how);
    }
    const int fd = ::openat(directory, at.path.c_str(), static_cast<int>(how.flags), how.mode);
    if (fd < 0) {
        return last_error();
    }
    return unique_fd{fd};
}

// As open(2) of /proc/self/fd/N: a new open file of the same object, with rights checked anew.
result<unique_fd> root_dir::reopen(int handle, const open_request& how) const {
    if (how.resolve != 0) {
        return errno_code(ELOOP);  // whatever restricts the way forbids this one
    }
    const auto name = process_descriptors::name_of(handle);
    const auto flags = static_cast<int>(how.flags & ~std::uint32_t{O_NOFOLLOW});
    const int fd = ::openat(descriptors_->directory(), name.c_str(), flags, how.mode);
    if (fd < 0) {
        return last_error();
    }
    return unique_fd{fd};
}

result<unique_fd> root_dir::open_confined(const place& at, const open_request& asked) const {
    auto how = asked;
    const bool own_scope = (how.resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) != 0;
    if (at.base < 0 || (at.path.front() == '/' && !own_scope)) {
        how.resolve |= RESOLVE_IN_ROOT;
        return open_at(root_.get(), at.path.c_str(), how);
    }
    if (own_scope) {  // the caller asks for what confines it even more
        return open_at(at.base, at.path.c_str(), how);
    }
    how.resolve |= RESOLVE_BENEATH;
    auto opened = open_at(at.base, at.path.c_str(), how);
    if (opened || opened.error() != errno_code(EXDEV)) {
        return opened;
    }
    return open_from_base_path(at, asked);
}

result<unique_fd> root_dir::open_from_base_path(const place& at, const open_request& asked) const {
    auto path = path_of(at.base, removed_file::is_error);
    if (!path) {
        return path.error();
    }
    *path += '/';
    *path += at.path;
    auto how = asked;
    how.resolve |= RESOLVE_IN_ROOT;
    return open_at(root_.get(), path->c_str(), how);
}

result<object> root_dir::find(const place& at, follow links) const {
    object found;
    if (at.is_handle()) {
        found.fd = at.base;
        return found;
    }
    const std::uint32_t nofollow = links == follow::no ? O_NOFOLLOW : 0;
    auto fd = open(at, {O_PATH | nofollow, 0, 0});
    if (!fd) {
        return fd.error();
    }
    found.owned = std::move(*fd);
    found.fd = found.owned.get();
    return found;
}

result<spot> root_dir::object_spot(const place& at, follow links) const {
    spot made;
    if (joined() && !at.is_handle()) {
        if (const auto ec = check(at)) {
            return ec;
        }
        made.directory = at.base >= 0 ? at.base : AT_FDCWD;
        made.name = at.path.c_str();
        made.flags = links == follow::no ? AT_SYMLINK_NOFOLLOW : 0;
        return made;
    }
    auto found = find(at, links);
    if (!found) {
        return found.error();
    }
    made.owned = std::move(found->owned);
    made.directory = found->fd;
    made.flags = AT_EMPTY_PATH;
    return made;
}

result<spot> root_dir::name_spot(const place& at) const {
    if (const auto ec = check(at)) {
        return ec;
    }
    spot made;
    made.name = at.path.c_str();
    if (joined()) {
        made.directory = at.base >= 0 ? at.base : AT_FDCWD;
        return made;
    }
    made.directory = at.base >= 0 ? at.base : root_.get();
    // Empty, or only slashes: an error whatever the call, and the kernel's own is the right one.
    if (at.path.find_first_not_of('/') == std::string::npos) {
        return made;
    }
    const auto begin = begin_of_last(at.path);
    if (begin == 0) {
        return made;
    }
    const auto parent_path = at.path.substr(0, begin);
    const place parent{at.base, parent_path};
    auto opened = open(parent, {O_PATH | O_DIRECTORY, 0, 0});
    if (!opened) {
        return opened.error();
    }
    made.owned = std::move(*opened);
    made.directory = made.owned.get();
    made.name += begin;
    return made;
}

result<std::string> root_dir::own_path() const {
    if (joined()) {
        return std::string{"/"};
    }
    return descriptors_->path_of(root_.get());
}

result<std::string> root_dir::path_of(int fd, removed_file how) const {
    auto path = descriptors_->path_of(fd);
    const auto root = own_path();
    if (!path || !root) {
        return path ? root.error() : path.error();
    }
    if (*root != "/") {
        if (!path->starts_with(*root) ||
            (path->size() > root->size() && (*path)[root->size()] != '/')) {
            return errno_code(ENOENT);  // moved out of the target
        }
        path->erase(0, root->size());
        if (path->empty()) {
            path->push_back('/');
        }
    }
    if (path->ends_with(deleted_mark)) {
        // Either the kernel's mark or the end of a real name: then the name leads back here.
        const place named{-1, *path};
        const auto found = find(named, follow::no);
        const bool is_name = found && same_object(found->fd, fd);
        if (!is_name && how == removed_file::is_error) {
            return errno_code(ENOENT);
        }
    }
    return path;
}

}  // namespace farside::agent
