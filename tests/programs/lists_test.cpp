// Whole families of tools with many of their options, as lists of commands in scripts/: each.bash
// runs a list in one shell, so that a thousand commands cost little more than their own time.
#include "tests/support/sides.hpp"

#include <gtest/gtest.h>

namespace farside::test {
namespace {

class lists : public testing::TestWithParam<program_row> {};

TEST_P(lists, DoAsOnLocalFiles) {
    expect_the_same(GetParam());
}

const program_row rows[] = {
    {"TextTools", "bash $S/each.bash $S/text_tools.list", 0, "gawk"},
    {"FileTools", "bash $S/each.bash $S/file_tools.list", 0, "file"},
    {"Archives", "bash $S/each.bash $S/archives.list", 0, "setfattr"},
    {"Git", "bash $S/each.bash $S/git.list", 0, "git"},
    {"TracersAllocatorsAndDaemons", "bash $S/each.bash $S/tracers.list", 0, "gdb"},
    {"Shells", "bash $S/each.bash $S/shells.list"},
    {"Development", "bash $S/each.bash $S/development.list", 0, "cmake"},
};

INSTANTIATE_TEST_SUITE_P(All, lists, testing::ValuesIn(rows), [](const auto& test) {
    return test.param.name;
});

}  // namespace
}  // namespace farside::test
