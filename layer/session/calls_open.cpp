// Opening and closing.
#include "layer/session/calls.hpp"
#include "layer/session/file_reader.hpp"
#include "layer/session/remote_watches.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>

namespace farside::session {
namespace {

// Whether open(2) with these flags makes or changes something, where it may: on a read-only side it
// must not come to the agent. O_PATH opens nothing for use and ignores the other flags.
bool writes(std::uint32_t flags) {
    return (flags & O_PATH) == 0 && ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0 ||
                                     (flags & O_TMPFILE) == O_TMPFILE);
}

bool creates(std::uint32_t flags) {
    return (flags & O_PATH) == 0 && (flags & O_CREAT) != 0;
}

constexpr std::uint32_t exclusive = O_CREAT | O_EXCL;

std::uint32_t link_flags(std::uint32_t open_flags) {
    return (open_flags & O_NOFOLLOW) != 0 ? AT_SYMLINK_NOFOLLOW : 0;
}

protocol::open to_request(const incoming_call& call, const place& where) {
    protocol::open request;
    request.at = where.at;
    request.flags = call.word(segment::first_argument + 1) & ~static_cast<std::uint32_t>(O_CLOEXEC);
    request.mode = call.word(segment::first_argument + 2);
    request.umask = call.word(segment::first_argument + 3);
    request.resolve = call.id(segment::first_argument + 4);
    return request;
}

// Whether the bytes of what is opened may be kept: it is only read, and how that acts on the file
// is not asked for.
bool may_be_kept(std::uint32_t flags) {
    constexpr std::uint32_t others =
        O_PATH | O_DIRECTORY | O_TRUNC | O_DIRECT | O_NOATIME | O_ASYNC;
    return (flags & O_ACCMODE) == O_RDONLY && (flags & others) == 0;
}

// What is known of a file that the agent opened.
struct opened_file {
    protocol::handle_id handle = protocol::no_handle;
    protocol::attributes attr;
    std::shared_ptr<file_reader> reader;
};

// Whether its attributes hold, but for the time of access, which is nothing to an open.
bool holds(const name_node& node) {
    return node.covered || node.read_since;
}

bool leads_to_file(const resolution& known) {
    return known.what == resolution::kind::found && S_ISREG(known.node->attr.mode) &&
           holds(*known.node);
}

std::int64_t add_file(
    call_services& services,
    const incoming_call& call,
    const place& where,
    std::uint32_t flags,
    opened_file what
) {
    if (what.handle == protocol::no_handle) {
        return -EIO;
    }
    auto opened = describe(where, flags, what.attr);
    opened.handle = what.handle;
    opened.reader = std::move(what.reader);
    const auto id = call.id(segment::first_argument);
    if (!services.files.add(id, std::move(opened))) {
        return -ENFILE;  // its process died, or gave the entry away, in the meantime
    }
    const auto file = services.files.find(id);
    services.behind.prepare(file);
    services.paths.tell_names_far(*file);
    const name_node* const node = file->reader ? services.names.node_of(*file) : nullptr;
    if (node != nullptr && holds(*node)) {
        services.data.name(file->reader->data(), node->id);
    }
    return 0;
}

// A file whose bytes are kept, or on their way: nothing is left to ask the agent. Its name was
// waited for, if at all, before: a lookup that has just been sent is not, it takes as long as the
// open.
awaitable<std::optional<std::int64_t>> open_kept(
    call_services& services, incoming_call& call, const place& where, const protocol::open& request
) {
    if (request.resolve != 0 || creates(request.flags)) {
        co_return std::nullopt;
    }
    const bool keeps = (request.flags & O_NOFOLLOW) != 0;
    const auto last = keeps ? last_link::keep : last_link::follow;
    auto known = services.names.known(where, last);
    if (!leads_to_file(known)) {
        co_return std::nullopt;
    }
    services.siblings.will_open(*known.node);
    if (services.siblings.awaited(known.node->id)) {
        co_await services.siblings.arrival(known.node->id);
        known = services.names.known(where, last);
        if (!leads_to_file(known)) {
            co_return std::nullopt;
        }
    }
    auto kept = services.data.find(known.node->id, known.node->attr);
    if (!kept) {
        co_return std::nullopt;
    }
    services.data.note_use(*kept);
    opened_file opened;
    opened.handle = kept->handle();
    opened.attr = known.node->attr;
    opened.reader = std::make_shared<file_reader>(services.data, std::move(kept), 0);
    co_return add_file(services, call, where, request.flags, std::move(opened));
}

// With a lease and the first bytes, where the agent grants that. Nothing: it knows of no leases.
awaitable<std::optional<std::int64_t>> open_leased(
    call_services& services, incoming_call& call, const place& where, const protocol::open& request
) {
    protocol::open_leased message;
    message.at = request.at;
    message.flags = request.flags;
    message.mode = request.mode;
    message.umask = request.umask;
    message.resolve = request.resolve;
    message.inline_bytes = services.data.inline_bytes();
    opened_file opened;
    std::shared_ptr<file_data> kept;
    const file_cache::asking under_way{services.data};
    reply_collector<protocol::open_leased> reply;
    reply.arrived = [&](const protocol::open_leased_reply& answer) {
        opened.handle = answer.handle;
        opened.attr = answer.attr;
        kept = services.data.opened(answer, message.inline_bytes);
    };
    const auto ec = co_await services.link.call(message, reply, call.caller);
    if (ec && failure(ec) == -ENOSYS) {
        services.data.note_unsupported();
        co_return std::nullopt;
    }
    if (ec) {
        co_return failure(ec);
    }
    if (kept) {
        opened.reader =
            std::make_shared<file_reader>(services.data, std::move(kept), message.inline_bytes);
    }
    co_return add_file(services, call, where, request.flags, std::move(opened));
}

call_result open_remote(
    call_services& services, incoming_call& call, const place& where, const protocol::open& request
) {
    if (services.watches.instances() == 0) {
        services.data.reading_is_not_observed();
    }
    if (services.data.enabled() && may_be_kept(request.flags)) {
        const auto kept = co_await open_kept(services, call, where, request);
        if (kept) {
            co_return *kept;
        }
        const auto result = co_await open_leased(services, call, where, request);
        if (result) {
            co_return *result;
        }
    }
    std::optional<file_identity> truncated;
    if ((request.flags & O_TRUNC) != 0) {
        truncated = co_await mapped_candidate(services, call, where, link_flags(request.flags));
    }
    held_image held;
    if (truncated) {
        held = co_await services.maps.begin_change(*truncated, shared_maps::stores::stay);
    }
    reply_collector<protocol::open> reply;
    const auto ec = co_await services.link.call(request, reply, call.caller);
    if (truncated) {
        co_await services.maps.end_change(held, *truncated, shared_maps::extent::known);
    }
    held.release();
    if (ec) {
        co_return failure(ec);
    }
    opened_file opened;
    opened.handle = reply.value.handle;
    opened.attr = reply.value.attr;
    co_return add_file(services, call, where, request.flags, std::move(opened));
}

call_result open_read_only(
    call_services& services, incoming_call& call, const place& where, protocol::open& request
) {
    if (!writes(request.flags) && (request.flags & exclusive) != exclusive) {
        // Creating nothing is what is left of O_CREAT, where the file is there.
        const bool would_create = creates(request.flags);
        request.flags &= would_create ? ~static_cast<std::uint32_t>(O_CREAT) : ~0U;
        const auto result = co_await open_remote(services, call, where, request);
        co_return would_create&& result == -ENOENT ? -EROFS : result;
    }
    if ((request.flags & exclusive) == exclusive && creates(request.flags)) {
        const auto result =
            co_await refuse(services, call, where, mutation::creates, AT_SYMLINK_NOFOLLOW);
        co_return result;
    }
    if (creates(request.flags)) {
        co_return -EROFS;
    }
    const auto result =
        co_await refuse(services, call, where, mutation::changes, link_flags(request.flags));
    co_return result;
}

// Frees a claim that did not become an open file.
std::int64_t without_claim(call_services& services, std::uint64_t id, std::int64_t result) {
    services.files.drop(id);
    return result;
}

}  // namespace

