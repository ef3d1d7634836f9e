// The processes that hold record locks (fcntl(2) F_SETLK). The agent holds the locks, for numbers;
// here is which process each number is, which files it has locks on, and that they end with it. The
// kernel drops a process's locks before anybody can notice that it ended: so whoever died is looked
// for, and its locks are ended, before a request for a lock is sent.
//
// The view tells each process whether it may hold any: others close descriptors without a word.
#pragma once

#include "layer/segment/view.hpp"
#include "layer/session/agent_link.hpp"
#include "layer/session/async_event.hpp"
#include "layer/session/open_files.hpp"
#include "layer/session/task_group.hpp"
#include "protocol/support/unique_fd.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>

#include <sys/types.h>

namespace farside::session {

struct lock_owner {
    std::uint64_t number = 0;  // never of another process
    pid_t pid = 0;
    unique_fd pidfd;
    std::size_t under_way = 0;  // requests for its locks
    std::set<file_identity> locked;
};

class lock_owners {
public:
    lock_owners(task_group& tasks, agent_link& link, segment::view& view);

    lock_owners(const lock_owners&) = delete;
    lock_owners& operator=(const lock_owners&) = delete;

    // The owner that a living process is; null where its end could not be noticed.
    [[nodiscard]] std::shared_ptr<lock_owner> make(pid_t pid);

    // Null: it never asked for a lock.
    [[nodiscard]] std::shared_ptr<lock_owner> find(pid_t pid) const;

    // The process of an owner; 0: it ended.
    [[nodiscard]] pid_t process_of(std::uint64_t number) const;

    // Between these two a request for the owner's locks is at the agent, which says in its reply
    // whether the owner then has any on the file. Another request under way may know better.
    static void begin(lock_owner& owner) { ++owner.under_way; }

    enum class holding : bool { nothing, locks };
    void end(lock_owner& owner, const file_identity& inode, holding now);

    static void give_up(lock_owner& owner) { --owner.under_way; }

    // Whether bury_dead() has anything to do.
    [[nodiscard]] bool has_dead() const;

    // Returns when the locks of all processes that died before are gone.
    awaitable<> bury_dead();

    // A process died, whether it held locks or not.
    void process_died(pid_t pid);

private:
    void mark(pid_t pid);
    void unmark(pid_t pid);

    task_group& tasks_;
    agent_link& link_;
    segment::view& view_;
    std::uint64_t last_number_ = 0;
    std::unordered_map<pid_t, std::shared_ptr<lock_owner>> owners_;
    std::array<std::uint32_t, segment::lock_holder_bits> marks_{};  // owners with locks, by bit
    std::size_t burials_ = 0;
    async_mutex burial_;
};

}  // namespace farside::session
