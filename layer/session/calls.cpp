// The table, and what handlers have in common.
#include "layer/session/calls.hpp"

#include <cerrno>

#include <fcntl.h>

namespace farside::session {

// The compiler warns of a call without a case.
call_handler handler_of(segment::call op) {
    switch (op) {
        using enum segment::call;
        case classify:
            return serve_classify;
        case open:
            return serve_open;
        case close:
            return serve_close;
        case read:
            return serve_read;
        case write:
            return serve_write;
        case seek:
            return serve_seek;
        case sync:
            return serve_sync;
        case allocate:
            return serve_allocate;
        case read_directory:
            return serve_read_directory;
        case copy_range:
            return serve_copy_range;
        case set_flags:
            return serve_set_flags;
        case lock_file:
            return serve_lock_file;
        case lock_record:
            return serve_lock_record;
        case ioctl:
            return serve_ioctl;
        case stat:
            return serve_stat;
        case access:
            return serve_access;
        case read_link:
            return serve_read_link;
        case file_system:
            return serve_file_system;
        case canonicalize:
            return serve_canonicalize;
        case enter_directory:
            return serve_enter_directory;
        case set_attributes:
            return serve_set_attributes;
        case make_directory:
            return serve_make_directory;
        case make_node:
            return serve_make_node;
        case make_link:
            return serve_make_link;
        case make_symlink:
            return serve_make_symlink;
        case rename:
            return serve_rename;
        case remove:
            return serve_remove;
        case get_xattr:
            return serve_get_xattr;
        case list_xattr:
            return serve_list_xattr;
        case set_xattr:
            return serve_set_xattr;
        case remove_xattr:
            return serve_remove_xattr;
        case reclaim:
            return serve_reclaim;
        case watch_add:
            return serve_watch_add;
        case watch_remove:
            return serve_watch_remove;
        case watch_closed:
            return serve_watch_closed;
        case map_shared:
            return serve_map_shared;
        case sync_map:
            return serve_sync_map;
        case release_locks:
            return serve_release_locks;
        case settle:
            return serve_settle;
    }
    return nullptr;
}

std::int64_t failure(const boost::system::error_code& ec) {
    const bool number = ec.category() == boost::system::system_category() && ec.value() > 0;
    return -std::int64_t{number ? ec.value() : EIO};
}

std::optional<std::int64_t> settled(incoming_call& call, const place& where) {
    if (where.failure != 0) {
        return -where.failure;
    }
    if (where.where == side::hidden) {
        return -ENOENT;
    }
    call.where = where.where;
    if (where.remote()) {
        return std::nullopt;
    }
    call.path_out[0] = where.local_path();
    return 0;
}

std::shared_ptr<open_file> find_usable(const call_services& services, const incoming_call& call) {
    auto file = services.files.find(call.id());
    return file && !file->path_only() ? file : nullptr;
}

call_result make_private(call_services& services, incoming_call& call, open_file& file) {
    if (file.owns_handle) {
        co_return 0;
    }
    const auto ec = co_await services.data.make_private(file, call.caller);
    co_return ec ? failure(ec) : 0;
}

awaitable<> close_the_unheld(
    call_services& services, incoming_call& call, std::vector<std::uint64_t> ids
) {
    co_await close_now(services, call, services.descriptors.take_closed(ids));
}

awaitable<> close_now(
    call_services& services, incoming_call& call, std::vector<std::shared_ptr<open_file>> files
) {
    for (const auto& file : files) {
        if (file.use_count() > 1) {
            continue;  // as soon as who uses it has ended
        }
        file->closed = true;
        protocol::close message;
        message.handle = file->handle;
        reply_collector<protocol::close> reply;
        link_caller nobody;  // a signal to the caller must not keep it open
        call.caller.count_request();
        co_await services.link.call(message, reply, nobody);
    }
}

awaitable<> close_other_ends(call_services& services, incoming_call& call, const open_file& file) {
    const auto others = services.files.fifos_beside(file);
    if (!others.empty()) {
        co_await close_the_unheld(services, call, others);
    }
}

call_result refuse(
    call_services& services,
    incoming_call& call,
    const place& where,
    mutation kind,
    std::uint32_t at_flags
) {
    protocol::stat probe;
    probe.at = where.at;
    probe.flags = at_flags;
    probe.mask = STATX_TYPE;
    reply_collector<protocol::stat> found;
    const auto ec = co_await services.link.call(probe, found, call.caller);
    if (!ec) {
        co_return kind == mutation::creates ? -EEXIST : -EROFS;
    }
    const auto error = failure(ec);
    co_return kind == mutation::creates&& error == -ENOENT ? -EROFS : error;
}

awaitable<std::optional<file_identity>> mapped_candidate(
    call_services& services, incoming_call& call, const place& where, std::uint32_t at_flags
) {
    if (where.base && where.at.path.empty()) {
        co_return where.base->identity;
    }
    if (services.maps.empty()) {
        co_return std::nullopt;
    }
    protocol::stat probe;
    probe.at = where.at;
    probe.flags = at_flags;
    probe.mask = STATX_TYPE | STATX_INO;
    reply_collector<protocol::stat> found;
    const auto ec = co_await services.link.call(probe, found, call.caller);
    if (ec) {
        co_return std::nullopt;
    }
    co_return identity_of(found.value.attr);
}

}  // namespace farside::session
