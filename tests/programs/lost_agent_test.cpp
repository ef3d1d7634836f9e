// The other end is lost while the program runs: every call under way and every later one answers
// EIO at once, the user is told once, and the program lives on with its local files.
#include "tests/programs/session_processes.hpp"
#include "tests/support/sides.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include <fcntl.h>
#include <unistd.h>

namespace farside::test {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

class lost_agent : public testing::Test {
protected:
    // A program that does what it is told (scripts/commands.py).
    [[nodiscard]] command told(const std::vector<std::string>& options = {}) const {
        command result =
            both_.covered_command({"python3", both_.scripts() + "/commands.py"}, options);
        result.input = "";
        return result;
    }

    // Options for an agent whose output passes through `filter`.
    [[nodiscard]] std::vector<std::string> agent_through(const std::string& filter) const {
        return {
            "--agent-command",
            agent_program() + " --stdio --target dir/" + both_.target().string() + " | " + filter};
    }

    static void expect(process& program, const std::string& order, const std::string& answer) {
        program.write(order + "\n");
        ASSERT_TRUE(program.wait_for(order + ": " + answer + "\n")) << program.out();
    }

    static void expect_life_without_files(process& program) {
        expect(program, "read table.csv", "Input/output error");
        expect(program, "stat dir", "Input/output error");
        expect(program, "note local", "here");
        program.close_input();
        const outcome result = program.wait();
        EXPECT_EQ(result.status(), 0);
        EXPECT_THAT(result.out, HasSubstr("end\n"));
        EXPECT_THAT(result.err, MatchesRegex("farside: [^\n]*\n"));
        EXPECT_TRUE(wait_for_children()) << children_left();
    }

    sides both_;
};

TEST_F(lost_agent, KilledBetweenCalls) {
    process program{told()};
    ASSERT_TRUE(program.wait_for("ready\n"));
    expect(program, "open notes.txt", "opened");
    const session_processes inside = processes_of(program.pid());
    ::kill(inside.agent, SIGKILL);
    ASSERT_TRUE(program.wait_for_error("farside: the agent ended; remote files now answer EIO\n"));
    expect(program, "read-open notes.txt", "Input/output error");
    expect(program, "write-open notes.txt", "Input/output error");
    expect(program, "close notes.txt", "closed");
    expect_life_without_files(program);
}

TEST_F(lost_agent, KilledInTheMiddleOfARead) {
    process program{told()};
    ASSERT_TRUE(program.wait_for("ready\n"));
    const session_processes inside = processes_of(program.pid());
    program.write("read fifo\n");
    // The agent waits in open(2) now, for a writer: one that can open the FIFO without waiting.
    unique_fd writer;
    while (!writer) {
        writer =
            unique_fd{::open((both_.remote() / "fifo").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)};
    }
    ::kill(inside.agent, SIGKILL);
    ASSERT_TRUE(program.wait_for("read fifo: Input/output error\n")) << program.out();
    expect_life_without_files(program);
}

TEST_F(lost_agent, SessionKilled) {
    process program{told()};
    ASSERT_TRUE(program.wait_for("ready\n"));
    expect(program, "open notes.txt", "opened");
    const session_processes inside = processes_of(program.pid());
    ASSERT_NE(inside.session, 0);
    ::kill(inside.session, SIGKILL);
    ASSERT_TRUE(program.wait_for_error("farside: "));
    expect(program, "read-open notes.txt", "Input/output error");
    EXPECT_TRUE(wait_for_end(inside.agent));
    expect_life_without_files(program);
}

TEST_F(lost_agent, SessionKilledInTheMiddleOfARead) {
    process program{told()};
    ASSERT_TRUE(program.wait_for("ready\n"));
    const session_processes inside = processes_of(program.pid());
    program.write("read fifo\n");
    unique_fd writer;
    while (!writer) {
        writer =
            unique_fd{::open((both_.remote() / "fifo").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)};
    }
    ::kill(inside.session, SIGKILL);
    ASSERT_TRUE(program.wait_for("read fifo: Input/output error\n")) << program.out();
    expect_life_without_files(program);
}

TEST_F(lost_agent, DiesInTheMiddleOfAReply) {
    process program{told(agent_through("stdbuf -o0 head -c 150000"))};
    ASSERT_TRUE(program.wait_for("ready\n"));
    expect(program, "read table.csv", "40");
    expect(program, "read noise.bin", "Input/output error");
    expect_life_without_files(program);
}

TEST_F(lost_agent, SendsGarbage) {
    process program{told(agent_through("(stdbuf -o0 head -c 150000; yes 2> /dev/null)"))};
    ASSERT_TRUE(program.wait_for("ready\n"));
    expect(program, "read table.csv", "40");
    expect(program, "read noise.bin", "Input/output error");
    expect_life_without_files(program);
}

TEST_F(lost_agent, ChildrenAreToldToo) {
    process program{told()};
    ASSERT_TRUE(program.wait_for("ready\n"));
    expect(program, "note table.csv", "here");
    expect(program, "child table.csv", "hereanna,2");
    ::kill(processes_of(program.pid()).agent, SIGKILL);
    ASSERT_TRUE(program.wait_for_error("farside: "));
    expect(program, "child table.csv", "herecat: /srv/app/table.csv: Input/output error");
    expect_life_without_files(program);
}

TEST_F(lost_agent, AListeningAgentThatStops) {
    const std::string socket = "unix:" + (both_.local() / "socket").string();
    write_file(both_.local() / "token", "secret\n");
    process agent{
        {.arguments =
             {agent_program(),
              "--listen",
              socket,
              "--token-file",
              both_.local() / "token",
              "--target",
              "dir/" + both_.target().string(),
              "--log-level",
              "info"},
         .input = ""}};
    ASSERT_TRUE(agent.wait_for_error("socket"));
    command what = told();
    what.arguments.erase(what.arguments.begin() + 2, what.arguments.begin() + 4);  // --target
    what.arguments.insert(
        what.arguments.begin() + 2, {"--agent", socket, "--token-file", both_.local() / "token"}
    );
    process program{what};
    ASSERT_TRUE(program.wait_for("ready\n"));
    expect(program, "read table.csv", "40");
    agent.signal(SIGTERM);
    EXPECT_EQ(agent.wait().status(), 0);
    ASSERT_TRUE(program.wait_for_error("farside: "));
    expect_life_without_files(program);
}

}  // namespace
}  // namespace farside::test
