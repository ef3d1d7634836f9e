// The rules.
#include "layer/session/listing_prediction.hpp"

#include <algorithm>

namespace farside::session {

listing_prediction::ask listing_prediction::missed(listing_habit& habit, time_point now) {
    if (habit.misses == 0 || now - habit.first_miss > moment) {
        habit.misses = 0;
        habit.in_vain = 0;
        habit.first_miss = now;
    }
    ++habit.misses;
    if (habit.in_vain >= vain_max) {
        return ask::nothing;
    }
    return habit.misses >= misses_to_list && !habit.listed ? ask::all : ask::name;
}

std::uint32_t listing_prediction::below(
    listing_habit& habit, child what, std::chrono::nanoseconds rtt
) {
    const bool far = rtt > far_rtt;
    const auto most = far ? below_bytes_max_far : below_bytes_max;
    habit.children_listed += what == child::listed ? 1 : 0;
    habit.children_missed += what == child::missed ? 1 : 0;
    const auto enough = habit.opened ? 1U : siblings_to_list_below;
    const bool likely = what == child::listed
                            ? habit.children_listed >= enough
                            : habit.children_missed >= missed_siblings_to_list_below;
    if (!likely || habit.below_bytes >= most) {
        return 0;
    }
    const auto least = far ? below_bytes_min_far : below_bytes_min;
    habit.below_bytes = std::clamp(habit.below_bytes * below_bytes_factor, least, most);
    return habit.below_bytes;
}

bool listing_prediction::guess(std::uint64_t answered_elsewhere) {
    judge(answered_elsewhere);
    if (!score_.allows()) {
        return false;
    }
    open_ = true;
    answered_ = false;
    answered_elsewhere_ = answered_elsewhere;
    ++guesses_;
    return true;
}

// What was answered since the last guess was answered by it, or would not have been asked again.
void listing_prediction::judge(std::uint64_t answered_elsewhere) {
    if (!open_) {
        return;
    }
    open_ = false;
    const bool used = answered_ || answered_elsewhere != answered_elsewhere_;
    used_ += used ? 1 : 0;
    score_.record(used ? prefetch_score::outcome::used : prefetch_score::outcome::wasted);
}

}  // namespace farside::session
