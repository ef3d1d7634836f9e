// What a session did, counted: the numbers of --stats. Later work on caches is judged by them, so
// each is defined here and nowhere else.
//
//   round_trips     requests to the agent whose answer some caller waited for. Of writes that are
//                   written behind nobody waits for each: where somebody waits for those that are
//                   on their way, that is one
//   requests        all requests, one-way ones too
//   pushes          messages that the agent sent unasked
//   bytes_sent, bytes_received   whole frames, header included
//   hits            calls answered without the agent, by the session or inside the program; a
//                   close is none, it sends a request that nobody waits for
//   predicted       listings that were asked for although a program asked for less
//   used            of those, the ones behind which calls were answered without the agent
//   prefetch        bytes of files that were fetched before anybody read them; of those, as far as
//                   the positions of open files tell, how many were used and wasted
//   wall_ms         from the start of the session to its end
//
// Start-up and shut-down traffic is counted apart, under "session".
#pragma once

#include "protocol/opcode.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string>

namespace farside::session {

struct traffic_counts {
    std::uint64_t round_trips = 0;
    std::uint64_t requests = 0;
    std::uint64_t pushes = 0;
    std::uint64_t bytes_sent = 0;
    std::uint64_t bytes_received = 0;

    friend bool operator==(const traffic_counts&, const traffic_counts&) = default;
};

class session_stats {
public:
    enum class phase : std::uint8_t { session = 0, program = 1 };
    enum class waited : bool { no, yes };

    // What follows counts as this phase's. A new object counts as `session`.
    void enter(phase p) { phase_ = p; }

    void sent(protocol::opcode op, std::uint64_t bytes, waited w);

    // Somebody waits for answers to requests that were sent without one who waits.
    void awaited(protocol::opcode op) { ++at(op).round_trips; }

    void received(protocol::opcode op, std::uint64_t bytes);
    void pushed(protocol::opcode op, std::uint64_t bytes);

    void hit() { ++hits_; }

    void predictions(std::uint64_t made, std::uint64_t used) {
        predicted_ = made;
        used_ = used;
    }

    [[nodiscard]] std::uint64_t hits() const { return hits_; }

    void prefetched(std::uint64_t bytes) { prefetched_ += bytes; }

    void prefetch_used(std::uint64_t used, std::uint64_t wasted) {
        prefetch_used_ += used;
        prefetch_wasted_ += wasted;
    }

    [[nodiscard]] traffic_counts total(phase p) const;
    [[nodiscard]] traffic_counts of(phase p, protocol::opcode op) const;

    // One JSON object on one line, with its newline. `layer_hits` are those inside the programs.
    [[nodiscard]] std::string json(std::uint64_t layer_hits, std::uint64_t wall_ms) const;

private:
    using by_opcode = std::map<protocol::opcode, traffic_counts>;

    traffic_counts& at(protocol::opcode op);

    phase phase_ = phase::session;
    std::array<by_opcode, 2> counts_;
    std::uint64_t hits_ = 0;
    std::uint64_t predicted_ = 0;
    std::uint64_t used_ = 0;
    std::uint64_t prefetched_ = 0;
    std::uint64_t prefetch_used_ = 0;
    std::uint64_t prefetch_wasted_ = 0;
};

}  // namespace farside::session
