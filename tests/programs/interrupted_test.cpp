// Signals in the middle of calls on files of the target: handlers that make calls themselves or
// jump away, threads that are cancelled.
#include "tests/support/sides.hpp"

#include <gtest/gtest.h>

namespace farside::test {
namespace {

class interrupted : public testing::TestWithParam<program_row> {};

TEST_P(interrupted, DoesAsOnLocalFiles) {
    expect_the_same(GetParam());
}

const program_row rows[] = {
    {"HandlersCall", "run $B/interrupted handlers"},
    {"HandlersCallAndCallsRestart", "run $B/interrupted restarting"},
    {"ReadsOfAFifoEnd", "run $B/interrupted fifo"},
    {"HandlersJumpOut", "run $B/interrupted jumping"},
    {"ThreadsAreCancelled", "run $B/interrupted cancelling"},
};

INSTANTIATE_TEST_SUITE_P(All, interrupted, testing::ValuesIn(rows), [](const auto& test) {
    return test.param.name;
});

}  // namespace
}  // namespace farside::test
