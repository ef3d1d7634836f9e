// The working directory's calls: entering a directory, and what a file is called now.
#include "layer/common/path.hpp"
#include "layer/session/calls.hpp"

#include <cerrno>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>

namespace farside::session {
namespace {

std::int64_t give_path(incoming_call& call, std::string path) {
    if (path.size() >= segment::path_room) {
        return -ENAMETOOLONG;
    }
    const auto bytes = static_cast<std::int64_t>(path.size());
    call.path_out[0] = std::move(path);
    return bytes;
}

bool same_file(const protocol::attributes& a, const protocol::attributes& b) {
    return a.inode == b.inode && a.dev_major == b.dev_major && a.dev_minor == b.dev_minor;
}

// What the agent says that a file is called, if it may be believed and lies on the remote side.
// Otherwise the file was reached through a symbolic link whose target lies on another side, seen by
// its path: /srv/logs -> /var/log, where /var/log is local. That path would lead the program to
// local files; so the one it was asked by stays the name, if it names the file. If ".." went
// through a link on the way there is none that does: EACCES.
call_result name_file(
    call_services& services,
    incoming_call& call,
    const place& where,
    const std::string& path,
    const protocol::attributes& attr
) {
    if (!is_normal(path) || path.find('\0') != std::string::npos) {
        co_return -EIO;
    }
    const side canonical = services.paths.side_of(path);
    if (canonical == side::remote || canonical == side::remote_read_only) {
        co_return give_path(call, path);
    }
    protocol::canonicalize by_name;
    by_name.at.path = where.path;
    reply_collector<protocol::canonicalize> named;
    const auto ec = co_await services.link.call(by_name, named, call.caller);
    if (ec || !same_file(named.value.attr, attr)) {
        co_return -EACCES;
    }
    co_return give_path(call, where.path);
}

}  // namespace

call_result serve_canonicalize(call_services& services, incoming_call& call) {
    const place where = services.paths.find(call.id(segment::base0), call.path[0]);
    if (const auto result = settled(call, where)) {
        co_return *result;
    }
    protocol::canonicalize message;
    message.at = where.at;
    message.purpose = static_cast<protocol::name_purpose>(call.word(segment::first_argument));
    reply_collector<protocol::canonicalize> reply;
    const auto ec = co_await services.link.call(message, reply, call.caller);
    if (ec) {
        co_return failure(ec);
    }
    const auto result =
        co_await name_file(services, call, where, reply.value.path, reply.value.attr);
    if (result >= 0 && where.base && call.path[0].empty() && S_ISDIR(where.base->mode)) {
        where.base->path = *call.path_out[0];  // it may have been moved
        services.paths.tell_names_far(*where.base);
    }
    co_return result;
}

call_result serve_enter_directory(call_services& services, incoming_call& call) {
    const auto id = call.id(segment::first_argument);
    if (!services.files.claimed(id)) {
        co_return -EINVAL;
    }
    const place where = services.paths.find(call.id(segment::base0), call.path[0]);
    if (const auto result = settled(call, where)) {
        services.files.drop(id);
        co_return *result;
    }
    const auto known = co_await services.names.find(where, last_link::follow, call.caller);
    if (const auto failed = known_failure(known)) {
        services.files.drop(id);
        co_return *failed;
    }
    services.names.missed(known, name_cache::wants::one);
    protocol::open request;
    request.at = where.at;
    request.flags = O_PATH | O_DIRECTORY;
    request.enters = true;
    reply_collector<protocol::open> reply;
    const auto ec = co_await services.link.call(request, reply, call.caller);
    if (ec) {
        services.files.drop(id);
        co_return failure(ec);
    }
    if (reply.value.handle == protocol::no_handle) {
        services.files.drop(id);
        co_return -EIO;
    }
    open_files::description opened;
    opened.handle = reply.value.handle;
    opened.where = where.where;
    opened.path = where.path;
    opened.flags = O_PATH | O_DIRECTORY;
    opened.mode = reply.value.attr.mode;
    opened.identity = identity_of(reply.value.attr);
    if (!services.files.add(id, std::move(opened))) {
        co_return -ENOMEM;
    }
    const auto result =
        co_await name_file(services, call, where, reply.value.path, reply.value.attr);
    if (result < 0) {
        services.files.drop(id);
        co_return result;
    }
    // From now on names are seen from where the directory is, and not from how it was asked for.
    if (const auto file = services.files.find(id)) {
        file->path = *call.path_out[0];
        file->where = services.paths.side_of(file->path);
        services.paths.tell_names_far(*file);
    }
    co_return result;
}

}  // namespace farside::session
