// How long a wait is worth spinning before it sleeps. To be woken costs tens of microseconds, to
// look again nothing but the time: spinning pays where the next event is nearer than that. Numbers
// only; here because both sides wait.
//
// A wait is expected to take what waits took lately (an exponential mean). Long waits count as
// `wait_ns_max`, so that an idle owner is certain of idling after three of them, and a busy one of
// being busy after as many short ones. Spins that end without an event are counted: while they are
// not worth it, because the other side needs this very processor, say, further ones are left out,
// twice as many each time.
#pragma once

#include <algorithm>
#include <cstdint>

namespace farside {

class spin_budget {
public:
    static constexpr std::uint32_t spin_ns_max = 50'000;
    static constexpr std::uint32_t pays_below_ns = 100'000;
    static constexpr std::uint32_t wait_ns_max = 200'000;
    static constexpr std::uint32_t left_out_max = 1024;

    // How long the next wait may spin; 0: it sleeps at once.
    [[nodiscard]] std::uint32_t next() const {
        if (mean_ns_ >= pays_below_ns || left_out_ > 0) {
            return 0;
        }
        return std::clamp(2 * mean_ns_, spin_ns_min, spin_ns_max);
    }

    // A wait took so long, after a spin of next().
    void waited(std::uint64_t ns) {
        const auto spun = next();
        const auto counted =
            static_cast<std::uint32_t>(std::min<std::uint64_t>(ns, std::uint64_t{wait_ns_max}));
        mean_ns_ = (3 * mean_ns_ + counted) / 4;
        if (left_out_ > 0) {
            --left_out_;
        } else if (spun > 0) {
            count(ns > spun);
        }
    }

    [[nodiscard]] std::uint32_t mean_ns() const { return mean_ns_; }

private:
    static constexpr std::uint32_t spin_ns_min = 5'000;
    static constexpr std::uint32_t judged = 16;  // spins at a time

    void count(bool useless) {
        ++spins_;
        useless_ += useless ? 1U : 0U;
        if (spins_ < judged) {
            return;
        }
        if (useless_ > judged / 2) {
            left_out_ = pause_;
            pause_ = std::min(2 * pause_, left_out_max);
        } else {
            pause_ = judged;
        }
        spins_ = 0;
        useless_ = 0;
    }

    std::uint32_t mean_ns_ = wait_ns_max;
    std::uint32_t spins_ = 0;
    std::uint32_t useless_ = 0;
    std::uint32_t left_out_ = 0;
    std::uint32_t pause_ = judged;
};

}  // namespace farside
