// What the agent tells, one entry at a time. It is not trusted: names that no directory has,
// handles that are not known, a directory in itself are taken for what they are worth: nothing.
#include "layer/session/name_tree.hpp"
#include "protocol/limits.hpp"

#include <utility>

#include <sys/stat.h>

namespace farside::session {
namespace {

bool valid_name(std::string_view name) {
    return !name.empty() && name.size() <= protocol::limits::name_bytes_max && name != "." &&
           name != ".." && name.find('/') == std::string_view::npos &&
           name.find('\0') == std::string_view::npos;
}

bool same_inode(const protocol::attributes& a, const protocol::attributes& b) {
    return a.mask != 0 && b.mask != 0 && a.inode == b.inode && a.dev_major == b.dev_major &&
           a.dev_minor == b.dev_minor && ((a.mode ^ b.mode) & S_IFMT) == 0;
}

bool within(const name_node& node, const name_node* directory) {
    while (directory != nullptr && directory != &node) {
        directory = directory->parent;
    }
    return directory != nullptr;
}

}  // namespace

void name_tree::apply(const protocol::lookup_reply& frame, recent_changes::ticket began) {
    if (!recent_.valid(began)) {
        for (const auto& told : frame.entries) {
            discard(told.handle);
        }
        return;
    }
    for (const auto& told : frame.entries) {
        apply_told(told, frame.as_of);
    }
    for (const auto handle : frame.complete) {
        complete(handle, frame.as_of);
    }
    drop_homeless();
    keep_budget();
}

void name_tree::apply(const protocol::changes& notice) {
    if (notice.all_ended) {
        recent_.all_ended(notice.number);
        forget_all();
        if (files_.all_ended) {
            files_.all_ended();
        }
    }
    // A handle that is not known may be about to be told by a reply.
    by_notice_ = true;
    for (const auto& told : notice.entries) {
        recent_.told(told.directory, told.name, notice.number);
        apply_entry(told, notice.number);
    }
    by_notice_ = false;
    for (const auto handle : notice.ended) {
        recent_.ended(handle, notice.number);
        if (by_handle_.contains(handle)) {
            lose_lease(handle);
        } else if (files_.ended) {
            files_.ended(handle);
        }
    }
    drop_homeless();
    keep_budget();
}

// An entry of a reply: what a later notice told is newer.
void name_tree::apply_told(const entry& told, std::uint64_t as_of) {
    const bool itself = told.directory == protocol::no_handle;
    if (recent_.newer(told.directory, told.name, as_of) ||
        (!itself && !recent_.holds(told.directory, as_of))) {
        discard(told.handle);
        return;
    }
    apply_entry(told, as_of);
    // A later notice was of the directory by its handle, when nobody here knew that.
    const auto directory = by_handle_.find(told.handle);
    if (directory != by_handle_.end() && recent_.newer(told.handle, {}, as_of)) {
        uncover(*directory->second);
    }
}

void name_tree::apply_entry(const entry& told, std::uint64_t number) {
    if (told.directory == protocol::no_handle) {
        apply_root(told, number);
        return;
    }
    const auto found = by_handle_.find(told.directory);
    if (found == by_handle_.end()) {
        discard(told.handle);
    } else if (told.name.empty()) {
        apply_self(*found->second, told);
    } else if (told.listed && (told.name == "." || told.name == "..")) {
        auto& leased = *found->second->leased;
        (told.name == "." ? leased.own_place : leased.parents_place) = ++leased.last_place;
        changed_names(*found->second);
        discard(told.handle);
    } else if (valid_name(told.name)) {
        apply_child(*found->second, told, number);
    } else {
        discard(told.handle);
    }
}

void name_tree::apply_self(name_node& node, const entry& told) {
    if (told.state == protocol::name_state::unknown) {
        uncover(node);
    } else if (told.state == protocol::name_state::present && S_ISDIR(told.attr.mode)) {
        set_attributes(node, told, where::here);
    } else {
        drop_lease(node);
    }
}

// The root, or a leased file.
void name_tree::apply_root(const entry& told, std::uint64_t number) {
    if (!told.name.empty()) {
        discard(told.handle);
        return;
    }
    if (const auto known = by_handle_.find(told.handle); known != by_handle_.end()) {
        apply_self(*known->second, told);
        return;
    }
    if (told.handle != protocol::no_handle && !S_ISDIR(told.attr.mode)) {
        if (files_.changed) {
            files_.changed(told);
        }
        return;
    }
    if (told.state != protocol::name_state::present) {
        return;
    }
    if (!root_) {
        root_ = make_node(segment::root_node);
    }
    set_attributes(*root_, told, where::here);
    root_->refused = told.handle == protocol::no_handle;
    if (recent_.holds(told.handle, number)) {
        set_lease(*root_, told.handle);
    } else {
        drop_lease(*root_);
        discard(told.handle);
    }
}

void name_tree::apply_child(name_node& directory, const entry& told, std::uint64_t number) {
    auto& leased = *directory.leased;
    const auto known = leased.names.find(told.name);
    name_node* const before = known == leased.names.end() ? nullptr : known->second.get();
    if (told.state != protocol::name_state::present) {
        discard(told.handle);
        if (before != nullptr && before->leased) {
            homeless_.push_back(detach(*before));  // the same notice may tell where it is now
        }
        if (told.state == protocol::name_state::unknown) {
            leased.complete = false;
            leased.habit.listed = false;
            forget_name(directory, told.name);
            publish_node(directory);
        } else {
            put(directory, told.name, nullptr);
            forget_missing(directory);
        }
        return;
    }
    const bool holds = told.handle != protocol::no_handle && recent_.holds(told.handle, number);
    const bool is_directory = S_ISDIR(told.attr.mode);
    auto& node =
        place_child(directory, told, is_directory && holds ? told.handle : protocol::no_handle);
    if (holds && S_ISREG(told.attr.mode) && files_.told) {
        files_.told(node, told);
    } else {
        discard(told.handle);
    }
}

// The node that the name leads to from now on, with what was told of it.
name_node& name_tree::place_child(
    name_node& directory, const entry& told, protocol::handle_id handle
) {
    auto& names = directory.leased->names;
    const auto known = names.find(told.name);
    name_node* node = known == names.end() ? nullptr : known->second.get();
    const auto elsewhere = by_handle_.find(handle);
    where now = where::here;
    if (elsewhere != by_handle_.end() && elsewhere->second != node) {
        if (within(*elsewhere->second, &directory)) {
            handle = protocol::no_handle;  // a directory is not in itself
        } else {
            node = elsewhere->second;
            move(*node, directory, told.name);
            now = where::moved;
        }
    }
    if (node == nullptr || (now == where::here && !same_inode(node->attr, told.attr))) {
        auto fresh = make_node(++last_id_);
        node = fresh.get();
        put(directory, told.name, std::move(fresh));
    }
    if (told.listed) {
        node->place = ++directory.leased->last_place;
        changed_names(directory);
    }
    set_lease(*node, handle);
    node->refused = told.handle == protocol::no_handle;
    set_attributes(*node, told, now);
    return *node;
}

// What was in its place is gone, and nothing is where it was: if there is, that is told, too.
void name_tree::move(name_node& node, name_node& directory, std::string_view name) {
    name_node* const old_parent = node.parent;
    const std::string old_name{node.name};
    auto moved = detach(node);
    if (old_parent != nullptr) {
        put(*old_parent, old_name, nullptr);
    }
    moved->place = 0;
    put(directory, name, std::move(moved));
    changed_names(node);  // what ".." is is one of them
}

void name_tree::complete(protocol::handle_id handle, std::uint64_t as_of) {
    const auto found = by_handle_.find(handle);
    if (found == by_handle_.end() || !recent_.holds(handle, as_of)) {
        return;
    }
    auto& leased = *found->second->leased;
    const auto known = [&](std::string_view name) { return leased.names.contains(name); };
    if (leased.complete || !recent_.all_known(handle, as_of, known)) {
        return;
    }
    leased.complete = true;
    publish_node(*found->second);
}

// A handle that nobody here has a use for.
void name_tree::discard(protocol::handle_id handle) {
    if (!by_notice_ && handle != protocol::no_handle && !by_handle_.contains(handle) &&
        !leases_.contains(handle) && !recent_.is_closing(handle)) {
        recent_.closing(handle);
        close_(handle);
    }
}

}  // namespace farside::session
