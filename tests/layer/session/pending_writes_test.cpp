// What is sent when, and in which order, of the bytes that were written behind. A file is played
// that takes requests one by one, as the agent does, and may take a part of one only.
#include "layer/session/pending_writes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <string>
#include <vector>

namespace farside::session {
namespace {

using piece = pending_writes::piece;
using namespace std::chrono_literals;

constexpr std::size_t piece_max = limits::piece_bytes_max;
const pending_writes::time_point start{1h};

std::span<const std::byte> bytes_of(const std::string& text) {
    return std::as_bytes(std::span{text});
}

class PendingWrites : public ::testing::Test {
protected:
    void add(std::uint64_t offset, const std::string& text, pending_writes::time_point at = start) {
        writes.add(offset, bytes_of(text), at);
    }

    piece* send(pending_writes::time_point at = start) {
        piece* const next = writes.next(at);
        if (next != nullptr) {
            writes.sent(*next);
        }
        return next;
    }

    static std::string text_of(const piece& p) {
        const auto rest = p.rest();
        return {reinterpret_cast<const char*>(rest.data()), rest.size()};
    }

    pending_writes writes;
};

TEST_F(PendingWrites, TheFirstIsSentAtOnce) {
    EXPECT_EQ(writes.next(start), nullptr);
    add(7, "abc");
    piece* const p = send();
    ASSERT_NE(p, nullptr);
    EXPECT_EQ(p->rest_offset(), 7U);
    EXPECT_EQ(text_of(*p), "abc");
    EXPECT_EQ(writes.next_time(), pending_writes::time_point::max());
}

TEST_F(PendingWrites, WhileOneIsUnderWayContiguousBytesGather) {
    add(0, "a");
    piece* const first = send();
    add(1, "b");
    add(2, "c", start + 500us);
    EXPECT_EQ(writes.next(start), nullptr);
    EXPECT_EQ(writes.next_time(), start + limits::piece_age_max);
    EXPECT_EQ(writes.answered(*first, 1), 0);
    piece* const second = send();
    ASSERT_NE(second, nullptr);
    EXPECT_EQ(second->rest_offset(), 1U);
    EXPECT_EQ(text_of(*second), "bc");
}

TEST_F(PendingWrites, APieceIsNotKeptLongerThanItsAge) {
    add(0, "a");
    ASSERT_NE(send(), nullptr);
    add(1, "b");
    EXPECT_EQ(writes.next(start + limits::piece_age_max - 1us), nullptr);
    EXPECT_NE(writes.next(start + limits::piece_age_max), nullptr);
}

TEST_F(PendingWrites, AFullPieceIsSentAndTheRestBeginsAnother) {
    add(0, "a");
    ASSERT_NE(send(), nullptr);
    add(1, std::string(piece_max - 1, 'b'));
    EXPECT_EQ(writes.next(start), nullptr);
    add(piece_max, "cd");
    piece* const full = send();
    ASSERT_NE(full, nullptr);
    EXPECT_EQ(full->bytes.size(), piece_max);
    EXPECT_EQ(writes.next(start), nullptr);
    writes.hurry();
    piece* const rest = send();
    ASSERT_NE(rest, nullptr);
    EXPECT_EQ(rest->rest_offset(), piece_max + 1);
    EXPECT_EQ(text_of(*rest), "d");
}

TEST_F(PendingWrites, WhatIsFollowedByBytesElsewhereIsNotKeptBack) {
    add(0, "a");
    ASSERT_NE(send(), nullptr);
    add(10, "b");
    add(30, "c");
    piece* const second = send();
    ASSERT_NE(second, nullptr);
    EXPECT_EQ(text_of(*second), "b");
    EXPECT_EQ(writes.next(start), nullptr);
}

TEST_F(PendingWrites, HurryIsForWhatIsThere) {
    add(0, "a");
    ASSERT_NE(send(), nullptr);
    add(10, "b");
    writes.hurry();
    ASSERT_NE(send(), nullptr);
    add(11, "c");
    EXPECT_EQ(writes.next(start), nullptr);
}

TEST_F(PendingWrites, AreSettledInTheOrderOfWriting) {
    add(0, "aa");
    piece* const first = send();
    add(10, "bbb");
    add(20, "c");
    piece* const second = send();
    EXPECT_EQ(writes.added(), 6U);
    EXPECT_EQ(writes.answered(*second, 3), 0);
    EXPECT_EQ(writes.settled(), 0U);
    EXPECT_EQ(writes.answered(*first, 2), 0);
    EXPECT_EQ(writes.settled(), 5U);
    EXPECT_EQ(writes.charge(), 1U + limits::piece_overhead_bytes);
    EXPECT_EQ(writes.answered(*send(), 1), 0);
    EXPECT_TRUE(writes.empty());
    EXPECT_EQ(writes.charge(), 0U);
}

TEST_F(PendingWrites, AFailureIsToldAndTheOthersGoOn) {
    add(0, "a");
    piece* const first = send();
    add(10, "b");
    writes.hurry();
    piece* const second = send();
    EXPECT_EQ(writes.answered(*first, -ENOSPC), ENOSPC);
    EXPECT_EQ(writes.answered(*second, 1), 0);
    EXPECT_TRUE(writes.empty());
}

TEST_F(PendingWrites, AnAnswerThatCannotBeIsAFailure) {
    add(0, "a");
    EXPECT_EQ(writes.answered(*send(), 2), EIO);
    add(0, "a");
    EXPECT_EQ(writes.answered(*send(), 0), EIO);
    EXPECT_TRUE(writes.empty());
}

TEST_F(PendingWrites, TheRestOfAShortWriteIsSentWhenAllIsAnswered) {
    add(0, "abcdef");
    piece* const first = send();
    add(100, "x");
    writes.hurry();
    piece* const second = send();
    EXPECT_EQ(writes.answered(*first, 4), 0);
    add(200, "y");
    EXPECT_EQ(writes.next(start + 1s), nullptr);
    EXPECT_EQ(writes.next_time(), pending_writes::time_point::max());
    EXPECT_EQ(writes.answered(*second, 1), 0);
    piece* const again = send();
    ASSERT_EQ(again, first);
    EXPECT_EQ(again->rest_offset(), 4U);
    EXPECT_EQ(text_of(*again), "ef");
    piece* const third = send(start + 1s);
    ASSERT_NE(third, nullptr);
    EXPECT_EQ(text_of(*third), "y");
    EXPECT_EQ(writes.answered(*again, -ENOSPC), ENOSPC);
    EXPECT_EQ(writes.answered(*third, 1), 0);
    EXPECT_TRUE(writes.empty());
}

TEST_F(PendingWrites, GivingUpTellsWhatIsNotConfirmed) {
    add(0, "abcd");
    piece* const first = send();
    add(4, "ef");
    EXPECT_EQ(writes.answered(*first, 3), 0);
    EXPECT_EQ(writes.give_up(), 3U);
    EXPECT_TRUE(writes.empty());
    EXPECT_EQ(writes.settled(), writes.added());
    EXPECT_EQ(writes.charge(), 0U);
}

// A file that takes requests in the order of sending, and answers later.
class played_file {
public:
    explicit played_file(std::uint32_t seed) : random_{seed} {}

