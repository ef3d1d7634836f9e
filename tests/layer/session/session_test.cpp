// The session process as the supervisor sees it: forked, told by control messages, killed.
#include "layer/session/session.hpp"

#include "layer/session/control.hpp"
#include "tests/layer/session/fake_agent.hpp"
#include "tests/layer/session/fake_caller.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace farside::session::testing {
namespace {

using segment::call;
using ::testing::EndsWith;
using ::testing::HasSubstr;

session_config with_agent(const std::string& how) {
    session_config config;
    config.target = "dir/fake";
    config.source = agent_source::command;
    config.agent = "exec " FARSIDE_FAKE_AGENT " " + how;
    config.library = "/usr/lib/farside/libfarside.so";
    return config;
}

path_policy all_writable() {
    policy_options options;
    options.mode = policy_mode::write;
    return std::move(*path_policy::compile(options).policy);
}

// The supervisor's part. The "program" is this process, while it keeps the doorbell.
class running_session {
public:
    explicit running_session(const session_config& config)
        : memory_{std::move(shared_memory::create().value())} {
        auto control = make_control_pair().value();
        control_ = std::move(control.supervisor);
        int standard_error[2];
        EXPECT_EQ(::pipe2(standard_error, O_CLOEXEC), 0);
        stderr_ = unique_fd{standard_error[0]};
        unique_fd theirs{standard_error[1]};
        const path_policy policy = all_writable();
        pid_ = ::fork();
        if (pid_ == 0) {
            ::setsid();
            ::dup2(theirs.get(), STDERR_FILENO);
            control_.reset();
            theirs.reset();
            ::_exit(run_session(config, policy, std::move(memory_), std::move(control.session)));
        }
        doorbell_ = unique_fd{::dup(memory_.inherited().doorbell)};
        template_ = unique_fd{::dup(memory_.inherited().template_)};
        memory_.release_descriptors();
    }

    running_session(const running_session&) = delete;
    running_session& operator=(const running_session&) = delete;

    ~running_session() {
        if (!ended_) {
            kill(SIGKILL);
            wait();
        }
    }

    control_message hear() {
        auto heard = receive_control(control_.get());
        EXPECT_TRUE(heard.has_value());
        return heard ? *heard : control_message{};
    }

    void say_program_ended() {
        EXPECT_FALSE(send_control(control_.get(), control_kind::program_ended));
    }

    void close_doorbell() { doorbell_.reset(); }

    void hang_up() { control_.reset(); }

    void kill(int signal) const { ::kill(pid_, signal); }

    int wait() {
        int status = 0;
        ::waitpid(pid_, &status, 0);
        ended_ = true;
        return status;
    }

    // Standard error of the session and its agent, to its end.
    std::string errors() {
        std::string text;
        char bytes[1024];
        for (;;) {
            const auto n = ::read(stderr_.get(), bytes, sizeof bytes);
            if (n <= 0) {
                return text;
            }
            text.append(bytes, static_cast<std::size_t>(n));
        }
    }

    // Without waiting for the end.
    std::string errors_so_far(std::size_t bytes) {
        std::string text(bytes, '\0');
        const auto n = ::read(stderr_.get(), text.data(), bytes);
        text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
        return text;
    }

    fake_caller caller() { return {memory_.shared(), doorbell_.get(), template_.get()}; }

