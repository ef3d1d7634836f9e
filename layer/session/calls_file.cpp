// Calls on an open file other than moving its bytes.
#include "layer/session/calls.hpp"
#include "layer/session/kernel_structs.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <linux/fs.h>

namespace farside::session {
namespace {

// What F_SETFL changes (fcntl(2)); it ignores all else.
constexpr std::uint32_t settable_flags = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME;

std::shared_ptr<open_file> find_usable(const call_services& services, const incoming_call& call) {
    auto file = services.files.find(call.id());
    return file && !file->path_only() ? file : nullptr;
}

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
    const auto result = co_await request(services, call, message);
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
    protocol::set_flags message;
    message.handle = file->handle;
    message.flags = call.word(1) & settable_flags;
    const auto result = co_await request(services, call, message);
    if (result == 0) {
        file->flags = (file->flags & ~settable_flags) | message.flags;
        file->entry.flags.store(file->flags, std::memory_order_release);
    }
    co_return result;
}

call_result serve_lock_file(call_services& services, incoming_call& call) {
    const auto file = find_usable(services, call);
    if (!file) {
        co_return -EBADF;
    }
    protocol::lock_file message;
    message.handle = file->handle;
    message.operation = call.word(1);
    const auto result = co_await request(services, call, message);
    co_return result;
}

call_result serve_lock_record(call_services& services, incoming_call& call) {
    const auto file = find_usable(services, call);
    if (!file) {
        co_return -EBADF;
    }
    const auto command = call.arguments[1];
    if (call.data_in.size() != sizeof(struct flock) || command < F_OFD_GETLK ||
        command > F_OFD_SETLKW) {
        co_return -EINVAL;
    }

    struct flock lock {};

    std::memcpy(&lock, call.data_in.data(), sizeof lock);
    if (lock.l_whence == SEEK_CUR) {
        lock.l_whence = SEEK_SET;
        if (__builtin_add_overflow(lock.l_start, file->position(), &lock.l_start)) {
            co_return -EOVERFLOW;
        }
    }
    protocol::lock_record message;
    message.handle = file->handle;
    message.command = call.word(1);
    message.lock = to_record_lock(lock);
    reply_collector<protocol::lock_record> reply;
    const auto ec = co_await services.link.call(message, reply, call.caller);
    if (ec) {
        co_return failure(ec);
    }
    const struct flock answer = to_flock(reply.value.lock);
    co_return call.give(answer);
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
    call.arguments[2] = reply.value.value;
    co_return reply.value.result;
}

}  // namespace farside::session
