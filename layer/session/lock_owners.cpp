// Deaths are seen on pidfds, all in one poll(2).
#include "layer/session/lock_owners.hpp"

#include "layer/session/pidfd.hpp"
#include "protocol/lock_messages.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <poll.h>

namespace farside::session {
namespace {

bool has_ended(const unique_fd& pidfd) {
    pollfd ended{pidfd.get(), POLLIN, 0};
    return ::poll(&ended, 1, 0) > 0;
}

}  // namespace

lock_owners::lock_owners(task_group& tasks, agent_link& link, segment::view& view)
    : tasks_{tasks}, link_{link}, view_{view}, burial_{tasks.executor()} {}

std::shared_ptr<lock_owner> lock_owners::make(pid_t pid) {
    if (auto known = find(pid)) {
        return known;
    }
    unique_fd pidfd{pid > 0 ? open_pidfd(pid) : -1};
    if (!pidfd || has_ended(pidfd)) {
        return nullptr;
    }
    auto owner = std::make_shared<lock_owner>();
    owner->number = ++last_number_;
    owner->pid = pid;
    owner->pidfd = std::move(pidfd);
    owners_.emplace(pid, owner);
    return owner;
}

std::shared_ptr<lock_owner> lock_owners::find(pid_t pid) const {
    const auto found = owners_.find(pid);
    return found == owners_.end() ? nullptr : found->second;
}

pid_t lock_owners::process_of(std::uint64_t number) const {
    const auto found = std::ranges::find_if(owners_, [number](const auto& entry) {
        return entry.second->number == number;
    });
    return found == owners_.end() ? 0 : found->first;
}

void lock_owners::end(lock_owner& owner, const file_identity& inode, holding now) {
    const bool alone = --owner.under_way == 0;
    const bool had = !owner.locked.empty();
    if (now == holding::locks) {
        owner.locked.insert(inode);
    } else if (alone) {
        owner.locked.erase(inode);
    }
    const auto known = owners_.find(owner.pid);
    if (had == !owner.locked.empty() || known == owners_.end() || known->second.get() != &owner) {
        return;
    }
    had ? unmark(owner.pid) : mark(owner.pid);
}

bool lock_owners::has_dead() const {
    if (owners_.empty() && burials_ == 0) {
        return false;
    }
    std::vector<pollfd> all;
    all.reserve(owners_.size());
    for (const auto& [pid, owner] : owners_) {
        all.push_back({owner->pidfd.get(), POLLIN, 0});
    }
    return burials_ != 0 || ::poll(all.data(), all.size(), 0) > 0;
}

awaitable<> lock_owners::bury_dead() {
    ++burials_;
    const auto turn = co_await burial_.lock();
    std::vector<std::uint64_t> dead;
    for (auto entry = owners_.begin(); entry != owners_.end();) {
        const auto owner = entry->second;
        if (!has_ended(owner->pidfd)) {
            ++entry;
            continue;
        }
        dead.push_back(owner->number);
        entry = owners_.erase(entry);
        if (!owner->locked.empty()) {
            unmark(owner->pid);
        }
    }
    for (const auto number : dead) {
        link_caller nobody{session_stats::waited::no};
        const protocol::end_lock_owner message{number};
        reply_collector<protocol::end_lock_owner> reply;
        co_await link_.call(message, reply, nobody);
    }
    --burials_;
}

void lock_owners::process_died(pid_t pid) {
    const auto owner = find(pid);
    // Another process may have its number by now.
    if (owner && has_ended(owner->pidfd)) {
        tasks_.spawn(bury_dead());
    }
}

void lock_owners::mark(pid_t pid) {
    const auto bit = segment::lock_holder_bit(static_cast<std::uint32_t>(pid));
    if (++marks_[bit] == 1) {
        view_.lock_holders[bit / 64].fetch_or(
            std::uint64_t{1} << (bit % 64), std::memory_order_seq_cst
        );
    }
}

void lock_owners::unmark(pid_t pid) {
    const auto bit = segment::lock_holder_bit(static_cast<std::uint32_t>(pid));
    if (--marks_[bit] == 0) {
        view_.lock_holders[bit / 64].fetch_and(
            ~(std::uint64_t{1} << (bit % 64)), std::memory_order_seq_cst
        );
    }
}

}  // namespace farside::session
