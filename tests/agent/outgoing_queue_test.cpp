// When there is room: for requests, and for the long replies of each class.
#include "agent/outgoing_queue.hpp"

#include <gtest/gtest.h>

namespace farside::agent {
namespace {

using protocol::priority;

protocol::buffer bytes(std::size_t count) {
    return protocol::buffer(count, std::byte{1});
}

TEST(OutgoingQueue, BulkHasRoomUpToTheBoundOfItsClass) {
    for (const auto of : {priority::stream, priority::prefetch, priority::write_back}) {
        SCOPED_TRACE(static_cast<int>(of));
        outgoing_queue queue;
        const auto most = outgoing_queue::bulk_bytes_max(of);
        EXPECT_TRUE(queue.has_bulk_room(of, most * 2)) << "a frame that is alone always goes";
        queue.reserve_bulk(of, most - 100);
        EXPECT_TRUE(queue.has_bulk_room(of, 100));
        EXPECT_FALSE(queue.has_bulk_room(of, 101));
        queue.release_bulk(of, most - 100);
        queue.add(of, bytes(most));
        EXPECT_FALSE(queue.has_bulk_room(of, 1));
        [[maybe_unused]] const auto& batch = queue.take();
        EXPECT_FALSE(queue.has_bulk_room(of, 1)) << "it is not written yet";
        queue.written();
        EXPECT_TRUE(queue.has_bulk_room(of, 1));
    }
}

TEST(OutgoingQueue, NoClassTakesTheRoomOfAnother) {
    outgoing_queue queue;
    queue.add(priority::prefetch, bytes(outgoing_queue::bulk_bytes_max(priority::prefetch)));
    EXPECT_FALSE(queue.has_bulk_room(priority::prefetch, 1));
    EXPECT_TRUE(queue.has_bulk_room(priority::stream, 1000));
    EXPECT_TRUE(queue.has_bulk_room(priority::write_back, 1000));
    EXPECT_TRUE(queue.has_room());
}

TEST(OutgoingQueue, AllTogetherIsWhatTheWireAllows) {
    using limit = outgoing_queue;
    EXPECT_LE(
        limit::bytes_max + limit::bulk_bytes_max(priority::stream) +
            limit::bulk_bytes_max(priority::prefetch) + limit::bulk_bytes_max(priority::write_back),
        protocol::limits::outgoing_bytes_max
    );
}

TEST(OutgoingQueue, AReplyThatTurnsOutLongGoesAmongTheLongOnes) {
    outgoing_queue queue;
    const auto small = protocol::frame_header_bytes + protocol::small_bytes_max;
    queue.urgent() = bytes(small);
    queue.sort_out(0);
    EXPECT_EQ(queue.urgent().size(), small);
    queue.urgent().resize(small + 50'000);
    queue.sort_out(small);
    const auto& batch = queue.take();
    EXPECT_EQ(batch.metadata.size(), small);
    ASSERT_EQ(batch.bulk.size(), 1U);
    EXPECT_EQ(batch.bulk[0].size(), 50'000U);
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
