// Ends of ranges: many descriptors, large files, long and odd names.
#include "tests/support/sides.hpp"

#include <gtest/gtest.h>

#include <sys/resource.h>

namespace farside::test {
namespace {

class limits : public testing::TestWithParam<program_row> {};

TEST_P(limits, AreThoseOfLocalFiles) {
    rlimit now{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &now), 0);
    if (std::string{GetParam().name} == "TenThousandOpenFiles" && now.rlim_max < 11000) {
        GTEST_SKIP() << "this machine allows " << now.rlim_max << " descriptors only";
    }
    expect_the_same(GetParam());
}

const program_row rows[] = {
    {"NoDescriptorLeft", "run python3 $S/limits.py descriptors"},
    {"TenThousandOpenFiles", "run python3 $S/limits.py many"},
    {"FiveGigabytes", "run python3 $S/limits.py sparse"},
    {"Names", "run python3 $S/limits.py names"},
    {"DirectoriesAreNotRead", "run python3 $S/limits.py directories"},
    {"LargeTransfers",
     "dd if=$R/noise.bin bs=300000 status=none | md5sum; dd if=$R/noise.bin bs=1 count=500 "
     "status=none | md5sum; head -c 20000000 /dev/zero | dd of=$R/zeros bs=20000000 "
     "iflag=fullblock status=none; md5sum < $R/zeros; dd if=$R/zeros bs=20000000 status=none | wc "
     "-c"},
    {"FileSizeLimit", "ulimit -f 8; trap '' XFSZ; head -c 100000 $R/noise.bin > $L/x", 1},
};

INSTANTIATE_TEST_SUITE_P(All, limits, testing::ValuesIn(rows), [](const auto& test) {
    return test.param.name;
});

}  // namespace
}  // namespace farside::test
