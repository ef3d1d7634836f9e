// Calls that are refused on remote files, made one by one: scripts/refused.py knows the errnos.
#include "tests/support/sides.hpp"

#include <gtest/gtest.h>

namespace farside::test {
namespace {

TEST(Refused, CallsSayTheirErrno) {
    const sides both;
    const outcome result = both.run_covered("run python3 $S/refused.py $R/refused $L");
    EXPECT_EQ(result.out, "46 calls made\n");
    EXPECT_EQ(result.err, "");
    EXPECT_EQ(result.status(), 0);
}

}  // namespace
}  // namespace farside::test
