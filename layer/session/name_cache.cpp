// Finding, asking, waiting.
#include "layer/session/name_cache.hpp"

#include "protocol/limits.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <utility>

namespace farside::session {
namespace {

using kind = resolution::kind;

std::string joined(std::string_view directory, std::string_view name) {
    std::string path{directory};
    if (!path.ends_with('/') && !name.empty()) {
        path += '/';
    }
    path += name;
    return path;
}

// The names at the front of a path: up to "..", or one that no file has. `all` where that is all
// of it.
struct leading_names {
    std::string path;
    std::size_t count = 0;
    bool all = true;
};

leading_names leading(std::string_view path) {
    leading_names names;
    while (true) {
        const auto begin = path.find_first_not_of('/');
        if (begin == std::string_view::npos) {
            return names;
        }
        path.remove_prefix(begin);
        const auto name = path.substr(0, path.find('/'));
        path.remove_prefix(name.size());
        if (name == ".." || name.size() > protocol::limits::name_bytes_max) {
            names.all = false;
            return names;
        }
        if (name != ".") {
            names.path = names.count == 0 ? std::string{name} : joined(names.path, name);
            ++names.count;
        }
    }
}

// Whether `path` is `above` or lies below it.
bool at_or_below(std::string_view path, std::string_view above) {
    return path.starts_with(above) &&
           (path.size() == above.size() || above.ends_with('/') || path[above.size()] == '/');
}

bool later(const protocol::timestamp& a, const protocol::timestamp& b) {
    return std::pair{a.seconds, a.nanoseconds} > std::pair{b.seconds, b.nanoseconds};
}

std::string_view parent_of(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == 0 ? path.substr(0, 1) : path.substr(0, slash);
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
    link_.tell(std::move(told));
}

name_cache::~name_cache() {
    assert(lookups_.empty());
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
    const auto found = tree_.resolve(nullptr, file.path, last_link::keep);
    if (found.what != kind::found || found.node->attr.mask == 0 ||
        identity_of(found.node->attr) != file.identity) {
        return nullptr;
    }
    // As long as the file is open no other has its inode.
    file.node = found.node->id;
    file.entry.node.store(file.node, std::memory_order_release);
    return found.node;
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

// ---- asking ----

void name_cache::missed(const resolution& known, wants what) {
    const bool lists = what == wants::all && may_list();
    if (enabled_ && lists && known.what == kind::found) {
        list_found(*known.node);
    }
    if (!enabled_ || known.what != kind::unknown || !known.leasable) {
        return;
    }
    name_node* const directory = known.directory;
    const auto names = leading(known.rest);
    if (lists && names.all) {
        ask_listing(directory, names.path);
        return;
    }
    if (directory == nullptr || names.count != 1) {
        ask(directory, names.path, false, 0);
        return;
    }
    auto& habit = directory->leased->habit;
    const auto now = std::chrono::steady_clock::now();
    switch (prediction_.missed(habit, now)) {
        using enum listing_prediction::ask;
        case nothing:
            break;
        case name:
            ask(directory, names.path, false, 0);
            break;
        case all:
            if (may_guess()) {
                ask_listing(directory, {});
            } else {
                ask(directory, names.path, false, 0);
            }
            break;
    }
}

bool name_cache::may_guess() {
    const bool guess = may_list() && prediction_.guess(answered_elsewhere_());
    stats_.predictions(prediction_.guesses(), prediction_.used());
    return guess;
}

// A directory that is known, but not all names in it.
void name_cache::list_found(name_node& node) {
    if (!node.directory()) {
        return;
    }
    if (node.leased) {
        node.leased->habit.opened = true;
        if (!node.leased->complete && !node.leased->habit.listed) {
            ask_listing(&node, {});
        }
    } else if (!node.refused && node.parent != nullptr && node.parent->leased) {
        ask_listing(node.parent, std::string{node.name});
    }
}

// A directory as a whole; where it is one of several, those beside it too.
void name_cache::ask_listing(name_node* base, const std::string& path) {
    if (base != nullptr && path.empty()) {
        base->leased->habit.listed = true;
        if (name_node* const above = base->parent) {
            ask_below(*above);
        }
    }
    ask(base, path, true, 0);
}

void name_cache::ask_below(name_node& directory) {
    if (!directory.leased || directory.parent == nullptr) {
        return;  // never all of the target
    }
    const auto budget = prediction_.below(directory.leased->habit, link_.estimate().rtt);
    if (budget != 0 && may_guess()) {
        directory.leased->habit.listed = true;
        ask(&directory, {}, true, budget);
    }
}

void name_cache::ask(name_node* base, std::string path, bool list, std::uint32_t below_bytes) {
    const auto above = base == nullptr ? "/" : tree_.path_of(*base);
    auto target = joined(above, path);
    const bool asked_already = std::ranges::any_of(lookups_, [&](const auto& other) {
        return other->target == target && other->request.list == list &&
               other->request.below_bytes_max >= below_bytes;
    });
    if (above.empty() || asked_already || lookups_.size() >= lookups_max || !link_.usable()) {
        return;
    }
    auto asked = std::make_shared<lookup>();
    if (base != nullptr) {
        asked->base = base->leased->lease;
        asked->request.base = *asked->base;
    }
    asked->request.path = std::move(path);
    asked->request.list = list;
    asked->request.entries_max = list ? listing_prediction::entries_max : 0;
    asked->request.below_bytes_max = below_bytes;
    asked->target = std::move(target);
    lookups_.push_back(asked);
    tasks_.spawn(look_up(std::move(asked)));
}

awaitable<> name_cache::look_up(lookup_ptr asked) {
    link_caller nobody{session_stats::waited::no};
    const auto began = tree_.recent().begin();
    reply_collector<protocol::lookup> reply;
    reply.arrived = [this, began](const protocol::lookup_reply& frame) { tell(frame, began); };
    const auto ec = co_await link_.call(asked->request, reply, nobody);
    tree_.recent().end();
    std::erase(lookups_, asked);
    if (!ec) {
        learn(*asked);
    } else if (ec.value() == ENOSYS) {
        stop();  // an agent that knows of no leases
    } else if (ec.value() == EBADF && asked->base) {
        tree_.lose_lease(*asked->base);
    }
    wake();
}

void name_cache::tell(const protocol::lookup_reply& frame, recent_changes::ticket began) {
    if (enabled_) {
        tree_.apply(frame, began);
        wake();
    }
}

// What came of it, for the next time.
void name_cache::learn(const lookup& asked) {
    const auto told = tree_.resolve(nullptr, asked.target, last_link::keep);
    name_node* directory = told.directory;
    if (told.what == kind::found) {
        directory = asked.request.list ? told.node : told.node->parent;
    }
    if (directory == nullptr || !directory->leased) {
        return;
    }
    auto& habit = directory->leased->habit;
    if (told.what == kind::unknown) {
        ++habit.in_vain;
    } else if (asked.request.list) {
        habit.listed = true;
        habit.opened = habit.opened || !asked.request.path.empty();
        if (!asked.request.path.empty() && directory->parent != nullptr) {
            ask_below(*directory->parent);
        }
    } else if (habit.misses == 0) {
        habit.misses = 1;  // the one that it was asked for
        habit.first_miss = std::chrono::steady_clock::now();
    }
}

// ---- listings ----

awaitable<std::shared_ptr<const listing>> name_cache::list(open_file& directory, link_caller& by) {
    patience left;
    while (may_list()) {
        name_node* const node = node_of(directory);
        const bool leased = node != nullptr && node->leased;
        if (leased) {
            if (auto all = tree_.list(*node)) {
                prediction_.answered();
                co_return all;
            }
            if (!node->leased->complete && !node->leased->habit.listed) {
                ask_listing(node, {});
            }
        }
        const auto path = node == nullptr ? directory.path : tree_.path_of(*node);
        const bool known = leased && node->leased->complete;  // but not what its records say
        const bool wait = !known && !path.empty() && left.for_another(telling(joined(path, ".")));
        if (!wait) {
            break;
        }
        co_await wait_for_more(left, by);
    }
    co_return nullptr;
}

// ---- files ----

awaitable<boost::system::error_code> name_cache::fetch(
    const protocol::fetch& request, link_caller& by
) {
    const auto began = tree_.recent().begin();
    reply_collector<protocol::fetch> reply;
    reply.arrived = [this, began](const protocol::lookup_reply& frame) { tell(frame, began); };
    const auto ec = co_await link_.call(request, reply, by);
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

void name_cache::was_linked(const place& where, last_link last) {
    const auto seen = look(where, last);
    if (seen.known.what == kind::found) {
        tree_.uncover(*seen.known.node);
    }
}

}  // namespace farside::session
