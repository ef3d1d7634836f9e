// Which small files are opened next: whoever reads files of a directory, one after the other, gets
// those behind them by name with all their bytes, twice as many each time that half of the last
// ones were opened. Files of a directory whose names are all known; others cannot be guessed.
//
//     open of a file ─► will_open() ─► fetch ─► names, which hand the bytes to file_cache
//           └────────── arrival(): what is on its way is waited for, not asked for again
//
// One thread.
#pragma once

#include "layer/session/async_event.hpp"
#include "layer/session/file_cache.hpp"
#include "layer/session/name_cache.hpp"
#include "layer/session/task_group.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <unordered_set>
#include <vector>

namespace farside::session {

class sibling_files {
public:
    static constexpr std::size_t window_min = 2;
    static constexpr std::size_t window_max = 512;
    static constexpr std::uint32_t file_bytes_max = 64 * 1024;
    static constexpr std::uint64_t window_bytes_max = std::uint64_t{4} * 1024 * 1024;
    // Directories that are kept in mind; those read last.
    static constexpr std::size_t directories_max = 16;

    // REQUIRES: the references outlive it and its tasks.
    sibling_files(task_group& tasks, name_cache& names, file_cache& files)
        : tasks_{tasks}, names_{names}, files_{files} {}

    sibling_files(const sibling_files&) = delete;
    sibling_files& operator=(const sibling_files&) = delete;

    // A program opens the file to read it.
    void will_open(const name_node& file);

    // Whether the file was asked for and may still come.
    [[nodiscard]] bool awaited(std::uint64_t node) const { return awaited_.contains(node); }

    // Returns when it came, or will not.
    awaitable<> arrival(std::uint64_t node);

    // The file came with its bytes.
    void arrived(std::uint64_t node);

private:
    // What is known of the readers of a directory.
    struct run {
        std::uint64_t directory = 0;
        std::size_t opened = 0;                      // since the last window, not in it
        std::size_t window = 0;                      // files that were asked for last
        std::unordered_set<std::uint64_t> unopened;  // of them
    };

    [[nodiscard]] run& run_in(const name_node& directory);
    void ask(const name_node& directory, const name_node& behind, run& reader);
    awaitable<> fetch(protocol::fetch request, std::vector<std::uint64_t> nodes, lease_ptr base);
    void wake();

    task_group& tasks_;
    name_cache& names_;
    file_cache& files_;
    std::list<run> runs_;  // the last one used in front
    std::unordered_set<std::uint64_t> awaited_;
    std::vector<async_event*> waiting_;
};

}  // namespace farside::session
