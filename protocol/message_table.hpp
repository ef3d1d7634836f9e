// THE table of messages. Whatever needs to know them all (dispatch, dump, golden files, fuzz seeds,
// the README's check) folds over these lists; a message that is not here does not exist.
#pragma once

#include "protocol/file_messages.hpp"
#include "protocol/lease_messages.hpp"
#include "protocol/lock_messages.hpp"
#include "protocol/name_messages.hpp"
#include "protocol/session_messages.hpp"
#include "protocol/type_name.hpp"
#include "protocol/watch_messages.hpp"

#include <string_view>
#include <type_traits>

namespace farside::protocol {

template <typename... Message>
struct type_list {
    static constexpr std::size_t size = sizeof...(Message);
};

// Requests that act on files. A server must handle each: dispatch does not compile otherwise.
using file_requests = type_list<
    open,
    close,
    read,
    write,
    seek,
    sync,
    allocate,
    read_directory,
    copy_range,
    set_flags,
    lock_file,
    lock_record,
    ioctl,
    lock_process,
    release_locks,
    end_lock_owner,
    write_back,
    stat,
    access,
    read_link,
    file_system,
    canonicalize,
    set_attributes,
    make_directory,
    make_node,
    make_link,
    make_symlink,
    rename,
    remove,
    get_xattr,
    list_xattr,
    set_xattr,
    remove_xattr,
    watch_add,
    watch_remove,
    watch_close>;

// Requests of clients that cache. Without them there are no leases and no notices.
using lease_requests = type_list<lookup, fetch, open_leased>;

using session_requests = type_list<hello, ping>;
using one_way_requests = type_list<cancel>;
using pushes = type_list<goodbye, watch_events, changes>;

namespace detail {

template <typename... A, typename... B>
type_list<A..., B...> joined(type_list<A...>, type_list<B...>);

template <typename First, typename Second, typename... Others>
auto joined(First first, Second second, Others... others) {
    return joined(joined(first, second), others...);
}

}  // namespace detail

using all_messages = decltype(detail::joined(
    session_requests{}, one_way_requests{}, pushes{}, file_requests{}, lease_requests{}
));

// Calls f(std::type_identity<Message>{}) for each message of `list`, in the table's order.
template <typename... Message, typename F>
constexpr void for_each_message(type_list<Message...> /*list*/, F&& f) {
    (f(std::type_identity<Message>{}), ...);
}

// Calls f(std::type_identity<Message>{}) for the message numbered `op`; false where there is none.
template <typename F>
constexpr bool with_message(opcode op, F&& f) {
    bool found = false;
    for_each_message(all_messages{}, [&]<typename Message>(std::type_identity<Message> message) {
        if (Message::op == op) {
            found = true;
            f(message);
        }
    });
    return found;
}

// "open", "read_directory", ...; "unknown" for a number without a message.
constexpr std::string_view name_of(opcode op) {
    std::string_view name = "unknown";
    with_message(op, [&]<typename Message>(std::type_identity<Message>) {
        name = type_name<Message>();
    });
    return name;
}

static_assert(name_of(opcode::open) == "open" && name_of(opcode::goodbye) == "goodbye");

}  // namespace farside::protocol
