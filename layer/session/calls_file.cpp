// Calls on an open file other than moving its bytes and locking it.
#include "layer/session/calls.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <linux/fs.h>

namespace farside::session {
namespace {

// What F_SETFL changes (fcntl(2)); it ignores all else.
constexpr std::uint32_t settable_flags = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME;

// How reading acts on the file is asked for: it has to come there.
constexpr std::uint32_t past_the_cache = O_DIRECT | O_NOATIME;

}  // namespace

call_result serve_sync(call_services& services, incoming_call& call) {
    const auto file = find_usable(services, call);
    if (!file) {
        co_return -EBADF;
    }
    if (call.id(1) > static_cast<std::uint64_t>(protocol::sync_kind::range)) {
        co_return -EINVAL;
    }
    protocol::sync message;
    message.handle = file->handle;
    message.kind = static_cast<protocol::sync_kind>(call.id(1));
    message.offset = call.arguments[2];
    message.bytes = call.arguments[3];
    message.flags = call.word(4);
    int stored = 0;
    if (message.kind == protocol::sync_kind::file_system) {
        stored = co_await services.maps.write_back_all();
    } else {
        stored = co_await services.maps.write_back(file->identity);
    }
    const auto result = co_await request_behind(services, call, *file, message);
    if (const int lost = std::exchange(file->write_failure, 0)) {
        co_return -lost;
    }
    co_return stored != 0 ? -stored : result;
}

call_result serve_allocate(call_services& services, incoming_call& call) {
    const auto file = find_usable(services, call);
    if (!file) {
        co_return -EBADF;
    }
    if (file->writable() && file->where == side::remote_read_only) {
        co_return -EROFS;
    }
    protocol::allocate message;
    message.handle = file->handle;
    message.mode = call.word(1);
    message.offset = call.arguments[2];
    message.bytes = call.arguments[3];
    const auto result = co_await request_change(
        services, call, file->identity, message, shared_maps::extent::unknown
    );
    co_return result;
}

call_result serve_set_flags(call_services& services, incoming_call& call) {
    const auto file = find_usable(services, call);
    if (!file) {
        co_return -EBADF;
    }
    const auto refused = co_await make_private(services, call, *file);
    if (refused != 0) {
        co_return refused;
    }
    // A write behind that came after O_APPEND would land elsewhere.
    const write_behind::hold hold{services.behind, file->identity};
    co_await services.behind.drain(file->identity, call.caller, write_behind::signals::wait);
    protocol::set_flags message;
    message.handle = file->handle;
    message.flags = call.word(1) & settable_flags;
    const auto result = co_await request(services, call, message);
    if (result == 0) {
        file->flags = (file->flags & ~settable_flags) | message.flags;
        file->entry.flags.store(file->flags, std::memory_order_release);
        if ((message.flags & past_the_cache) != 0) {
            file->read_past_cache();
        }
    }
    co_return result;
}

call_result serve_ioctl(call_services& services, incoming_call& call) {
    const auto file = find_usable(services, call);
    if (!file) {
        co_return -EBADF;
    }
    if (call.id(1) == FS_IOC_SETFLAGS && file->where == side::remote_read_only) {
        co_return -EROFS;
    }
    protocol::ioctl message;
    message.handle = file->handle;
    message.command = call.id(1);
    message.value = call.arguments[2];
    reply_collector<protocol::ioctl> reply;
    const auto ec = co_await services.link.call(message, reply, call.caller);
    if (ec) {
        co_return failure(ec);
    }
    if (call.id(1) == FS_IOC_SETFLAGS) {
        services.names.changed_silently(*file);
    }
    call.arguments[2] = reply.value.value;
    co_return reply.value.result;
}

}  // namespace farside::session
