// Finding what is known, waiting for what is asked for, keeping up with what changes.
#include "layer/session/name_cache.hpp"

#include "layer/session/name_paths.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <utility>

namespace farside::session {
namespace {

using kind = resolution::kind;

bool later(const protocol::timestamp& a, const protocol::timestamp& b) {
    return std::pair{a.seconds, a.nanoseconds} > std::pair{b.seconds, b.nanoseconds};
}

// Once a name of the file is gone, a symbolic link in its place may lead to another name of it.
bool may_lead_to(const name_node& node, const open_file& file) {
    return file.node == 0 || S_ISDIR(file.mode) || name_tree::path_of(node) == file.path;
}

}  // namespace

name_cache::name_cache(
    task_group& tasks,
    agent_link& link,
    session_stats& stats,
    std::function<std::uint64_t()> answered_elsewhere,
    std::function<bool()> watched,
    options how
)
    : tasks_{tasks},
      link_{link},
      stats_{stats},
      answered_elsewhere_{std::move(answered_elsewhere)},
      watched_{std::move(watched)},
      enabled_{how.enabled},
      predict_{how.enabled && how.predict},
      tree_{[this](protocol::handle_id handle) { close(handle); }, how.limits} {
    agent_link::lease_holder told;
    told.changed = [this](const protocol::changes& notice) {
        if (enabled_) {
            tree_.apply(notice);
        }
    };
    told.lost = [this] { stop(); };
    link_.tell(agent_link::lease_of::names, std::move(told));
}

name_cache::~name_cache() {
    assert(lookups_.empty());
    link_.tell(agent_link::lease_of::names, {});
}

void name_cache::stop() {
    prediction_.judge(answered_elsewhere_());
    stats_.predictions(prediction_.guesses(), prediction_.used());
    // From now on nothing is told, nor closed.
    enabled_ = false;
    predict_ = false;
    tree_.forget_all();
}

void name_cache::close(protocol::handle_id handle) {
    if (enabled_ && link_.usable()) {
        tasks_.spawn(send_close(handle));
    }
}

awaitable<> name_cache::send_close(protocol::handle_id handle) {
    link_caller nobody{session_stats::waited::no};
    protocol::close request;
    request.handle = handle;
    reply_collector<protocol::close> reply;
    co_await link_.call(request, reply, nobody);
    tree_.recent().closed(handle);
}

// ---- finding ----

name_cache::view name_cache::look(const place& where, last_link last) {
    view seen;
    if (!enabled_) {
        return seen;
    }
    name_node* base = nullptr;
    if (where.at.base != protocol::no_handle) {
        base = where.base ? node_of(*where.base) : nullptr;
        if (base == nullptr) {
            seen.wanted = where.base ? where.base->path : std::string{};
            return seen;
        }
        if (where.at.path.empty()) {
            seen.known.what = kind::found;
            seen.known.node = base;
            return seen;
        }
    }
    seen.known = tree_.resolve(base, where.at.path, last);
    if (seen.known.what != kind::unknown) {
        return seen;
    }
    name_node* const directory = seen.known.directory;
    const auto above = directory == nullptr ? "/" : tree_.path_of(*directory);
    const auto names = leading(seen.known.rest);
    if (!above.empty() && names.count > 0) {
        seen.wanted = joined(above, names.path.substr(0, names.path.find('/')));
    }
    return seen;
}

awaitable<resolution> name_cache::find(const place& where, last_link last, link_caller& by) {
    patience left;
    for (;;) {
        auto seen = look(where, last);
        const bool unknown = seen.known.what == kind::unknown && !seen.wanted.empty();
        const bool wait = unknown && left.for_another(telling(seen.wanted));
        if (seen.known.what != kind::unknown) {
            prediction_.answered();
        }
        if (!wait) {
            co_return std::move(seen.known);
        }
        co_await wait_for_more(left, by);
    }
}

name_node* name_cache::node_of(open_file& file) {
    if (!enabled_) {
        return nullptr;
    }
    if (name_node* known = tree_.find(file.node)) {
        return known;
    }
    name_node* found = nullptr;
    for (const auto last : {last_link::follow, last_link::keep}) {
        const auto known = tree_.resolve(nullptr, file.path, last);
        const bool same = known.what == kind::found && known.node->attr.mask != 0 &&
                          identity_of(known.node->attr) == file.identity &&
                          may_lead_to(*known.node, file);
        found = same ? known.node : found;
    }
    if (found == nullptr) {
        return nullptr;
    }
    // As long as the file is open no other has its inode.
    file.node = found->id;
    // Its last descriptor may be gone, and the entry another file's.
    if (file.entry.id.load(std::memory_order_acquire) == file.id) {
        file.entry.node.store(file.node, std::memory_order_release);
    }
    return found;
}

void name_cache::mind(open_files& files) {
    tree_.doubt([this, &files](const name_node& node) {
        return std::ranges::any_of(files.of_inode(identity_of(node.attr)), [&](open_file* file) {
            return node_of(*file) != &node;
        });
    });
    open_files::observer observer;
    observer.added = [this](open_file& file) {
        if (enabled_) {
            tree_.uncover_others(file.identity, node_of(file));
        }
    };
    observer.released = [this](open_file& file) {
        if (enabled_ && node_of(file) == nullptr) {
            tree_.recent().changed_silently(file.identity);
        }
    };
    files.tell(std::move(observer));
}

// ---- waiting ----

// A lookup under way that tells of the name, as far as the agent can.
name_cache::lookup_ptr name_cache::telling(std::string_view wanted) const {
    for (const auto& asked : lookups_) {
        const bool on_the_way = at_or_below(asked->target, wanted);
        const bool listed =
            asked->request.list && wanted != "/" &&
            (parent_of(wanted) == asked->target ||
             (asked->request.below_bytes_max != 0 && at_or_below(wanted, asked->target)));
        if (on_the_way || listed) {
            return asked;
        }
    }
    return nullptr;
}

// Whether to wait for it: for some, and each as long as it takes.
bool name_cache::patience::for_another(lookup_ptr next) {
    if (next != told) {
        told = std::move(next);
        ++lookups;
    }
    return told && lookups <= waits_max;
}

awaitable<> name_cache::wait_for_more(const patience& for_what, link_caller& by) {
    if (!std::exchange(for_what.told->counted, true)) {
        stats_.awaited(protocol::opcode::lookup);
        by.count_request();
    }
    async_event turn{tasks_.executor()};
    waiting_.push_back(&turn);
    co_await turn.wait();
}

// More is known now, maybe.
void name_cache::wake() {
    for (async_event* waiting : std::exchange(waiting_, {})) {
        waiting->notify();
    }
}

// ---- files ----

awaitable<boost::system::error_code> name_cache::fetch(
    const protocol::fetch& request, std::uint64_t bytes, link_caller& by
) {
    const auto began = tree_.recent().begin();
    reply_collector<protocol::fetch> reply;
    reply.arrived = [this, began](const protocol::lookup_reply& frame) { tell(frame, began); };
    const wish said{protocol::priority::prefetch, bytes};
    const auto ec = co_await link_.call(request, reply, by, said);
    tree_.recent().end();
    co_return ec;
}

// A read changes the time of the last one where that is older than the last change, or a day old
// (mount(8), relatime), and nobody tells.
void name_cache::was_read(open_file& file) {
    name_node* const node = node_of(file);
    if (node == nullptr) {
        return;
    }
    ++node->reads;
    const auto& attr = node->attr;
    const bool renewed =
        !later(attr.accessed, attr.modified) || !later(attr.accessed, attr.changed);
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    if (renewed || std::chrono::seconds{attr.accessed.seconds} + std::chrono::days{1} < now) {
        tree_.unsettle(*node);
    }
}

void name_cache::changed_silently(open_file& file) {
    if (name_node* const node = node_of(file)) {
        tree_.uncover(*node);
    }
}

void name_cache::changed_silently(const place& where, last_link last) {
    const auto seen = look(where, last);
    if (seen.known.what == kind::found) {
        tree_.uncover(*seen.known.node);
    }
}

}  // namespace farside::session
