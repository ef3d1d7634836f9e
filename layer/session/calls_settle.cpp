// What a call must find at the target of what was written behind: nothing where it cannot see or
// change any of it, one file where it is about an open one, everything where it goes by a path,
// since a path does not say which file it leads to. A stat is asked for so often that it looks
// where its path leads, and waits for that file only (calls_attribute.cpp).
#include "layer/session/calls.hpp"

#include <cerrno>

#include <fcntl.h>

namespace farside::session {
namespace {

enum class sees { nothing, file, two_files, everything };

// The open file itself, or what a path leads to.
sees of_location(const incoming_call& call) {
    const bool itself = call.id(segment::base0) != 0 && call.path[0].empty();
    return itself ? sees::file : sees::everything;
}

sees of_stat(const incoming_call& call) {
    return of_location(call) == sees::file ? sees::file : sees::nothing;
}

// Descriptors of directories and names tell nothing of bytes.
sees of_open(const incoming_call& call) {
    const auto flags = call.word(segment::first_argument + 1);
    const bool for_names = (flags & O_PATH) != 0 || (flags & O_DIRECTORY) == O_DIRECTORY;
    return for_names ? sees::nothing : sees::everything;
}

sees of_seek(const incoming_call& call) {
    return call.arguments[2] == SEEK_SET || call.arguments[2] == SEEK_CUR ? sees::nothing
                                                                          : sees::file;
}

// A reader of a FIFO may look at files that were written before it got its word. Writes to files
// are their handler's affair.
sees of_write(const call_services& services, const incoming_call& call) {
    const auto file = services.files.find(call.id());
    return file && file->streams() ? sees::everything : sees::nothing;
}

// What is stored in mappings comes behind what was written.
bool is_mapped(const call_services& services, std::uint64_t id) {
    const auto file = services.files.find(id);
    return file && services.maps.maps(file->identity);
}

// Sent right behind the bytes, where it can (request_behind).
sees of_sync(const call_services& services, const incoming_call& call) {
    const bool file_system =
        call.id(1) == static_cast<std::uint64_t>(protocol::sync_kind::file_system);
    return file_system                      ? sees::everything
           : is_mapped(services, call.id()) ? sees::file
                                            : sees::nothing;
}

sees of_change(const call_services& services, const incoming_call& call) {
    return changes_behind(services, call) ? sees::nothing : of_location(call);
}

sees of(const call_services& services, const incoming_call& call) {
    switch (call.op) {
        using enum segment::call;
        case classify:
        case reclaim:
        case read_directory:
        case access:
        case read_link:
        case canonicalize:
        case enter_directory:
        case watch_remove:
        case watch_closed:
        case sync_map:
            return sees::nothing;
        case open:
            return of_open(call);
        case write:
            return of_write(services, call);
        case seek:
            return of_seek(call);
        case sync:
            return of_sync(services, call);
        case close:
        case read:
        case allocate:
        case set_flags:
        case lock_file:
        case lock_record:
        case release_locks:
        case ioctl:
        case map_shared:
            return sees::file;
        case copy_range:
            return sees::two_files;
        case stat:
            return of_stat(call);
        case set_attributes:
            return of_change(services, call);
        case get_xattr:
        case list_xattr:
        case set_xattr:
        case remove_xattr:
            return of_location(call);
        case file_system:
        case make_directory:
        case make_node:
        case make_link:
        case make_symlink:
        case rename:
        case remove:
        case watch_add:
        case settle:
            return sees::everything;
    }
    return sees::nothing;
}

// Calls that a signal interrupts while they wait at the target.
bool is_interrupted(const call_services& services, const incoming_call& call) {
    const auto file = services.files.find(call.id());
    const bool streams = file && file->streams();
    return call.op == segment::call::open || call.op == segment::call::lock_file ||
           call.op == segment::call::lock_record || (call.op == segment::call::write && streams);
}

awaitable<bool> drain_file(
    call_services& services, incoming_call& call, std::size_t argument, write_behind::signals how
) {
    const auto file = services.files.find(call.id(argument));
    bool done = true;
    if (file) {
        done = co_await services.behind.drain(file->identity, call.caller, how);
    }
    co_return done;
}

}  // namespace

bool changes_behind(const call_services& services, const incoming_call& call) {
    return of_location(call) == sees::file &&
           call.word(segment::first_argument + 1) != protocol::set_mask::size &&
           !is_mapped(services, call.id(segment::base0));
}

call_result settle_before(call_services& services, incoming_call& call) {
    const auto how =
        is_interrupted(services, call) ? write_behind::signals::end : write_behind::signals::wait;
    bool done = true;
    switch (of(services, call)) {
        case sees::nothing:
            break;
        case sees::file:
            done = co_await drain_file(services, call, 0, how);
            break;
        case sees::two_files:
            done = co_await drain_file(services, call, 0, how);
            if (done) {
                done = co_await drain_file(services, call, copied_to, how);
            }
            break;
        case sees::everything:
            done = co_await services.behind.drain_all(call.caller, how);
            break;
    }
    co_return done ? 0 : -EINTR;
}

call_result serve_settle(call_services& /*services*/, incoming_call& /*call*/) {
    co_return 0;
}

}  // namespace farside::session
