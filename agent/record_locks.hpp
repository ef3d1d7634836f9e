// The record locks of one client's lock owners (protocol/lock_messages.hpp), held by the kernel.
// For each owner and file there is one open file description of its own, on which they are
// open-file-description locks: so the kernel arbitrates between owners, and with all other
// processes, by the rules that it has for processes.
//
// Beside that each owner's ranges are written down here. They tell whose lock is in the way, and
// who waits for whom: the kernel looks for deadlocks among processes only. What other processes of
// the target wait for is not seen.
//
// Any thread: requests that wait, or are on a file system that may hang, run on workers. Two levels
// of mutexes, taken in this order: a file's `turn`, held over a system call that does not wait, so
// that ranges and kernel agree when it is released; the table's, held over no system call.
#pragma once

#include "agent/locked_ranges.hpp"
#include "agent/work.hpp"

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace farside::agent {

// One owner's locks on one file.
struct locked_file {
    std::uint64_t owner = 0;
    inode_key inode;
    bool foreign = false;
    std::mutex turn;
    std::shared_ptr<const unique_fd> fd;  // under `turn`; shared with those who wait on it
    int access = 0;                       // O_RDONLY, ...; under `turn`
    locked_ranges ranges;                 // under the table's mutex
    std::size_t users = 0;                // requests that use it; likewise
};

// What an owner has on a file.
enum class holding : bool { nothing, locks };

struct lock_owner {
    explicit lock_owner(std::uint64_t n) : number{n} {}

    const std::uint64_t number;
    bool ended = false;                               // under the table's mutex
    std::vector<std::shared_ptr<locked_file>> files;  // likewise
};

class record_locks {
public:
    record_locks() = default;
    record_locks(const record_locks&) = delete;
    record_locks& operator=(const record_locks&) = delete;

    // The owner of a request, known from its first one to its end; null where there are too many.
    // A request that finds it ended takes no locks any more.
    [[nodiscard]] std::shared_ptr<lock_owner> owner(std::uint64_t number);

    // Whether ending the owner may take as long as a file system hangs.
    [[nodiscard]] bool has_foreign_files(const lock_owner& owner) const;

    // fcntl(2) F_SETLK, or F_SETLKW in the patient lane. Answers what the owner then has on
    // the file. REQUIRES of all: context.file and context.owner.
    [[nodiscard]] result<holding> set(const locked_range& wanted, const work_context& context);

    // F_SETLKW: waits, and is interrupted as unless_interrupted() says.
    [[nodiscard]] result<holding> set_waiting(
        const locked_range& wanted, const work_context& context
    );

    struct obstacle {
        struct flock lock {};  // as fcntl(2) tells; F_UNLCK: nothing is in the way

        std::uint64_t owner = 0;           // whose it is, where it is an owner's
        holding asker = holding::nothing;  // what the asking owner has on the file
    };

    // F_GETLK, F_OFD_GETLK.
    [[nodiscard]] result<obstacle> get(
        int command, const locked_range& wanted, const work_context& context
    );

    // The owner's locks on the file end.
    [[nodiscard]] result<void> release(const work_context& context);

    // All of its locks end; it is forgotten.
    void end(const std::shared_ptr<lock_owner>& owner);

    // All owners are forgotten. Answers the files whose closing may block; closes the others.
    [[nodiscard]] std::vector<std::shared_ptr<locked_file>> end_all();

private:
    struct waiting_request {
        std::uint64_t owner = 0;
        inode_key inode;
        locked_range wanted;
    };

    // Keeps a file in the table while a request uses it; empty where the owner has none.
    class use;

    using waiting_list = std::list<waiting_request>;

    [[nodiscard]] use find(const work_context& context);
    [[nodiscard]] result<use> find_or_open(const work_context& context);
    void leave(const std::shared_ptr<locked_file>& file);
    void remove(const locked_file& file);
    [[nodiscard]] result<holding> apply(
        locked_file& file, const locked_range& wanted, const work_context& context
    );
    [[nodiscard]] result<waiting_list::iterator> begin_wait(const waiting_request& request);
    [[nodiscard]] bool closes_circle(const waiting_request& request) const;
    [[nodiscard]] std::uint64_t owner_of(
        const inode_key& inode, const locked_range& exactly, std::uint64_t except
    ) const;

    mutable std::mutex mutex_;
    std::unordered_map<std::uint64_t, std::shared_ptr<lock_owner>> owners_;
    // In the order in which they came to hold locks, as the kernel's.
    std::map<inode_key, std::vector<std::shared_ptr<locked_file>>> files_;
    std::size_t file_count_ = 0;
    waiting_list waiting_;
};

}  // namespace farside::agent
