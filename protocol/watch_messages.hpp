// Messages about watches: inotify(7) instances of the agent, one for each instance of a client's
// program, so that the order of events between its watches is the kernel's own.
#pragma once

#include "protocol/file_messages.hpp"

#include <string>
#include <vector>

namespace farside::protocol {

struct watch_add_reply {
    std::int32_t watch = 0;  // inotify's number of the watch, within its instance
    bool directory = false;

    friend bool operator==(const watch_add_reply&, const watch_add_reply&) = default;
};

// inotify_add_watch(2) with all its flags. The first request with an id makes the instance. Events
// of a watch may come before the reply that tells its number. ENOSPC where a limit is reached, of
// the server or of its kernel.
struct watch_add {
    static constexpr opcode op = opcode::watch_add;
    using reply = watch_add_reply;

    location at;
    instance_id instance{};
    std::uint32_t mask = 0;

    friend bool operator==(const watch_add&, const watch_add&) = default;
};

// inotify_rm_watch(2). EINVAL where there is no such watch or instance.
struct watch_remove {
    static constexpr opcode op = opcode::watch_remove;
    using reply = empty_reply;

    instance_id instance{};
    std::int32_t watch = 0;

    friend bool operator==(const watch_remove&, const watch_remove&) = default;
};

// close(2) of the instance's descriptor: no further events of it are sent. EINVAL where there is
// none.
struct watch_close {
    static constexpr opcode op = opcode::watch_close;
    using reply = empty_reply;

    instance_id instance{};

    friend bool operator==(const watch_close&, const watch_close&) = default;
};

// As struct inotify_event.
struct watch_event {
    std::int32_t watch = 0;
    std::uint32_t mask = 0;
    std::uint32_t cookie = 0;
    std::string name;

    friend bool operator==(const watch_event&, const watch_event&) = default;
};

// Push. What happened in an instance, in the kernel's order.
struct watch_events {
    static constexpr opcode op = opcode::watch_events;

    instance_id instance{};
    std::vector<watch_event> events;

    friend bool operator==(const watch_events&, const watch_events&) = default;
};

}  // namespace farside::protocol
