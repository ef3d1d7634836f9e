// Depth first, with a stack of what is left of each directory on the way.
#include "layer/session/following_files.hpp"

#include <algorithm>

#include <sys/stat.h>

namespace farside::session {
namespace {

bool all_known(const name_node& directory) {
    return directory.leased && directory.leased->complete;
}

}  // namespace

following_files following_files::behind(
    const name_tree& tree, const name_node& file, order o, reach r
) {
    following_files files{tree, o, r};
    files.leaves_ = r == reach::tree;
    files.enter_behind(file);
    return files;
}

following_files following_files::within(
    const name_tree& tree, name_node& directory, order o, reach r
) {
    following_files files{tree, o, r};
    files.enter(directory);
    return files;
}

const name_node* following_files::next() {
    while (!levels_.empty()) {
        auto& here = levels_.back();
        if (here.at == here.entries.size()) {
            leave();
            continue;
        }
        if (++visited_ > visited_max) {
            return nullptr;
        }
        name_node* const entry = here.entries[here.at++];
        if (entry->attr.mask != 0 && S_ISREG(entry->attr.mode)) {
            return entry;
        }
        if (reach_ == reach::tree && all_known(*entry) && levels_.size() < depth_max) {
            enter(*entry);
        }
    }
    return nullptr;
}

void following_files::enter(name_node& directory) {
    const auto& names = directory.leased->names;
    level entered{&directory, {}, 0};
    const auto add = [&](const auto& known) {
        if (known != names.end() && known->second) {
            entered.entries.push_back(known->second.get());
        }
    };
    const auto listed = order_ == order::by_name ? nullptr : tree_.list(directory);
    if (listed) {
        for (const auto& entry : *listed) {
            add(names.find(entry.name));
        }
    } else {
        for (auto at = names.begin(); at != names.end(); ++at) {
            add(at);
        }
    }
    levels_.push_back(std::move(entered));
}

void following_files::enter_behind(const name_node& entry) {
    enter(*entry.parent);
    auto& here = levels_.back();
    const auto found = std::ranges::find(here.entries, &entry);
    here.at = found == here.entries.end()
                  ? here.entries.size()
                  : static_cast<std::size_t>(found - here.entries.begin()) + 1;
}

void following_files::leave() {
    const name_node* const done = levels_.back().directory;
    levels_.pop_back();
    if (levels_.empty() && leaves_ && done->parent != nullptr && all_known(*done->parent)) {
        enter_behind(*done);
    }
}

}  // namespace farside::session
