// Which small files are opened next: whoever reads files of a directory, one after the other, gets
// those behind them with all their bytes, more each time that half of the last ones were opened: of
// the kinds that were opened, as their extensions tell. Behind is by name, as of who sorts, or as
// the directory was read: what the opens before show. Who went on to another directory, or read
// much of one, reads a tree and gets files of the next directories as well. Where there is no
// order, the waits for single files are rent, as in random_reads: once they are worth it, what they
// would pay for comes. Directories whose names are all known; others cannot be guessed.
//
//     open of a file ─► will_open() ─► fetch ─► names, which hand the bytes to file_cache
//           └────────── arrival(): what is on its way is waited for, not asked for again
//
// One thread.
#pragma once

#include "layer/session/async_event.hpp"
#include "layer/session/file_cache.hpp"
#include "layer/session/following_files.hpp"
#include "layer/session/name_cache.hpp"
#include "layer/session/task_group.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

namespace farside::session {

class sibling_files {
public:
    static constexpr std::size_t begin_min = 2;  // files that are opened before the first window
    static constexpr std::size_t window_min = 2;
    static constexpr std::size_t growth = 4;  // of a window over the one before
    static constexpr std::size_t window_max = 512;
    static constexpr std::uint32_t file_bytes_max = 64 * 1024;
    static constexpr std::uint64_t window_bytes_max = std::uint64_t{4} * 1024 * 1024;
    // Files that were opened beside the last window, which then was no good guess.
    static constexpr std::size_t scattered_min = 4;
    // In a directory's order the next file is no farther: what lies between is none, or large.
    static constexpr std::uint64_t gap_max = 4;
    static constexpr int sorted_max = 2;
    // A window that was opened by half, from which on who reads a directory reads a tree.
    static constexpr std::size_t tree_min = 8;
    // Directories of one tree: so many levels below what they have in common.
    static constexpr int levels_max = 2;
    // Extensions that a reader was seen to open; one more, and it opens anything.
    static constexpr std::size_t kinds_max = 8;
    // Readers that are kept in mind; those that read last.
    static constexpr std::size_t readers_max = 16;

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
    // What is known of whoever reads a directory, or a tree.
    struct run {
        std::uint64_t directory = 0;
        std::uint64_t top = 0;  // of the tree
        std::string last;       // the name of the file in the directory that was opened last
        std::uint64_t last_place = 0;
        int sorted = 0;  // above 0: by name; each open that shows an order moves it, so far
        std::vector<std::string> kinds;
        std::size_t opened = 0;                      // since the last window, not in it
        std::size_t window = 0;                      // files that were asked for last
        std::unordered_set<std::uint64_t> unopened;  // of them
        std::size_t begin_at = begin_min;            // more where there was nothing to ask for
    };

    // Files of one directory.
    struct part {
        lease_ptr directory;  // kept open
        std::vector<std::string> names;
        std::vector<std::uint64_t> nodes;
        std::uint64_t bytes = 0;
    };

    struct window {
        std::size_t files_left;
        std::uint64_t bytes_left;
        std::vector<part> parts;
    };

    enum class entry : bool { here, from_elsewhere };

    [[nodiscard]] entry find_run(const name_node& file);
    [[nodiscard]] const name_node* tree_of(const run& reader, const name_node& directory) const;
    static void note(const name_node& file, run& reader);
    void ask(const name_node& behind, run& reader, bool scattered);
    void fill(window& wanted, following_files files, const name_node& opened, const run& reader)
        const;
    [[nodiscard]] bool is_wanted(const name_node& file, const run& reader) const;
    awaitable<> fetch(part wanted);
    void wake();

    task_group& tasks_;
    name_cache& names_;
    file_cache& files_;
    std::list<run> runs_;  // the last one used in front
    std::unordered_set<std::uint64_t> awaited_;
    std::vector<async_event*> waiting_;
};

}  // namespace farside::session
