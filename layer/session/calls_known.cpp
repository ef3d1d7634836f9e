// Answers from what is known of the target's names, without a request: and what becomes of an open
// directory that came into being that way, when a call needs more of it.
#include "layer/session/calls.hpp"
#include "layer/session/kernel_structs.hpp"

#include <cerrno>

#include <fcntl.h>

namespace farside::session {
namespace {

using kind = resolution::kind;

constexpr std::uint32_t told_always = STATX_BASIC_STATS | STATX_MNT_ID;

// The kernel's O_LARGEFILE, as in open_files.cpp.
constexpr std::uint32_t large_file = 0100000;

// Flags with which a directory can be opened as one that is opened already.
constexpr std::uint32_t plain_flags =
    O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | large_file;

bool path_only(std::uint32_t flags) {
    return (flags & O_PATH) != 0;
}

bool creates(std::uint32_t flags) {
    return !path_only(flags) && (flags & O_CREAT) != 0;
}

bool exclusive(std::uint32_t flags) {
    return creates(flags) && (flags & O_EXCL) != 0;
}

// A directory that may be searched may be opened with O_PATH; one whose names the agent read may
// be read.
bool shareable(call_services& services, name_node& node, std::uint32_t flags) {
    if (!node.directory() || !node.leased) {
        return false;
    }
    if (path_only(flags)) {
        return true;
    }
    return (flags & ~plain_flags) == O_RDONLY && services.names.may_list() &&
           services.names.tree().list(node) != nullptr;
}

std::int64_t share(
    call_services& services,
    const incoming_call& call,
    const place& where,
    const name_node& node,
    std::uint32_t flags
) {
    open_files::description opened;
    opened.handle = *node.leased->lease;
    opened.lease = node.leased->lease;
    opened.node = node.id;
    opened.where = where.where;
    opened.path = where.path;
    opened.flags = open_files::status_flags(flags);
    opened.mode = node.attr.mode;
    opened.identity = identity_of(node.attr);
    return services.files.add(call.id(segment::first_argument), std::move(opened)) ? 0 : -ENFILE;
}

// What open(2) says of what is there; nothing where the agent has to say it.
std::optional<std::int64_t> open_found(
    call_services& services,
    const incoming_call& call,
    const place& where,
    name_node& node,
    std::uint32_t flags
) {
    if (exclusive(flags)) {
        return where.wants_directory ? std::nullopt : std::optional<std::int64_t>{-EEXIST};
    }
    if (creates(flags) || node.attr.mask == 0) {
        return std::nullopt;
    }
    if ((flags & O_DIRECTORY) != 0 && !node.directory()) {
        return -ENOTDIR;
    }
    if (node.symbolic_link() && !path_only(flags)) {
        return -ELOOP;
    }
    if (shareable(services, node, flags)) {
        return share(services, call, where, node, flags);
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::int64_t> known_failure(const resolution& known) {
    switch (known.what) {
        case kind::missing:
            return -ENOENT;
        case kind::not_directory:
            return -ENOTDIR;
        case kind::loop:
            return -ELOOP;
        case kind::found:
        case kind::unknown:
            break;
    }
    return std::nullopt;
}

struct statx shown_status(const protocol::attributes& attr, std::uint32_t mask) {
    struct statx shown = to_statx(attr);
    shown.stx_mask &= mask | told_always;
    if ((shown.stx_mask & STATX_BTIME) == 0) {
        shown.stx_btime = {};
    }
    return shown;
}

std::optional<struct statx> known_status(const resolution& known, std::uint32_t mask) {
    if (known.what != kind::found || !known.node->covered) {
        return std::nullopt;
    }
    const auto& attr = known.node->attr;
    const bool all =
        (STATX_BASIC_STATS & ~attr.mask) == 0 && (mask & ~(told_always | STATX_BTIME)) == 0;
    return all ? std::optional{shown_status(attr, mask)} : std::nullopt;
}

awaitable<std::optional<std::int64_t>> open_known(
    call_services& services, incoming_call& call, const place& where, const protocol::open& request
) {
    const auto flags = request.flags;
    if (request.resolve != 0) {
        co_return std::nullopt;
    }
    const bool keeps = (flags & O_NOFOLLOW) != 0 || exclusive(flags);
    const auto last = keeps ? last_link::keep : last_link::follow;
    const auto known = co_await services.names.find(where, last, call.caller);
    const auto failed = known_failure(known);
    if (failed && !creates(flags)) {
        co_return failed;
    }
    if (known.what == kind::found) {
        const auto result = open_found(services, call, where, *known.node, flags);
        if (result) {
            co_return result;
        }
    }
    const bool lists = (flags & O_DIRECTORY) != 0 && (flags & O_ACCMODE) == O_RDONLY &&
                       !path_only(flags) && !creates(flags);
    services.names.missed(known, lists ? name_cache::wants::all : name_cache::wants::one);
    co_return std::nullopt;
}

// ---- handles of their own ----

namespace {

// The open file whose own handle a call uses, by the position of its id; none where a path is
// enough, or where nothing comes to the agent.
std::optional<std::size_t> used_itself(const incoming_call& call) {
    switch (call.op) {
        using enum segment::call;
        case read:
        case write:
        case seek:
        case sync:
        case allocate:
        case copy_range:
        case set_flags:
        case lock_file:
        case lock_record:
        case ioctl:
        case map_shared:
            return 0;
        case access:
        case set_attributes:
        case get_xattr:
        case list_xattr:
        case set_xattr:
        case remove_xattr:
            return call.path[0].empty() ? std::optional<std::size_t>{segment::base0} : std::nullopt;
        default:
            return std::nullopt;
    }
}

// Of a copy: the position of the other file's id.
constexpr std::size_t copied_to = 2;

awaitable<int> own_handle_at(call_services& services, incoming_call& call, std::size_t at) {
    const auto file = services.files.find(call.id(at));
    if (!file) {
        co_return 0;
    }
    const int failed = co_await own_handle(services, call, *file);
    co_return failed;
}

}  // namespace

awaitable<int> own_handles(call_services& services, incoming_call& call) {
    int failed = 0;
    if (const auto at = used_itself(call)) {
        failed = co_await own_handle_at(services, call, *at);
    }
    if (failed == 0 && call.op == segment::call::copy_range) {
        failed = co_await own_handle_at(services, call, copied_to);
    }
    co_return failed;
}

awaitable<int> own_handle(call_services& services, incoming_call& call, open_file& file) {
    if (!file.lease || file.path_only()) {
        co_return 0;
    }
    protocol::open request;
    request.at.base = file.handle;
    request.at.path = ".";
    request.flags = O_RDONLY | O_DIRECTORY;
    reply_collector<protocol::open> reply;
    const auto lease = file.lease;
    const auto ec = co_await services.link.call(request, reply, call.caller);
    if (ec) {
        co_return static_cast<int>(-failure(ec));
    }
    if (reply.value.handle == protocol::no_handle) {
        co_return EIO;
    }
    if (!file.lease) {
        services.files.close_unused(reply.value.handle);  // another call was faster
    } else {
        file.handle = reply.value.handle;
        file.lease.reset();
    }
    co_return 0;
}

}  // namespace farside::session
