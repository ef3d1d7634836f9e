// Which frame is next: what is wanted sooner overtakes what is long, and nothing waits for ever.
#include "protocol/frame_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace farside::protocol {
namespace {

buffer bytes(std::size_t count, int mark = 1) {
    return buffer(count, static_cast<std::byte>(mark));
}

// The marks of the bulk frames of a batch.
std::vector<int> marks(const frame_queue::batch& batch) {
    std::vector<int> found;
    for (const auto& frame : batch.bulk) {
        found.push_back(std::to_integer<int>(frame.front()));
    }
    return found;
}

TEST(FrameQueue, ASmallReplyWaitsForOneLongFrameHoweverMuchIsQueued) {
    frame_queue queue;
    constexpr std::size_t frames = 32;  // four mebibytes of one read
    for (std::size_t i = 0; i < frames; ++i) {
        queue.add(priority::stream, bytes(limits::data_bytes_max));
    }
    EXPECT_EQ(queue.take().bulk.size(), 1U);
    queue.metadata() = bytes(100);  // comes while that is written
    EXPECT_EQ(queue.bytes(), frames * limits::data_bytes_max + 100);
    queue.written();
    const auto& next = queue.take();
    EXPECT_EQ(next.metadata.size(), 100U);
    EXPECT_EQ(next.bulk.size(), 1U) << "what is long goes on behind it";
}

TEST(FrameQueue, BetterClassesGoFirst) {
    frame_queue queue;
    queue.add(priority::write_back, bytes(limits::data_bytes_max, 4));
    queue.add(priority::prefetch, bytes(limits::data_bytes_max, 3));
    queue.add(priority::stream, bytes(limits::data_bytes_max, 2));
    queue.add(priority::metadata, bytes(10));
    queue.add(priority::control, bytes(20));
    const auto& first = queue.take();
    EXPECT_EQ(first.control.size(), 20U);
    EXPECT_EQ(first.metadata.size(), 10U);
    EXPECT_EQ(marks(first), std::vector{2});
    EXPECT_EQ(first.of, priority::stream);
    for (const int next : {3, 4}) {
        queue.written();
        EXPECT_EQ(marks(queue.take()), std::vector{next});
    }
    queue.written();
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.bytes(), 0U);
}

TEST(FrameQueue, KeepsTheOrderWithinAClass) {
    frame_queue queue;
    for (int mark = 1; mark <= 40; ++mark) {
        queue.add(priority::prefetch, bytes(60 * 1024, mark));
    }
    std::vector<int> order;
    while (!queue.empty()) {
        const auto taken = marks(queue.take());
        EXPECT_EQ(taken.size(), 2U) << "two of them are less than one long frame";
        order.insert(order.end(), taken.begin(), taken.end());
        queue.written();
    }
    EXPECT_EQ(order.size(), 40U);
    EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST(FrameQueue, ABatchIsOneSystemCall) {
    constexpr std::size_t parts_of_writev = 16;
    frame_queue queue;
    for (int i = 0; i < 100; ++i) {
        queue.add(priority::prefetch, bytes(10));
    }
    EXPECT_EQ(queue.take().bulk.size() + 2, parts_of_writev);
}

TEST(FrameQueue, AFrameAboveTheBatchesBoundGoesAlone) {
    frame_queue queue;
    queue.add(priority::stream, bytes(limits::frame_payload_bytes_max, 1));
    queue.add(priority::stream, bytes(10, 2));
    EXPECT_EQ(marks(queue.take()), std::vector{1});
}

TEST(FrameQueue, NoClassWaitsForEver) {
    frame_queue queue;
    queue.add(priority::prefetch, bytes(limits::data_bytes_max, 3));
    queue.add(priority::write_back, bytes(limits::data_bytes_max, 4));
    std::vector<int> order;
    for (int i = 0; i < 20; ++i) {
        queue.add(priority::stream, bytes(limits::data_bytes_max, 2));
        order.push_back(marks(queue.take()).front());
        queue.written();
    }
    const auto turn_of = [&](int mark) { return std::ranges::find(order, mark) - order.begin(); };
    EXPECT_LE(turn_of(3), frame_queue::passed_over_max + 1);
    EXPECT_LE(turn_of(4), frame_queue::passed_over_max + 1);
    EXPECT_EQ(std::ranges::count(order, 2), 18);
}

TEST(FrameQueue, OnlyControlFramesAreTakenWhereThatIsAsked) {
    frame_queue queue;
    queue.control() = bytes(5);
    queue.metadata() = bytes(6);
    queue.add(priority::stream, bytes(7));
    const auto& pushes = queue.take(frame_queue::scope::control);
    EXPECT_EQ(pushes.control.size(), 5U);
    EXPECT_TRUE(pushes.metadata.empty());
    EXPECT_TRUE(pushes.bulk.empty());
    queue.written();
    EXPECT_FALSE(queue.empty());
}

TEST(FrameQueue, BytesCountUntilTheyAreWritten) {
    frame_queue queue;
    constexpr std::array all{
        priority::control,
        priority::metadata,
        priority::stream,
        priority::prefetch,
        priority::write_back};
    for (const auto of : all) {
        queue.add(of, bytes(10));
        EXPECT_EQ(queue.bytes(of), 10U);
    }
    EXPECT_EQ(queue.bytes(), 50U);
    [[maybe_unused]] const auto& batch = queue.take();
    EXPECT_EQ(queue.bytes(), 50U);
    queue.written();
    EXPECT_EQ(queue.bytes(), 20U);
}

}  // namespace
}  // namespace farside::protocol
