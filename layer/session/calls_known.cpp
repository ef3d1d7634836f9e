// Answers from what is known of the target's names, without a request: and what becomes of an open
// directory that came into being that way, when a call needs more of it.
#include "layer/session/calls.hpp"
#include "layer/session/kernel_structs.hpp"

#include <array>
#include <cerrno>
#include <span>

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
    auto opened = describe(where, flags, node.attr);
    opened.handle = *node.leased->lease;
    opened.lease = node.leased->lease;
    opened.node = node.id;
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

open_files::description describe(
    const place& where, std::uint32_t flags, const protocol::attributes& attr
) {
    open_files::description opened;
    opened.where = where.where;
    opened.path = where.path;
    opened.flags = open_files::status_flags(flags);
    opened.mode = attr.mode;
    opened.identity = identity_of(attr);
    return opened;
}

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

// The open files whose own handles a call uses, by the positions of their ids; none where a path is
// enough, or where nothing comes to the agent.
std::span<const std::size_t> used_themselves(const incoming_call& call) {
    static constexpr std::array<std::size_t, 2> first{0, copied_to};
    static constexpr std::array<std::size_t, 1> base{segment::base0};
    switch (call.op) {
        using enum segment::call;
        case copy_range:
            return first;
        case read:
        case write:
        case seek:
        case sync:
        case allocate:
        case set_flags:
        case lock_file:
        case lock_record:
        case ioctl:
        case map_shared:
            return std::span{first}.first(1);
        case access:
        case set_attributes:
        case get_xattr:
        case list_xattr:
        case set_xattr:
        case remove_xattr:
            return std::span{base}.first(call.path[0].empty() ? 1 : 0);
        default:
            return {};
    }
}

}  // namespace

awaitable<int> own_handles(call_services& services, incoming_call& call) {
    for (const auto at : used_themselves(call)) {
        const auto file = services.files.find(call.id(at));
        int failed = 0;
        if (file) {
            failed = co_await own_handle(services, call, *file);
        }
        if (failed != 0) {
            co_return failed;
        }
    }
    co_return 0;
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
