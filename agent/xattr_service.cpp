// Extended attributes. Those of an open file go through its descriptor; those of a path through an
// O_PATH descriptor named in /proc/self/fd, the working directory of the agent (see
// process_descriptors.hpp): these system calls take neither a directory nor an O_PATH descriptor.
#include "agent/services.hpp"
#include "protocol/limits.hpp"

#include <fcntl.h>
#include <sys/xattr.h>

namespace farside::agent {
namespace {

constexpr std::uint32_t known_flags = AT_SYMLINK_NOFOLLOW;

// The file by descriptor where `name` is empty, else by name.
struct xattr_file {
    object found;
    std::string name;
};

result<xattr_file> find(
    const protocol::location& at, std::uint32_t flags, const work_context& context
) {
    if ((flags & ~known_flags) != 0) {
        return errno_code(EINVAL);
    }
    const auto links = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? follow::no : follow::yes;
    const auto where = context.at(at);
    auto found = context.root->find(where, links);
    if (!found) {
        return found.error();
    }
    xattr_file file{std::move(*found), {}};
    if (!where.is_handle()) {
        file.name = process_descriptors::name_of(file.found.fd);
    }
    return file;
}

boost::system::error_code check_name(const std::string& name) {
    if (name.empty() || name.size() > protocol::limits::xattr_name_bytes_max) {
        return errno_code(ERANGE);
    }
    return name.find('\0') != std::string::npos ? errno_code(EINVAL) : boost::system::error_code{};
}

result<protocol::xattr_reply> answer(std::span<const std::byte> room, ssize_t bytes) {
    if (bytes < 0) {
        return last_error();
    }
    protocol::xattr_reply reply;
    const auto* text = reinterpret_cast<const char*>(room.data());
    reply.value.assign(text, static_cast<std::size_t>(bytes));
    return reply;
}

}  // namespace

result<protocol::xattr_reply> execute(
    const protocol::get_xattr& request, const work_context& context
) {
    const auto bad_name = check_name(request.name);
    const auto file = find(request.at, request.flags, context);
    if (bad_name || !file) {
        return bad_name ? bad_name : file.error();
    }
    const auto room = context.data->room(protocol::limits::xattr_value_bytes_max);
    const char* name = request.name.c_str();
    const auto bytes = file->name.empty()
                           ? ::fgetxattr(file->found.fd, name, room.data(), room.size())
                           : ::getxattr(file->name.c_str(), name, room.data(), room.size());
    return answer(room, bytes);
}

result<protocol::xattr_reply> execute(
    const protocol::list_xattr& request, const work_context& context
) {
    const auto file = find(request.at, request.flags, context);
    if (!file) {
        return file.error();
    }
    const auto room = context.data->room(protocol::limits::xattr_list_bytes_max);
    auto* names = reinterpret_cast<char*>(room.data());
    const auto bytes = file->name.empty() ? ::flistxattr(file->found.fd, names, room.size())
                                          : ::listxattr(file->name.c_str(), names, room.size());
    return answer(room, bytes);
}

result<protocol::empty_reply> execute(
    const protocol::set_xattr& request, const work_context& context
) {
    if ((request.how & ~std::uint32_t{XATTR_CREATE | XATTR_REPLACE}) != 0) {
        return errno_code(EINVAL);
    }
    const auto bad_name = check_name(request.name);
    const auto file = find(request.at, request.flags, context);
    if (bad_name || !file) {
        return bad_name ? bad_name : file.error();
    }
    const auto how = static_cast<int>(request.how);
    const auto& value = request.value;
    const char* name = request.name.c_str();
    return done_if_zero(
        file->name.empty() ? ::fsetxattr(file->found.fd, name, value.data(), value.size(), how)
                           : ::setxattr(file->name.c_str(), name, value.data(), value.size(), how)
    );
}

result<protocol::empty_reply> execute(
    const protocol::remove_xattr& request, const work_context& context
) {
    const auto bad_name = check_name(request.name);
    const auto file = find(request.at, request.flags, context);
    if (bad_name || !file) {
        return bad_name ? bad_name : file.error();
    }
    const char* name = request.name.c_str();
    return done_if_zero(
        file->name.empty() ? ::fremovexattr(file->found.fd, name)
                           : ::removexattr(file->name.c_str(), name)
    );
}

}  // namespace farside::agent
