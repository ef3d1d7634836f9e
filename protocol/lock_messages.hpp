// Record locks that belong to a process (fcntl(2) F_SETLK). The server knows no processes: a lock
// owner is a number that the client gives to each, never to two. An owner's locks are on inodes,
// whatever handle they came by, and stay until they are given up, also after a handle's close.
#pragma once

#include "protocol/file_messages.hpp"

namespace farside::protocol {

struct lock_process_reply {
    record_lock lock;
    std::uint64_t owner = 0;  // whose lock `lock` is, where it is one of this client's owners
    bool holds = false;       // whether the requesting owner holds any lock on the inode now

    friend bool operator==(const lock_process_reply&, const lock_process_reply&) = default;
};

// fcntl(2) F_GETLK, F_SETLK, F_SETLKW of the process `owner`; F_OFD_GETLK, which has none, for the
// owner of what is in the way.
struct lock_process {
    static constexpr opcode op = opcode::lock_process;
    using reply = lock_process_reply;

    handle_id handle = no_handle;
    std::uint64_t owner = 0;
    std::uint32_t command = 0;
    record_lock lock;

    friend bool operator==(const lock_process&, const lock_process&) = default;
};

// What close(2) of a descriptor does to record locks: `owner` loses all of its locks on the inode.
struct release_locks {
    static constexpr opcode op = opcode::release_locks;
    using reply = empty_reply;

    handle_id handle = no_handle;
    std::uint64_t owner = 0;

    friend bool operator==(const release_locks&, const release_locks&) = default;
};

// The process has ended, and so do its locks. Requests of it that are under way take none any more;
// those that wait are to be cancelled besides.
struct end_lock_owner {
    static constexpr opcode op = opcode::end_lock_owner;
    using reply = empty_reply;

    std::uint64_t owner = 0;

    friend bool operator==(const end_lock_owner&, const end_lock_owner&) = default;
};

}  // namespace farside::protocol
