// Where options end: everything behind the program's name is the program's.
#include "layer/cli/command_line.hpp"

#include "layer/cli/target_name.hpp"

#include <CLI/CLI.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace farside::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using words = std::vector<std::string>;

class command_line : public ::testing::Test {
protected:
    command_line() {
        app_.add_option("--target", target_);
        app_.add_option("--local", local_)->expected(1)->take_all();
        stats_option_ = app_.add_option("--stats", stats_)->expected(0, 1);
        app_.add_flag("--allow-local", allow_local_);
    }

    // What is left for the program.
    words read(const words& arguments) {
        const split_arguments found = split(app_, arguments);
        status_ = parse(app_, found.options);
        return found.rest;
    }

    CLI::App app_{"test", "test"};
    std::string target_;
    words local_;
    std::string stats_;
    CLI::Option* stats_option_ = nullptr;
    bool allow_local_ = false;
    std::optional<int> status_;
};

TEST_F(command_line, StopsAtTheProgram) {
    EXPECT_THAT(
        read({"--target", "docker/web", "ls", "--target", "x", "--", "-la"}),
        ElementsAre("ls", "--target", "x", "--", "-la")
    );
    EXPECT_FALSE(status_);
    EXPECT_EQ(target_, "docker/web");
}

TEST_F(command_line, StopsAtTwoDashes) {
    EXPECT_THAT(read({"--target=a", "--", "--target", "b"}), ElementsAre("--target", "b"));
    EXPECT_EQ(target_, "a");
    EXPECT_THAT(read({"--"}), IsEmpty());
}

TEST_F(command_line, TakesValuesThatLookLikeOptions) {
    EXPECT_THAT(
        read({"--target", "--", "--local", "-x", "--local", "y=z", "ls"}), ElementsAre("ls")
    );
    EXPECT_EQ(target_, "--");
    EXPECT_THAT(local_, ElementsAre("-x", "y=z"));
}

TEST_F(command_line, AnOptionalValueIsOnlyOneBehindAnEqualsSign) {
    EXPECT_THAT(read({"--stats", "ls"}), ElementsAre("ls"));
    EXPECT_EQ(stats_option_->count(), 1U);
    EXPECT_EQ(stats_, "");
    EXPECT_THAT(read({"--stats=file", "ls"}), ElementsAre("ls"));
    EXPECT_EQ(stats_, "file");
    EXPECT_THAT(read({"--stats", "--allow-local", "ls"}), ElementsAre("ls"));
    EXPECT_TRUE(allow_local_);
}

TEST_F(command_line, ErrorsAreOneLine) {
    for (const words& bad :
         {words{"--bogus", "ls"},
          words{"-x", "ls"},
          words{"--target"},
          words{"--allow-local=x", "ls"}}) {
        ::testing::internal::CaptureStderr();
        read(bad);
        const std::string said = ::testing::internal::GetCapturedStderr();
        SCOPED_TRACE(said);
        EXPECT_EQ(status_, status_failed);
        EXPECT_THAT(said, ::testing::StartsWith("farside: "));
        EXPECT_EQ(said.find('\n'), said.size() - 1);
    }
}

TEST(TargetName, SaysWhatIsWrong) {
    for (const char* good :
         {"", "docker/web", "docker/0123abc", "pid/1", "dir/srv", "dir//srv", "dir/."}) {
        EXPECT_EQ(check_target(good), "") << good;
    }
    EXPECT_THAT(check_target("web"), HasSubstr("'web' is no target"));
    EXPECT_THAT(check_target("podman/web"), HasSubstr("unknown kind of target"));
    EXPECT_THAT(check_target("/web"), HasSubstr("unknown kind of target"));
    EXPECT_THAT(check_target("docker/"), HasSubstr("names no container"));
    EXPECT_THAT(check_target("pid/x"), HasSubstr("names no process"));
    EXPECT_THAT(check_target("pid/"), HasSubstr("names no process"));
    EXPECT_THAT(check_target("dir/"), HasSubstr("names no directory"));
    EXPECT_THAT(check_target("dir/" + std::string(600, 'x')), HasSubstr("too long"));
}

}  // namespace
}  // namespace farside::cli
