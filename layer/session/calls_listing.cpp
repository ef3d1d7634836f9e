// Reading directories: from the names that are known, or at the agent.
#include "layer/session/calls.hpp"
#include "layer/session/kernel_structs.hpp"
#include "protocol/limits.hpp"

#include <algorithm>
#include <cerrno>
#include <span>

#include <fcntl.h>
#include <sys/stat.h>

namespace farside::session {
namespace {

// The records that fit; the position goes behind them.
std::int64_t give_entries(
    incoming_call& call,
    open_file& file,
    std::span<const protocol::directory_entry> entries,
    std::size_t bytes
) {
    const auto packed = pack_entries(entries, call.data_room.first(bytes));
    if (packed.malformed && packed.count == 0) {
        return -EIO;
    }
    if (packed.count == 0) {
        return entries.empty() ? 0 : -EINVAL;
    }
    file.entry.position.store(entries[packed.count - 1].next_position, std::memory_order_release);
    call.data_bytes = static_cast<std::uint32_t>(packed.bytes);
    return static_cast<std::int64_t>(packed.bytes);
}

call_result read_directory_at_agent(
    call_services& services, incoming_call& call, open_file& file, std::size_t bytes
) {
    const int failed = co_await own_handle(services, call, file);
    if (failed != 0) {
        co_return -failed;
    }
    protocol::read_directory request;
    request.handle = file.handle;
    request.position = file.position();
    request.bytes = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(bytes, protocol::limits::directory_bytes_max)
    );
    reply_collector<protocol::read_directory> reply;
    const auto ec = co_await services.link.call(request, reply, call.caller);
    if (ec) {
        co_return failure(ec);
    }
    services.names.was_read(file);
    co_return give_entries(call, file, reply.value.entries, bytes);
}

// Whether the directory is no more. Only one that is not known any more may be.
awaitable<bool> was_removed(call_services& services, incoming_call& call, const open_file& file) {
    if (services.names.tree().find(file.node) != nullptr) {
        co_return false;
    }
    protocol::stat request;
    request.at.base = file.handle;
    request.mask = STATX_NLINK;
    reply_collector<protocol::stat> reply;
    const auto ec = co_await services.link.call(request, reply, call.caller);
    co_return !ec && reply.value.attr.links == 0;
}

}  // namespace

// Whoever begins with the entries that are known here goes on with them, whatever happens to the
// directory meanwhile, until it begins again.
call_result serve_read_directory(call_services& services, incoming_call& call) {
    const auto file = services.files.find(call.id());
    const auto bytes = std::min<std::uint64_t>(call.id(1), segment::data_room);
    if (!file || file->path_only()) {
        co_return -EBADF;
    }
    if (!S_ISDIR(file->mode)) {
        co_return -ENOTDIR;
    }
    const auto turn = co_await file->position_turn.lock();
    if (file->position() == 0 || (!file->listed && !file->read_at_agent)) {
        file->listed = co_await services.names.list(*file, call.caller);
    }
    file->read_at_agent = !file->listed;
    if (!file->listed) {
        const auto result = co_await read_directory_at_agent(services, call, *file, bytes);
        co_return result;
    }
    const bool removed = co_await was_removed(services, call, *file);
    if (removed) {
        co_return -ENOENT;
    }
    const std::span<const protocol::directory_entry> all{*file->listed};
    const auto position = static_cast<std::uint64_t>(file->position());
    co_return give_entries(
        call, *file, all.subspan(std::min<std::uint64_t>(position, all.size())), bytes
    );
}

}  // namespace farside::session