    void request(piece& p) {
        const auto rest = p.rest();
        std::size_t taken = rest.size();
        if (taken > 1 && random_() % 3 == 0) {
            taken = 1 + random_() % (taken - 1);
        }
        const auto* const text = reinterpret_cast<const char*>(rest.data());
        content.resize(std::max(content.size(), p.rest_offset() + taken));
        std::copy_n(text, taken, content.begin() + static_cast<std::ptrdiff_t>(p.rest_offset()));
        answers_.push_back({&p, static_cast<std::int64_t>(taken)});
    }

    void answer_some(pending_writes& writes) {
        while (!answers_.empty() && random_() % 4 != 0) {
            const std::size_t at = random_() % answers_.size();
            const auto [p, taken] = answers_[at];
            answers_.erase(answers_.begin() + static_cast<std::ptrdiff_t>(at));
            EXPECT_EQ(writes.answered(*p, taken), 0);
        }
    }

    std::string content;

private:
    struct pending_answer {
        piece* what;
        std::int64_t taken;
    };

    std::mt19937 random_;
    std::vector<pending_answer> answers_;
};

// Whatever is cut short and answered when: the file is as if each write had been done alone.
TEST(PendingWritesAtRandom, LeaveTheFileThatWritingLeaves) {
    for (std::uint32_t seed = 1; seed <= 200; ++seed) {
        std::mt19937 random{seed};
        played_file file{seed};
        pending_writes writes;
        std::string expected;
        auto now = start;
        for (int step = 0; step < 120 || !writes.empty(); ++step) {
            now += 300us;
            if (step < 120) {
                const std::size_t offset = random() % 60;
                const std::string text(1 + random() % 20, static_cast<char>('a' + step % 26));
                expected.resize(std::max(expected.size(), offset + text.size()));
                expected.replace(offset, text.size(), text);
                writes.add(offset, bytes_of(text), now);
            }
            if (random() % 3 == 0) {
                while (piece* const p = writes.next(now)) {
                    writes.sent(*p);
                    file.request(*p);
                }
            }
            file.answer_some(writes);
        }
        ASSERT_EQ(file.content, expected) << "seed " << seed;
        ASSERT_EQ(writes.settled(), writes.added());
    }
}

}  // namespace
}  // namespace farside::session
