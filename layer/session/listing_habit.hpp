// What was asked in one directory lately: what listing_prediction decides by. Lives and ends with
// the directory's lease.
#pragma once

#include <chrono>
#include <cstdint>

namespace farside::session {

struct listing_habit {
    std::chrono::steady_clock::time_point first_miss;
    std::uint32_t misses = 0;           // since first_miss
    std::uint32_t in_vain = 0;          // lookups that did not tell what they were asked for
    std::uint32_t children_listed = 0;  // directories in it that a program had listed
    std::uint32_t children_missed = 0;  // directories in it that had unknown names
    bool told_above = false;            // that it had one
    std::uint32_t below_bytes = 0;      // budget of the last listing of all below
    bool opened = false;                // by a program that lists it
    bool listed = false;                // was asked for, whatever came of it
};

}  // namespace farside::session
