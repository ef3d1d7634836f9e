// What is written next, and when there is room.
#include "agent/outgoing_queue.hpp"

#include <gtest/gtest.h>

namespace farside::agent {
namespace {

protocol::buffer bytes(std::size_t count) {
    return protocol::buffer(count, std::byte{1});
}

TEST(OutgoingQueue, UrgentFramesGoBeforeOneBulkFrame) {
    outgoing_queue queue;
    EXPECT_TRUE(queue.empty());
    queue.add_bulk(bytes(1000));
    queue.add_bulk(bytes(2000));
    queue.urgent() = bytes(10);
    const auto& first = queue.take();
    EXPECT_EQ(first.urgent.size(), 10U);
    EXPECT_EQ(first.bulk.size(), 1000U);
    queue.urgent() = bytes(20);  // comes while the first batch is written
    queue.written();
    const auto& second = queue.take();
    EXPECT_EQ(second.urgent.size(), 20U);
    EXPECT_EQ(second.bulk.size(), 2000U);
    queue.written();
    EXPECT_TRUE(queue.empty());
}

TEST(OutgoingQueue, BulkHasRoomUpToItsBound) {
    outgoing_queue queue;
    const auto most = outgoing_queue::bytes_max;
    EXPECT_TRUE(queue.has_bulk_room(most * 2)) << "a frame that is alone always goes";
    queue.reserve_bulk(most - 100);
    EXPECT_TRUE(queue.has_bulk_room(100));
    EXPECT_FALSE(queue.has_bulk_room(101));
    queue.release_bulk(most - 100);
    queue.add_bulk(bytes(most));
    EXPECT_FALSE(queue.has_bulk_room(1));
    [[maybe_unused]] const auto& batch = queue.take();
    EXPECT_FALSE(queue.has_bulk_room(1)) << "it is not written yet";
    queue.written();
    EXPECT_TRUE(queue.has_bulk_room(1));
}

TEST(OutgoingQueue, UrgentBytesHoldFurtherRequestsBack) {
    outgoing_queue queue;
    queue.urgent() = bytes(outgoing_queue::bytes_max);
    EXPECT_FALSE(queue.has_room());
    [[maybe_unused]] const auto& batch = queue.take();
    EXPECT_FALSE(queue.has_room());
    queue.written();
    EXPECT_TRUE(queue.has_room());
}

}  // namespace
}  // namespace farside::agent
