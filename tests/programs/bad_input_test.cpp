// What cannot be done is said in one line, with status 125, before the program has started.
#include "tests/support/sides.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace farside::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class bad_input : public testing::Test {
protected:
    // `farside exec` with these options alone, and a program that leaves a trace.
    [[nodiscard]] outcome run_with(
        std::vector<std::string> options, std::vector<std::string> more = {}
    ) {
        command what = both_.covered_command({});
        what.arguments = {farside_program(), "exec"};
        what.arguments.insert(what.arguments.end(), options.begin(), options.end());
        what.arguments.insert(what.arguments.end(), {"--", "touch", both_.local() / "ran"});
        what.environment.insert(what.environment.end(), more.begin(), more.end());
        return run(what);
    }

    void expect_failure(const outcome& result, const std::string& said) {
        EXPECT_EQ(result.status(), 125);
        EXPECT_EQ(result.out, "");
        EXPECT_THAT(result.err, testing::StartsWith("farside: "));
        EXPECT_EQ(result.err.find('\n'), result.err.size() - 1) << result.err;
        EXPECT_THAT(result.err, HasSubstr(said));
        EXPECT_FALSE(fs::exists(both_.local() / "ran"));
        EXPECT_EQ(children_left(), ours_);
    }

    [[nodiscard]] std::string odd_agent(const std::string& how) const {
        return both_.programs() + "/odd-agent " + how;
    }

    sides both_;
    std::string ours_;  // children of the test itself
};

TEST_F(bad_input, ThisIsHowItGoesWell) {
    EXPECT_EQ(run_with({"--target", "dir/" + both_.target().string()}).status(), 0);
    EXPECT_TRUE(fs::exists(both_.local() / "ran"));
}

TEST_F(bad_input, Options) {
    const std::string target = "dir/" + both_.target().string();

    struct row {
        std::vector<std::string> options;
        const char* said;
    };

    const row rows[] = {
        {{"--target", "ship/web"}, "unknown kind of target"},
        {{"--target", "docker"}, "is no target"},
        {{"--target", ""}, "target"},
        {{"--target", "pid/many"}, "pid/many"},
        {{"--target", target, "--fs-mode", "sideways"}, "unknown mode 'sideways'"},
        {{"--target", target, "--read-write", "a("}, "bad pattern"},
        {{"--target", target, "--not-found", "["}, "bad pattern"},
        {{"--target", target, "--bogus"}, "--bogus"},
    };
    for (const row& r : rows) {
        SCOPED_TRACE(testing::PrintToString(r.options));
        expect_failure(run_with(r.options), r.said);
    }
}

TEST_F(bad_input, TooManyPatterns) {
    std::vector<std::string> options{"--target", "dir/" + both_.target().string()};
    for (int i = 0; i < 2000; ++i) {
        options.insert(options.end(), {"--local", "^/many/" + std::to_string(i) + "/.*x.*y"});
    }
    expect_failure(run_with(options), "too many patterns");
}

TEST_F(bad_input, Targets) {
    write_file(both_.local() / "file", "");
    expect_failure(run_with({"--target", "dir//no/such/directory"}), "/no/such/directory");
    expect_failure(
        run_with({"--target", "dir/" + (both_.local() / "file").string()}), "Not a directory"
    );
    expect_failure(run_with({"--target", "pid/4194300"}), "4194300");
    expect_failure(
        run_with({"--target", "docker/web"}, {"DOCKER_HOST=unix:///no/such/socket"}),
        "/no/such/socket"
    );
    expect_failure(run_with({"--target", "docker/web"}, {"DOCKER_HOST=tcp://host:1"}), "only unix");
}

