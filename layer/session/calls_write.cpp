// write(2): behind where that may be (write_behind.hpp), else asked of the agent at once.
//
// A write at the position claims its range first and gives back what a short write left over; calls
// that use the position take turns per open file (calls_io.cpp).
#include "layer/session/calls.hpp"
#include "layer/session/file_position.hpp"
#include "layer/session/remote_watches.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/uio.h>

namespace farside::session {
namespace {

using file_pointer = std::shared_ptr<open_file>;

struct written {
    std::int64_t result = 0;
    std::int64_t position = 0;  // after the last byte; -1: none
};

// Locks go with their process, whatever is on its way then: what is written under one must be there
// before.
bool under_lock(const call_services& services, const incoming_call& call, const open_file& file) {
    const auto owner = services.locks.find(call.pid);
    return owner && (owner->under_way > 0 || owner->locked.contains(file.identity));
}

// Mappings see a write when it returns, watches tell of it.
bool may_be_behind(
    call_services& services,
    const incoming_call& call,
    const file_pointer& file,
    std::int64_t offset
) {
    return offset >= 0 && call.word(2) == 0 && services.watches.instances() == 0 &&
           !services.maps.maps(file->identity) && !under_lock(services, call, *file) &&
           services.behind.may_take(file, static_cast<std::uint64_t>(offset), call.data_in.size());
}

// Whether the bytes were taken. Else what was taken before is at the target.
awaitable<bool> write_behind_at(
    call_services& services, incoming_call& call, const file_pointer& file, std::int64_t offset
) {
    while (may_be_behind(services, call, file, offset) && !call.caller.gone()) {
        if (services.behind.has_room(call.data_in.size())) {
            services.behind.take(file, static_cast<std::uint64_t>(offset), call.data_in);
            co_return true;
        }
        co_await services.behind.wait_for_room(call.caller);
    }
    co_await services.behind.drain(file->identity, call.caller, write_behind::signals::wait);
    co_return false;
}

awaitable<written> write_through(
    call_services& services, incoming_call& call, const open_file& file, std::int64_t offset
) {
    protocol::write request;
    request.handle = file.handle;
    request.offset = offset;
    request.sync_flags = call.word(2);
    request.data.bytes = call.data_in;
    reply_collector<protocol::write> reply;
    held_image held;
    if (!services.maps.empty()) {
        held = co_await services.maps.begin_change(file.identity, shared_maps::stores::stay);
    }
    const auto ec = co_await services.link.call(request, reply, call.caller);
    const bool told = !ec && reply.value.bytes <= call.data_in.size() &&
                      reply.value.position >= reply.value.bytes;
    if (held && told) {
        const auto begin = static_cast<std::uint64_t>(reply.value.position) - reply.value.bytes;
        held->written(begin, call.data_in.first(reply.value.bytes));
    }
    const auto extent = told ? shared_maps::extent::known : shared_maps::extent::unknown;
    if (!services.maps.empty()) {
        co_await services.maps.end_change(held, file.identity, extent);
    }
    written done;
    if (ec) {
        done.result = failure(ec);
    } else if (reply.value.bytes > call.data_in.size()) {
        done.result = -EIO;
    } else {
        done.result = reply.value.bytes;
        done.position = reply.value.position;
    }
    co_return done;
}

awaitable<written> write_at(
    call_services& services, incoming_call& call, const file_pointer& file, std::int64_t offset
) {
    written done;
    const bool taken = co_await write_behind_at(services, call, file, offset);
    if (taken) {
        done.result = static_cast<std::int64_t>(call.data_in.size());
        done.position = offset + done.result;
    } else {
        done = co_await write_through(services, call, *file, offset);
    }
    co_return done;
}

// At the end of the file, wherever that is: the agent says where it was.
call_result append(call_services& services, incoming_call& call, const file_pointer& file) {
    const auto turn = co_await file->position_turn.lock();
    const auto done = co_await write_at(services, call, file, no_offset);
    if (done.result > 0 && done.position >= 0) {
        store_position(*file, done.position);
    }
    co_return done.result;
}

call_result write_at_position(
    call_services& services, incoming_call& call, const file_pointer& file
) {
    const auto turn = co_await file->position_turn.lock();
    const auto bytes = static_cast<std::int64_t>(call.data_in.size());
    std::int64_t position = 0;
    std::optional<std::int64_t> end;
    do {
        position = file->position();
        end = sum(position, bytes);
        if (position < 0 || !end) {
            co_return position < 0 ? -EINVAL : -EFBIG;
        }
    } while (!move_position(*file, position, *end));
    const auto done = co_await write_at(services, call, file, position);
    const std::int64_t put = std::max<std::int64_t>(done.result, 0);
    if (put < bytes) {
        // Where somebody moved it meanwhile, the position is theirs.
        static_cast<void>(move_position(*file, *end, position + put));
    }
    co_return done.result;
}

}  // namespace

call_result serve_write(call_services& services, incoming_call& call) {
    const auto file = services.files.find(call.id());
    const std::int64_t offset = call.arguments[1];
    if (!file || !file->writable()) {
        co_return -EBADF;
    }
    if (!valid_offset(offset)) {
        co_return -EINVAL;
    }
    if (file->where == side::remote_read_only) {
        co_return -EROFS;
    }
    if (file->write_failure != 0) {
        // Where the program's call has an answer already, the next one tells.
        const bool goes_on = call.word(3) != 0;
        co_return -(goes_on ? file->write_failure : std::exchange(file->write_failure, 0));
    }
    const bool positioned = offset != segment::position_current;
    if (positioned || file->streams()) {
        co_await close_other_ends(services, call, *file);
        const auto done = co_await write_at(services, call, file, positioned ? offset : no_offset);
        co_return done.result;
    }
    std::int64_t result = 0;
    if ((file->flags & O_APPEND) != 0 || (call.word(2) & RWF_APPEND) != 0) {
        result = co_await append(services, call, file);
    } else {
        result = co_await write_at_position(services, call, file);
    }
    co_return result;
}

}  // namespace farside::session
