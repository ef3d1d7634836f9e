// `farside exec -- bash` on a terminal, with real files of a target: a shell to work in.
#include "tests/layer/launcher/running_program.hpp"
#include "tests/support/sides.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

namespace farside::test {
namespace {

using testing::HasSubstr;

class terminal : public testing::Test {
protected:
    // env(1) sets what the command would find, and starts it in its directory.
    [[nodiscard]] std::vector<std::string> on_terminal(const std::vector<std::string>& program
    ) const {
        const command covered = both_.covered_command(program);
        std::vector<std::string> result{"env", "-C", covered.directory, "TERM=dumb", "PS1=$ "};
        for (const std::string& setting : covered.environment) {
            if (setting.find('=') != std::string::npos) {
                result.push_back(setting);
            }
        }
        result.insert(result.end(), covered.arguments.begin(), covered.arguments.end());
        return result;
    }

    [[nodiscard]] std::vector<std::string> shell() const {
        return on_terminal({"bash", "--norc", "--noprofile", "--noediting", "-i"});
    }

    sides both_;
};

// A job that waits for ever. It says itself that it has begun: then it is in the foreground, and
// what the terminal sends reaches it. (What the terminal echoes does not contain the word.)
constexpr const char* waiting_job = "sh -c 'echo be\"\"gun; exec cat $R/fifo'\n";

TEST_F(terminal, AShellWorksOnFilesOfTheTarget) {
    running_program bash{shell(), running_program::where::terminal};
    ASSERT_TRUE(bash.expect("$ "));
    bash.type("cd $R && echo [$(wc -l < notes.txt)]\n");
    ASSERT_TRUE(bash.expect("[4]\r\n$ "));
    bash.type("pwd; echo made > made; ls dir\n");
    ASSERT_TRUE(bash.expect("/srv/app\r\n"));
    ASSERT_TRUE(bash.expect("one.c  sub  two.c  up\r\n$ "));
    bash.type("[[ -t 0 && -t 1 && -t 2 ]] && echo it is a $((100 + 1)) terminal\n");
    ASSERT_TRUE(bash.expect("it is a 101 terminal\r\n$ "));
    bash.type("exit 9\n");
    EXPECT_EQ(plain_status(bash.wait()), 9);
    EXPECT_EQ(read_file(both_.remote() / "made"), "made\n");
}

TEST_F(terminal, CtrlCEndsTheJobButNotTheShell) {
    running_program bash{shell(), running_program::where::terminal};
    ASSERT_TRUE(bash.expect("$ "));
    bash.type(waiting_job);
    ASSERT_TRUE(bash.expect("begun\r\n"));
    bash.type("\x03");
    ASSERT_TRUE(bash.expect("$ "));
    bash.type("echo status=$?; cat $R/table.csv\n");
    ASSERT_TRUE(bash.expect("status=130\r\nname,count\r\n"));
    ASSERT_TRUE(bash.expect("anna,2\r\n$ "));
    bash.type("exit\n");
    EXPECT_EQ(plain_status(bash.wait()), 0);
}

TEST_F(terminal, JobsStopAndGoOn) {
    running_program bash{shell(), running_program::where::terminal};
    ASSERT_TRUE(bash.expect("$ "));
    bash.type(
        "sh -c 'exec 3< $R/numbers.txt; read a <&3; echo first $a; read x; read b <&3; echo next "
        "$b'\n"
    );
    ASSERT_TRUE(bash.expect("first 919\r\n"));
    bash.type("\x1a");
    ASSERT_TRUE(bash.expect("Stopped"));
    ASSERT_TRUE(bash.expect("$ "));
    bash.type("jobs | wc -l; cat $R/table.csv | tail -n 1\n");
    ASSERT_TRUE(bash.expect("1\r\nanna,2\r\n$ "));
    bash.type("fg\n");
    ASSERT_TRUE(bash.expect("next $b'\r\n"));
    bash.type("\n");
    ASSERT_TRUE(bash.expect("next 838\r\n$ "));
    bash.type("exit 0\n");
    EXPECT_EQ(plain_status(bash.wait()), 0);
}

TEST_F(terminal, FarsideStopsWithItsProgramAndGoesOnWithIt) {
    std::vector<std::string> covered =
        on_terminal({"sh", "-c", "echo ready; read x < $R/table.csv; read y; echo $x $y"});
    covered.insert(
        covered.begin(),
        {"bash",
         "--norc",
         "--noprofile",
         "-ic",
         "set -m; \"$@\"; echo stopped=$?; fg; echo ended=$?",
         "_"}
    );
    running_program bash{covered, running_program::where::terminal};
    ASSERT_TRUE(bash.expect("ready\r\n"));
    bash.type("\x1a");
    ASSERT_TRUE(bash.expect("stopped=148"));
    bash.type("typed\n");
    ASSERT_TRUE(bash.expect("name,count typed\r\n"));
    ASSERT_TRUE(bash.expect("ended=0\r\n"));
    EXPECT_EQ(plain_status(bash.wait()), 0);
}

TEST_F(terminal, AHangUpEndsEverything) {
    adopt_orphans();
    {
        running_program bash{shell(), running_program::where::terminal};
        ASSERT_TRUE(bash.expect("$ "));
        bash.type(waiting_job);
        ASSERT_TRUE(bash.expect("begun\r\n"));
        ::kill(bash.pid(), SIGHUP);
        EXPECT_EQ(plain_status(bash.wait()), -SIGHUP);
    }
    EXPECT_TRUE(wait_for_children()) << children_left();
}

TEST_F(terminal, AScreenfulIsAsWideAsTheTerminal) {
    running_program stty{
        on_terminal({"sh", "-c", "stty cols 30 && ls -C $R/dir $R && stty size"}),
        running_program::where::terminal};
    const auto text = stty.rest();
    EXPECT_EQ(plain_status(stty.wait()), 0);
    EXPECT_THAT(text, HasSubstr("0 30\r\n"));
    EXPECT_THAT(text, HasSubstr("one.c  sub  two.c  up\r\n"));
}

}  // namespace
}  // namespace farside::test
