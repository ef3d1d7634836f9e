// When and how far is read ahead: every rule of readahead, random_reads and prefetch_score.
#include "layer/session/readahead.hpp"

#include "layer/session/prefetch_score.hpp"
#include "layer/session/random_reads.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace farside::session {

// For the messages of failed assertions.
static void PrintTo(const byte_range& range, std::ostream* out) {
    *out << '[' << range.begin << ", " << range.end << ')';
}

namespace {

constexpr std::uint64_t K = 1024;
constexpr std::uint64_t M = 1024 * K;
constexpr std::uint64_t G = 1024 * M;
constexpr std::uint64_t B = readahead::block_bytes;

readahead::surroundings far(std::uint64_t file_end = 10 * G) {
    readahead::surroundings now;
    now.file_end = file_end;
    return now;
}

struct step {
    byte_range asked;
    bool stream;
    byte_range ahead;
};

void expect_steps(readahead& r, const std::vector<step>& steps, readahead::surroundings now) {
    int row = 0;
    for (const auto& s : steps) {
        SCOPED_TRACE(row++);
        const auto d = r.on_read(s.asked, now);
        EXPECT_EQ(d.stream, s.stream);
        if (s.ahead.empty()) {
            EXPECT_TRUE(d.ahead.empty()) << d.ahead.begin << ' ' << d.ahead.end;
        } else {
            EXPECT_EQ(d.ahead, s.ahead);
        }
    }
}

TEST(Readahead, StartsAtTheBeginningOfTheFile) {
    readahead r{0};
    // The first window, and the next one, because the reader stands at the first's beginning.
    const auto d = r.on_read({0, 4 * K}, far());
    EXPECT_TRUE(d.stream);
    EXPECT_EQ(d.ahead, (byte_range{0, 128 * K + 512 * K}));
    EXPECT_EQ(d.marker, 128 * K);
}

TEST(Readahead, GoesOnWhereTheInlineBytesEnd) {
    readahead r{B};
    const auto d = r.on_read({B, B + 4 * K}, far());
    EXPECT_TRUE(d.stream);
    EXPECT_EQ(d.ahead, (byte_range{B, B + 512 * K + 2 * M}));
    EXPECT_EQ(d.marker, B + 512 * K);
}

TEST(Readahead, AsksForTheNextWindowAtTheMarkerOnly) {
    readahead r{0};
    expect_steps(
        r,
        {
            {{0, 4 * K}, true, {0, 640 * K}},
            {{4 * K, 8 * K}, true, {}},
            {{64 * K, 128 * K}, true, {}},
            {{128 * K, 132 * K}, true, {640 * K, 640 * K + 2 * M}},
            {{132 * K, 136 * K}, true, {}},
        },
        far()
    );
}

TEST(Readahead, GrowsFourfoldThenTwofoldThenNoMore) {
    readahead r{0};
    auto now = far();
    std::vector<std::uint64_t> windows;
    auto d = r.on_read({0, B}, now);
    while (windows.size() < 8) {
        windows.push_back(d.ahead.end - *d.marker);
        d = r.on_read({*d.marker, *d.marker + B}, now);
    }
    const std::vector<std::uint64_t> expected{
        512 * K, 2 * M, 4 * M, 8 * M, 16 * M, 32 * M, 32 * M, 32 * M};
    EXPECT_EQ(windows, expected);
}

TEST(Readahead, TheLinkLimitsTheWindow) {
    readahead r{0};
    auto now = far();
    now.window = 1 * M;
    auto d = r.on_read({0, B}, now);
    EXPECT_EQ(d.ahead.end - *d.marker, 256 * K);  // a sixteenth is 64 KiB
    d = r.on_read({*d.marker, *d.marker + B}, now);
    EXPECT_EQ(d.ahead.size(), 512 * K);
    d = r.on_read({*d.marker, *d.marker + B}, now);
    EXPECT_EQ(d.ahead.size(), 1 * M);
    now.window = 0;
    d = r.on_read({*d.marker, *d.marker + B}, now);
    EXPECT_EQ(d.ahead.size(), readahead::first_window);
}

TEST(Readahead, HurriesWithTheLargestWindow) {
    readahead r{B};
    auto now = far();
    now.window = 8 * M;
    now.hurry = true;
    const auto d = r.on_read({B, 2 * B}, now);
    EXPECT_EQ(d.ahead, (byte_range{B, B + 16 * M}));
    EXPECT_EQ(d.marker, B + 8 * M);
}

TEST(Readahead, EndsWithTheFile) {
    readahead r{B};
    const auto d = r.on_read({B, B + 1}, far(5 * B));
    EXPECT_TRUE(d.stream);
    EXPECT_EQ(d.ahead, (byte_range{B, 5 * B}));
    EXPECT_EQ(d.marker, std::nullopt);
    const auto behind = r.on_read({4 * B, 5 * B}, far(5 * B));
    EXPECT_TRUE(behind.ahead.empty());
}

TEST(Readahead, CoversAReadThatIsLargerThanTheWindow) {
    readahead r{0};
    auto now = far();
    now.window = 128 * K;
    const auto d = r.on_read({0, 1 * M}, now);
    EXPECT_EQ(d.ahead.begin, 0U);
    EXPECT_GE(d.ahead.end, 1 * M);
}

TEST(Readahead, AReadElsewhereIsNoStreamUntilItIsContinued) {
    readahead r{0};
    expect_steps(
        r,
        {
            {{10 * M, 10 * M + 4 * K}, false, {}},
            {{50 * M, 50 * M + 4 * K}, false, {}},
            {{50 * M + 4 * K, 50 * M + 8 * K}, true, {50 * M, 50 * M + 512 * K + 2 * M}},
        },
        far()
    );
}

TEST(Readahead, CollapsesWhenTheReaderLeavesTheStream) {
    readahead r{0};
    expect_steps(
        r,
        {
            {{0, B}, true, {0, 640 * K}},
            {{128 * K, 192 * K}, true, {640 * K, 640 * K + 2 * M}},
            {{5 * G, 5 * G + B}, false, {}},
            {{192 * K, 256 * K}, false, {}},  // where it was is forgotten
            {{256 * K, 320 * K}, true, {256 * K, 256 * K + 512 * K + 2 * M}},
        },
        far()
    );
}

TEST(Readahead, StartsAnewWhereTheStreamsBytesAreGone) {
    readahead r{0};
    auto now = far();
    ASSERT_TRUE(r.on_read({0, B}, now).stream);
    now.lost = true;
    const auto again = r.on_read({0, B}, now);
    EXPECT_TRUE(again.stream);
    EXPECT_EQ(again.ahead, (byte_range{0, 640 * K}));
    // And behind what was asked for nothing was lost: it goes on.
    const auto on = r.on_read({640 * K, 704 * K}, now);
    EXPECT_EQ(on.ahead.begin, 640 * K);
}

TEST(Readahead, DoesWhatItIsAdvised) {
    readahead r{0};
    r.advise(readahead::advice::random);
    EXPECT_FALSE(r.on_read({0, B}, far()).stream);
    EXPECT_FALSE(r.on_read({B, 2 * B}, far()).stream);
    r.advise(readahead::advice::none);
    EXPECT_TRUE(r.on_read({2 * B, 3 * B}, far()).stream);
}

// ---- reads here and there ----

TEST(RandomReads, ABlockIsWorthFetchingTheSecondTime) {
    random_reads r;
    EXPECT_FALSE(r.touch(5));
    EXPECT_FALSE(r.touch(6));
    EXPECT_TRUE(r.touch(5));
}

TEST(RandomReads, WhatIsRememberedIsBounded) {
    random_reads r;
    for (std::uint64_t i = 0; i < random_reads::touched_max; ++i) {
        ASSERT_FALSE(r.touch(i));
    }
    EXPECT_FALSE(r.touch(0));
    EXPECT_TRUE(r.touch(0));
}

TEST(RandomReads, TheWholeFileIsFetchedWhenWaitingHasCostAsMuch) {
    using std::chrono::milliseconds;
    random_reads r;
    const std::uint64_t rate = 64 * M;  // a second for 64 MiB
    for (int i = 0; i < 49; ++i) {
        ASSERT_FALSE(r.waited(milliseconds{20}, 64 * M, rate)) << i;
    }
    EXPECT_TRUE(r.waited(milliseconds{20}, 64 * M, rate));
    EXPECT_FALSE(r.waited(milliseconds{20}, 64 * M, rate));  // once
}

TEST(RandomReads, AHugeFileIsNever) {
    random_reads r;
    EXPECT_FALSE(
        r.waited(std::chrono::hours{1}, random_reads::whole_bytes_max + 1, std::uint64_t{1} << 40U)
    );
    EXPECT_TRUE(r.waited(std::chrono::hours{1}, random_reads::whole_bytes_max, 1 * M));
}

// ---- what guessing is worth ----

using outcome = prefetch_score::outcome;

TEST(PrefetchScore, AllowsUntilMostWasInVain) {
    prefetch_score score;
    for (unsigned i = 0; i < prefetch_score::window; ++i) {
        ASSERT_TRUE(score.allows());
        score.record(i < prefetch_score::window / 2 ? outcome::used : outcome::wasted);
    }
    EXPECT_TRUE(score.allows());  // half
    score.record(outcome::wasted);
    EXPECT_FALSE(score.allows());
}

TEST(PrefetchScore, TriesAgainAfterAWhile) {
    prefetch_score score;
    for (unsigned i = 0; i < prefetch_score::window; ++i) {
        score.record(outcome::wasted);
    }
    unsigned refused = 0;
    while (!score.allows()) {
        ASSERT_LE(++refused, prefetch_score::window);
    }
    EXPECT_EQ(refused, prefetch_score::window);
    // And has as much time as before.
    for (unsigned i = 1; i < prefetch_score::window; ++i) {
        score.record(outcome::wasted);
        ASSERT_TRUE(score.allows());
    }
    score.record(outcome::wasted);
    EXPECT_FALSE(score.allows());
}

}  // namespace
}  // namespace farside::session
