// Asking the agent for more: which names, which directories as a whole, and what came of it.
#include "layer/session/name_cache.hpp"
#include "layer/session/name_paths.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

namespace farside::session {
namespace {

using kind = resolution::kind;

}  // namespace

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
    if (directory != nullptr && names.count == 0) {
        return;
    }
    if (predict_ && names.all) {
        follow_upwards(directory, names.path);
    }
    if (directory != nullptr && directory->parent != nullptr &&
        !std::exchange(directory->leased->habit.told_above, true)) {
        ask_below(*directory->parent, listing_prediction::child::missed);
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

// Who looks for a name in a directory and then in the one above it goes on so (".git",
// "node_modules"): it is asked for in all that are left.
void name_cache::follow_upwards(const name_node* directory, const std::string& names) {
    auto path = joined(directory == nullptr ? "/" : tree_.path_of(*directory), names);
    const auto before = std::exchange(last_missed_, std::move(path));
    const auto slash = before.rfind('/');
    if (directory == nullptr || slash == std::string::npos || slash == 0) {
        return;
    }
    const auto name = before.substr(slash + 1);
    if (name != names || joined(parent_of(before.substr(0, slash)), name) != last_missed_) {
        return;
    }
    for (name_node* at = directory->parent; at != nullptr && at->leased; at = at->parent) {
        if (!at->leased->complete && !at->leased->names.contains(name)) {
            ask(at, name, false, 0);
        }
    }
}

void name_cache::was_seen(std::uint64_t id, const protocol::attributes& now) {
    name_node* const node = tree_.find(id);
    if (node == nullptr || node->covered || !node->doubted || node->parent == nullptr) {
        return;
    }
    if ((node->directory() || now.links == 1) && !tree_.is_doubtful(*node)) {
        ask(node->parent, std::string{node->name}, false, 0);
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
            ask_below(*above, listing_prediction::child::listed);
        }
    }
    ask(base, path, true, 0);
}

// Where names of a directory that was listed are new, it is only their order that is not known.
void name_cache::list_again(name_node& directory) {
    if (directory.leased->complete) {
        ask(&directory, {}, true, 0);
    } else {
        ask_listing(&directory, {});
    }
}

void name_cache::ask_below(name_node& directory, listing_prediction::child what) {
    if (!directory.leased || directory.parent == nullptr) {
        return;  // never all of the target
    }
    const auto budget = prediction_.below(directory.leased->habit, what, link_.estimate().rtt);
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
    // Of all that is below a directory nobody asked.
    wish said;
    said.answer_bytes = asked->request.below_bytes_max;
    said.of = said.answer_bytes == 0 ? protocol::priority::control : protocol::priority::prefetch;
    const auto ec = co_await link_.call(asked->request, reply, nobody, said);
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
        // Where the walk ended at a symbolic link, another directory is what is not known.
        const auto names = leading(told.rest).path;
        habit.in_vain += joined(tree_.path_of(*directory), names) == asked.target ? 1U : 0U;
    } else if (asked.request.list) {
        habit.listed = true;
        habit.opened = habit.opened || !asked.request.path.empty();
        if (!asked.request.path.empty() && directory->parent != nullptr) {
            ask_below(*directory->parent, listing_prediction::child::listed);
        }
    } else if (habit.misses == 0) {
        habit.misses = 1;  // the one that it was asked for
        habit.first_miss = std::chrono::steady_clock::now();
    }
}

// ---- listings ----

awaitable<std::shared_ptr<const listing>> name_cache::list(open_file& directory, link_caller& by) {
    patience left;
    bool asked = false;
    while (may_list()) {
        name_node* const node = node_of(directory);
        bool known = false;  // but not what its records say
        if (node != nullptr && node->leased) {
            if (auto all = tree_.list(*node)) {
                prediction_.answered();
                co_return all;
            }
            const bool more = tree_.to_be_listed(*node);
            known = node->leased->complete && !more;
            if (more && !asked) {
                asked = true;
                list_again(*node);
            }
        }
        const auto path = node == nullptr ? directory.path : tree_.path_of(*node);
        const bool wait = !known && !path.empty() && left.for_another(telling(joined(path, ".")));
        if (!wait) {
            break;
        }
        co_await wait_for_more(left, by);
    }
    co_return nullptr;
}

}  // namespace farside::session
