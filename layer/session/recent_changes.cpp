// Numbers by name.
#include "layer/session/recent_changes.hpp"

#include <algorithm>
#include <cassert>

namespace farside::session {

recent_changes::ticket recent_changes::begin() {
    ++under_way_;
    return ticket{generation_};
}

void recent_changes::end() {
    assert(under_way_ > 0);
    if (--under_way_ == 0) {
        forget();
    }
}

void recent_changes::forget() {
    names_.clear();
    ended_.clear();
    closed_.clear();
    silent_.clear();
    kept_ = 0;
}

void recent_changes::count() {
    if (++kept_ > kept_max) {
        ++generation_;
        forget();
    }
}

void recent_changes::told(
    protocol::handle_id directory, std::string_view name, std::uint64_t number
) {
    if (under_way_ != 0) {
        auto& last = names_[directory][std::string{name}];
        last = std::max(last, number);
        count();
    }
}

void recent_changes::ended(protocol::handle_id handle, std::uint64_t number) {
    if (under_way_ != 0) {
        ended_.insert_or_assign(handle, number);
        count();
    }
}

void recent_changes::closed(protocol::handle_id handle) {
    closing_.erase(handle);
    if (under_way_ != 0) {
        closed_.insert(handle);
        count();
    }
}

void recent_changes::changed_silently(const file_identity& inode) {
    if (under_way_ != 0) {
        silent_.insert(inode);
        count();
    }
}

bool recent_changes::newer(
    protocol::handle_id directory, std::string_view name, std::uint64_t as_of
) const {
    const auto in = names_.find(directory);
    if (in == names_.end()) {
        return false;
    }
    const auto at = in->second.find(name);
    return at != in->second.end() && at->second > as_of;
}

bool recent_changes::holds(protocol::handle_id handle, std::uint64_t as_of) const {
    if (as_of < all_ended_ || is_closing(handle)) {
        return false;
    }
    const auto end = ended_.find(handle);
    return end == ended_.end() || end->second <= as_of;
}

bool recent_changes::all_known(
    protocol::handle_id directory,
    std::uint64_t as_of,
    const std::function<bool(std::string_view)>& known
) const {
    const auto in = names_.find(directory);
    return in == names_.end() || std::ranges::all_of(in->second, [&](const auto& told) {
               return told.second <= as_of || told.first.empty() || known(told.first);
           });
}

}  // namespace farside::session
