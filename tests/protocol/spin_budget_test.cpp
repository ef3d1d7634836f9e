// When a wait spins and for how long.
#include "protocol/support/spin_budget.hpp"

#include <gtest/gtest.h>

namespace farside {
namespace {

constexpr std::uint64_t idle_ns = 10'000'000'000;

spin_budget after(int waits, std::uint64_t ns) {
    spin_budget budget;
    for (int i = 0; i < waits; ++i) {
        budget.waited(ns);
    }
    return budget;
}

TEST(SpinBudget, BeginsWithoutSpinning) {
    EXPECT_EQ(spin_budget{}.next(), 0U);
}

TEST(SpinBudget, SpinsSoonWhereWaitsAreShortAndTwiceAsLongAsTheyAre) {
    EXPECT_GT(after(4, 5'000).next(), 0U);
    EXPECT_NEAR(after(40, 10'000).next(), 20'000, 200);
    EXPECT_EQ(after(40, 40'000).next(), spin_budget::spin_ns_max) << "but not longer than this";
}

TEST(SpinBudget, DoesNotSpinWhereItDoesNotPay) {
    for (const auto ns : {110'000ULL, 1'000'000ULL, 1'000'000'000ULL}) {
        EXPECT_EQ(after(40, ns).next(), 0U) << ns;
    }
}

TEST(SpinBudget, AnIdleOwnerSpinsThreeTimesAtMost) {
    auto budget = after(40, 2'000);
    int spins = 0;
    for (int i = 0; i < 100; ++i) {
        spins += budget.next() > 0 ? 1 : 0;
        budget.waited(idle_ns);
    }
    EXPECT_LE(spins, 3);
}

TEST(SpinBudget, LeavesSpinsOutWhereTheyEndWithoutTheEvent) {
    // Each wait is a little longer than the spin before it: short, but never found.
    auto budget = after(10, 50'000);
    int spins = 0;
    constexpr int waits = 10'000;
    for (int i = 0; i < waits; ++i) {
        spins += budget.next() > 0 ? 1 : 0;
        budget.waited(60'000);
    }
    EXPECT_LT(spins, waits / 20);
    EXPECT_GT(spins, 0);
}

TEST(SpinBudget, ComesBackWhenSpinsFindTheEventAgain) {
    auto budget = after(1000, 60'000);
    for (int i = 0; i < 2000; ++i) {
        budget.waited(5'000);
    }
    int spins = 0;
    for (int i = 0; i < 100; ++i) {
        spins += budget.next() > 0 ? 1 : 0;
        budget.waited(5'000);
    }
    EXPECT_EQ(spins, 100);
}

}  // namespace
}  // namespace farside
