// Moving bytes, and the position that moves with them.
//
// The position is in the segment, where lseek(2) moves it without asking the session; calls that
// use it take turns per open file. A read takes the position, reads there, then moves it by
// compare-and-swap: where somebody moved it meanwhile, the read is done again from there, as if it
// had come after. Writes are in calls_write.cpp.
#include "layer/session/calls.hpp"
#include "layer/session/file_position.hpp"
#include "layer/session/file_reader.hpp"
#include "layer/session/kernel_structs.hpp"
#include "protocol/limits.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>

#include <unistd.h>

namespace farside::session {
namespace {

// Then the position is stored whatever others did: no call waits for ever for a quiet moment.
constexpr int attempts_max = 4;

call_result read_at(
    call_services& services,
    incoming_call& call,
    open_file& file,
    std::int64_t offset,
    std::uint32_t bytes
) {
    const auto reader = file.reader;
    // Beyond, the kernel says EINVAL.
    const bool exists = offset >= 0 && offset <= INT64_MAX - std::int64_t{bytes};
    if (reader && exists) {
        const auto room = call.data_room.first(bytes);
        const auto at = static_cast<std::uint64_t>(offset);
        const auto kept = co_await reader->read(at, room, call.id(3), call.caller);
        if (kept) {
            call.data_bytes = static_cast<std::uint32_t>(*kept);
            co_return static_cast<std::int64_t>(*kept);
        }
    }
    const auto since = std::chrono::steady_clock::now();
    protocol::read request;
    request.handle = file.handle;
    request.offset = offset;
    request.bytes = bytes;
    reply_collector<protocol::read> reply;
    reply.room = call.data_room.first(bytes);
    held_image held;
    if (!services.maps.empty()) {
        held = co_await services.maps.hold(file.identity);
    }
    const auto ec = co_await services.link.call(request, reply, call.caller);
    if (ec) {
        co_return failure(ec);
    }
    services.names.was_read(file);
    if (reader) {
        reader->waited(std::chrono::steady_clock::now() - since);
    }
    if (held && offset >= 0) {
        held->show(static_cast<std::uint64_t>(offset), reply.room.first(reply.value));
    }
    call.data_bytes = static_cast<std::uint32_t>(reply.value);
    co_return static_cast<std::int64_t>(reply.value);
}

call_result read_at_position(
    call_services& services, incoming_call& call, open_file& file, std::uint32_t bytes
) {
    const auto turn = co_await file.position_turn.lock();
    std::int64_t position = 0;
    std::int64_t got = 0;
    for (int attempt = 0; attempt < attempts_max; ++attempt) {
        position = file.position();
        if (position < 0) {
            co_return -EINVAL;
        }
        got = co_await read_at(services, call, file, position, bytes);
        if (got < 0 || move_position(file, position, position + got)) {
            co_return got;
        }
    }
    store_position(file, position + got);
    co_return got;
}

}  // namespace

call_result serve_read(call_services& services, incoming_call& call) {
    const auto file = services.files.find(call.id());
    const std::int64_t offset = call.arguments[1];
    const auto bytes = call.id(2);
    if (!file || !file->readable()) {
        co_return -EBADF;
    }
    if (bytes > segment::data_room || !valid_offset(offset)) {
        co_return -EINVAL;
    }
    const auto wanted = static_cast<std::uint32_t>(bytes);
    std::int64_t result = 0;
    if (offset != segment::position_current) {
        result = co_await read_at(services, call, *file, offset, wanted);
    } else if (file->streams()) {
        co_await close_other_ends(services, call, *file);
        result = co_await read_at(services, call, *file, no_offset, wanted);
    } else {
        result = co_await read_at_position(services, call, *file, wanted);
    }
    co_return result;
}

namespace {

call_result seek_by_agent(
    call_services& services, incoming_call& call, open_file& file, std::int64_t offset, int whence
) {
    protocol::seek request;
    request.handle = file.handle;
    request.offset = offset;
    request.whence = static_cast<std::uint32_t>(whence);
    reply_collector<protocol::seek> reply;
    const auto ec = co_await services.link.call(request, reply, call.caller);
    if (ec) {
        co_return failure(ec);
    }
    if (reply.value.position < 0) {
        co_return -EIO;
    }
    if (!file.streams()) {
        store_position(file, reply.value.position);
    }
    co_return reply.value.position;
}

std::int64_t seek_relative(open_file& file, std::int64_t offset) {
    for (;;) {
        const std::int64_t position = file.position();
        const auto moved = sum(position, offset);
        if (!moved) {
            return -EINVAL;
        }
        if (move_position(file, position, *moved)) {
            return *moved;
        }
    }
}

}  // namespace

call_result serve_seek(call_services& services, incoming_call& call) {
    const auto file = services.files.find(call.id());
    const std::int64_t offset = call.arguments[1];
    const std::int64_t whence = call.arguments[2];
    if (!file || file->path_only()) {
        co_return -EBADF;
    }
    if (whence < SEEK_SET || whence > SEEK_HOLE) {
        co_return -EINVAL;
    }
    const bool here = whence == SEEK_SET || whence == SEEK_CUR;
    if (here && file->streams()) {
        // Only the agent's kernel knows whether this device seeks at all, and where that leads.
        const auto result = co_await seek_by_agent(services, call, *file, 0, SEEK_END);
        co_return result;
    }
    // A position that is being used moves when that is done.
    if (whence == SEEK_DATA || whence == SEEK_HOLE) {
        // What was stored may fill a hole. Where it cannot be written, the answer is older.
        co_await services.maps.write_back(file->identity);
    }
    const auto turn = co_await file->position_turn.lock();
    if (!here) {
        const auto result =
            co_await seek_by_agent(services, call, *file, offset, static_cast<int>(whence));
        co_return result;
    }
    if (whence == SEEK_CUR) {
        co_return seek_relative(*file, offset);
    }
    if (offset < 0) {
        co_return -EINVAL;
    }
    store_position(*file, offset);
    co_return offset;
}

namespace {

call_result copy_at(
    call_services& services,
    incoming_call& call,
    const open_file& from,
    std::int64_t from_offset,
    const open_file& to,
    std::int64_t to_offset
) {
    protocol::copy_range request;
    request.from = from.handle;
    request.from_offset = from_offset;
    request.to = to.handle;
    request.to_offset = to_offset;
    request.bytes = call.id(4);
    reply_collector<protocol::copy_range> reply;
    const int stored = co_await services.maps.write_back(from.identity);
    if (stored != 0) {
        co_return -stored;
    }
    const auto held = co_await services.maps.begin_change(to.identity, shared_maps::stores::first);
    const auto ec = co_await services.link.call(request, reply, call.caller);
    co_await services.maps.end_change(held, to.identity, shared_maps::extent::unknown);
    if (ec) {
        co_return failure(ec);
    }
    co_return reply.value.bytes > request.bytes ? -EIO
                                                : static_cast<std::int64_t>(reply.value.bytes);
}

}  // namespace

call_result serve_copy_range(call_services& services, incoming_call& call) {
    const auto from = services.files.find(call.id(0));
    const auto to = services.files.find(call.id(copied_to));
    // What the descriptors may do and which offsets there are is the kernel's to judge, in its
    // order.
    if (!from || !to || from->path_only() || to->path_only()) {
        co_return -EBADF;
    }
    if (to->writable() && to->where == side::remote_read_only) {
        co_return -EROFS;
    }
    const bool from_position = call.arguments[1] == segment::position_current;
    const bool to_position = call.arguments[3] == segment::position_current;
    // Both turns in the order of ids: two copies in opposite directions do not wait for each other.
    open_file& first = from->id <= to->id ? *from : *to;
    open_file& second = from->id <= to->id ? *to : *from;
    const auto first_turn = co_await first.position_turn.lock();
    async_mutex::guard second_turn;
    if (&first != &second) {
        second_turn = co_await second.position_turn.lock();
    }
    const std::int64_t from_offset = from_position ? from->position() : call.arguments[1];
    const std::int64_t to_offset = to_position ? to->position() : call.arguments[3];
    const auto copied = co_await copy_at(services, call, *from, from_offset, *to, to_offset);
    if (copied > 0 && from_position) {
        store_position(*from, from_offset + copied);
    }
    if (copied > 0 && to_position) {
        store_position(*to, to_offset + copied);
    }
    co_return copied;
}

}  // namespace farside::session