TEST_F(bad_input, Addresses) {
    expect_failure(run_with({"--agent", "unix:/no/such/socket"}), "/no/such/socket");
    expect_failure(run_with({"--agent", "nonsense"}), "nonsense");
    // Bound, so that nobody else gets it, but not listening.
    const unique_fd reserved{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t bytes = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    ASSERT_EQ(::bind(reserved.get(), generic, bytes), 0);
    ASSERT_EQ(::getsockname(reserved.get(), generic, &bytes), 0);
    const std::string name = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    expect_failure(run_with({"--agent", name}), name);
}

TEST_F(bad_input, Tokens) {
    const fs::path token = both_.local() / "token";
    const fs::path socket = both_.local() / "socket";
    write_file(token, "right\n");
    process agent{
        {.arguments =
             {agent_program(),
              "--listen",
              "unix:" + socket.string(),
              "--token-file",
              token,
              "--target",
              "dir/" + both_.target().string(),
              "--log-level",
              "info"},
         .input = ""}};
    ASSERT_TRUE(agent.wait_for_error(socket.string()));
    ours_ = children_left();
    const std::vector<std::string> here{"--agent", "unix:" + socket.string()};
    const auto with_token = [&](const fs::path& file) {
        return run_with({here[0], here[1], "--token-file", file});
    };
    EXPECT_EQ(with_token(token).status(), 0);
    fs::remove(both_.local() / "ran");
    write_file(both_.local() / "wrong", "wrong\n");
    expect_failure(with_token(both_.local() / "wrong"), "token");
    expect_failure(run_with(here), "token");
    expect_failure(with_token("/no/such/file"), "/no/such/file: No such file or directory");
    expect_failure(with_token(both_.local()), "Is a directory");
    write_file(both_.local() / "empty", "");
    expect_failure(with_token(both_.local() / "empty"), "token");
    agent.signal(SIGTERM);
    EXPECT_EQ(agent.wait().status(), 0);
}

TEST_F(bad_input, AgentCommands) {
    struct row {
        std::string agent;
        const char* said;
    };

    const row rows[] = {
        {"exit 3", "exit status 3"},
        {"kill -9 $$", "signal 9"},
        {"echo Last login: yesterday; cat > /dev/null", "does not speak the farside protocol"},
        {"yes | head -c 1000000 2> /dev/null; cat > /dev/null 2>&1",
         "does not speak the farside protocol"},
        {odd_agent("refuses"), "this agent speaks versions 7 to 9"},
        {odd_agent("other-version"), "version"},
        {odd_agent("control-bytes"), "no"},
        {odd_agent("unasked"), "protocol"},
        {odd_agent("cut"), "ended"},
        {agent_program() + " --stdio --target dir//no/such/directory", "/no/such/directory"},
    };
    for (const row& r : rows) {
        SCOPED_TRACE(r.agent);
        const outcome result = run_with({"--target", "dir//", "--agent-command", r.agent});
        expect_failure(result, r.said);
        EXPECT_EQ(result.err.find('\x1b'), std::string::npos);
    }
}

TEST_F(bad_input, AgentCommandsThatSayWhyThemselves) {
    const outcome result =
        run_with({"--target", "dir//", "--agent-command", "echo reason >&2; exit 1"});
    EXPECT_EQ(result.status(), 125);
    EXPECT_EQ(result.err, "reason\nfarside: the agent ended before it answered (exit status 1)\n");
    const outcome missing = run_with({"--target", "dir//", "--agent-command", "no-such-command"});
    EXPECT_EQ(missing.status(), 125);
    EXPECT_THAT(missing.err, HasSubstr("no-such-command: not found\nfarside: the agent ended"));
}

TEST_F(bad_input, DescriptorsForFarside) {
    command what = both_.covered_command({"touch", both_.local() / "ran"});
    what.arguments.insert(what.arguments.begin(), {"sh", "-c", "ulimit -n 12; exec \"$@\"", "_"});
    const outcome result = run(what);
    EXPECT_EQ(result.status(), 125);
    EXPECT_THAT(result.err, testing::StartsWith("farside: "));
    EXPECT_FALSE(fs::exists(both_.local() / "ran"));
}

}  // namespace
}  // namespace farside::test
