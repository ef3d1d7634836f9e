// What is known of a node's attributes, and whether it holds.
#include "layer/session/name_tree.hpp"

#include <algorithm>
#include <utility>

#include <sys/stat.h>

namespace farside::session {
namespace {

// What the index of covered files needs for one.
constexpr std::size_t covered_bytes = 40;

// Not another one of the same number. What a symbolic link says never changes.
bool is_still(const protocol::attributes& a, const protocol::attributes& b) {
    return (a.mask & b.mask & STATX_BTIME) != 0 && a.inode == b.inode && a.born == b.born &&
           a.dev_major == b.dev_major && a.dev_minor == b.dev_minor;
}

// Neither an entry nor its rights were changed, but something was: an access list, maybe.
bool changed_beside(const protocol::attributes& a, const protocol::attributes& b) {
    return a.changed != b.changed && a.modified == b.modified;
}

}  // namespace

bool same_rights(const protocol::attributes& a, const protocol::attributes& b) {
    return a.mode == b.mode && a.uid == b.uid && a.gid == b.gid;
}

// What replies that are under way tell of it may be older than what made it change.
void name_tree::distrust_replies(const name_node& node) {
    if (node.parent != nullptr) {
        recent_.told(*node.parent->leased->lease, node.name, UINT64_MAX);
    }
    if (node.leased) {
        recent_.told(*node.leased->lease, {}, UINT64_MAX);
    }
}

void name_tree::unsettle(name_node& node) {
    distrust_replies(node);
    if (node.covered && !node.keeps_accessed) {
        set_covered(node, false);
        node.read_since = true;
        publish_node(node);
    }
}

// A file with another name may be changed by that, which is not told.
void name_tree::settle(name_node& node, const protocol::attributes& now) {
    if (node.read_since && (node.directory() || now.links == 1)) {
        entry told;
        told.attr = now;
        told.covered = true;
        told.plain = node.plain;
        told.link = node.link;
        set_attributes(node, told, where::here);
    }
}

void name_tree::uncover(name_node& node) {
    distrust_replies(node);
    set_covered(node, false);
    node.plain = false;
    node.doubted = true;
    node.read_since = false;
    publish_node(node);
}

void name_tree::uncover_others(const file_identity& inode, const name_node* kept) {
    std::vector<name_node*> others;
    const auto [first, last] = covered_.equal_range(inode.inode);
    for (auto at = first; at != last; ++at) {
        if (at->second != kept && identity_of(at->second->attr) == inode) {
            others.push_back(at->second);
        }
    }
    for (name_node* const other : others) {
        uncover(*other);
        other->doubted = false;
    }
}

void name_tree::set_covered(name_node& node, bool covered) {
    if (std::exchange(node.covered, covered) == covered || node.directory()) {
        return;
    }
    if (covered) {
        covered_.emplace(node.attr.inode, &node);
        bytes_ += covered_bytes;
        return;
    }
    const auto [first, last] = covered_.equal_range(node.attr.inode);
    const auto same = [&](const auto& known) { return known.second == &node; };
    covered_.erase(std::find_if(first, last, same));
    bytes_ -= covered_bytes;
}

bool name_tree::is_doubtful(const name_node& node) const {
    return recent_.is_doubtful(identity_of(node.attr)) || (doubtful_ && doubtful_(node));
}

void name_tree::set_attributes(name_node& node, const entry& told, where now) {
    set_covered(node, false);  // by what it was
    const auto before = std::exchange(node.attr, told.attr);
    const bool known = before.mask != 0;
    const bool stayed = now == where::here;
    if (node.leased && known &&
        (!same_rights(before, node.attr) || (stayed && changed_beside(before, node.attr)))) {
        drop_names(node);  // who may look at them may be decided otherwise now
    }
    if (node.read_since) {
        node.keeps_accessed = before.accessed == node.attr.accessed;
    } else if (before.modified != node.attr.modified || before.changed != node.attr.changed) {
        node.keeps_accessed = false;
    }
    node.read_since = false;
    // Using a FIFO, a socket or a device changes its times without a word.
    const bool told_of =
        S_ISREG(node.attr.mode) || S_ISDIR(node.attr.mode) || S_ISLNK(node.attr.mode);
    node.doubted = told.covered && told_of && !node.directory() && is_doubtful(node);
    set_covered(node, told.covered && told_of && !node.doubted);
    node.plain = node.covered && told.plain;
    if (!node.covered && !node.directory()) {
        uncover_others(identity_of(node.attr), &node);
    }
    if (!told.link.empty() || !is_still(before, node.attr)) {
        bytes_ += told.link.size();
        bytes_ -= node.link.size();
        node.link = told.link;
    }
    publish_node(node);
}

}  // namespace farside::session
