// What a read-only mount answers, found by asking one (tests/agent/read_only_test.cpp does).
// Nothing here calls anything that could change a file.
#include "agent/read_only.hpp"

#include "agent/services.hpp"
#include "protocol/limits.hpp"

#include <bit>
#include <cstdio>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

namespace farside::agent {
namespace {

const refusal refused = errno_code(EROFS);

// A path without its trailing slashes, and its last component: "a/b//" is "a/b" and "b".
struct split_path {
    std::string whole;
    std::string parent;
    std::string last;  // empty: the path is only slashes
    bool trailing_slash = false;
};

split_path split(const std::string& path) {
    const auto end = path.find_last_not_of('/');
    if (end == std::string::npos) {
        return {path, path, {}, false};
    }
    auto whole = path.substr(0, end + 1);
    const auto slash = whole.rfind('/');
    const auto begin = slash == std::string::npos ? 0 : slash + 1;
    return {whole, whole.substr(0, begin), whole.substr(begin), whole.size() < path.size()};
}

// Without a parent part the name is in the base itself.
refusal check_parent(const place& at, const split_path& parts, const work_context& context) {
    const std::string self{"."};
    const auto& path = parts.parent.empty() ? self : parts.parent;
    const place parent{at.base, path};
    const auto opened = context.root->open(parent, {O_PATH | O_DIRECTORY, 0, 0});
    return opened ? refusal{} : opened.error();
}

enum class new_kind : bool { directory, other };

// For calls that make a name: it is there already, it could not be made anyway, or it is refused.
refusal refuse_new_name(const place& at, new_kind kind, const work_context& context) {
    if (at.path.empty()) {
        return errno_code(ENOENT);
    }
    const auto parts = split(at.path);
    const place named{at.base, parts.whole};
    const auto found = context.root->find(named, follow::no);
    if (found) {
        return errno_code(EEXIST);
    }
    if (found.error() != errno_code(ENOENT)) {
        return found.error();
    }
    if (const auto ec = check_parent(at, parts, context)) {
        return ec;
    }
    return parts.trailing_slash && kind == new_kind::other ? errno_code(ENOENT) : refused;
}

// For calls that take a name away. The kernel refuses before it looks whether the name exists.
refusal refuse_old_name(const place& at, const work_context& context) {
    if (at.path.empty()) {
        return errno_code(ENOENT);
    }
    return check_parent(at, split(at.path), context);
}

bool is_special(const std::string& last) {
    return last.empty() || last == "." || last == "..";
}

refusal refuse_existing(
    const protocol::location& at, std::uint32_t flags, const work_context& context
) {
    const auto links = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? follow::no : follow::yes;
    const auto found = context.root->find(context.at(at), links);
    return found ? refused : found.error();
}

// Who may not write at all is told so first, but for O_TRUNC, which is looked at before rights are.
refusal refuse_writing(const object& found, const protocol::open& request) {
    if ((request.flags & O_TRUNC) != 0) {
        return refused;
    }
    const int mode = (request.flags & O_ACCMODE) == O_WRONLY ? W_OK : R_OK | W_OK;
    constexpr int itself = AT_EMPTY_PATH | AT_EACCESS;
    const bool denied =
        ::syscall(SYS_faccessat2, found.fd, "", mode, itself) != 0 && errno == EACCES;
    return denied ? errno_code(EACCES) : refused;
}

refusal refuse_opened(const object& found, const protocol::open& request) {
    struct stat told {};

    if (::fstat(found.fd, &told) != 0) {
        return last_error();
    }
    const bool writes = (request.flags & O_ACCMODE) != O_RDONLY || (request.flags & O_TRUNC) != 0;
    if (S_ISDIR(told.st_mode) && (writes || (request.flags & O_CREAT) != 0)) {
        return errno_code(EISDIR);
    }
    if (S_ISLNK(told.st_mode)) {
        return errno_code(ELOOP);
    }
    if ((request.flags & O_DIRECTORY) != 0 && !S_ISDIR(told.st_mode)) {
        return errno_code(ENOTDIR);
    }
    return writes ? refuse_writing(found, request) : refusal{};
}

refusal refuse_temporary(const protocol::open& request, const work_context& context) {
    if ((request.flags & O_ACCMODE) == O_RDONLY) {
        return errno_code(EINVAL);
    }
    const auto directory =
        context.root->open(context.at(request.at), {O_PATH | O_DIRECTORY, 0, request.resolve});
    return directory ? refused : directory.error();
}

bool is_handle_of_path(const protocol::location& at, const work_context& context) {
    return context.at(at).is_handle() && context.file->kind == file_kind::path_only;
}

refusal refuse_size(const protocol::set_attributes& request, const work_context& context) {
    const auto at = context.at(request.at);
    if (at.is_handle() || request.size < 0) {
        return errno_code(EINVAL);  // no handle of this session is open for writing
    }
    const auto found = context.root->find(at, follow::yes);
    if (!found) {
        return found.error();
    }

    struct stat told {};

    if (::fstat(found->fd, &told) != 0) {
        return last_error();
    }
    if (S_ISDIR(told.st_mode)) {
        return errno_code(EISDIR);
    }
    return S_ISREG(told.st_mode) ? refused : errno_code(EINVAL);
}

refusal refuse_xattr(
    const protocol::location& at,
    std::uint32_t flags,
    const std::string& name,
    const work_context& context
) {
    if (name.empty() || name.size() > protocol::limits::xattr_name_bytes_max) {
        return errno_code(ERANGE);
    }
    return is_handle_of_path(at, context) ? errno_code(EBADF) : refuse_existing(at, flags, context);
}

}  // namespace

bool detail::changes(const protocol::open& request) {
    constexpr std::uint32_t changing = O_CREAT | O_TRUNC;
    if ((request.flags & O_PATH) != 0) {
        return false;
    }
    return (request.flags & O_ACCMODE) != O_RDONLY || (request.flags & changing) != 0 ||
           (request.flags & O_TMPFILE) == O_TMPFILE;
}

bool detail::changes(const protocol::open_leased& request) {
    return changes(as_open(request));
}

bool detail::changes(const protocol::ioctl& request) {
    return request.command == FS_IOC_SETFLAGS;
}

refusal refuse(const protocol::open& request, const work_context& context) {
    if ((request.flags & O_TMPFILE) == O_TMPFILE) {
        return refuse_temporary(request, context);
    }
    const auto at = context.at(request.at);
    const bool creates = (request.flags & O_CREAT) != 0;
    if (creates && request.at.path.ends_with('/')) {
        return errno_code(EISDIR);
    }
    if (creates && (request.flags & O_EXCL) != 0) {
        return refuse_new_name(at, new_kind::other, context);
    }
    const std::uint32_t nofollow = request.flags & O_NOFOLLOW;
    const auto fd = context.root->open(at, {O_PATH | nofollow, 0, request.resolve});
    if (fd) {
        object found;
        found.fd = fd->get();
        return refuse_opened(found, request);
    }
    if (!creates || fd.error() != errno_code(ENOENT) || at.path.empty()) {
        return fd.error();
    }
    const auto no_parent = check_parent(at, split(at.path), context);
    return no_parent ? no_parent : refused;
}

refusal refuse(const protocol::open_leased& request, const work_context& context) {
    return refuse(as_open(request), context);
}

refusal refuse(const protocol::ioctl& /*request*/, const work_context& context) {
    return context.file->kind == file_kind::path_only ? errno_code(EBADF) : refused;
}

refusal refuse(const protocol::write& /*request*/, const work_context& /*context*/) {
    return errno_code(EBADF);  // as the kernel: no handle of this session is open for writing
}

refusal refuse(const protocol::write_back& /*request*/, const work_context& /*context*/) {
    return errno_code(EBADF);
}

refusal refuse(const protocol::allocate& /*request*/, const work_context& /*context*/) {
    return errno_code(EBADF);
}

refusal refuse(const protocol::copy_range& /*request*/, const work_context& /*context*/) {
    return errno_code(EBADF);
}

refusal refuse(const protocol::set_attributes& request, const work_context& context) {
    if (!std::has_single_bit(request.mask) || request.mask > protocol::set_mask::times) {
        return errno_code(EINVAL);
    }
    const bool empty_path = (request.flags & AT_EMPTY_PATH) != 0;
    if (is_handle_of_path(request.at, context) && !empty_path) {
        return errno_code(EBADF);
    }
    if (request.mask == protocol::set_mask::size) {
        return refuse_size(request, context);
    }
    const auto answer = refuse_existing(request.at, request.flags, context);
    if (answer != refused || request.mask != protocol::set_mask::mode ||
        (request.flags & AT_SYMLINK_NOFOLLOW) == 0) {
        return answer;
    }
    const auto found = context.root->find(context.at(request.at), follow::no);

    struct stat told {};

    const bool link = found && ::fstat(found->fd, &told) == 0 && S_ISLNK(told.st_mode);
    return link ? errno_code(EOPNOTSUPP) : refused;
}

refusal refuse(const protocol::make_directory& request, const work_context& context) {
    return refuse_new_name(context.at(request.at), new_kind::directory, context);
}

refusal refuse(const protocol::make_node& request, const work_context& context) {
    if (const auto bad_type = check_node_type(request.mode)) {
        return bad_type;
    }
    return refuse_new_name(context.at(request.at), new_kind::other, context);
}

refusal refuse(const protocol::make_link& request, const work_context& context) {
    if ((request.flags & ~std::uint32_t{AT_SYMLINK_FOLLOW}) != 0) {
        return errno_code(EINVAL);
    }
    const auto links = (request.flags & AT_SYMLINK_FOLLOW) != 0 ? follow::yes : follow::no;
    const auto from = context.root->find(context.at(request.from), links);
    return from ? refuse_new_name(context.to(request.to), new_kind::other, context) : from.error();
}

refusal refuse(const protocol::make_symlink& request, const work_context& context) {
    if (request.target.empty()) {
        return errno_code(ENOENT);
    }
    return refuse_new_name(context.at(request.at), new_kind::other, context);
}

refusal refuse(const protocol::rename& request, const work_context& context) {
    constexpr std::uint32_t known = RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT;
    const bool exchanges = (request.flags & RENAME_EXCHANGE) != 0;
    if ((request.flags & ~known) != 0 || (exchanges && request.flags != RENAME_EXCHANGE)) {
        return errno_code(EINVAL);
    }
    const auto from = context.at(request.from);
    const auto to = context.to(request.to);
    if (const auto ec = refuse_old_name(from, context)) {
        return ec;
    }
    if (const auto ec = refuse_old_name(to, context)) {
        return ec;
    }
    const bool special = is_special(split(from.path).last) || is_special(split(to.path).last);
    return special ? errno_code(EBUSY) : refused;
}

refusal refuse(const protocol::remove& request, const work_context& context) {
    if ((request.flags & ~std::uint32_t{AT_REMOVEDIR}) != 0) {
        return errno_code(EINVAL);
    }
    const auto at = context.at(request.at);
    if (const auto ec = refuse_old_name(at, context)) {
        return ec;
    }
    const auto last = split(at.path).last;
    if (!is_special(last)) {
        return refused;
    }
    if ((request.flags & AT_REMOVEDIR) == 0) {
        return errno_code(EISDIR);
    }
    if (last.empty()) {
        return errno_code(EBUSY);
    }
    return errno_code(last == "." ? EINVAL : ENOTEMPTY);
}

refusal refuse(const protocol::set_xattr& request, const work_context& context) {
    if ((request.how & ~std::uint32_t{XATTR_CREATE | XATTR_REPLACE}) != 0) {
        return errno_code(EINVAL);
    }
    return refuse_xattr(request.at, request.flags, request.name, context);
}

refusal refuse(const protocol::remove_xattr& request, const work_context& context) {
    return refuse_xattr(request.at, request.flags, request.name, context);
}

}  // namespace farside::agent
