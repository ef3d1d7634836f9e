// The handle table: ids only grow, so a handle that was closed never names another file.
#include "agent/open_file.hpp"

#include <cassert>

namespace farside::agent {

protocol::handle_id handle_table::add(std::shared_ptr<open_file> file) {
    assert(!full());
    ++last_id_;
    files_.emplace(last_id_, std::move(file));
    return protocol::handle_id{last_id_};
}

std::shared_ptr<open_file> handle_table::find(protocol::handle_id handle) const {
    const auto found = files_.find(static_cast<std::uint64_t>(handle));
    return found == files_.end() ? nullptr : found->second;
}

std::shared_ptr<open_file> handle_table::remove(protocol::handle_id handle) {
    const auto found = files_.find(static_cast<std::uint64_t>(handle));
    if (found == files_.end()) {
        return nullptr;
    }
    auto file = std::move(found->second);
    files_.erase(found);
    return file;
}

std::vector<std::shared_ptr<open_file>> handle_table::remove_all() {
    std::vector<std::shared_ptr<open_file>> all;
    all.reserve(files_.size());
    for (auto& [id, file] : files_) {
        all.push_back(std::move(file));
    }
    files_.clear();
    return all;
}

}  // namespace farside::agent
