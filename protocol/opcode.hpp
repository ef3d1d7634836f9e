// The numbers of the messages. A number is never reused: a retired one keeps a comment in its
// place.
#pragma once

#include <concepts>
#include <cstdint>

namespace farside::protocol {

// A request and its reply share an opcode; the frame's reply flag tells them apart.
enum class opcode : std::uint16_t {
    // Session
    hello = 1,
    ping = 2,
    cancel = 3,   // one way: no reply
    goodbye = 4,  // push: the agent's last words
    // Open files
    open = 16,
    close = 17,
    read = 18,
    write = 19,
    seek = 20,
    sync = 21,
    allocate = 22,
    read_directory = 23,
    copy_range = 24,
    set_flags = 25,
    lock_file = 26,    // flock(2)
    lock_record = 27,  // fcntl(2) record locks of open files
    ioctl = 28,
    lock_process = 29,  // fcntl(2) record locks of processes
    release_locks = 30,
    end_lock_owner = 31,
    // Watches
    watch_add = 32,
    watch_remove = 33,
    watch_close = 34,
    watch_events = 35,  // push
    // Mappings
    write_back = 40,  // what was stored into a mapping
    // Leases
    lookup = 72,
    fetch = 73,
    changes = 74,  // push
    open_leased = 75,
    // Names and attributes
    stat = 48,
    access = 49,
    read_link = 50,
    file_system = 51,
    canonicalize = 52,
    set_attributes = 53,
    make_directory = 54,
    make_node = 55,
    make_link = 56,
    make_symlink = 57,
    rename = 58,
    remove = 59,
    get_xattr = 60,
    list_xattr = 61,
    set_xattr = 62,
    remove_xattr = 63,
};

// Whether the reply may come in several frames; all others come in one.
constexpr bool reply_may_split(opcode op) {
    return op == opcode::read || op == opcode::lookup || op == opcode::fetch;
}

// What has a number of its own; replies do not.
template <typename T>
concept message = requires {
    { T::op } -> std::convertible_to<opcode>;
};

// A request that gets a reply. The other messages go one way, in either direction.
template <typename T>
concept answered_message = message<T> && requires {
    typename T::reply;
};

template <typename T>
concept one_way_message = message<T> && !answered_message<T>;

}  // namespace farside::protocol
