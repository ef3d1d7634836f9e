// What the agent's notices told, and which leases ended, while lookups are under way: a reply may
// have been put together before. An entry of a reply counts only where no later notice told of the
// same name, and only under leases that are still held.
//
// Bounded: where too much happened at once, replies of the lookups that are under way count for
// nothing. Nothing is kept while none is.
#pragma once

#include "layer/session/file_identity.hpp"
#include "protocol/types.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace farside::session {

class recent_changes {
public:
    // Names, ends of leases and closed handles that are remembered at once.
    static constexpr std::size_t kept_max = 65536;

    // A lookup under way: what its reply is worth.
    enum class ticket : std::uint64_t {};

    [[nodiscard]] ticket begin();
    void end();

    [[nodiscard]] bool valid(ticket t) const { return t == ticket{generation_}; }

    [[nodiscard]] std::size_t under_way() const { return under_way_; }

    // The notice of this number told of the name; of the lease's end; of the end of all leases.
    void told(protocol::handle_id directory, std::string_view name, std::uint64_t number);
    void ended(protocol::handle_id handle, std::uint64_t number);

    void all_ended(std::uint64_t number) { all_ended_ = number; }

    // The handle is being closed: nothing may be told of it any more. And that was answered.
    void closing(protocol::handle_id handle) { closing_.insert(handle); }

    void closed(protocol::handle_id handle);

    // The inode may have been changed without a word until now.
    void changed_silently(const file_identity& inode);

    // Whether what replies tell of the inode may be older than that.
    [[nodiscard]] bool is_doubtful(const file_identity& inode) const {
        return silent_.contains(inode);
    }

    // Whether a notice after `as_of` told of the name.
    [[nodiscard]] bool newer(
        protocol::handle_id directory, std::string_view name, std::uint64_t as_of
    ) const;

    // Whether a lease that a reply of `as_of` tells of is held.
    [[nodiscard]] bool holds(protocol::handle_id handle, std::uint64_t as_of) const;

    [[nodiscard]] bool is_closing(protocol::handle_id handle) const {
        return closing_.contains(handle) || closed_.contains(handle);
    }

    // Whether `known` is true of every name that notices after `as_of` told of.
    [[nodiscard]] bool all_known(
        protocol::handle_id directory,
        std::uint64_t as_of,
        const std::function<bool(std::string_view)>& known
    ) const;

private:
    using names = std::map<std::string, std::uint64_t, std::less<>>;

    void forget();
    void count();

    std::size_t under_way_ = 0;
    std::uint64_t generation_ = 0;
    std::size_t kept_ = 0;
    std::unordered_map<protocol::handle_id, names> names_;
    std::unordered_map<protocol::handle_id, std::uint64_t> ended_;
    std::uint64_t all_ended_ = 0;
    std::unordered_set<protocol::handle_id> closing_;  // not answered
    std::unordered_set<protocol::handle_id> closed_;   // answered, but replies may be older
    std::set<file_identity> silent_;
};

}  // namespace farside::session