    segment::view& view() { return memory_.view(); }

private:
    shared_memory memory_;
    unique_fd control_;
    unique_fd stderr_;
    unique_fd doorbell_;
    unique_fd template_;
    pid_t pid_ = 0;
    bool ended_ = false;
};

TEST(Session, ServesFromReadyToIdle) {
    running_session session{with_agent("serve")};
    ASSERT_EQ(session.hear().kind, control_kind::ready);
    const auto caller = session.caller();
    const auto file = caller.open("/srv/file");
    ASSERT_EQ(file.opened.result, 0);
    EXPECT_EQ(caller.read(file.id, 100).data, "remote bytes");
    session.close_doorbell();
    session.say_program_ended();
    EXPECT_EQ(session.hear().kind, control_kind::idle);
    EXPECT_EQ(session.wait(), 0);
    EXPECT_EQ(session.errors(), "");
}

TEST(Session, FillsTheView) {
    running_session session{with_agent("serve")};
    ASSERT_EQ(session.hear().kind, control_kind::ready);
    const auto& view = session.view();
    EXPECT_EQ(view.magic, segment::view_magic);
    EXPECT_EQ(view.version, segment::layout_version);
    EXPECT_STREQ(view.target, "dir/fake");
    EXPECT_STREQ(view.library, "/usr/lib/farside/libfarside.so");
    EXPECT_EQ(view.allow_local, 0U);
    EXPECT_EQ(farside::decide(view.policy, "/srv/file"), side::remote);
}

TEST(Session, SaysThatItLingersAndServesOn) {
    running_session session{with_agent("serve")};
    ASSERT_EQ(session.hear().kind, control_kind::ready);
    session.say_program_ended();
    EXPECT_EQ(session.hear().kind, control_kind::lingering);
    EXPECT_EQ(session.caller().open("/srv/file").opened.result, 0);
    session.close_doorbell();
    EXPECT_EQ(session.wait(), 0);
}

TEST(Session, GoesOnWithoutASupervisor) {
    running_session session{with_agent("serve")};
    ASSERT_EQ(session.hear().kind, control_kind::ready);
    session.hang_up();
    EXPECT_EQ(session.caller().open("/srv/file").opened.result, 0);
    session.close_doorbell();
    EXPECT_EQ(session.wait(), 0);
}

TEST(Session, WaitsForTheWordThatTheProgramEnded) {
    running_session session{with_agent("serve")};
    ASSERT_EQ(session.hear().kind, control_kind::ready);
    session.close_doorbell();
    session.say_program_ended();
    EXPECT_EQ(session.hear().kind, control_kind::idle);
    EXPECT_EQ(session.wait(), 0);
}

struct failed_start {
    const char* name;
    session_config config;
    const char* said;
};

std::vector<failed_start> failed_starts() {
    auto no_program = with_agent("");
    no_program.source = agent_source::program;
    no_program.agent = "/nonexistent/farside-agent";
    auto no_address = no_program;
    no_address.source = agent_source::address;
    no_address.agent = "nowhere";
    auto no_socket = no_address;
    no_socket.agent = "unix:/nonexistent/socket";
    auto no_port = no_address;
    no_port.agent = "127.0.0.1:1";
    auto no_statistics = with_agent("serve");
    no_statistics.stats = {true, "/nonexistent/stats.json"};
    auto long_target = with_agent("serve");
    long_target.target.assign(1000, 'x');
    return {
        {"agent exits", with_agent("exit"), "the agent ended before it answered (exit status 3)"},
        {"agent says why", with_agent("goodbye"), "no container is called 'web'"},
        {"agent prints", with_agent("banner"), "does not speak the farside protocol"},
        {"no program", no_program, "cannot start /nonexistent/farside-agent: No such file"},
        {"no address", no_address, "not an agent's address: 'nowhere'"},
        {"no socket",
         no_socket,
         "cannot connect to the agent at unix:/nonexistent/socket: No such"},
        {"no port", no_port, "cannot connect to the agent at 127.0.0.1:1: Connection refused"},
        {"statistics", no_statistics, "cannot write /nonexistent/stats.json: No such file"},
        {"target", long_target, "too long"},
    };
}

TEST(Session, SaysInOneLineWhyItCannotStart) {
    for (const auto& row : failed_starts()) {
        SCOPED_TRACE(row.name);
        running_session session{row.config};
        const auto message = session.hear();
        EXPECT_EQ(message.kind, control_kind::failed);
        EXPECT_THAT(std::string{message.line()}, HasSubstr(row.said));
        EXPECT_EQ(message.line().find('\n'), std::string_view::npos);
        const int status = session.wait();
        EXPECT_TRUE(WIFEXITED(status));
        EXPECT_EQ(WEXITSTATUS(status), 125);
        EXPECT_EQ(session.errors(), "");
    }
}

TEST(Session, TellsTheUserOnceThatTheAgentDied) {
    running_session session{with_agent("serve")};
    ASSERT_EQ(session.hear().kind, control_kind::ready);
    const auto caller = session.caller();
    EXPECT_EQ(caller.at(call::stat, "/srv/file").result, -EIO);
    EXPECT_EQ(caller.at(call::stat, "/srv/file").result, -EIO);
    session.close_doorbell();
    session.say_program_ended();
    EXPECT_EQ(session.hear().kind, control_kind::idle);
    EXPECT_EQ(session.errors(), "farside: the agent ended; remote files now answer EIO\n");
}

// A session that is killed wakes everybody who waits for it, in whatever process.
TEST(Session, WakesItsCallersWhenItIsKilled) {
    running_session session{with_agent("serve")};
    ASSERT_EQ(session.hear().kind, control_kind::ready);
    const auto caller = session.caller();
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    std::vector<pid_t> children;
    for (int i = 0; i < 4; ++i) {
        const pid_t pid = ::fork();
        if (pid == 0) {
            question q;
            q.op = call::access;
            q.path[0] = "/srv/file";
            const auto slot = caller.claim();
            caller.fill(slot, q);
            const bool posted = caller.post(slot);
            [[maybe_unused]] const auto n = ::write(ready[1], "x", 1);
            ::_exit(posted && caller.await(slot).result == -EIO ? 0 : 1);
        }
        children.push_back(pid);
    }
    char posted = 0;
    for (std::size_t i = 0; i < children.size(); ++i) {
        ASSERT_EQ(::read(ready[0], &posted, 1), 1);
    }
    session.kill(SIGKILL);
    session.wait();
    for (const pid_t pid : children) {
        int status = -1;
        ::waitpid(pid, &status, 0);
        EXPECT_EQ(status, 0);
    }
    // Later calls do not even begin, also in slots that nobody ever used.
    std::vector<std::uint32_t> slots;
    for (std::uint32_t i = 0; i < segment::slot_count - children.size(); ++i) {
        slots.push_back(caller.claim());
        EXPECT_FALSE(caller.post(slots.back()));
    }
    ::close(ready[0]);
    ::close(ready[1]);
}

TEST(Session, EndsAnAgentThatDoesNotEnd) {
    running_session session{with_agent("stay")};
    ASSERT_EQ(session.hear().kind, control_kind::ready);
    const auto said = session.errors_so_far(sizeof(pid_t));
    ASSERT_EQ(said.size(), sizeof(pid_t));
    pid_t agent = 0;
    std::memcpy(&agent, said.data(), sizeof agent);
    session.close_doorbell();
    session.say_program_ended();
    EXPECT_EQ(session.hear().kind, control_kind::idle);
    EXPECT_EQ(session.wait(), 0);
    EXPECT_EQ(::kill(agent, 0), -1);
}

TEST(Session, WritesItsStatistics) {
    const std::string path = ::testing::TempDir() + "farside-stats-" + std::to_string(::getpid());
    auto config = with_agent("serve");
    config.stats = {true, path};
    config.use_caches = false;
    running_session session{config};
    ASSERT_EQ(session.hear().kind, control_kind::ready);
    const auto caller = session.caller();
    auto file = caller.open("/srv/file");
    EXPECT_EQ(caller.read(file.id, 5).data, "remot");
    EXPECT_EQ(caller.close(file), 0);
    session.close_doorbell();
    session.say_program_ended();
    EXPECT_EQ(session.hear().kind, control_kind::idle);
    std::stringstream text;
    text << std::ifstream{path}.rdbuf();
    EXPECT_THAT(text.str(), HasSubstr("{\"round_trips\": 2, \"requests\": 3, \"pushes\": 0, "));
    EXPECT_THAT(text.str(), HasSubstr("\"messages\": {\"open\": {\"round_trips\": 1, "));
    EXPECT_THAT(text.str(), HasSubstr("\"close\": {\"round_trips\": 0, \"requests\": 1, "));
    EXPECT_THAT(text.str(), HasSubstr("\"session\": {\"round_trips\": 1, \"requests\": 1, "));
    EXPECT_THAT(text.str(), EndsWith("}}\n"));
    ::unlink(path.c_str());
}

TEST(Session, WritesItsStatisticsToStandardError) {
    auto config = with_agent("serve");
    config.stats.enabled = true;
    running_session session{config};
    ASSERT_EQ(session.hear().kind, control_kind::ready);
    session.say_program_ended();
    EXPECT_EQ(session.hear().kind, control_kind::lingering);
    session.close_doorbell();
    EXPECT_THAT(session.errors(), HasSubstr("\"wall_ms\": "));
}

// Whoever reads the standard error of `farside exec` must not wait for what it left behind.
TEST(Session, LetsGoOfStandardErrorWhenItLingers) {
    running_session session{with_agent("serve")};
    ASSERT_EQ(session.hear().kind, control_kind::ready);
    session.say_program_ended();
    EXPECT_EQ(session.hear().kind, control_kind::lingering);
    EXPECT_EQ(session.errors(), "");  // its end comes while the session serves
    EXPECT_EQ(session.caller().open("/srv/file").opened.result, 0);
}

// ---- an agent that listens ----

TEST(Session, ConnectsToAnAgentAtASocket) {
    const std::string path = ::testing::TempDir() + "farside-agent-" + std::to_string(::getpid());
    const unique_fd listener{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    ASSERT_LT(path.size(), sizeof address.sun_path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(listener.get(), 1), 0);
    session_config config;
    config.target = "dir/fake";
    config.source = agent_source::address;
    config.agent = "unix:" + path;
    config.token = "open sesame";
    running_session session{config};
    fake_agent agent{unique_fd{::accept(listener.get(), nullptr, nullptr)}};
    agent.start();
    EXPECT_EQ(session.hear().kind, control_kind::ready);
    const auto seen = agent.await(protocol::opcode::hello);
    EXPECT_EQ(protocol::decode<protocol::hello>(seen.payload).value().token, "open sesame");
    session.close_doorbell();
    session.say_program_ended();
    EXPECT_EQ(session.hear().kind, control_kind::idle);
    ::unlink(path.c_str());
}

}  // namespace
}  // namespace farside::session::testing
