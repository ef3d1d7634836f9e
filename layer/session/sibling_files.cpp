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
    const name_node* const directory = file.parent;
    const bool may_guess = directory != nullptr && directory->leased &&
                           directory->leased->complete && files_.enabled() && files_.predicts();
    if (!may_guess) {
        return;
    }
    run& reader = run_in(*directory);
    if (reader.unopened.erase(file.id) == 0) {
        ++reader.opened;
    }
    const bool begins = reader.window == 0 && reader.opened >= 2;
    const bool goes_on = reader.window != 0 && reader.unopened.size() <= reader.window / 2;
    if ((begins || goes_on) && files_.score.allows()) {
        ask(*directory, file, reader);
    }
}

// Files that follow by name and are neither here nor on their way.
void sibling_files::ask(const name_node& directory, const name_node& behind, run& reader) {
    const auto& names = directory.leased->names;
    const auto wanted = std::clamp(2 * reader.window, window_min, window_max);
    protocol::fetch request;
    request.directory = *directory.leased->lease;
    request.file_bytes_max = file_bytes_max;
    std::vector<std::uint64_t> nodes;
    std::uint64_t bytes = 0;
    for (auto at = names.upper_bound(behind.name); at != names.end() && nodes.size() < wanted;
         ++at) {
        const name_node* const next = at->second.get();
        const bool small = next != nullptr && next->covered && S_ISREG(next->attr.mode) &&
                           next->attr.size <= file_bytes_max;
        if (!small || awaited(next->id) || files_.find(next->id, next->attr)) {
            continue;
        }
        bytes += next->attr.size;
        if (bytes > window_bytes_max) {
            break;
        }
        request.names.push_back(at->first);
        nodes.push_back(next->id);
    }
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
