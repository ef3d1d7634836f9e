// The tree's own upkeep: nodes, leases, budget.
#include "layer/session/name_tree.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <dirent.h>
#include <sys/stat.h>

namespace farside::session {
namespace {

// What the maps need beside what is counted by size.
constexpr std::size_t name_bytes = 112;
constexpr std::size_t node_bytes = sizeof(name_node) + 48;
constexpr std::size_t directory_bytes = sizeof(leased_directory) + 96;

std::uint8_t type_of(std::uint32_t mode) {
    return static_cast<std::uint8_t>(IFTODT(mode));
}

}  // namespace

bool name_node::directory() const {
    return attr.mask != 0 && S_ISDIR(attr.mode);
}

bool name_node::symbolic_link() const {
    return attr.mask != 0 && S_ISLNK(attr.mode);
}

name_tree::name_tree(std::function<void(protocol::handle_id)> close, limits most)
    : close_{std::move(close)}, most_{most} {}

name_tree::~name_tree() {
    forget_all();
}

name_node* name_tree::find(std::uint64_t id) const {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : found->second;
}

std::string name_tree::path_of(const name_node& node) {
    if (node.id == segment::root_node) {
        return "/";
    }
    std::vector<std::string_view> names;
    const name_node* at = &node;
    for (; at->parent != nullptr; at = at->parent) {
        names.push_back(at->name);
    }
    std::string path;
    if (at->id == segment::root_node) {
        for (auto name = names.rbegin(); name != names.rend(); ++name) {
            path += '/';
            path += *name;
        }
    }
    return path;
}

std::shared_ptr<const listing> name_tree::list(name_node& directory) const {
    // The root's parent is outside the target: only the agent knows its inode.
    if (!directory.leased || !directory.leased->complete || directory.parent == nullptr) {
        return nullptr;
    }
    auto& leased = *directory.leased;
    if (leased.listed) {
        return leased.listed;
    }
    const auto mount = directory.attr.mount_id;
    const auto& up = directory.parent->attr;
    // Below a mount point a directory's records tell another inode than the file's attributes.
    if (directory.attr.mask == 0 || up.mask == 0 || up.mount_id != mount) {
        return nullptr;
    }

    struct record {
        std::uint64_t place;
        std::uint64_t inode;
        std::uint8_t type;
        std::string_view name;
    };

    std::vector<record> in_order{
        {leased.own_place, directory.attr.inode, DT_DIR, "."},
        {leased.parents_place, up.inode, DT_DIR, ".."}};
    in_order.reserve(leased.names.size() + 2);
    for (const auto& [name, child] : leased.names) {
        if (!child) {
            continue;
        }
        const auto& attr = child->attr;
        if (attr.mask == 0 || attr.mount_id != mount) {
            return nullptr;
        }
        in_order.push_back({child->place, attr.inode, type_of(attr.mode), name});
    }
    std::ranges::sort(in_order, {}, &record::place);
    if (in_order.front().place == 0) {
        return nullptr;
    }
    auto listed = std::make_shared<listing>();
    listed->reserve(in_order.size());
    for (const auto& [place, inode, type, name] : in_order) {
        const auto behind = static_cast<std::int64_t>(listed->size() + 1);
        listed->push_back({inode, behind, type, std::string{name}});
    }
    leased.listed = listed;
    return listed;
}

bool name_tree::to_be_listed(const name_node& directory) {
    if (!directory.leased) {
        return false;
    }
    const auto& leased = *directory.leased;
    const auto placed = [](const auto& name) { return !name.second || name.second->place != 0; };
    if (!leased.complete) {
        return !leased.habit.listed;
    }
    return leased.own_place == 0 || leased.parents_place == 0 ||
           !std::ranges::all_of(leased.names, placed);
}

void name_tree::lose_lease(protocol::handle_id handle) {
    if (const auto found = by_handle_.find(handle); found != by_handle_.end()) {
        drop_lease(*found->second);
    }
}

void name_tree::forget_all() {
    if (root_) {
        dispose(std::exchange(root_, nullptr));
    }
    drop_homeless();
}

// ---- nodes and names ----

std::unique_ptr<name_node> name_tree::make_node(std::uint64_t id) {
    auto node = std::make_unique<name_node>();
    node->id = id;
    by_id_.emplace(node->id, node.get());
    bytes_ += node_bytes;
    return node;
}

// Takes the place of what the name led to.
void name_tree::put(name_node& directory, std::string_view name, std::unique_ptr<name_node> child) {
    auto& names = directory.leased->names;
    auto slot = names.find(name);
    const bool known = slot != names.end();
    if (!known) {
        slot = names.emplace(std::string{name}, nullptr).first;
        bytes_ += name_bytes + name.size();
    }
    name_node* const node = child.get();
    if (node != nullptr) {
        node->parent = &directory;
        node->name = slot->first;
    } else {
        ++directory.leased->missing;
    }
    auto before = std::exchange(slot->second, std::move(child));
    directory.leased->missing -= known && !before ? 1U : 0U;
    publish_name(directory, slot->first, node);
    changed_names(directory);
    if (before && before->leased) {
        before->parent = nullptr;
        before->name = {};
        homeless_.push_back(std::move(before));
    } else if (before) {
        dispose(std::move(before));
    }
}

// The name is unknown, or missing where the directory is complete.
void name_tree::forget_name(name_node& directory, std::string_view name) {
    auto& names = directory.leased->names;
    const auto slot = names.find(name);
    if (slot == names.end()) {
        return;
    }
    retract_name(directory, slot->first);
    auto before = std::move(slot->second);
    directory.leased->missing -= before ? 0U : 1U;
    bytes_ -= name_bytes + slot->first.size();
    names.erase(slot);
    changed_names(directory);
    if (before) {
        dispose(std::move(before));
    }
}

// Out of its parent's names, with all below. What its name leads to is then up to the caller.
std::unique_ptr<name_node> name_tree::detach(name_node& node) {
    std::unique_ptr<name_node> owned;
    if (node.parent == nullptr) {
        const auto at =
            std::ranges::find_if(homeless_, [&](const auto& h) { return h.get() == &node; });
        owned = std::move(*at);
        homeless_.erase(at);
        return owned;
    }
    owned = std::move(node.parent->leased->names.find(node.name)->second);
    ++node.parent->leased->missing;
    owned->parent = nullptr;
    owned->name = {};
    return owned;
}

// With all below. By a list and not by recursion: the agent decides how deep it is.
void name_tree::dispose(std::unique_ptr<name_node> node) {
    std::vector<std::unique_ptr<name_node>> doomed;
    doomed.push_back(std::move(node));
    while (!doomed.empty()) {
        const auto next = std::move(doomed.back());
        doomed.pop_back();
        if (next->leased) {
            for (auto& [name, child] : next->leased->names) {
                retract_name(*next, name);
                bytes_ -= name_bytes + name.size();
                if (child) {
                    child->parent = nullptr;  // which is gone before it
                    child->name = {};
                    doomed.push_back(std::move(child));
                }
            }
            next->leased->names.clear();
            drop_lease(*next);
        }
        set_covered(*next, false);
        retract_node(*next);
        by_id_.erase(next->id);
        bytes_ -= node_bytes + next->link.size();
    }
}

void name_tree::drop_homeless() {
    for (auto& node : std::exchange(homeless_, {})) {
        dispose(std::move(node));
    }
}

void name_tree::drop_names(name_node& directory) {
    auto& leased = *directory.leased;
    leased.complete = false;
    changed_names(directory);
    publish_node(directory);
    while (!leased.names.empty()) {
        forget_name(directory, leased.names.begin()->first);
    }
}

// Where all names are known those that are gone need not be: files that come and go.
void name_tree::forget_missing(name_node& directory) {
    auto& leased = *directory.leased;
    if (!leased.complete || leased.missing <= missing_min + leased.names.size() / 2) {
        return;
    }
    for (auto at = leased.names.begin(); at != leased.names.end();) {
        const auto here = at++;
        if (!here->second) {
            forget_name(directory, here->first);
        }
    }
    publish_node(directory);
}

void name_tree::changed_names(name_node& directory) {
    directory.leased->listed.reset();
}

// ---- leases ----

void name_tree::set_lease(name_node& node, protocol::handle_id handle) {
    if (node.leased && *node.leased->lease == handle) {
        return;
    }
    drop_lease(node);
    if (handle == protocol::no_handle) {
        return;
    }
    node.leased = std::make_unique<leased_directory>();
    node.leased->lease = lease_of(handle);
    const bool below = node.parent != nullptr;
    node.leased->use =
        uses_.insert(below ? std::next(node.parent->leased->use) : uses_.begin(), &node);
    by_handle_.insert_or_assign(handle, &node);
    bytes_ += directory_bytes;
}

// An open directory may have kept it.
lease_ptr name_tree::lease_of(protocol::handle_id handle) {
    auto& known = leases_[handle];
    auto lease = known.lock();
    if (!lease) {
        lease = lease_ptr{new protocol::handle_id{handle}, [this](const protocol::handle_id* last) {
                              leases_.erase(*last);
                              recent_.closing(*last);
                              close_(*last);
                              delete last;
                          }};
        known = lease;
    }
    return lease;
}

// The directory's own attributes held by that lease, too.
void name_tree::drop_lease(name_node& node) {
    if (!node.leased) {
        return;
    }
    drop_names(node);
    by_handle_.erase(*node.leased->lease);
    uses_.erase(node.leased->use);
    bytes_ -= directory_bytes;
    node.leased.reset();
    set_covered(node, false);
    node.plain = false;
    publish_node(node);
}

// Those above are needed as long as those below: they are always in front of them.
void name_tree::use(name_node& directory) {
    for (name_node* at = &directory; at != nullptr; at = at->parent) {
        if (at->leased) {
            uses_.splice(uses_.begin(), uses_, at->leased->use);
        }
    }
}

void name_tree::keep_budget() {
    while (!uses_.empty() && (bytes_ > most_.bytes || uses_.size() > most_.leases)) {
        drop_lease(*uses_.back());
    }
}

}  // namespace farside::session
