// Calls that make, move and remove names.
#include "layer/session/calls.hpp"
#include "layer/session/remote_watches.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/sysmacros.h>

namespace farside::session {
namespace {

constexpr std::size_t argument_1 = segment::first_argument;
constexpr std::size_t argument_2 = argument_1 + 1;
constexpr std::size_t argument_3 = argument_1 + 2;

place find(const call_services& services, const incoming_call& call) {
    return services.paths.find(call.id(segment::base0), call.path[0]);
}

// Sends `message`, which creates a name at `where`, unless that side is read-only.
template <typename Request>
call_result create(
    call_services& services, incoming_call& call, const place& where, const Request& message
) {
    std::int64_t result = 0;
    if (where.read_only()) {
        result = co_await refuse(services, call, where, mutation::creates, AT_SYMLINK_NOFOLLOW);
    } else {
        result = co_await request(services, call, message);
    }
    co_return result;
}

// As settled(), for a call between two places: they must be on one side.
std::optional<std::int64_t> settled(incoming_call& call, const place& from, const place& to) {
    for (const place* p : {&from, &to}) {
        if (p->failure != 0) {
            return -p->failure;
        }
        if (p->where == side::hidden) {
            return -ENOENT;
        }
    }
    call.where = from.where;
    if (from.remote() != to.remote()) {
        call.where = side::remote;
        return -EXDEV;
    }
    if (from.remote()) {
        return std::nullopt;
    }
    call.path_out[0] = from.local_path();
    call.path_out[1] = to.local_path();
    return 0;
}

}  // namespace

call_result serve_make_directory(call_services& services, incoming_call& call) {
    const place where = find(services, call);
    if (const auto result = settled(call, where)) {
        co_return *result;
    }
    protocol::make_directory message;
    message.at = where.at;
    message.mode = call.word(argument_1);
    message.umask = call.word(argument_2);
    const auto result = co_await create(services, call, where, message);
    co_return result;
}

call_result serve_make_node(call_services& services, incoming_call& call) {
    const place where = find(services, call);
    if (const auto result = settled(call, where)) {
        co_return *result;
    }
    protocol::make_node message;
    message.at = where.at;
    message.mode = call.word(argument_1);
    message.umask = call.word(argument_2);
    message.major = gnu_dev_major(call.id(argument_3));
    message.minor = gnu_dev_minor(call.id(argument_3));
    const auto result = co_await create(services, call, where, message);
    co_return result;
}

call_result serve_make_symlink(call_services& services, incoming_call& call) {
    const place where = find(services, call);
    if (const auto result = settled(call, where)) {
        co_return *result;
    }
    protocol::make_symlink message;
    message.at = where.at;
    message.target.resize(call.data_in.size());
    std::memcpy(message.target.data(), call.data_in.data(), call.data_in.size());
    if (message.target.empty() || message.target.find('\0') != std::string::npos) {
        co_return -ENOENT;
    }
    if (message.target.size() >= segment::path_room) {
        co_return -ENAMETOOLONG;
    }
    const auto result = co_await create(services, call, where, message);
    co_return result;
}

call_result serve_make_link(call_services& services, incoming_call& call) {
    const place from = find(services, call);
    const place to = services.paths.find(call.id(segment::base1), call.path[1]);
    if (const auto result = settled(call, from, to)) {
        co_return *result;
    }
    protocol::make_link message;
    message.from = from.at;
    message.to = to.at;
    message.flags = call.word(argument_1);
    if (from.read_only() && !to.read_only()) {
        co_return -EROFS;
    }
    const auto result = co_await create(services, call, to, message);
    if (result == 0) {
        const bool follows = (message.flags & AT_SYMLINK_FOLLOW) != 0;
        services.names.changed_silently(from, follows ? last_link::follow : last_link::keep);
    }
    co_return result;
}

namespace {

// A leased directory that is removed lives on until its handle is closed, which was asked for when
// the agent told so: whoever watches it is to know before the call returns.
awaitable<> let_go(call_services& services, incoming_call& call) {
    if (services.watches.instances() > 0) {
        const protocol::ping question{};
        reply_collector<protocol::ping> answer;
        co_await services.link.call(question, answer, call.caller);
    }
}

}  // namespace

call_result serve_rename(call_services& services, incoming_call& call) {
    const place from = find(services, call);
    const place to = services.paths.find(call.id(segment::base1), call.path[1]);
    if (const auto result = settled(call, from, to)) {
        co_return *result;
    }
    if (from.read_only() || to.read_only()) {
        co_return -EROFS;
    }
    protocol::rename message;
    message.from = from.at;
    message.to = to.at;
    message.flags = call.word(argument_1);
    const auto result = co_await request(services, call, message);
    co_await let_go(services, call);
    co_return result;
}

call_result serve_remove(call_services& services, incoming_call& call) {
    const place where = find(services, call);
    if (const auto result = settled(call, where)) {
        co_return *result;
    }
    if (where.read_only()) {
        co_return -EROFS;
    }
    protocol::remove message;
    message.at = where.at;
    message.flags = call.word(argument_1);
    const auto result = co_await request(services, call, message);
    co_await let_go(services, call);
    co_return result;
}

}  // namespace farside::session
