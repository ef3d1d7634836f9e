// What each call of segment.hpp does: THE table from segment::call to its handler. A handler
// answers as the system call would, with a value or -errno, and asks the agent only for what the
// session does not know.
#pragma once

#include "layer/session/agent_link.hpp"
#include "layer/session/descriptor_watch.hpp"
#include "layer/session/file_cache.hpp"
#include "layer/session/incoming_call.hpp"
#include "layer/session/lock_owners.hpp"
#include "layer/session/name_cache.hpp"
#include "layer/session/open_files.hpp"
#include "layer/session/places.hpp"
#include "layer/session/shared_maps.hpp"
#include "layer/session/sibling_files.hpp"
#include "layer/session/write_behind.hpp"
#include "protocol/name_messages.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace farside::session {

class remote_watches;

// What handlers work with; all of it outlives every call.
struct call_services {
    agent_link& link;
    open_files& files;
    places& paths;
    descriptor_watch& descriptors;
    shared_maps& maps;
    remote_watches& watches;
    lock_owners& locks;
    write_behind& behind;
    name_cache& names;
    file_cache& data;
    sibling_files& siblings;
};

using call_result = awaitable<std::int64_t>;
using call_handler = call_result (*)(call_services&, incoming_call&);

// Null: no such call.
[[nodiscard]] call_handler handler_of(segment::call op);

// Waits until the target has what was written behind, as far as the call may see it. -errno where
// the call ends with that.
call_result settle_before(call_services& services, incoming_call& call);

// Of set_attributes: whether it does not wait, but is sent right behind the bytes of its open file
// (request_behind).
[[nodiscard]] bool changes_behind(const call_services& services, const incoming_call& call);

// ---- what handlers have in common ----

// -errno for an error of a request.
[[nodiscard]] std::int64_t failure(const boost::system::error_code& ec);

// The answer where the place alone decides it: it cannot be found, is hidden, or is local (then the
// path to use locally is answered). Nothing: the agent is to be asked.
[[nodiscard]] std::optional<std::int64_t> settled(incoming_call& call, const place& where);

// The open file of a call, unless it was opened with O_PATH: null then, and where there is none.
[[nodiscard]] std::shared_ptr<open_file> find_usable(
    const call_services& services, const incoming_call& call
);

// The call acts on the open file itself, not on what it leads to: from now on it is no other's at
// the agent. 0, or -errno.
call_result make_private(call_services& services, incoming_call& call, open_file& file);

// A program that has just seen a process end must not meet what went with its descriptors (locks,
// the other end of a FIFO), although nobody has told us yet that they are gone: those of `ids` that
// have none any more are closed at the agent first, but for those that a call still uses.
awaitable<> close_the_unheld(
    call_services& services, incoming_call& call, std::vector<std::uint64_t> ids
);

// The same of open files that have no descriptor any more.
awaitable<> close_now(
    call_services& services, incoming_call& call, std::vector<std::shared_ptr<open_file>> files
);

// The same of the FIFO that is `file`, if it is one.
awaitable<> close_other_ends(call_services& services, incoming_call& call, const open_file& file);

// A request whose reply says no more than success.
template <typename Request>
call_result request(call_services& services, incoming_call& call, const Request& message) {
    reply_collector<Request> reply;
    const auto ec = co_await services.link.call(message, reply, call.caller);
    co_return ec ? failure(ec) : 0;
}

// One that acts on an open file as it is after all that was written behind: it is sent right behind
// that, and takes no longer than one that nothing is in front of.
template <typename Request>
call_result request_behind(
    call_services& services, incoming_call& call, const open_file& file, const Request& message
) {
    for (;;) {
        const auto before = co_await services.behind.send_all(file, call.caller);
        wish said;
        if (before.is_sent) {
            said.of = protocol::priority::write_back;
        } else if (before.of) {
            const auto until_it_came = write_behind::signals::wait;
            co_await services.behind.drain(file.identity, call.caller, until_it_came);
        }
        reply_collector<Request> reply;
        const auto ec = co_await services.link.call(message, reply, call.caller, said);
        if (!before.is_sent || ec) {
            co_return ec ? failure(ec) : 0;
        }
        const bool in_order = co_await services.behind.came_first(before, call.caller);
        if (in_order) {
            co_return 0;
        }
    }
}

// On a read-only side: what a call answers that creates a name, or that changes what is there. As a
// read-only mount: what exists is EEXIST to the one, what does not is ENOENT to the other, else
// EROFS. `at_flags`: AT_SYMLINK_NOFOLLOW or 0.
enum class mutation { creates, changes };
call_result refuse(
    call_services& services,
    incoming_call& call,
    const place& where,
    mutation kind,
    std::uint32_t at_flags
);

// The file that a location leads to, asked of the agent if need be; nothing where no file is mapped
// at all, or none is found.
awaitable<std::optional<file_identity>> mapped_candidate(
    call_services& services, incoming_call& call, const place& where, std::uint32_t at_flags
);

