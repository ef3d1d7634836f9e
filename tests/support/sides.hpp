// One script, two worlds: run natively on a tree of this machine, and through `farside exec` on an
// equal tree that only the target has. A program that cannot tell them apart leaves the same
// output, the same exit status and the same trees.
#pragma once

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

#include <filesystem>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace farside::test {

// Of farside as built beside the tests.
[[nodiscard]] std::string farside_program();
[[nodiscard]] std::string agent_program();

// The environment that scripts are run in, whoever runs the tests: language, time zone, PATH.
[[nodiscard]] std::vector<std::string> plain_environment();

// A test of one program. The script is bash's, or, beginning with "run ", a plain command line that
// is split at blanks and run without a shell. It finds in the environment:
//   R  the sample tree (tree.hpp): remote where it is covered
//   L  an empty local directory, also the working directory
//   S  the folder scripts/ of tests/programs, B the programs built from fixtures/; both local
struct program_row {
    const char* name;
    const char* script;
    int status = 0;          // as a shell tells it
    const char* needs = "";  // a program that may be missing: then the row is skipped
};

std::ostream& operator<<(std::ostream& out, const program_row& row);

// The two worlds. What they print is made comparable: the paths R and L are shown as $R and $L.
class sides {
public:
    sides();

    [[nodiscard]] outcome run_natively(const std::string& script) const;

    // `flags` are more options of `farside exec`.
    [[nodiscard]] outcome run_covered(
        const std::string& script, const std::vector<std::string>& flags = {}
    ) const;

    // What there is to compare after the runs: both the tree and the local directory.
    [[nodiscard]] std::string native_trees() const;
    [[nodiscard]] std::string covered_trees() const;

    // Of the covered world.
    [[nodiscard]] std::filesystem::path target() const { return base_.path() / "covered/root"; }

    [[nodiscard]] std::filesystem::path local() const { return base_.path() / "covered/local"; }

    [[nodiscard]] std::string programs() const { return base_.path() / "programs"; }

    [[nodiscard]] std::string scripts() const { return base_.path() / "scripts"; }

    // Where the target has what the covered program knows as R.
    [[nodiscard]] std::filesystem::path remote() const;

    // The command line that run_covered() uses, to be run in other ways.
    [[nodiscard]] command covered_command(
        const std::vector<std::string>& arguments, const std::vector<std::string>& flags = {}
    ) const;

private:
    [[nodiscard]] std::filesystem::path native_root() const;

    temp_dir base_;
};

// R of the covered world: a path that this machine does not have.
inline constexpr std::string_view remote_root = "/srv/app";

// Runs the row in both worlds and reports every difference as a test failure. A row whose script
// prints nothing and changes nothing fails: it would prove nothing.
void expect_the_same(const program_row& row);

}  // namespace farside::test
