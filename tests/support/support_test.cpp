// The instruments themselves: a harness that sees no difference would let everything pass.
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/tree.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <functional>

#include <sys/stat.h>

namespace farside::test {
namespace {

namespace fs = std::filesystem;

TEST(Process, CollectsBothOutputsAndTheStatus) {
    const outcome result = run({.arguments = {"sh", "-c", "echo out; echo err >&2; exit 7"}});
    EXPECT_EQ(result.out, "out\n");
    EXPECT_EQ(result.err, "err\n");
    EXPECT_EQ(result.status(), 7);
}

TEST(Process, TellsASignal) {
    const outcome result = run({.arguments = {"sh", "-c", "kill -TERM $$"}});
    EXPECT_TRUE(WIFSIGNALED(result.wait_status));
    EXPECT_EQ(result.status(), 128 + SIGTERM);
}

TEST(Process, PassesInputLargerThanAPipe) {
    const std::string text(1'000'000, 'x');
    EXPECT_EQ(run({.arguments = {"cat"}, .input = text}).out, text);
}

TEST(Process, EndsWhatTakesTooLong) {
    const outcome result =
        run({.arguments = {"sh", "-c", "echo begun; sleep 1000"}, .limit = std::chrono::seconds{1}}
        );
    EXPECT_TRUE(result.timed_out);
    EXPECT_EQ(result.out, "begun\n");
}

TEST(Process, StartsWithSignalsAsInALoginShell) {
    const outcome result = run({.arguments = {"grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"}});
    EXPECT_EQ(result.out, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST(Process, IsSeenAsAChildLeftBehindWhenItsParentEnds) {
    adopt_orphans();
    {
        process parent{{.arguments = {"sh", "-c", "sleep 1000 >&- 2>&- & echo $!"}, .input = ""}};
        ASSERT_TRUE(parent.wait_for("\n"));
        const pid_t orphan = std::stoi(parent.out());
        ASSERT_EQ(parent.wait().status(), 0);
        EXPECT_EQ(children_left(), std::to_string(orphan) + " (sleep)\n");
        EXPECT_FALSE(wait_for_children(std::chrono::seconds{0}));
        ::kill(orphan, SIGKILL);
    }
    EXPECT_TRUE(wait_for_children());
    EXPECT_EQ(children_left(), "");
}

TEST(Tree, OfTwoSamplesIsTheSame) {
    const temp_dir one;
    const temp_dir two;
    make_sample_tree(one.path() / "tree");
    make_sample_tree(two.path() / "tree");
    const std::string text = describe_tree(one.path() / "tree");
    EXPECT_EQ(text, describe_tree(two.path() / "tree"));
    EXPECT_NE(text.find("numbers.txt"), std::string::npos);
}

struct change {
    const char* name;
    std::function<void(const fs::path&)> make;
};

class tree_changes : public testing::TestWithParam<change> {};

TEST_P(tree_changes, AreSeen) {
    const temp_dir at;
    make_sample_tree(at.path() / "tree");
    const std::string before = describe_tree(at.path() / "tree");
    GetParam().make(at.path() / "tree");
    EXPECT_NE(before, describe_tree(at.path() / "tree"));
}

const change changes[] = {
    {"Name", [](const fs::path& t) { fs::rename(t / "empty", t / "full"); }},
    {"Content",
     [](const fs::path& t) {
         write_file(t / "private", "SECRET\n");
         fs::last_write_time(t / "private", fs::last_write_time(t / "fifo"));
     }},
    {"LongContent",
     [](const fs::path& t) {
         const auto time = fs::last_write_time(t / "noise.bin");
         std::string bytes = read_file(t / "noise.bin");
         bytes[200'000] ^= 1;
         write_file(t / "noise.bin", bytes);
         fs::last_write_time(t / "noise.bin", time);
     }},
    {"Mode", [](const fs::path& t) { fs::permissions(t / "empty", fs::perms{0640}); }},
    {"Time",
     [](const fs::path& t) { fs::last_write_time(t / "empty", fs::file_time_type::clock::now()); }},
    {"Link",
     [](const fs::path& t) {
         fs::remove(t / "link");
         fs::create_symlink("notes.tx", t / "link");
     }},
    {"HardLink", [](const fs::path& t) { fs::remove(t / "table_too.csv"); }},
    {"Type",
     [](const fs::path& t) {
         fs::remove(t / "fifo");
         fs::create_directory(t / "fifo");
     }},
};

INSTANTIATE_TEST_SUITE_P(All, tree_changes, testing::ValuesIn(changes), [](const auto& test) {
    return test.param.name;
});

TEST(Printable, ShowsEveryByte) {
    EXPECT_EQ(printable("a\n\xff\\", newlines::keep), "a\n\\xff\\");
    EXPECT_EQ(printable("a\n", newlines::escape), "a\\x0a");
}

}  // namespace
}  // namespace farside::test
