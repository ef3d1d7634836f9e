// When a whole directory is asked for although a program asked for one name, and when all below.
// Decisions and constants only; what is known of a directory's use is its listing_habit.
//
//     second unknown name of a directory within a moment      -> list it
//     second directory listed of those in one directory,      -> list all below that one
//     or the first where a program listed that one as well;
//     or unknown names in three of them
//
// A guess that nobody used is wasted; when more than half of the last ones were, guessing pauses.
#pragma once

#include "layer/session/listing_habit.hpp"
#include "layer/session/prefetch_score.hpp"

#include <chrono>
#include <cstdint>

namespace farside::session {

class listing_prediction {
public:
    using time_point = std::chrono::steady_clock::time_point;

    // Unknown names within this time belong together.
    static constexpr std::chrono::seconds moment{2};
    static constexpr std::uint32_t misses_to_list = 2;
    static constexpr std::uint32_t siblings_to_list_below = 2;
    static constexpr std::uint32_t missed_siblings_to_list_below = 3;
    // A directory with more is not listed ahead.
    static constexpr std::uint32_t entries_max = 20000;
    // Lookups that told nothing, until the directory is left alone for a moment.
    static constexpr std::uint32_t vain_max = 2;

    // Of all below: from this on, four times as much each time.
    static constexpr std::uint32_t below_bytes_min = 64 * 1024;
    static constexpr std::uint32_t below_bytes_factor = 4;
    static constexpr std::uint32_t below_bytes_max = 1024 * 1024;
    // Where a round trip takes this long, it is worth more.
    static constexpr std::chrono::milliseconds far_rtt{10};
    static constexpr std::uint32_t below_bytes_min_far = 1024 * 1024;
    static constexpr std::uint32_t below_bytes_max_far = 4 * 1024 * 1024;

    // A name in the directory was asked for and is not known. What to ask for: nothing, as it was
    // not told the last times; the name; all names.
    enum class ask { nothing, name, all };
    [[nodiscard]] ask missed(listing_habit& habit, time_point now);

    // A directory in the one of this habit is being listed, or has an unknown name for the first
    // time. The budget for all below; 0: nothing.
    enum class child { listed, missed };
    [[nodiscard]] std::uint32_t below(
        listing_habit& habit, child what, std::chrono::nanoseconds rtt
    );

    // Something was answered from what is known.
    void answered() { answered_ = true; }

    // Whether a guess may be made now; then it counts as one. `answered_elsewhere`: how often
    // something was answered without coming here.
    [[nodiscard]] bool guess(std::uint64_t answered_elsewhere);

    // Whether the last guess was used.
    void judge(std::uint64_t answered_elsewhere);

    [[nodiscard]] std::uint64_t guesses() const { return guesses_; }

    [[nodiscard]] std::uint64_t used() const { return used_; }

private:
    prefetch_score score_;
    bool open_ = false;      // the last guess is not judged yet
    bool answered_ = false;  // since it was made
    std::uint64_t answered_elsewhere_ = 0;
    std::uint64_t guesses_ = 0;
    std::uint64_t used_ = 0;
};

}  // namespace farside::session
