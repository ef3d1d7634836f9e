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
    {"GitHistory", "bash $S/each.bash $S/git.list 'in the target'", 0, "git"},
    {"GitMaintenance", "bash $S/each.bash $S/git.list 'maintenance in the target'", 0, "git"},
    {"GitBetweenSides", "bash $S/each.bash $S/git.list 'out of it and into it'", 0, "git"},
    {"GitHooks", "bash $S/each.bash $S/git.list 'hooks, attributes, large files'", 0, "git"},
    {"TracersAllocatorsAndDaemons", "bash $S/each.bash $S/tracers.list", 0, "gdb"},
    {"Shells", "bash $S/each.bash $S/shells.list"},
    {"DashAndZsh", "bash $S/each.bash $S/posix_shells.list", 0, "zsh"},
    {"Development", "bash $S/each.bash $S/development.list", 0, "cmake"},
    {"Databases", "bash $S/each.bash $S/databases.list", 0, "sqlite3"},
    {"Locks", "bash $S/each.bash $S/locking.list", 0, "php"},
    {"Watches", "bash $S/each.bash $S/watching.list", 0, "inotifywait"},
    {"KindsOfFiles", "bash $S/each.bash $S/kinds.list"},
};

INSTANTIATE_TEST_SUITE_P(All, lists, testing::ValuesIn(rows), [](const auto& test) {
    return test.param.name;
});

}  // namespace
}  // namespace farside::test
