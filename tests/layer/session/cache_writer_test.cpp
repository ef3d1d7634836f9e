// What the session publishes of bytes: found again as long as there is room, replaced, given up.
#include "layer/session/cache_writer.hpp"

#include "layer/session/shared_memory.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farside::session {
namespace {

constexpr std::uint64_t slab = segment::block_bytes;

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span{text});
}

class CacheWriter : public testing::Test {
protected:
    explicit CacheWriter(std::uint64_t slabs = 4)
        : memory_{std::move(shared_memory::create(slabs * slab).value())} {}

    std::string found(std::uint64_t data, std::uint64_t index) {
        const auto bytes = writer_.find_block(data, index);
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }

    bool has(std::uint64_t data, std::uint64_t index) {
        return writer_.find_block(data, index).data() != nullptr;
    }

    shared_memory memory_;
    cache_writer writer_{memory_.cache()};
};

TEST_F(CacheWriter, FindsBlocksAsTheyWerePut) {
    EXPECT_FALSE(has(7, 0));
    ASSERT_TRUE(writer_.put_block(7, 0, bytes_of("first"), false));
    ASSERT_TRUE(writer_.put_block(7, 1, bytes_of(""), true));
    ASSERT_TRUE(writer_.put_block(8, 0, bytes_of("other"), true));
    EXPECT_EQ(found(7, 0), "first");
    EXPECT_TRUE(has(7, 1));
    EXPECT_EQ(found(7, 1), "");
    EXPECT_EQ(found(8, 0), "other");

    ASSERT_TRUE(writer_.put_block(7, 0, bytes_of(std::string(60'000, 'x')), true));
    EXPECT_EQ(found(7, 0), std::string(60'000, 'x'));
    writer_.remove_data(7);
    EXPECT_FALSE(has(7, 0));
    EXPECT_FALSE(has(7, 1));
    EXPECT_EQ(found(8, 0), "other");
}

// Short blocks share a slab: sixteen of a page each, so 64 in four.
TEST_F(CacheWriter, LetsShortBlocksShareRoom) {
    for (std::uint64_t data = 1; data <= 64; ++data) {
        ASSERT_TRUE(writer_.put_block(data, 0, bytes_of(std::to_string(data)), true));
    }
    for (std::uint64_t data = 1; data <= 64; ++data) {
        EXPECT_EQ(found(data, 0), std::to_string(data));
    }
}

TEST_F(CacheWriter, GivesUpWhatNobodyUsed) {
    const std::string full(slab, 'f');
    for (std::uint64_t index = 0; index < 4; ++index) {
        ASSERT_TRUE(writer_.put_block(1, index, bytes_of(full), false));
    }
    // The first time round takes the marks of all away; then only block 2 is used again.
    ASSERT_TRUE(writer_.put_block(2, 0, bytes_of(full), false));
    EXPECT_FALSE(has(1, 0));
    ASSERT_TRUE(has(1, 2));
    ASSERT_TRUE(writer_.put_block(2, 1, bytes_of(full), false));
    ASSERT_TRUE(writer_.put_block(2, 2, bytes_of("short"), true));
    EXPECT_EQ(found(1, 2), full);
    EXPECT_EQ(found(2, 0), full);
    EXPECT_EQ(found(2, 1), full);
    EXPECT_EQ(found(2, 2), "short");
    EXPECT_FALSE(has(1, 1));
    EXPECT_FALSE(has(1, 3));
}

TEST_F(CacheWriter, UsesRoomAgainForAnySize) {
    const std::string full(slab, 'f');
    for (std::uint64_t round = 0; round < 3; ++round) {
        for (std::uint64_t data = 1; data <= 64; ++data) {
            ASSERT_TRUE(writer_.put_block(data, round, bytes_of("s"), true));
        }
        for (std::uint64_t data = 1; data <= 64; ++data) {
            EXPECT_TRUE(has(data, round));
            writer_.remove_data(data);
        }
        for (std::uint64_t index = 0; index < 4; ++index) {
            ASSERT_TRUE(writer_.put_block(100, index, bytes_of(full), false));
        }
        for (std::uint64_t index = 0; index < 4; ++index) {
            EXPECT_EQ(found(100, index), full);
            writer_.remove_block(100, index);
            EXPECT_FALSE(has(100, index));
        }
    }
}

TEST_F(CacheWriter, ForgetsEverything) {
    const struct statx attributes {};

    writer_.put_node(5, {&attributes, false, {}});
    ASSERT_TRUE(writer_.put_block(1, 0, bytes_of("x"), true));
    ASSERT_TRUE(writer_.has_node(5));
    writer_.clear();
    EXPECT_FALSE(writer_.has_node(5));
    EXPECT_FALSE(has(1, 0));
}

TEST(CacheWriterWithoutCache, TakesEverythingAndKeepsNothing) {
    const auto memory = std::move(shared_memory::create(0).value());
    EXPECT_EQ(memory.view().cache_bytes, 0U);
    cache_writer writer{memory.cache()};
    writer.put_name(segment::root_node, "a", 2);
    writer.put_node(2, {});
    EXPECT_FALSE(writer.has_node(2));
    EXPECT_FALSE(writer.put_block(1, 0, bytes_of("x"), true));
    EXPECT_EQ(writer.find_block(1, 0).data(), nullptr);
    writer.remove_node(2);
    writer.remove_name(segment::root_node, "a");
    writer.remove_data(1);
    writer.clear();
    writer.close();
}

}  // namespace
}  // namespace farside::session
