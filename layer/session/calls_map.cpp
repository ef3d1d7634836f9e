// Shared mappings: the descriptor that a program maps, and bringing stores to the file. That
// mappings and other calls see one file is the affair of those calls (shared_maps.hpp).
#include "layer/session/calls.hpp"
#include "layer/session/descriptor_passing.hpp"

#include <cerrno>

#include <sys/mman.h>
#include <sys/statvfs.h>

namespace farside::session {
namespace {

// The caller does not know which.
constexpr std::uint64_t any_image = 0;

// In the order in which mmap(2) looks.
int check(const open_file& file, std::uint32_t protection) {
    if (file.path_only()) {
        return EBADF;
    }
    if ((protection & PROT_WRITE) != 0 && !file.writable()) {
        return EACCES;
    }
    if (!file.readable()) {
        return EACCES;
    }
    return 0;
}

// EPERM for code on a file system that must not have any.
call_result check_execution(call_services& services, const open_file& file) {
    link_caller by;  // mmap(2) knows no EINTR
    protocol::file_system message;
    message.at.base = file.handle;
    reply_collector<protocol::file_system> reply;
    const auto ec = co_await services.link.call(message, reply, by);
    if (ec) {
        co_return failure(ec);
    }
    co_return (reply.value.flags & ST_NOEXEC) != 0 ? -EPERM : 0;
}

}  // namespace

call_result serve_map_shared(call_services& services, incoming_call& call) {
    auto file = services.files.find(call.id());
    const auto protection = call.word(1);
    if (!file) {
        co_return -EBADF;
    }
    if (const int refused = check(*file, protection)) {
        co_return -refused;
    }
    if (!S_ISREG(file->mode)) {
        co_return -ENODEV;
    }
    if (!call.descriptor) {
        co_return -EINVAL;
    }
    if ((protection & PROT_EXEC) != 0) {
        const auto allowed = co_await check_execution(services, *file);
        if (allowed < 0) {
            co_return allowed;
        }
    }
    // The image begins with all that was written; from then on it is told of each write.
    const write_behind::hold hold{services.behind, file->identity};
    co_await services.behind.drain(file->identity, call.caller, write_behind::signals::wait);
    call.caller.count_request();
    const auto mapped = co_await services.maps.map(std::move(file));
    if (mapped.failure != 0) {
        co_return -mapped.failure;
    }
    const int failed = send_descriptor(call.descriptor.get(), mapped.descriptor.get());
    co_return failed != 0 ? -failed : static_cast<std::int64_t>(mapped.image);
}

call_result serve_sync_map(call_services& services, incoming_call& call) {
    using segment::sync_map;
    if (call.id() == any_image) {
        const int failed = co_await services.maps.write_back_all();
        services.maps.hurry();
        co_return -failed;
    }
    const auto held = co_await services.maps.hold(call.id());
    if (!held) {
        co_return 0;  // it ended, and what was stored is written
    }
    call.caller.count_request();
    int failed = 0;
    switch (static_cast<sync_map>(call.id(1))) {
        case sync_map::write:
            failed = co_await held->write_back();
            break;
        case sync_map::sync:
            failed = co_await held->sync();
            break;
        case sync_map::refresh:
            failed = co_await held->sync();
            co_await held->refresh();
            break;
        case sync_map::unmap:
            failed = co_await held->write_back();
            services.maps.hurry();
            break;
        default:
            failed = EINVAL;
    }
    co_return -failed;
}

}  // namespace farside::session
