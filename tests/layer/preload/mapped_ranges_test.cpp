// The table of mapped addresses: what is in a range, what is left when a part goes, and what
// happens when there is no room.
#include "layer/preload/mapped_ranges.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace farside::preload {
namespace {

class MappedRanges : public ::testing::Test {
protected:
    // "image:begin-end ..." in the order of addresses.
    [[nodiscard]] static std::string text(const mapped_parts& parts) {
        std::vector<mapped_part> sorted(parts.begin(), parts.end());
        std::ranges::sort(sorted, {}, &mapped_part::begin);
        std::string result;
        for (const auto& part : sorted) {
            result += std::to_string(part.image) + ":" + std::to_string(part.begin) + "-" +
                      std::to_string(part.end) + " ";
        }
        return result;
    }

    [[nodiscard]] std::string found(std::uintptr_t begin, std::uintptr_t end) const {
        return text(ranges->find(begin, end));
    }

    std::unique_ptr<mapped_ranges> ranges = std::make_unique<mapped_ranges>();
};

TEST_F(MappedRanges, FindWhatOverlaps) {
    EXPECT_TRUE(ranges->none());
    ranges->add({10, 20, 1});
    ranges->add({30, 40, 2});
    EXPECT_FALSE(ranges->none());
    EXPECT_EQ(found(0, 10), "");
    EXPECT_EQ(found(20, 30), "");
    EXPECT_EQ(found(0, 100), "1:10-20 2:30-40 ");
    EXPECT_EQ(found(15, 35), "1:15-20 2:30-35 ");
}

TEST_F(MappedRanges, TakeTheWhole) {
    ranges->add({10, 20, 1});
    EXPECT_EQ(text(ranges->take(0, 100)), "1:10-20 ");
    EXPECT_TRUE(ranges->none());
    EXPECT_EQ(found(0, 100), "");
}

TEST_F(MappedRanges, TakeParts) {
    ranges->add({10, 100, 1});
    EXPECT_EQ(text(ranges->take(0, 20)), "1:10-20 ");
    EXPECT_EQ(text(ranges->take(90, 200)), "1:90-100 ");
    EXPECT_EQ(text(ranges->take(40, 50)), "1:40-50 ");
    EXPECT_EQ(found(0, 200), "1:20-40 1:50-90 ");
    EXPECT_EQ(text(ranges->take(30, 60)), "1:30-40 1:50-60 ");
    EXPECT_EQ(found(0, 200), "1:20-30 1:60-90 ");
}

TEST_F(MappedRanges, SayAnyWhereThereAreTooManyToTell) {
    for (std::uintptr_t i = 0; i < mapped_parts::room; ++i) {
        ranges->add({i * 10, i * 10 + 5, i + 1});
    }
    EXPECT_EQ(ranges->find(0, 1000).count, mapped_parts::room);
    ranges->add({500, 510, 99});
    EXPECT_EQ(found(0, 1000), "0:0-1000 ");
    EXPECT_EQ(found(500, 501), "99:500-501 ");
}

TEST_F(MappedRanges, CountAllMemoryAsMappedWhenFull) {
    for (std::uintptr_t i = 0; i <= mapped_ranges_max; ++i) {
        ranges->add({i * 10, i * 10 + 5, 1});
    }
    EXPECT_EQ(text(ranges->take(0, 1U << 30U)), "0:0-1073741824 ");
    EXPECT_FALSE(ranges->none());
    EXPECT_EQ(found(7, 8), "0:7-8 ");
}

}  // namespace
}  // namespace farside::preload
