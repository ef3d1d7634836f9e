// What the agent knows about a request before it runs: which handles it is on, where it may run,
// and what it must wait for. Decisions only; loop thread.
#pragma once

#include "agent/limits.hpp"
#include "agent/open_file.hpp"
#include "agent/work.hpp"
#include "protocol/file_messages.hpp"
#include "protocol/lease_messages.hpp"
#include "protocol/lock_messages.hpp"
#include "protocol/name_messages.hpp"
#include "protocol/watch_messages.hpp"

#include <fcntl.h>

namespace farside::agent {

// Sets context.file and context.file_to. False: a handle that is not open. A close takes its handle
// out of the table, so that requests after it no longer find it.
template <typename Request>
[[nodiscard]] bool find_files(
    const Request& request, handle_table& handles, work_context& context
) {
    const auto find = [&](protocol::handle_id handle, std::shared_ptr<open_file>& file) {
        file = handles.find(handle);
        return file != nullptr;
    };
    const auto find_base = [&](const protocol::location& at, std::shared_ptr<open_file>& file) {
        return at.base == protocol::no_handle || find(at.base, file);
    };
    if constexpr (std::is_same_v<Request, protocol::close>) {
        context.file = handles.remove(request.handle);
        return context.file != nullptr;
    } else if constexpr (requires { request.handle; }) {
        return find(request.handle, context.file);
    } else if constexpr (std::is_same_v<Request, protocol::copy_range>) {
        return find(request.from, context.file) && find(request.to, context.file_to);
    } else if constexpr (requires { request.from.base; }) {
        return find_base(request.from, context.file) && find_base(request.to, context.file_to);
    } else if constexpr (requires { request.at; }) {
        return find_base(request.at, context.file);
    } else {
        return true;  // it is on no file
    }
}

// The order class of a request on its (first) handle.
[[nodiscard]] order_class order_of(const protocol::close&, const open_file&);
[[nodiscard]] order_class order_of(const protocol::read&, const open_file&);
[[nodiscard]] order_class order_of(const protocol::write&, const open_file&);
[[nodiscard]] order_class order_of(const protocol::seek&, const open_file&);
[[nodiscard]] order_class order_of(const protocol::sync&, const open_file&);
[[nodiscard]] order_class order_of(const protocol::allocate&, const open_file&);
[[nodiscard]] order_class order_of(const protocol::read_directory&, const open_file&);
[[nodiscard]] order_class order_of(const protocol::copy_range&, const open_file&);
[[nodiscard]] order_class order_of(const protocol::set_flags&, const open_file&);
[[nodiscard]] order_class order_of(const protocol::lock_file&, const open_file&);
[[nodiscard]] order_class order_of(const protocol::lock_record&, const open_file&);
[[nodiscard]] order_class order_of(const protocol::ioctl&, const open_file&);
[[nodiscard]] order_class order_of(const protocol::lock_process&, const open_file&);
[[nodiscard]] order_class order_of(const protocol::release_locks&, const open_file&);
[[nodiscard]] order_class order_of(const protocol::end_lock_owner&, const open_file&);
[[nodiscard]] order_class order_of(const protocol::write_back&, const open_file&);

[[nodiscard]] order_class order_of(const protocol::watch_remove&, const open_file&);

// Requests with a location are on its handle only where the path is empty.
template <typename Request>

requires requires(const Request& r) {
    r.at.path;
}

[[nodiscard]] order_class order_of(const Request& request, const open_file& /*file*/) {
    constexpr bool changes = std::is_same_v<Request, protocol::set_attributes> ||
                             std::is_same_v<Request, protocol::set_xattr> ||
                             std::is_same_v<Request, protocol::remove_xattr>;
    if (!request.at.path.empty()) {
        return order_class::none;
    }
    return changes ? order_class::change : order_class::observe;
}

template <typename Request>

requires requires(const Request& r) {
    r.from.path;
}

[[nodiscard]] order_class order_of(const Request& request, const open_file& /*file*/) {
    return request.from.path.empty() ? order_class::observe : order_class::none;
}

// Where a request on a handle runs.
[[nodiscard]] lane lane_of(const protocol::close&, const open_file&);
[[nodiscard]] lane lane_of(const protocol::read&, const open_file&);
[[nodiscard]] lane lane_of(const protocol::write&, const open_file&);
[[nodiscard]] lane lane_of(const protocol::seek&, const open_file&);
[[nodiscard]] lane lane_of(const protocol::sync&, const open_file&);
[[nodiscard]] lane lane_of(const protocol::allocate&, const open_file&);
[[nodiscard]] lane lane_of(const protocol::read_directory&, const open_file&);
[[nodiscard]] lane lane_of(const protocol::copy_range&, const open_file&);
[[nodiscard]] lane lane_of(const protocol::set_flags&, const open_file&);
[[nodiscard]] lane lane_of(const protocol::lock_file&, const open_file&);
[[nodiscard]] lane lane_of(const protocol::lock_record&, const open_file&);
[[nodiscard]] lane lane_of(const protocol::ioctl&, const open_file&);
[[nodiscard]] lane lane_of(const protocol::lock_process&, const open_file&);
[[nodiscard]] lane lane_of(const protocol::release_locks&, const open_file&);

// Whether a request that answers EWOULDBLOCK elsewhere is to be repeated in the patient lane, where
// it waits.
template <typename Request>
[[nodiscard]] bool moves_to_wait(const Request& request) {
    if constexpr (std::is_same_v<Request, protocol::lock_process>) {
        return request.command == F_SETLKW;
    } else {
        return std::is_same_v<Request, protocol::open> ||
               std::is_same_v<Request, protocol::open_leased>;
    }
}

// Whether it waits until others give up their leases on the contents, see file_leases.hpp.
[[nodiscard]] bool waits_for_leases(const protocol::set_attributes& request);

[[nodiscard]] lane lane_of(const protocol::write_back&, const open_file&);

// Where a request with locations runs: `path_lane` unless a handle tells more.
[[nodiscard]] lane lane_of_location(const work_context& context, lane path_lane);

}  // namespace farside::agent
