// Locks on files. Where another process is in the way, programs are told its pid: that of a covered
// process the session knows, that of any other is what the target's kernel says.
#include "layer/session/calls.hpp"
#include "layer/session/kernel_structs.hpp"
#include "protocol/lock_messages.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>

namespace farside::session {
namespace {

using holding = lock_owners::holding;

// A request that is about the locks of an owner, or of none.
class lock_request {
public:
    lock_request(lock_owners& owners, std::shared_ptr<lock_owner> owner)
        : owners_{owners}, owner_{std::move(owner)} {
        if (owner_) {
            lock_owners::begin(*owner_);
        }
    }

    lock_request(const lock_request&) = delete;
    lock_request& operator=(const lock_request&) = delete;

    ~lock_request() {
        if (owner_) {
            lock_owners::give_up(*owner_);
        }
    }

    [[nodiscard]] std::uint64_t number() const { return owner_ ? owner_->number : 0; }

    void done(const file_identity& inode, holding now) {
        if (const auto owner = std::exchange(owner_, nullptr)) {
            owners_.end(*owner, inode, now);
        }
    }

private:
    lock_owners& owners_;
    std::shared_ptr<lock_owner> owner_;
};

// What fcntl(2) leaves in the program's structure: all of it only where something is in the way.
std::int64_t tell(
    call_services& services,
    incoming_call& call,
    const struct flock& asked,
    const protocol::lock_process_reply& reply
) {
    struct flock told = asked;
    if (reply.lock.type == F_UNLCK) {
        told.l_type = F_UNLCK;
        return call.give(told);
    }
    told = to_flock(reply.lock);
    if (reply.owner != 0) {
        told.l_pid = services.locks.process_of(reply.owner);
    }
    return call.give(told);
}

// F_GETLK, F_SETLK, F_SETLKW; F_OFD_GETLK.
call_result lock_process(
    call_services& services,
    incoming_call& call,
    std::shared_ptr<open_file> file,
    struct flock asked,
    protocol::record_lock lock
) {
    const auto command = call.word(1);
    if (services.locks.has_dead()) {
        co_await services.locks.bury_dead();
    }
    const bool takes = command != F_OFD_GETLK && command != F_GETLK && asked.l_type != F_UNLCK;
    auto owner = takes                    ? services.locks.make(call.pid)
                 : command == F_OFD_GETLK ? nullptr
                                          : services.locks.find(call.pid);
    if (takes && !owner) {
        co_return -ENOLCK;  // nobody would notice that it ended
    }
    lock_request under_way{services.locks, std::move(owner)};
    protocol::lock_process message;
    message.handle = file->handle;
    message.owner = under_way.number();
    message.command = command;
    message.lock = lock;
    reply_collector<protocol::lock_process> reply;
    const auto ec = co_await services.link.call(message, reply, call.caller);
    if (ec) {
        co_return failure(ec);
    }
    under_way.done(file->identity, reply.value.holds ? holding::locks : holding::nothing);
    co_return tell(services, call, asked, reply.value);
}

// F_OFD_SETLK, F_OFD_SETLKW.
call_result lock_open_file(
    call_services& services, incoming_call& call, open_file& file, protocol::record_lock lock
) {
    const auto shared = co_await make_private(services, call, file);
    if (shared != 0) {
        co_return -ENOLCK;
    }
    services.files.note_lock(file);
    protocol::lock_record message;
    message.handle = file.handle;
    message.command = call.word(1);
    message.lock = lock;
    reply_collector<protocol::lock_record> reply;
    const auto ec = co_await services.link.call(message, reply, call.caller);
    co_return ec ? failure(ec) : 0;
}

// Locks of files of the same inode that have no descriptor, and no mapping, any more.
awaitable<> end_unheld_locks(call_services& services, incoming_call& call, const open_file& file) {
    const auto beside = services.files.locked_beside(file);
    co_await close_the_unheld(services, call, beside);
    if (services.maps.maps(file.identity)) {
        auto ended = co_await services.maps.take_ended(file.identity);
        std::erase_if(ended, [&](const std::shared_ptr<open_file>& one) {
            return !one->locked || one->closed || services.files.find(one->id) == one;
        });
        co_await close_now(services, call, std::move(ended));
    }
}

}  // namespace

call_result serve_lock_file(call_services& services, incoming_call& call) {
    const auto file = find_usable(services, call);
    if (!file) {
        co_return -EBADF;
    }
    co_await end_unheld_locks(services, call, *file);
    const auto shared = co_await make_private(services, call, *file);
    if (shared != 0) {
        co_return -ENOLCK;
    }
    services.files.note_lock(*file);
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

    struct flock asked {};

    if (call.data_in.size() != sizeof asked) {
        co_return -EINVAL;
    }
    std::memcpy(&asked, call.data_in.data(), sizeof asked);
    auto lock = to_record_lock(asked);
    if (lock.whence == SEEK_CUR) {
        lock.whence = SEEK_SET;
        if (__builtin_add_overflow(lock.start, file->position(), &lock.start)) {
            co_return -EOVERFLOW;
        }
    }
    co_await end_unheld_locks(services, call, *file);
    std::int64_t result = -EINVAL;
    switch (call.arguments[1]) {
        case F_GETLK:
        case F_SETLK:
        case F_SETLKW:
        case F_OFD_GETLK:
            result = co_await lock_process(services, call, file, asked, lock);
            break;
        case F_OFD_SETLK:
        case F_OFD_SETLKW:
            result = co_await lock_open_file(services, call, *file, lock);
            break;
        default:
            break;
    }
    co_return result;
}

call_result serve_release_locks(call_services& services, incoming_call& call) {
    const auto file = find_usable(services, call);
    if (!file) {
        co_return -EBADF;
    }
    auto owner = services.locks.find(call.pid);
    if (!owner || (owner->under_way == 0 && !owner->locked.contains(file->identity))) {
        co_return 0;
    }
    lock_request under_way{services.locks, std::move(owner)};
    protocol::release_locks message;
    message.handle = file->handle;
    message.owner = under_way.number();
    const auto result = co_await request(services, call, message);
    if (result == 0) {
        under_way.done(file->identity, holding::nothing);
    }
    co_return result;
}

}  // namespace farside::session
