// What the estimate makes of a link whose round trip and rate are known: a model of one, in which
// time is a number.
#include "layer/session/link_estimate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

namespace farside::session {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using time_point = link_estimate::time_point;

constexpr std::uint64_t chunk = 128 * 1024;

// A server at the other end of a link that carries so many bytes a second each way. Answers leave
// in the order of the requests.
class model_link {
public:
    model_link(nanoseconds rtt, std::uint64_t rate) : rtt_{rtt}, rate_{rate} {}

    void ask(std::uint64_t bytes, std::uint64_t carried = 0) {
        up_free_ = std::max(now_, up_free_) + time_for(carried);
        const auto at_server = up_free_ + rtt_ / 2;
        down_free_ = std::max(at_server, down_free_) + time_for(bytes);
        under_way_.push_back({estimate.sent(now_, carried, bytes), bytes, down_free_ + rtt_ / 2});
    }

    void answer_first() {
        auto& first = under_way_.front();
        now_ = std::max(now_, first.arrives);
        estimate.received(now_, first.sending, first.bytes);
        estimate.answered(now_, first.sending);
        under_way_.pop_front();
    }

    // Keeps `window` bytes under way until `total` came.
    void stream(std::uint64_t total, std::uint64_t window, std::uint64_t part = chunk) {
        std::uint64_t asked = 0;
        while (asked < total || !under_way_.empty()) {
            while (asked < total && estimate.asked_bytes() + part <= window) {
                ask(part);
                asked += part;
            }
            answer_first();
        }
    }

    void pass(nanoseconds time) { now_ += time; }

    void become(nanoseconds rtt, std::uint64_t rate) {
        rtt_ = rtt;
        rate_ = rate;
    }

    [[nodiscard]] double rtt_ratio() const {
        return std::chrono::duration<double>{estimate.now().rtt} /
               std::chrono::duration<double>{rtt_};
    }

    [[nodiscard]] double rate_ratio() const {
        return static_cast<double>(estimate.now().bytes_per_second) / static_cast<double>(rate_);
    }

    link_estimate estimate;

private:
    struct request {
        link_estimate::sending sending;
        std::uint64_t bytes = 0;
        time_point arrives;
    };

