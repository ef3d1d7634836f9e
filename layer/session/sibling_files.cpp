// Windows of files that were not asked for. A window that is not opened is the last one, until
// something else is read in the directory.
#include "layer/session/sibling_files.hpp"

#include <algorithm>
#include <utility>

#include <sys/stat.h>

namespace farside::session {

void sibling_files::will_open(const name_node& file) {
    const name_node* const directory = file.parent;
    const bool may_guess = directory != nullptr && directory->leased &&
                           directory->leased->complete && files_.enabled() && files_.predicts();
    if (!may_guess) {
        return;
    }
    const bool entered = find_run(file) == entry::from_elsewhere;
    run& reader = runs_.front();
    note_order(file, reader);
    if (reader.unopened.erase(file.id) == 0) {
        if (files_.find(file.id, file.attr)) {
            return;  // it was opened before
        }
        ++reader.opened;
    }
    const bool begins = reader.window == 0 && reader.opened >= reader.begin_at;
    const bool goes_on = reader.window != 0 && reader.unopened.size() <= reader.window / 2;
    const bool scattered = reader.opened >= std::max(scattered_min, reader.begin_at);
    if ((begins || goes_on || scattered || entered) && files_.score.allows()) {
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
    auto from = entry::here;
    if (found == runs_.end()) {
        found = std::ranges::find_if(runs_, [&](const run& r) { return beside(r, directory); });
        from = found == runs_.end() ? entry::here : entry::from_elsewhere;
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
    return from;
}

// Whether one who reads a tree comes from there.
bool sibling_files::beside(const run& reader, const name_node& directory) const {
    const name_node* const before = names_.tree().find(reader.directory);
    return before != nullptr && reader.window >= tree_min &&
           (before->parent == directory.parent || before == directory.parent ||
            before->parent == &directory);
}

void sibling_files::note_order(const name_node& file, run& reader) {
    const auto& names = file.parent->leased->names;
    auto next = names.upper_bound(reader.last);
    while (next != names.end() && !(next->second && S_ISREG(next->second->attr.mode))) {
        ++next;
    }
    if (!reader.last.empty()) {
        const bool named = next != names.end() && next->second.get() == &file;
        const bool listed =
            file.place > reader.last_place && file.place - reader.last_place <= gap_max;
        const int shown = (named ? 1 : 0) - (listed ? 1 : 0);
        reader.sorted = std::clamp(reader.sorted + shown, -sorted_max, sorted_max);
    }
    reader.last = file.name;
    reader.last_place = file.place;
}

// Whether it is small, and neither here nor on its way.
bool sibling_files::is_wanted(const name_node& file) const {
    return file.covered && file.attr.size <= file_bytes_max && !awaited(file.id) &&
           !files_.find(file.id, file.attr);
}

void sibling_files::fill(window& wanted, following_files files, const name_node& opened) const {
    const name_node* directory = nullptr;
    for (const name_node* file = files.next(); file != nullptr; file = files.next()) {
        if (file == &opened || !is_wanted(*file)) {
            continue;
        }
        if (wanted.files_left == 0 || file->attr.size > wanted.bytes_left) {
            return;
        }
        if (file->parent != directory) {
            directory = file->parent;
            wanted.parts.push_back({directory->leased->lease, {}, {}});
        }
        --wanted.files_left;
        wanted.bytes_left -= file->attr.size;
        wanted.parts.back().names.emplace_back(file->name);
        wanted.parts.back().nodes.push_back(file->id);
    }
}

// Files that follow; where there is no order, all of the directory.
void sibling_files::ask(const name_node& behind, run& reader, bool scattered) {
    const auto order =
        reader.sorted > 0 ? following_files::order::by_name : following_files::order::as_listed;
    auto& tree = names_.tree();
    window wanted{std::clamp(growth * reader.window, window_min, window_max), window_bytes_max, {}};
    if (scattered) {
        wanted.files_left = window_max;
        wanted.bytes_left = std::clamp<std::uint64_t>(
            reader.opened * files_.estimate().bdp(), file_bytes_max, window_bytes_max
        );
        fill(wanted, following_files{tree, *behind.parent, order}, behind);
    } else {
        const auto reach = reader.window >= tree_min ? following_files::reach::tree
                                                     : following_files::reach::directory;
        fill(wanted, following_files{tree, behind, order, reach}, behind);
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
    [[maybe_unused]] const auto ec = co_await names_.fetch(request, nobody);
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
