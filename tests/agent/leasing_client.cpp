// Requests and answers of leases in few words.
#include "tests/agent/leasing_client.hpp"

#include <algorithm>
#include <stdexcept>

namespace farside::agent::test {

const protocol::leased_entry& told_names::of(const std::string& name) const {
    const auto found = std::ranges::find(entries, name, &protocol::leased_entry::name);
    if (found == entries.end()) {
        throw std::runtime_error{"nothing was told of " + name};
    }
    return *found;
}

bool told_names::tells(const std::string& name) const {
    return std::ranges::find(entries, name, &protocol::leased_entry::name) != entries.end();
}

protocol::lookup chain_of(protocol::handle_id base, std::string path) {
    protocol::lookup request;
    request.base = base;
    request.path = std::move(path);
    return request;
}

protocol::lookup listing_of(protocol::handle_id base, std::string path) {
    auto request = chain_of(base, std::move(path));
    request.list = true;
    request.entries_max = 1'000'000;
    return request;
}

protocol::handle_id lease_root(fake_client& client) {
    const auto told = ask(client, chain_of(protocol::no_handle, ""));
    if (told.failure != 0 || told.entries.size() != 1 ||
        told.entries[0].handle == protocol::no_handle) {
        throw std::runtime_error{"the root is not leased"};
    }
    return told.entries[0].handle;
}

protocol::changes joined(const std::vector<protocol::changes>& notices) {
    protocol::changes all;
    for (const auto& notice : notices) {
        all.number = notice.number;
        all.entries.insert(all.entries.end(), notice.entries.begin(), notice.entries.end());
        all.ended.insert(all.ended.end(), notice.ended.begin(), notice.ended.end());
        all.all_ended = all.all_ended || notice.all_ended;
    }
    return all;
}

std::vector<std::string> lines_of(const std::vector<protocol::changes>& notices) {
    constexpr const char* states[] = {"present", "missing", "unknown"};
    std::vector<std::string> lines;
    for (const auto& entry : joined(notices).entries) {
        lines.push_back(entry.name + ' ' + states[static_cast<int>(entry.state)]);
    }
    return lines;
}

}  // namespace farside::agent::test