    [[nodiscard]] nanoseconds time_for(std::uint64_t bytes) const {
        return nanoseconds{bytes * 1'000'000'000 / rate_};
    }

    nanoseconds rtt_;
    std::uint64_t rate_;
    time_point now_{seconds{1000}};
    time_point up_free_{};
    time_point down_free_{};
    std::deque<request> under_way_;
};

struct link_kind {
    const char* name;
    nanoseconds rtt;
    std::uint64_t rate;
};

constexpr link_kind links[] = {
    {"unix socket", microseconds{10}, 2'000'000'000},
    {"gigabit, near", milliseconds{2}, 125'000'000},
    {"gigabit, far", milliseconds{20}, 125'000'000},
    {"ten gigabit", microseconds{200}, 1'250'000'000},
    {"slow", milliseconds{100}, 1'000'000},
    {"fast and far", milliseconds{100}, 125'000'000},
};

TEST(LinkEstimate, IsSaneBeforeAnythingWasMeasured) {
    const link_estimate nothing;
    EXPECT_EQ(nothing.now().rtt, link_estimate::rtt_default);
    EXPECT_EQ(nothing.now().bytes_per_second, link_estimate::rate_default);
    EXPECT_EQ(nothing.now().bdp(), 125'000U);
}

TEST(LinkEstimate, FindsTheRoundTripInSmallAnswers) {
    for (const auto& kind : links) {
        SCOPED_TRACE(kind.name);
        model_link link{kind.rtt, kind.rate};
        for (int i = 0; i < 3; ++i) {
            link.ask(200);
            link.answer_first();
        }
        EXPECT_NEAR(link.rtt_ratio(), 1, 0.1);
        EXPECT_EQ(link.estimate.now().bytes_per_second, link_estimate::rate_default)
            << "small answers tell nothing of the rate";
    }
}

TEST(LinkEstimate, FindsTheRateOfAStreamWithAWindowOfTwiceWhatItBelieves) {
    for (const auto& kind : links) {
        SCOPED_TRACE(kind.name);
        model_link link{kind.rtt, kind.rate};
        link.ask(200);
        link.answer_first();
        for (int i = 0; i < 8; ++i) {
            const auto window = std::max<std::uint64_t>(512 * 1024, 2 * link.estimate.now().bdp());
            link.stream(2 * window, window);
        }
        EXPECT_NEAR(link.rtt_ratio(), 1, 0.1);
        EXPECT_NEAR(link.rate_ratio(), 1, 0.25);
    }
}

TEST(LinkEstimate, TheTimeOfALongAnswerIsNotTakenForTheRoundTrip) {
    model_link link{milliseconds{2}, 1'000'000};
    link.ask(200);
    link.answer_first();
    link.stream(20 * chunk, 4 * chunk);
    EXPECT_NEAR(link.rtt_ratio(), 1, 0.15);
}

TEST(LinkEstimate, OneLongAnswerOverASlowLinkTellsItsRate) {
    model_link link{milliseconds{20}, 1'000'000};
    link.ask(200);
    link.answer_first();
    link.ask(chunk);
    link.answer_first();
    EXPECT_NEAR(link.rate_ratio(), 1, 0.25);
}

TEST(LinkEstimate, ALinkThatIsHardlyUsedDoesNotSeemSlow) {
    model_link link{milliseconds{20}, 125'000'000};
    link.stream(64 * 1024 * 1024, 8 * 1024 * 1024);
    const auto busy = link.estimate.now().bytes_per_second;
    for (int i = 0; i < 100; ++i) {
        link.pass(seconds{1});
        link.ask(chunk);
        link.answer_first();
        link.ask(300);
        link.answer_first();
    }
    EXPECT_EQ(link.estimate.now().bytes_per_second, busy);
}

TEST(LinkEstimate, APauseForgetsNothing) {
    model_link link{milliseconds{20}, 125'000'000};
    link.stream(64 * 1024 * 1024, 8 * 1024 * 1024);
    const auto before = link.estimate.now();
    link.pass(seconds{3600});
    EXPECT_EQ(link.estimate.now().rtt, before.rtt);
    EXPECT_EQ(link.estimate.now().bytes_per_second, before.bytes_per_second);
}

TEST(LinkEstimate, FollowsALinkThatBecameSlower) {
    model_link link{milliseconds{2}, 125'000'000};
    link.ask(200);
    link.answer_first();
    link.stream(8 * 1024 * 1024, 2 * 1024 * 1024);
    link.become(milliseconds{50}, 10'000'000);
    // More than the ten seconds for which the best is remembered.
    for (int i = 0; i < 15; ++i) {
        link.stream(10'000'000, 2 * 1024 * 1024);
        link.ask(200);
        link.answer_first();
    }
    EXPECT_NEAR(link.rtt_ratio(), 1, 0.1);
    EXPECT_NEAR(link.rate_ratio(), 1, 0.1);
}

TEST(LinkEstimate, MeasuresWhatIsSentToo) {
    model_link link{milliseconds{2}, 10'000'000};
    link.ask(20);
    link.answer_first();
    for (int i = 0; i < 20; ++i) {
        link.ask(20, chunk);
        link.ask(20, chunk);
        link.answer_first();
        link.answer_first();
    }
    EXPECT_NEAR(static_cast<double>(link.estimate.now().sent_bytes_per_second) / 1e7, 1, 0.25);
    EXPECT_EQ(link.estimate.now().bytes_per_second, link_estimate::rate_default);
}

// Answers that somebody held up come all at once.
TEST(LinkEstimate, DoesNotTakeABurstForAFastLink) {
    link_estimate estimate;
    time_point now{seconds{1}};
    constexpr auto pace = milliseconds{1};
    constexpr int burst = 8;
    std::deque<link_estimate::sending> under_way;
    const auto answer_one = [&] {
        estimate.received(now, under_way.front(), chunk);
        estimate.answered(now, under_way.front());
        under_way.pop_front();
    };
    for (int i = 0; i < 100; ++i) {
        under_way.push_back(estimate.sent(now, 0, chunk));
        now += pace;
        if (under_way.size() > burst) {
            answer_one();
        }
        while (i % 20 == 0 && !under_way.empty()) {
            answer_one();
        }
    }
    EXPECT_LE(estimate.now().bytes_per_second, chunk * 1000 * 5 / 4);
}

TEST(LinkEstimate, CountsWhatIsUnderWay) {
    link_estimate estimate;
    const time_point now{seconds{1}};
    const auto first = estimate.sent(now, 10, chunk);
    const auto second = estimate.sent(now, chunk, 0);
    EXPECT_EQ(estimate.asked_bytes(), chunk);
    EXPECT_EQ(estimate.unanswered_bytes(), chunk + 10);
    estimate.answered(now, first);
    EXPECT_EQ(estimate.asked_bytes(), 0U);
    EXPECT_EQ(estimate.unanswered_bytes(), chunk);
    estimate.forget(second);
    EXPECT_EQ(estimate.unanswered_bytes(), 0U);
}

}  // namespace
}  // namespace farside::session
