// The least or the largest of what was measured lately: in the ten seconds before the last
// measurement, so that a pause forgets nothing. Seconds are kept, not measurements: no matter how
// many there are, ten numbers are all that is held.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

namespace farside::session {

// `Better` says which of two values wins: std::less keeps the least.
template <typename Value, typename Better>
class windowed_extreme {
public:
    static constexpr std::int64_t window_s = 10;

    void add(std::chrono::steady_clock::time_point now, Value measured) {
        const auto second =
            std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
        auto& bucket = buckets_[static_cast<std::size_t>(second % window_s)];
        if (bucket.second != second || Better{}(measured, bucket.value)) {
            bucket = {second, measured};
        }
        best_ = measured;
        for (const auto& kept : buckets_) {
            if (second - kept.second < window_s && Better{}(kept.value, *best_)) {
                best_ = kept.value;
            }
        }
    }

    // Nothing before the first measurement.
    [[nodiscard]] std::optional<Value> best() const { return best_; }

private:
    struct second_of {
        std::int64_t second = -window_s;
        Value value{};
    };

    std::array<second_of, window_s> buckets_{};
    std::optional<Value> best_;
};

template <typename Value>
using windowed_minimum = windowed_extreme<Value, std::less<>>;

template <typename Value>
using windowed_maximum = windowed_extreme<Value, std::greater<>>;

}  // namespace farside::session
