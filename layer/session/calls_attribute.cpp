// Calls about what an inode says: stat and its kin, permissions, owners, sizes, times, extended
// attributes.
#include "layer/session/calls.hpp"
#include "layer/session/kernel_structs.hpp"
#include "protocol/limits.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

namespace farside::session {
namespace {

constexpr std::size_t argument_1 = segment::first_argument;
constexpr std::size_t argument_2 = argument_1 + 1;
constexpr std::size_t argument_3 = argument_1 + 2;
constexpr std::size_t argument_4 = argument_1 + 3;

// Of the flags of a call, those that say whether a last symbolic link is followed.
std::uint32_t link_flags(const incoming_call& call) {
    return call.word(argument_1) & AT_SYMLINK_NOFOLLOW;
}

place find(const call_services& services, const incoming_call& call) {
    return services.paths.find(call.id(segment::base0), call.path[0]);
}

// Flags of a stat that what is known can answer.
constexpr std::uint32_t cached_stat_flags =
    AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_DONT_SYNC;
constexpr std::uint32_t rights = R_OK | W_OK | X_OK;
constexpr std::uint32_t cached_access_flags = AT_SYMLINK_NOFOLLOW | AT_EACCESS | AT_EMPTY_PATH;

last_link last_of(std::uint32_t at_flags) {
    return (at_flags & AT_SYMLINK_NOFOLLOW) != 0 ? last_link::keep : last_link::follow;
}

// What was written behind to the file, once it is known which that is. False: the caller is gone.
awaitable<bool> settle_file(
    call_services& services, incoming_call& call, const protocol::attributes& attr
) {
    const auto file = identity_of(attr);
    const bool done =
        co_await services.behind.drain(file, call.caller, write_behind::signals::wait);
    co_return done;
}

// Where the answer is about a file that something was on its way to, it may be too old.
awaitable<boost::system::error_code> ask_status(
    call_services& services,
    incoming_call& call,
    const protocol::stat& message,
    reply_collector<protocol::stat>& reply
) {
    const auto written = services.behind.files();
    auto ec = co_await services.link.call(message, reply, call.caller);
    const auto& attr = reply.value.attr;
    if (ec || !std::ranges::binary_search(written, identity_of(attr))) {
        co_return ec;
    }
    const bool settled = co_await settle_file(services, call, attr);
    if (!settled) {
        co_return boost::system::error_code{EINTR, boost::system::system_category()};
    }
    ec = co_await services.link.call(message, reply, call.caller);
    co_return ec;
}

// The answer is also what is known from now on of a node whose time of access was all that was not,
// unless it was read again meanwhile.
call_result stat_at_agent(
    call_services& services, incoming_call& call, protocol::stat message, std::uint64_t node
) {
    auto& tree = services.names.tree();
    const auto wanted = message.mask;
    std::uint32_t reads = 0;
    std::uint64_t settled = 0;
    if (const auto* before = tree.find(node); before != nullptr && before->read_since) {
        message.mask |= before->attr.mask;
        reads = before->reads;
        settled = node;
    }
    reply_collector<protocol::stat> reply;
    const auto ec = co_await ask_status(services, call, message, reply);
    if (ec) {
        co_return failure(ec);
    }
    const auto& attr = reply.value.attr;
    if (auto* now = tree.find(settled); now != nullptr && now->reads == reads) {
        tree.settle(*now, attr);
    }
    services.names.was_seen(node, attr);
    const struct statx answer = settled == 0 ? to_statx(attr) : shown_status(attr, wanted);
    co_return call.give(answer);
}

}  // namespace

call_result serve_stat(call_services& services, incoming_call& call) {
    const place where = find(services, call);
    if (const auto result = settled(call, where)) {
        co_return *result;
    }
    protocol::stat message;
    message.at = where.at;
    message.flags = call.word(argument_1);
    message.mask = call.word(argument_2);
    // The kernel is to judge flags that it may refuse.
    if ((message.flags & ~cached_stat_flags) != 0) {
        const auto result = co_await stat_at_agent(services, call, message, 0);
        co_return result;
    }
    auto known = co_await services.names.find(where, last_of(message.flags), call.caller);
    const bool pending = known.what == resolution::kind::found &&
                         services.behind.writes(identity_of(known.node->attr));
    if (pending) {
        const bool settled = co_await settle_file(services, call, known.node->attr);
        if (!settled) {
            co_return -EINTR;
        }
        known = co_await services.names.find(where, last_of(message.flags), call.caller);
    }
    if (const auto failed = known_failure(known)) {
        co_return *failed;
    }
    if (const auto status = known_status(known, message.mask)) {
        co_return call.give(*status);
    }
    services.names.missed(known, name_cache::wants::one);
    const bool found = known.what == resolution::kind::found;
    const auto result = co_await stat_at_agent(services, call, message, found ? known.node->id : 0);
    co_return result;
}

call_result serve_access(call_services& services, incoming_call& call) {
    const place where = find(services, call);
    if (const auto result = settled(call, where)) {
        co_return *result;
    }
    protocol::access message;
    message.at = where.at;
    message.mode = call.word(argument_1);
    message.flags = call.word(argument_2);
    const bool refused =
        (message.flags & ~cached_access_flags) != 0 || (message.mode & ~rights) != 0;
    if (refused) {
        const auto result = co_await request(services, call, message);
        co_return result;
    }
    const auto known = co_await services.names.find(where, last_of(message.flags), call.caller);
    if (const auto failed = known_failure(known)) {
        co_return *failed;
    }
    // Who may do what is the agent's to say: of what is known, only whether it is there.
    if (known.what == resolution::kind::found && message.mode == F_OK) {
        co_return 0;
    }
    services.names.missed(known, name_cache::wants::one);
    const auto result = co_await request(services, call, message);
    const bool to_write = (message.mode & W_OK) != 0;
    co_return result == 0 && to_write&& where.read_only() ? -EROFS : result;
}

call_result serve_read_link(call_services& services, incoming_call& call) {
    const place where = find(services, call);
    if (const auto result = settled(call, where)) {
        co_return *result;
    }
    if (!call.path[0].empty()) {
        const auto known = co_await services.names.find(where, last_link::keep, call.caller);
        if (const auto failed = known_failure(known)) {
            co_return *failed;
        }
        const bool found = known.what == resolution::kind::found;
        if (found && known.node->symbolic_link() && !known.node->link.empty()) {
            co_return call.give_bytes(known.node->link);
        }
        services.names.missed(known, name_cache::wants::one);
    }
    protocol::read_link message;
    message.at = where.at;
    reply_collector<protocol::read_link> reply;
    const auto ec = co_await services.link.call(message, reply, call.caller);
    co_return ec ? failure(ec) : call.give_bytes(reply.value.path);
}

call_result serve_file_system(call_services& services, incoming_call& call) {
    const place where = find(services, call);
    if (const auto result = settled(call, where)) {
        co_return *result;
    }
    protocol::file_system message;
    message.at = where.at;
    reply_collector<protocol::file_system> reply;
    const auto ec = co_await services.link.call(message, reply, call.caller);
    if (ec) {
        co_return failure(ec);
    }
    const struct statfs answer = to_statfs(reply.value);
    co_return call.give(answer);
}

namespace {

bool valid_nanoseconds(long ns) {
    return (ns >= 0 && ns < 1'000'000'000) || ns == UTIME_NOW || ns == UTIME_OMIT;
}

// Fills in the value that the mask names. An errno where it is none.
int set_value(protocol::set_attributes& message, const incoming_call& call) {
    switch (message.mask) {
        case protocol::set_mask::mode:
            message.mode = call.word(argument_3);
            return 0;
        case protocol::set_mask::owner:
            message.uid = call.word(argument_3);
            message.gid = call.word(argument_4);
            return 0;
        case protocol::set_mask::size:
            message.size = call.arguments[argument_3];
            return message.size < 0 ? EINVAL : 0;
        case protocol::set_mask::times: {
            std::array<struct timespec, 2> times{};
            if (call.data_in.size() != sizeof times) {
                return EINVAL;
            }
            std::memcpy(times.data(), call.data_in.data(), sizeof times);
            if (!valid_nanoseconds(times[0].tv_nsec) || !valid_nanoseconds(times[1].tv_nsec)) {
                return EINVAL;
            }
            message.accessed = {times[0].tv_sec, static_cast<std::uint32_t>(times[0].tv_nsec)};
            message.modified = {times[1].tv_sec, static_cast<std::uint32_t>(times[1].tv_nsec)};
            return 0;
        }
        default:
            return EINVAL;
    }
}

}  // namespace

call_result serve_set_attributes(call_services& services, incoming_call& call) {
    const place where = find(services, call);
    if (const auto result = settled(call, where)) {
        co_return *result;
    }
    protocol::set_attributes message;
    message.at = where.at;
    message.flags = call.word(argument_1);
    message.mask = call.word(argument_2);
    if (const int wrong = set_value(message, call)) {
        co_return -wrong;
    }
    // ftruncate(2) asks how the file was opened; truncate(2) of /proc/self/fd/N does not.
    const bool itself = call.path[0].empty() && (message.flags & AT_EMPTY_PATH) == 0;
    if (itself && message.mask == protocol::set_mask::size && !where.base->writable()) {
        co_return where.base->path_only() ? -EBADF : -EINVAL;
    }
    if (where.read_only()) {
        const auto flags = link_flags(call);
        const auto result = co_await refuse(services, call, where, mutation::changes, flags);
        co_return result;
    }
    std::int64_t result = 0;
    if (where.base && changes_behind(services, call)) {
        result = co_await request_behind(services, call, *where.base, message);
    } else {
        const auto file = co_await mapped_candidate(services, call, where, link_flags(call));
        result = co_await request_change(services, call, file, message, shared_maps::extent::known);
    }
    if (message.mask == protocol::set_mask::times) {
        services.names.changed_silently(where, last_of(message.flags));
    }
    co_return result;
}

call_result serve_get_xattr(call_services& services, incoming_call& call) {
    const place where = find(services, call);
    if (const auto result = settled(call, where)) {
        co_return *result;
    }
    protocol::get_xattr message;
    message.at = where.at;
    message.flags = call.word(argument_1);
    message.name = call.path[1];
    reply_collector<protocol::get_xattr> reply;
    const auto ec = co_await services.link.call(message, reply, call.caller);
    co_return ec ? failure(ec) : call.give_bytes(reply.value.value);
}

call_result serve_list_xattr(call_services& services, incoming_call& call) {
    const place where = find(services, call);
    if (const auto result = settled(call, where)) {
        co_return *result;
    }
    protocol::list_xattr message;
    message.at = where.at;
    message.flags = call.word(argument_1);
    reply_collector<protocol::list_xattr> reply;
    const auto ec = co_await services.link.call(message, reply, call.caller);
    co_return ec ? failure(ec) : call.give_bytes(reply.value.value);
}

call_result serve_set_xattr(call_services& services, incoming_call& call) {
    const place where = find(services, call);
    if (const auto result = settled(call, where)) {
        co_return *result;
    }
    if (call.data_in.size() > protocol::limits::xattr_value_bytes_max) {
        co_return -E2BIG;
    }
    if (where.read_only()) {
        const auto flags = link_flags(call);
        const auto result = co_await refuse(services, call, where, mutation::changes, flags);
        co_return result;
    }
    protocol::set_xattr message;
    message.at = where.at;
    message.flags = call.word(argument_1);
    message.name = call.path[1];
    message.value.resize(call.data_in.size());
    std::memcpy(message.value.data(), call.data_in.data(), call.data_in.size());
    message.how = call.word(argument_2);
    const auto result = co_await request(services, call, message);
    co_return result;
}

call_result serve_remove_xattr(call_services& services, incoming_call& call) {
    const place where = find(services, call);
    if (const auto result = settled(call, where)) {
        co_return *result;
    }
    if (where.read_only()) {
        const auto flags = link_flags(call);
        const auto result = co_await refuse(services, call, where, mutation::changes, flags);
        co_return result;
    }
    protocol::remove_xattr message;
    message.at = where.at;
    message.flags = call.word(argument_1);
    message.name = call.path[1];
    const auto result = co_await request(services, call, message);
    co_return result;
}

}  // namespace farside::session
