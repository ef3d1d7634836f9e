// Names: making, linking, renaming and removing them. The name itself is acted on, never what a
// symbolic link in its place points to.
#include "agent/services.hpp"
#include "protocol/limits.hpp"

#include <cstdio>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace farside::agent {
namespace {

constexpr unsigned link_flags = AT_SYMLINK_FOLLOW;

}  // namespace

boost::system::error_code check_node_type(std::uint32_t mode) {
    switch (mode & S_IFMT) {
        case 0:
        case S_IFREG:
        case S_IFIFO:
        case S_IFSOCK:
        case S_IFCHR:
        case S_IFBLK:
            return {};
        case S_IFDIR:
            return errno_code(EPERM);
        default:
            return errno_code(EINVAL);
    }
}

result<protocol::path_reply> execute(
    const protocol::read_link& request, const work_context& context
) {
    const auto at = context.at(request.at);
    const auto where = context.root->object_spot(at, follow::no);
    if (!where) {
        return where.error();
    }
    std::string target(protocol::limits::path_bytes_max, '\0');
    const auto bytes = ::readlinkat(where->directory, where->name, target.data(), target.size());
    if (bytes < 0) {
        // By path, "not a link" is EINVAL; through a descriptor the kernel says ENOENT.
        const bool by_descriptor = (where->flags & AT_EMPTY_PATH) != 0 && !at.is_handle();
        return by_descriptor && errno == ENOENT ? errno_code(EINVAL) : last_error();
    }
    target.resize(static_cast<std::size_t>(bytes));
    return protocol::path_reply{std::move(target)};
}

result<protocol::empty_reply> execute(
    const protocol::make_directory& request, const work_context& context
) {
    const auto where = context.root->name_spot(context.at(request.at));
    if (!where) {
        return where.error();
    }
    const auto mode = context.mask->apply(request.mode, request.umask);
    return done_if_zero(::mkdirat(where->directory, where->name, mode));
}

result<protocol::empty_reply> execute(
    const protocol::make_node& request, const work_context& context
) {
    if (const auto bad_type = check_node_type(request.mode)) {
        return bad_type;
    }
    const auto where = context.root->name_spot(context.at(request.at));
    if (!where) {
        return where.error();
    }
    const auto mode = context.mask->apply(request.mode, request.umask);
    const auto device = gnu_dev_makedev(request.major, request.minor);
    return done_if_zero(::mknodat(where->directory, where->name, mode, device));
}

result<protocol::empty_reply> execute(
    const protocol::make_link& request, const work_context& context
) {
    if ((request.flags & ~link_flags) != 0) {
        return errno_code(EINVAL);
    }
    const auto links = (request.flags & AT_SYMLINK_FOLLOW) != 0 ? follow::yes : follow::no;
    const auto from = context.root->find(context.at(request.from), links);
    if (!from) {
        return from.error();
    }
    const auto to = context.root->name_spot(context.to(request.to));
    if (!to) {
        return to.error();
    }
    // The object may be a symbolic link, a handle, or lie behind a link; as "N" in /proc/self/fd it
    // is one name that linkat(2) follows to exactly that object, also in a confined target.
    const auto name = process_descriptors::name_of(from->fd);
    const int directory = context.root->descriptors().directory();
    return done_if_zero(
        ::linkat(directory, name.c_str(), to->directory, to->name, AT_SYMLINK_FOLLOW)
    );
}

result<protocol::empty_reply> execute(
    const protocol::make_symlink& request, const work_context& context
) {
    if (request.target.empty()) {
        return errno_code(ENOENT);
    }
    if (request.target.size() > protocol::limits::path_bytes_max) {
        return errno_code(ENAMETOOLONG);
    }
    if (request.target.find('\0') != std::string::npos) {
        return errno_code(EINVAL);
    }
    const auto where = context.root->name_spot(context.at(request.at));
    if (!where) {
        return where.error();
    }
    return done_if_zero(::symlinkat(request.target.c_str(), where->directory, where->name));
}

result<protocol::empty_reply> execute(
    const protocol::rename& request, const work_context& context
) {
    const auto from = context.root->name_spot(context.at(request.from));
    if (!from) {
        return from.error();
    }
    const auto to = context.root->name_spot(context.to(request.to));
    if (!to) {
        return to.error();
    }
    return done_if_zero(
        ::renameat2(from->directory, from->name, to->directory, to->name, request.flags)
    );
}

result<protocol::empty_reply> execute(
    const protocol::remove& request, const work_context& context
) {
    const auto where = context.root->name_spot(context.at(request.at));
    if (!where) {
        return where.error();
    }
    return done_if_zero(::unlinkat(where->directory, where->name, static_cast<int>(request.flags)));
}

}  // namespace farside::agent
