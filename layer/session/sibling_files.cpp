// Windows of files that were not asked for. A window that is not opened is the last one, until
// something else is read in the directory.
#include "layer/session/sibling_files.hpp"

#include <algorithm>
#include <utility>

#include <sys/stat.h>

namespace farside::session {

sibling_files::run& sibling_files::run_in(const name_node& directory) {
    const auto known = std::ranges::find(runs_, directory.id, &run::directory);
    if (known != runs_.end()) {
        runs_.splice(runs_.begin(), runs_, known);
    } else {
        if (runs_.size() == directories_max) {
            runs_.pop_back();
        }
        runs_.emplace_front().directory = directory.id;
    }
    return runs_.front();
}

void sibling_files::will_open(const name_node& file) {
    name_node* const directory = file.parent;
    const bool may_guess = directory != nullptr && directory->leased &&
                           directory->leased->complete && files_.enabled() && files_.predicts();
    if (!may_guess) {
        return;
    }
    run& reader = run_in(*directory);
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
    if ((begins || goes_on || scattered) && files_.score.allows()) {
        ask(*directory, file, reader, scattered && !goes_on);
    }
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

std::vector<const name_node*> sibling_files::in_order(name_node& directory, const run& reader)
    const {
    const auto& names = directory.leased->names;
    std::vector<const name_node*> nodes;
    const auto listed = reader.sorted > 0 ? nullptr : names_.tree().list(directory);
    if (listed) {
        for (const auto& entry : *listed) {
            const auto known = names.find(entry.name);
            nodes.push_back(known == names.end() ? nullptr : known->second.get());
        }
    } else {
        for (const auto& [name, node] : names) {
            nodes.push_back(node.get());
        }
    }
    std::erase(nodes, nullptr);
    return nodes;
}

// Whether it is small, and neither here nor on its way.
bool sibling_files::wanted(const name_node& file) const {
    return file.covered && S_ISREG(file.attr.mode) && file.attr.size <= file_bytes_max &&
           !awaited(file.id) && !files_.find(file.id, file.attr);
}

// Files that follow; where there is no order, the others.
void sibling_files::ask(
    name_node& directory, const name_node& behind, run& reader, bool scattered
) {
    auto files = in_order(directory, reader);
    const auto here = std::ranges::find(files, &behind);
    const auto next = here == files.end() ? here : std::next(here);
    std::rotate(files.begin(), next, files.end());
    if (!scattered) {
        files.resize(static_cast<std::size_t>(files.end() - next));
    }
    auto most = std::clamp(2 * reader.window, window_min, window_max);
    auto bytes_left = window_bytes_max;
    if (scattered) {
        most = window_max;
        bytes_left = std::clamp<std::uint64_t>(
            reader.opened * files_.estimate().bdp(), file_bytes_max, bytes_left
        );
    }
    protocol::fetch request;
    request.directory = *directory.leased->lease;
    request.file_bytes_max = file_bytes_max;
    std::vector<std::uint64_t> nodes;
    for (const auto* const file : files) {
        if (file == &behind || !wanted(*file)) {
            continue;
        }
        if (nodes.size() == most || file->attr.size > bytes_left) {
            break;
        }
        bytes_left -= file->attr.size;
        request.names.emplace_back(file->name);
        nodes.push_back(file->id);
    }
    reader.begin_at = nodes.empty() ? 2 * reader.begin_at : begin_min;
    reader.opened = 0;
    reader.window = nodes.size();
    reader.unopened.insert(nodes.begin(), nodes.end());
    if (!nodes.empty()) {
        awaited_.insert(nodes.begin(), nodes.end());
        tasks_.spawn(fetch(std::move(request), std::move(nodes), directory.leased->lease));
    }
}

// `base` keeps the directory's handle open.
awaitable<> sibling_files::fetch(
    protocol::fetch request, std::vector<std::uint64_t> nodes, lease_ptr /*base*/
) {
    link_caller nobody{session_stats::waited::no};
    // What did not come is opened as ever.
    [[maybe_unused]] const auto ec = co_await names_.fetch(request, nobody);
    for (const auto node : nodes) {
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
