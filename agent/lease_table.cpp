// Lookups and their upkeep.
#include "agent/lease_table.hpp"

#include <algorithm>
#include <utility>

namespace farside::agent {

notice_limit::verdict notice_limit::on_change(const std::string& name, clock::time_point now) {
    if (noted_.size() >= worth_cleaning_) {
        forget_old(now);
    }
    auto& noted = noted_[name];
    if (noted.silent) {
        return verdict::silent;
    }
    if (now - noted.since > std::chrono::milliseconds{limits::notice_window_ms}) {
        noted = {now, 0, false};
    }
    ++noted.notices;
    noted.silent = noted.notices > limits::notices_per_window_max;
    return noted.silent ? verdict::hush : verdict::tell;
}

void notice_limit::forget_old(clock::time_point now) {
    std::erase_if(noted_, [&](const auto& item) {
        const auto age = now - item.second.since;
        return !item.second.silent && age > std::chrono::milliseconds{limits::notice_window_ms};
    });
    worth_cleaning_ = std::max<std::size_t>(64, 2 * noted_.size());
}

lease& lease_table::add(lease made) {
    if (made.watch != no_watch) {
        by_watch_[made.watch].push_back(made.handle);
    }
    if (made.has_data) {
        with_data_.emplace(made.file->inode, made.handle);
    }
    const auto id = static_cast<std::uint64_t>(made.handle);
    return leases_.insert_or_assign(id, std::move(made)).first->second;
}

lease* lease_table::find(protocol::handle_id handle) {
    const auto found = leases_.find(static_cast<std::uint64_t>(handle));
    return found == leases_.end() ? nullptr : &found->second;
}

std::vector<protocol::handle_id> lease_table::watched_by(int watch) const {
    const auto found = by_watch_.find(watch);
    return found == by_watch_.end() ? std::vector<protocol::handle_id>{} : found->second;
}

lease* lease_table::find_directory(int watch, std::uint64_t mount) {
    for (const auto handle : watched_by(watch)) {
        auto* const held = find(handle);
        if (held->is_directory() && held->mount == mount) {
            return held;
        }
    }
    return nullptr;
}

std::vector<protocol::handle_id> lease_table::with_data(const inode_key& inode) const {
    std::vector<protocol::handle_id> found;
    const auto [begin, end] = with_data_.equal_range(inode);
    std::for_each(begin, end, [&](const auto& item) { found.push_back(item.second); });
    return found;
}

lease lease_table::remove(protocol::handle_id handle) {
    const auto found = leases_.find(static_cast<std::uint64_t>(handle));
    auto removed = std::move(found->second);
    leases_.erase(found);
    if (const auto watched = by_watch_.find(removed.watch); watched != by_watch_.end()) {
        std::erase(watched->second, handle);
        if (watched->second.empty()) {
            by_watch_.erase(watched);
        }
    }
    if (removed.has_data) {
        const auto [begin, end] = with_data_.equal_range(removed.file->inode);
        const auto same = [&](const auto& item) { return item.second == handle; };
        with_data_.erase(std::find_if(begin, end, same));
    }
    return removed;
}

void lease_table::clear() {
    leases_.clear();
    by_watch_.clear();
    with_data_.clear();
}

}  // namespace farside::agent
