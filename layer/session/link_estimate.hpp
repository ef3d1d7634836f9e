// What the link can do, told from the traffic it carries (as TCP BBR does, above the socket): the
// round trip is the shortest wait for a small answer, the rate is the largest number of bytes that
// came in the time of a request. Times and numbers only; the link feeds it.
//
// A request that asks for little says nothing of the rate: it could only say that there was not
// more to carry. Such a sample counts where it is above what is known, and never lowers it. Samples
// of a busy link count as they are: more was asked for than the link holds, or a long answer took
// many round trips.
#pragma once

#include "layer/session/windowed_extreme.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace farside::session {

class link_estimate {
public:
    using time_point = std::chrono::steady_clock::time_point;
    using duration = std::chrono::nanoseconds;

    // Before anything is measured: a gigabit link. The handshake measures the round trip, but also
    // the agent's start; the first small answer corrects it.
    static constexpr std::uint64_t rate_default = 125'000'000;
    static constexpr duration rtt_default{std::chrono::milliseconds{1}};

    // Answers up to this much tell the round trip.
    static constexpr std::uint64_t small_bytes = 16 * 1024;
    // Answers and changes from here on tell of the rate, when they take long.
    static constexpr std::uint64_t long_bytes = 64 * 1024;

    struct values {
        duration rtt = rtt_default;
        std::uint64_t bytes_per_second = rate_default;       // that come
        std::uint64_t sent_bytes_per_second = rate_default;  // that go

        // Bytes that are under way when the link is full.
        [[nodiscard]] std::uint64_t bdp() const { return product(bytes_per_second); }

        [[nodiscard]] std::uint64_t sent_bdp() const { return product(sent_bytes_per_second); }

    private:
        [[nodiscard]] std::uint64_t product(std::uint64_t rate) const {
            const auto seconds = std::chrono::duration<double>{rtt}.count();
            return static_cast<std::uint64_t>(static_cast<double>(rate) * seconds);
        }
    };

    // A request under way. Its owner keeps it and hands it back.
    class sending {
        friend class link_estimate;

        struct way {
            std::uint64_t bytes = 0;      // that this request moves this way, at most
            std::uint64_t delivered = 0;  // over all requests, when it was sent
            time_point since;             // of the delivery before it
            time_point since_sent;        // of that: when it was sent
            bool fills = false;           // the link, with what was under way already
        };

        time_point sent;
        std::array<way, 2> ways;
        std::uint64_t received = 0;
        bool measured_rtt = false;
    };

    // A request leaves: it carries `out` bytes and asks for up to `in`.
    [[nodiscard]] sending sent(time_point now, std::uint64_t out, std::uint64_t in);

    // A part of its answer came.
    void received(time_point now, sending& request, std::uint64_t bytes);

    // That was the last part; or it will never come.
    void answered(time_point now, const sending& request);

    // Nothing comes any more.
    void forget(const sending& request);

    [[nodiscard]] values now() const;

    // Bytes asked for that have not come yet, at most; and sent that are not answered.
    [[nodiscard]] std::uint64_t asked_bytes() const { return ways_[in].under_way; }

    [[nodiscard]] std::uint64_t unanswered_bytes() const { return ways_[out].under_way; }

private:
    static constexpr std::size_t in = 0;
    static constexpr std::size_t out = 1;

    struct way_state {
        std::uint64_t under_way = 0;
        std::uint64_t delivered = 0;
        time_point last_delivery;
        time_point last_delivered_sent;  // when that was sent
        windowed_maximum<std::uint64_t> rate;
    };

    [[nodiscard]] std::uint64_t rate_of(std::size_t way) const {
        return ways_[way].rate.best().value_or(rate_default);
    }

    void delivered(time_point now, const sending& request, std::size_t way, std::uint64_t bytes);
    void measure(time_point now, const sending& request, std::size_t way, std::uint64_t bytes);

    windowed_minimum<duration> rtt_;
    std::array<way_state, 2> ways_;
};

}  // namespace farside::session
