// The gate of a read-only session: every request that would change something is refused here, with
// the errno that a read-only mount would give. The kernel's own order of errors is kept (a name
// that exists is EEXIST, a missing parent ENOENT), because programs decide by it.
#pragma once

#include "agent/work.hpp"
#include "protocol/message_table.hpp"

#include <type_traits>

namespace farside::agent {

namespace detail {

// Every file request is in exactly one of these; a new message does not compile until it is.
using never_changes = protocol::type_list<
    protocol::close,
    protocol::read,
    protocol::seek,
    protocol::sync,
    protocol::read_directory,
    protocol::set_flags,
    protocol::lock_file,
    protocol::lock_record,
    protocol::lock_process,
    protocol::release_locks,
    protocol::end_lock_owner,
    protocol::stat,
    protocol::access,
    protocol::read_link,
    protocol::file_system,
    protocol::canonicalize,
    protocol::get_xattr,
    protocol::list_xattr,
    protocol::watch_add,
    protocol::watch_remove>;

using always_changes = protocol::type_list<
    protocol::write,
    protocol::write_back,
    protocol::allocate,
    protocol::copy_range,
    protocol::set_attributes,
    protocol::make_directory,
    protocol::make_node,
    protocol::make_link,
    protocol::make_symlink,
    protocol::rename,
    protocol::remove,
    protocol::set_xattr,
    protocol::remove_xattr>;

using sometimes_changes =
    protocol::type_list<protocol::open, protocol::open_leased, protocol::ioctl>;

template <typename Message, typename... Listed>
constexpr bool is_listed(protocol::type_list<Listed...> /*list*/) {
    return (std::is_same_v<Message, Listed> || ...);
}

[[nodiscard]] bool changes(const protocol::open& request);
[[nodiscard]] bool changes(const protocol::open_leased& request);
[[nodiscard]] bool changes(const protocol::ioctl& request);

}  // namespace detail

template <typename Request>
constexpr bool may_change() {
    constexpr int lists = int{detail::is_listed<Request>(detail::never_changes{})} +
                          int{detail::is_listed<Request>(detail::always_changes{})} +
                          int{detail::is_listed<Request>(detail::sometimes_changes{})};
    static_assert(lists == 1, "say whether the message changes files");
    return !detail::is_listed<Request>(detail::never_changes{});
}

// REQUIRES: may_change<Request>().
template <typename Request>
[[nodiscard]] bool would_change(const Request& request) {
    if constexpr (detail::is_listed<Request>(detail::sometimes_changes{})) {
        return detail::changes(request);
    } else {
        return true;
    }
}

using refusal = boost::system::error_code;

// The open of a file that exists and is only read may go on, without O_CREAT: then there is no
// refusal. Nothing else of these ever may.
[[nodiscard]] refusal refuse(const protocol::open&, const work_context&);
[[nodiscard]] refusal refuse(const protocol::open_leased&, const work_context&);
[[nodiscard]] refusal refuse(const protocol::ioctl&, const work_context&);
[[nodiscard]] refusal refuse(const protocol::write&, const work_context&);
[[nodiscard]] refusal refuse(const protocol::write_back&, const work_context&);
[[nodiscard]] refusal refuse(const protocol::allocate&, const work_context&);
[[nodiscard]] refusal refuse(const protocol::copy_range&, const work_context&);
[[nodiscard]] refusal refuse(const protocol::set_attributes&, const work_context&);
[[nodiscard]] refusal refuse(const protocol::make_directory&, const work_context&);
[[nodiscard]] refusal refuse(const protocol::make_node&, const work_context&);
[[nodiscard]] refusal refuse(const protocol::make_link&, const work_context&);
[[nodiscard]] refusal refuse(const protocol::make_symlink&, const work_context&);
[[nodiscard]] refusal refuse(const protocol::rename&, const work_context&);
[[nodiscard]] refusal refuse(const protocol::remove&, const work_context&);
[[nodiscard]] refusal refuse(const protocol::set_xattr&, const work_context&);
[[nodiscard]] refusal refuse(const protocol::remove_xattr&, const work_context&);

}  // namespace farside::agent
