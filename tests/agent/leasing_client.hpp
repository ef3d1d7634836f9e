// A client that keeps what it is told of leases, as a caching one must: by directory and name, the
// newest word of each. What a reply says of a name is old where a later notice told of it.
#pragma once

#include "tests/agent/fake_client.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace farside::agent::test {

// Of one answer: the entries of all frames; data are copied behind them.
struct told_names {
    int failure = 0;
    std::size_t frames = 0;
    std::uint64_t as_of = 0;                      // of the first frame
    std::vector<protocol::leased_entry> entries;  // `data` point into `raw`
    std::vector<protocol::leased_entry> places;   // "." and "..", where they stand
    std::vector<protocol::handle_id> complete;
    raw_answer raw;

    // The entry of that name; fails where it was not told.
    [[nodiscard]] const protocol::leased_entry& of(const std::string& name) const;
    [[nodiscard]] bool tells(const std::string& name) const;
};

// What a lease covers: without the time of the last reading, which nobody is told of.
[[nodiscard]] inline protocol::attributes lasting(protocol::attributes attr) {
    attr.accessed = {};
    return attr;
}

template <typename Told>
[[nodiscard]] std::string text_of(const Told& entry) {
    const auto bytes = entry.data.bytes;
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <typename Request>
[[nodiscard]] told_names told_by(answer<Request> whole) {
    told_names told;
    told.failure = whole.failure;
    told.raw = std::move(whole.raw);
    told.frames = told.raw.bodies.size();
    told.as_of = whole.reply.as_of;
    for (const auto& body : told.raw.bodies) {
        auto frame = protocol::decode<protocol::lookup_reply>(body).value();
        for (const auto& entry : frame.entries) {
            const bool place = entry.listed && (entry.name == "." || entry.name == "..");
            (place ? told.places : told.entries).push_back(entry);
        }
        told.complete.insert(told.complete.end(), frame.complete.begin(), frame.complete.end());
    }
    return told;
}

// Lookups in few words.
[[nodiscard]] protocol::lookup chain_of(protocol::handle_id base, std::string path);
[[nodiscard]] protocol::lookup listing_of(protocol::handle_id base, std::string path);

template <typename Request>
[[nodiscard]] told_names ask(fake_client& client, const Request& request) {
    return told_by(client.call(request));
}

// The lease of the target's root.
[[nodiscard]] protocol::handle_id lease_root(fake_client& client);

// All notices so far as one: entries in order, later ones last.
[[nodiscard]] protocol::changes joined(const std::vector<protocol::changes>& notices);

// "name state" of each entry below a directory, in order: "a present", "b missing".
[[nodiscard]] std::vector<std::string> lines_of(const std::vector<protocol::changes>& notices);

}  // namespace farside::agent::test
