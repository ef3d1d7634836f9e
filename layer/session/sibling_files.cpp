// Windows of files that were not asked for. A window that is not opened is the last one, until
// something else is read in the directory.
#include "layer/session/sibling_files.hpp"

#include <algorithm>
#include <utility>

#include <sys/stat.h>

namespace farside::session {
namespace {

std::string_view kind_of(std::string_view name) {
    const auto dot = name.rfind('.');
    return dot == std::string_view::npos || dot == 0 ? std::string_view{} : name.substr(dot);
}

// The nearest directory that both are in, so many levels below it at most; never the root, which
// everything is in.
const name_node* common(const name_node& a, const name_node& b, int levels_max) {
    const name_node* of_a = &a;
    for (int up_a = 0; of_a->parent != nullptr && up_a <= levels_max; ++up_a) {
        const name_node* of_b = &b;
        for (int up_b = 0; of_b->parent != nullptr && up_b <= levels_max; ++up_b) {
            if (of_a == of_b) {
                return of_a;
            }
            of_b = of_b->parent;
        }
        of_a = of_a->parent;
    }
    return nullptr;
}

}  // namespace

void sibling_files::will_open(const name_node& file) {
    const name_node* const directory = file.parent;
    const bool may_guess = directory != nullptr && directory->leased &&
                           directory->leased->complete && files_.enabled() && files_.predicts();
    if (!may_guess) {
        return;
    }
    const bool entered = find_run(file) == entry::from_elsewhere;
    run& reader = runs_.front();
    note(file, reader);
    if (reader.unopened.erase(file.id) == 0) {
        if (files_.find(file.id, file.attr)) {
            return;  // it was opened before
        }
        ++reader.opened;
    }
    const bool begins = reader.window == 0 && reader.opened >= reader.begin_at;
    const bool goes_on = reader.window != 0 && reader.unopened.size() <= reader.window / 2;
    const bool hurries = entered && reader.window >= tree_min;
    const bool scattered = reader.opened >= std::max(scattered_min, reader.begin_at);
    if ((begins || goes_on || scattered || hurries) && files_.score.allows()) {
        ask(file, reader, scattered && !goes_on);
    }
}

// Puts the reader in front: who is in the directory, or on the way to it.
sibling_files::entry sibling_files::find_run(const name_node& file) {
    const name_node& directory = *file.parent;
    const auto known = [&](const run& r) {
        return r.directory == directory.id || r.unopened.contains(file.id);
    };
    auto found = std::ranges::find_if(runs_, known);
    const name_node* top = &directory;
    auto from = entry::here;
    for (auto r = runs_.begin(); found == runs_.end() && r != runs_.end(); ++r) {
        if (const name_node* const tree = tree_of(*r, directory)) {
            found = r;
            top = tree;
            from = entry::from_elsewhere;
        }
    }
    if (found != runs_.end()) {
        runs_.splice(runs_.begin(), runs_, found);
    } else {
        if (runs_.size() == readers_max) {
            runs_.pop_back();
        }
        runs_.emplace_front();
    }
    run& reader = runs_.front();
    if (reader.directory != directory.id) {
        reader.directory = directory.id;
        reader.last.clear();
    }
    if (from == entry::from_elsewhere || reader.top == 0) {
        reader.top = top->id;
    }
    return from;
}

// The tree that its reader reads if this directory is in it, too; null: it is not.
const name_node* sibling_files::tree_of(const run& reader, const name_node& directory) const {
    const name_node* const top = names_.tree().find(reader.top);
    const name_node* const before = names_.tree().find(reader.directory);
    if (top == nullptr || before == nullptr) {
        return nullptr;
    }
    const name_node* const both = common(*before, directory, levels_max);
    const name_node* above = both;
    while (above != nullptr && above != top) {
        above = above->parent;
    }
    return above != nullptr ? top : both;
}

// What the open shows of the reader.
void sibling_files::note(const name_node& file, run& reader) {
    const auto kind = kind_of(file.name);
    if (reader.kinds.size() <= kinds_max &&
        std::ranges::find(reader.kinds, kind) == reader.kinds.end()) {
        reader.kinds.emplace_back(kind);
    }
    if (!reader.last.empty()) {
        const auto& names = file.parent->leased->names;
        auto next = names.upper_bound(reader.last);
        while (next != names.end() && !(next->second && S_ISREG(next->second->attr.mode))) {
            ++next;
        }
        const bool named = next != names.end() && next->second.get() == &file;
        const bool listed =
            file.place > reader.last_place && file.place - reader.last_place <= gap_max;
        const int shown = (named ? 1 : 0) - (listed ? 1 : 0);
        reader.sorted = std::clamp(reader.sorted + shown, -sorted_max, sorted_max);
    }
    reader.last = file.name;
    reader.last_place = file.place;
}

// Whether it is small, such as are opened, and neither here nor on its way.
bool sibling_files::is_wanted(const name_node& file, const run& reader) const {
    const auto& kinds = reader.kinds;
    return file.covered && file.attr.size <= file_bytes_max &&
           (kinds.size() > kinds_max || std::ranges::find(kinds, kind_of(file.name)) != kinds.end()
           ) &&
           !awaited(file.id) && !files_.find(file.id, file.attr);
}

void sibling_files::fill(
    window& wanted, following_files files, const name_node& opened, const run& reader
) const {
    const name_node* directory = nullptr;
    for (const name_node* file = files.next(); file != nullptr; file = files.next()) {
        if (file == &opened || !is_wanted(*file, reader)) {
            continue;
        }
        if (wanted.files_left == 0 || file->attr.size > wanted.bytes_left) {
            return;
        }
        if (file->parent != directory) {
            directory = file->parent;
            wanted.parts.push_back({directory->leased->lease, {}, {}, 0});
        }
        --wanted.files_left;
        wanted.bytes_left -= file->attr.size;
        wanted.parts.back().names.emplace_back(file->name);
        wanted.parts.back().nodes.push_back(file->id);
        wanted.parts.back().bytes += file->attr.size;
    }
}

// Files that follow; where there is no order, any of the tree.
void sibling_files::ask(const name_node& behind, run& reader, bool scattered) {
    using enum following_files::order;
    const auto order = reader.sorted > 0 ? by_name : as_listed;
    const bool tree = reader.top != reader.directory || reader.window >= tree_min;
    const auto reach = tree ? following_files::reach::tree : following_files::reach::directory;
    auto& names = names_.tree();
    name_node* const top = names.find(reader.top);
    window wanted{std::clamp(growth * reader.window, window_min, window_max), window_bytes_max, {}};
    if (scattered && top != nullptr && top->leased && top->leased->complete) {
        wanted.files_left = window_max;
        wanted.bytes_left = std::clamp<std::uint64_t>(
            reader.opened * files_.estimate().bdp(), file_bytes_max, window_bytes_max
        );
        fill(wanted, following_files::within(names, *top, order, reach), behind, reader);
    } else {
        fill(wanted, following_files::behind(names, behind, order, reach), behind, reader);
    }
    reader.opened = 0;
    reader.unopened.clear();
    for (auto& files : wanted.parts) {
        reader.unopened.insert(files.nodes.begin(), files.nodes.end());
        awaited_.insert(files.nodes.begin(), files.nodes.end());
        tasks_.spawn(fetch(std::move(files)));
    }
    reader.window = reader.unopened.size();
    reader.begin_at = reader.window == 0 ? 2 * reader.begin_at : begin_min;
}

awaitable<> sibling_files::fetch(part wanted) {
    protocol::fetch request;
    request.directory = *wanted.directory;
    request.file_bytes_max = file_bytes_max;
    request.names = std::move(wanted.names);
    link_caller nobody{session_stats::waited::no};
    // What did not come is opened as ever.
    [[maybe_unused]] const auto ec = co_await names_.fetch(request, wanted.bytes, nobody);
    for (const auto node : wanted.nodes) {
        awaited_.erase(node);
    }
    wake();
}

awaitable<> sibling_files::arrival(std::uint64_t node) {
    while (awaited(node)) {
        async_event changed{tasks_.executor()};
        waiting_.push_back(&changed);
        co_await changed.wait();
    }
}

void sibling_files::arrived(std::uint64_t node) {
    if (awaited_.erase(node) != 0) {
        wake();
    }
}

void sibling_files::wake() {
    for (async_event* const waiting : std::exchange(waiting_, {})) {
        waiting->notify();
    }
}

}  // namespace farside::session
