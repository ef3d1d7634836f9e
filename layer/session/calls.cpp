// The table, and what handlers have in common.
#include "layer/session/calls.hpp"

#include <array>
#include <cerrno>

#include <fcntl.h>

namespace farside::session {
namespace {

constexpr std::size_t calls_max = static_cast<std::size_t>(segment::call::reclaim) + 1;

constexpr std::array<call_handler, calls_max> make_table() {
    std::array<call_handler, calls_max> table{};
    const auto set = [&table](segment::call op, call_handler handler) {
        table[static_cast<std::size_t>(op)] = handler;
    };
    using enum segment::call;
    set(classify, serve_classify);
    set(open, serve_open);
    set(close, serve_close);
    set(read, serve_read);
    set(write, serve_write);
    set(seek, serve_seek);
    set(sync, serve_sync);
    set(allocate, serve_allocate);
    set(read_directory, serve_read_directory);
    set(copy_range, serve_copy_range);
    set(set_flags, serve_set_flags);
    set(lock_file, serve_lock_file);
    set(lock_record, serve_lock_record);
    set(ioctl, serve_ioctl);
    set(stat, serve_stat);
    set(access, serve_access);
    set(read_link, serve_read_link);
    set(file_system, serve_file_system);
    set(canonicalize, serve_canonicalize);
    set(set_attributes, serve_set_attributes);
    set(make_directory, serve_make_directory);
    set(make_node, serve_make_node);
    set(make_link, serve_make_link);
    set(make_symlink, serve_make_symlink);
    set(rename, serve_rename);
    set(remove, serve_remove);
    set(get_xattr, serve_get_xattr);
    set(list_xattr, serve_list_xattr);
    set(set_xattr, serve_set_xattr);
    set(remove_xattr, serve_remove_xattr);
    set(reclaim, serve_reclaim);
    return table;
}

constexpr auto table = make_table();

constexpr bool table_is_full() {
    for (std::size_t i = 1; i < table.size(); ++i) {
        if (table[i] == nullptr) {
            return false;
        }
    }
    return true;
}

static_assert(table_is_full(), "every call of segment.hpp has a handler");

}  // namespace

call_handler handler_of(segment::call op) {
    const auto number = static_cast<std::size_t>(op);
    return number < table.size() ? table[number] : nullptr;
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

}  // namespace farside::session
