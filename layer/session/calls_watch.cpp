// Watches on remote paths.
#include "layer/session/calls.hpp"
#include "layer/session/remote_watches.hpp"

#include <sys/inotify.h>

namespace farside::session {
namespace {

constexpr std::uint32_t events_of_reading = IN_ACCESS | IN_OPEN | IN_CLOSE_NOWRITE;

}  // namespace

call_result serve_watch_add(call_services& services, incoming_call& call) {
    const place where = services.paths.find(call.id(segment::base0), call.path[0]);
    if (const auto result = settled(call, where)) {
        co_return *result;
    }
    const auto mask = call.word(segment::first_argument);
    const bool observes = (mask & events_of_reading) != 0;
    if (observes) {
        services.data.observe_reading();
    }
    const auto result = co_await services.watches.add(call, where.at, mask);
    if (observes) {
        services.data.observe_reading();  // what was opened meanwhile
    }
    co_return result;
}

call_result serve_watch_remove(call_services& services, incoming_call& call) {
    const auto watch = static_cast<std::int32_t>(call.word(0));
    const auto result = co_await services.watches.remove(call, watch);
    if (!result) {
        call.where = side::local;  // the kernel knows what it is
    }
    co_return result.value_or(0);
}

call_result serve_watch_closed(call_services& services, incoming_call& /*call*/) {
    services.watches.look_for_holders();
    co_return 0;
}

}  // namespace farside::session