call_result serve_classify(call_services& services, incoming_call& call) {
    const auto verdict = services.paths.classify(call.path[0]);
    co_return verdict ? static_cast<std::int64_t>(*verdict) : -EINVAL;
}

call_result serve_open(call_services& services, incoming_call& call) {
    const auto id = call.id(segment::first_argument);
    if (!services.files.claimed(id)) {
        co_return -EINVAL;
    }
    const place where = services.paths.find(call.id(segment::base0), call.path[0]);
    if (const auto result = settled(call, where)) {
        co_return without_claim(services, id, *result);
    }
    const auto fifos = services.files.fifos();
    if (!fifos.empty()) {
        co_await close_the_unheld(services, call, fifos);
    }
    protocol::open request = to_request(call, where);
    const auto known = co_await open_known(services, call, where, request);
    if (known) {
        co_return *known < 0 ? without_claim(services, id, *known) : *known;
    }
    std::int64_t result = 0;
    if (where.read_only()) {
        result = co_await open_read_only(services, call, where, request);
    } else {
        result = co_await open_remote(services, call, where, request);
    }
    co_return result < 0 ? without_claim(services, id, result) : result;
}

call_result serve_close(call_services& services, incoming_call& call) {
    auto file = services.files.find(call.id());
    // The agent is told without waiting for its answer: what was written behind is there already,
    // and what was stored into a mapping is brought there first.
    int failed = file ? std::exchange(file->write_failure, 0) : 0;
    if (file && !services.maps.empty()) {
        const file_identity identity = file->identity;
        file.reset();
        const int stored = co_await services.maps.write_back(identity);
        failed = failed != 0 ? failed : stored;
    }
    file.reset();
    services.descriptors.closed(call.id());
    if (services.watches.instances() > 0) {
        // But a watch tells of it, before close(2) returns: by an answer to what is asked after it.
        const protocol::ping question{};
        reply_collector<protocol::ping> answer;
        co_await services.link.call(question, answer, call.caller);
    }
    co_return -failed;
}

call_result serve_reclaim(call_services& services, incoming_call& /*call*/) {
    co_return static_cast<std::int64_t>(services.descriptors.reclaim());
}

}  // namespace farside::session
