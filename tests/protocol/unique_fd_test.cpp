// One owner, one close.
#include "protocol/support/unique_fd.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>

namespace farside {
namespace {

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) != -1;
}

unique_fd any_descriptor() {
    return unique_fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
}

TEST(UniqueFd, HoldsNothingByDefault) {
    const unique_fd none;
    EXPECT_FALSE(none);
    EXPECT_EQ(none.get(), -1);
}

TEST(UniqueFd, ClosesAtTheEndOfItsLife) {
    int fd = -1;
    {
        const auto owner = any_descriptor();
        fd = owner.get();
        ASSERT_TRUE(is_open(fd));
    }
    EXPECT_FALSE(is_open(fd));
}

TEST(UniqueFd, MovesOwnership) {
    auto from = any_descriptor();
    const int fd = from.get();
    unique_fd to{std::move(from)};
    EXPECT_EQ(to.get(), fd);
    EXPECT_TRUE(is_open(fd));

    auto other = any_descriptor();
    const int replaced = other.get();
    other = std::move(to);
    EXPECT_FALSE(is_open(replaced));
    EXPECT_EQ(other.get(), fd);
}

TEST(UniqueFd, ReleaseGivesOwnershipAway) {
    auto owner = any_descriptor();
    const int fd = owner.release();
    EXPECT_FALSE(owner);
    owner.reset();
    EXPECT_TRUE(is_open(fd));
    ::close(fd);
}

}  // namespace
}  // namespace farside