// A request that changes what the file holds or when it changed, as one with the file's mappings.
template <typename Request>
call_result request_change(
    call_services& services,
    incoming_call& call,
    const std::optional<file_identity>& file,
    const Request& message,
    shared_maps::extent what
) {
    held_image held;
    if (file) {
        held = co_await services.maps.begin_change(*file, shared_maps::stores::first);
    }
    const auto result = co_await request(services, call, message);
    if (file) {
        co_await services.maps.end_change(held, *file, what);
    }
    co_return result;
}

// Of a copy_range: the position of the other file's id.
inline constexpr std::size_t copied_to = 2;

// ---- calls_known.cpp: what is answered without the agent ----

// An open file as far as its opening tells; its handle and what else comes with that are to be set.
[[nodiscard]] open_files::description describe(
    const place& where, std::uint32_t flags, const protocol::attributes& attr
);

// The error that a path leads to, if it is known to.
[[nodiscard]] std::optional<std::int64_t> known_failure(const resolution& known);

// What statx(2) tells of the node with this mask; nothing where not all of that is known.
[[nodiscard]] std::optional<struct statx> known_status(const resolution& known, std::uint32_t mask);

// Of what was asked for, and the mask that the program gave: what it gets to see.
[[nodiscard]] struct statx shown_status(const protocol::attributes& attr, std::uint32_t mask);

// An open that needs no request, or fails without one. Nothing: the agent is to be asked; more
// about its names may be under way already.
awaitable<std::optional<std::int64_t>> open_known(
    call_services& services, incoming_call& call, const place& where, const protocol::open& request
);

// A directory that was opened without the agent shares its handle, and that is one of O_PATH.
// Before a call that needs more it gets one of its own. An errno, or 0.
awaitable<int> own_handles(call_services& services, incoming_call& call);
awaitable<int> own_handle(call_services& services, incoming_call& call, open_file& file);

// ---- calls_open.cpp ----
call_result serve_classify(call_services& services, incoming_call& call);
call_result serve_open(call_services& services, incoming_call& call);
call_result serve_close(call_services& services, incoming_call& call);
call_result serve_reclaim(call_services& services, incoming_call& call);
// ---- calls_settle.cpp ----
call_result serve_settle(call_services& services, incoming_call& call);
// ---- calls_write.cpp ----
call_result serve_write(call_services& services, incoming_call& call);
// ---- calls_io.cpp ----
call_result serve_read(call_services& services, incoming_call& call);
call_result serve_seek(call_services& services, incoming_call& call);
call_result serve_read_directory(call_services& services, incoming_call& call);
call_result serve_copy_range(call_services& services, incoming_call& call);
// ---- calls_file.cpp ----
call_result serve_sync(call_services& services, incoming_call& call);
call_result serve_allocate(call_services& services, incoming_call& call);
call_result serve_set_flags(call_services& services, incoming_call& call);
call_result serve_ioctl(call_services& services, incoming_call& call);
// ---- calls_lock.cpp ----
call_result serve_lock_file(call_services& services, incoming_call& call);
call_result serve_lock_record(call_services& services, incoming_call& call);
call_result serve_release_locks(call_services& services, incoming_call& call);
// ---- calls_map.cpp ----
call_result serve_map_shared(call_services& services, incoming_call& call);
call_result serve_sync_map(call_services& services, incoming_call& call);
// ---- calls_attribute.cpp ----
call_result serve_stat(call_services& services, incoming_call& call);
call_result serve_access(call_services& services, incoming_call& call);
call_result serve_read_link(call_services& services, incoming_call& call);
call_result serve_file_system(call_services& services, incoming_call& call);
call_result serve_canonicalize(call_services& services, incoming_call& call);
call_result serve_enter_directory(call_services& services, incoming_call& call);
call_result serve_set_attributes(call_services& services, incoming_call& call);
call_result serve_get_xattr(call_services& services, incoming_call& call);
call_result serve_list_xattr(call_services& services, incoming_call& call);
call_result serve_set_xattr(call_services& services, incoming_call& call);
call_result serve_remove_xattr(call_services& services, incoming_call& call);
// ---- calls_name.cpp ----
call_result serve_make_directory(call_services& services, incoming_call& call);
call_result serve_make_node(call_services& services, incoming_call& call);
call_result serve_make_link(call_services& services, incoming_call& call);
call_result serve_make_symlink(call_services& services, incoming_call& call);
call_result serve_rename(call_services& services, incoming_call& call);
call_result serve_remove(call_services& services, incoming_call& call);
// ---- calls_watch.cpp ----
call_result serve_watch_add(call_services& services, incoming_call& call);
call_result serve_watch_remove(call_services& services, incoming_call& call);
call_result serve_watch_closed(call_services& services, incoming_call& call);

}  // namespace farside::session
