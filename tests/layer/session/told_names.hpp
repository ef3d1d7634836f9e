// Entries and notices as an agent would tell them, for tests of what becomes of them.
#pragma once

#include "protocol/lease_messages.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>

namespace farside::session::testing {

inline constexpr protocol::handle_id handle(std::uint64_t number) {
    return protocol::handle_id{number};
}

inline protocol::attributes attributes(std::uint32_t mode, std::uint64_t inode) {
    protocol::attributes attr;
    attr.mask = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID;
    attr.mode = mode;
    attr.links = 1;
    attr.inode = inode;
    attr.dev_minor = 7;
    attr.mount_id = 1;
    attr.accessed = {500, 0};
    attr.modified = attr.changed = {400, 0};
    return attr;
}

inline protocol::leased_entry entry(
    protocol::handle_id directory, const std::string& name, protocol::name_state state
) {
    protocol::leased_entry told;
    told.directory = directory;
    told.name = name;
    told.state = state;
    return told;
}

inline protocol::leased_entry missing(protocol::handle_id directory, const std::string& name) {
    return entry(directory, name, protocol::name_state::missing);
}

inline protocol::leased_entry unknown(protocol::handle_id directory, const std::string& name) {
    return entry(directory, name, protocol::name_state::unknown);
}

inline protocol::leased_entry file(
    protocol::handle_id directory, const std::string& name, std::uint64_t inode
) {
    auto told = entry(directory, name, protocol::name_state::present);
    told.covered = true;
    told.attr = attributes(S_IFREG | 0644, inode);
    return told;
}

inline protocol::leased_entry link(
    protocol::handle_id directory,
    const std::string& name,
    std::uint64_t inode,
    const std::string& says
) {
    auto told = file(directory, name, inode);
    told.attr.mode = S_IFLNK | 0777;
    told.link = says;
    return told;
}

inline protocol::leased_entry directory(
    protocol::handle_id parent,
    const std::string& name,
    std::uint64_t inode,
    protocol::handle_id own,
    std::uint32_t mode = 0755
) {
    auto told = file(parent, name, inode);
    told.attr.mode = S_IFDIR | mode;
    told.handle = own;
    return told;
}

inline protocol::leased_entry root(protocol::handle_id own) {
    return directory(protocol::no_handle, "", 2, own);
}

// Where "." and ".." stand in the directory: here.
inline void tell_places(protocol::lookup_reply& told, protocol::handle_id directory) {
    for (const auto* const name : {".", ".."}) {
        told.entries.push_back(entry(directory, name, protocol::name_state::present));
        told.entries.back().listed = true;
    }
}

// Where all of a directory is told, the entries are in its order.
inline protocol::lookup_reply reply(
    std::vector<protocol::leased_entry> entries,
    std::vector<protocol::handle_id> complete = {},
    std::uint64_t as_of = 0
) {
    protocol::lookup_reply told{as_of, {}, std::move(complete)};
    std::vector<protocol::handle_id> begun;
    for (auto& one : entries) {
        one.listed = std::ranges::find(told.complete, one.directory) != told.complete.end();
        if (one.listed && std::ranges::find(begun, one.directory) == begun.end()) {
            begun.push_back(one.directory);
            tell_places(told, one.directory);
        }
        told.entries.push_back(std::move(one));
    }
    return told;
}

inline protocol::changes notice(
    std::uint64_t number,
    std::vector<protocol::leased_entry> entries,
    std::vector<protocol::handle_id> ended = {}
) {
    return {number, std::move(entries), std::move(ended), false};
}

}  // namespace farside::session::testing
