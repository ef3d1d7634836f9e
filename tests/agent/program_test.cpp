// The program farside-agent itself: its ways to be reached, its targets that are processes, and its
// ends. What needs root is skipped without.
#include "protocol/handshake.hpp"
#include "tests/agent/fake_client.hpp"
#include "tests/agent/requests.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace farside::agent::test {
namespace {

using farside::test::command;
using farside::test::process;
using farside::test::run;
using farside::test::temp_dir;
using farside::test::write_file;
using testing::HasSubstr;
using testing::Optional;
namespace fs = std::filesystem;

constexpr auto program = FARSIDE_AGENT;

// A child of the test that ends with it.
class child {
public:
    explicit child(pid_t pid) : pid_{pid} {}

    child(const child&) = delete;
    child& operator=(const child&) = delete;

    ~child() {
        kill(SIGKILL);
        wait();
    }

    [[nodiscard]] pid_t pid() const { return pid_; }

    void kill(int signal) const {
        if (pid_ > 0) {
            ::kill(pid_, signal);
        }
    }

    // As a shell tells it.
    int wait() {
        int status = 0;
        if (pid_ <= 0 || ::waitpid(pid_, &status, 0) != pid_) {
            return -1;
        }
        pid_ = -1;
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }

private:
    pid_t pid_;
};

// The agent on one end of a socketpair, as its standard input and output.
class stdio_agent {
public:
    explicit stdio_agent(const std::string& target) : pair_{make_socket_pair()} {
        const pid_t pid = ::fork();
        if (pid == 0) {
            ::dup2(pair_.server.get(), STDIN_FILENO);
            ::dup2(pair_.server.get(), STDOUT_FILENO);
            // In another root the leak check of a sanitizer does not find its /proc.
            ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
            ::execl(program, program, "--stdio", "--target", target.c_str(), nullptr);
            ::_exit(127);
        }
        process_.emplace(pid);
        pair_.server.reset();
        client_.emplace(std::move(pair_.client));
    }

    fake_client& client() { return *client_; }

    int wait() { return process_->wait(); }

    void signal(int number) const { process_->kill(number); }

private:
    socket_pair pair_;
    std::optional<child> process_;
    std::optional<fake_client> client_;
};

TEST(Program, ServesOneClientOnASocketpairAndEndsWithIt) {
    const temp_dir directory;
    write_file(directory.path() / "f", "content");
    stdio_agent agent{"dir/" + directory.path().string()};
    ASSERT_EQ(agent.client().greet(fake_client::default_hello(false)).failure, 0);
    const auto file = agent.client().call(open_of("/f")).reply.handle;
    EXPECT_EQ(agent.client().read(file, 0, 100), "content");
    agent.client().disconnect();
    EXPECT_EQ(agent.wait(), 0);
}

TEST(Program, ServesOneClientOnTwoPipes) {
    const temp_dir directory;
    protocol::buffer bytes{protocol::magic.begin(), protocol::magic.end()};
    protocol::append_request(bytes, protocol::request_id{1}, fake_client::default_hello(true));
    protocol::append_request(bytes, protocol::request_id{2}, protocol::ping{0x1122334455667788});
    command what{{program, "--stdio", "--target", "dir/" + directory.path().string()}};
    what.input = std::string{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    const auto done = run(what);
    EXPECT_EQ(done.status(), 0);
    EXPECT_EQ(done.err, "");
    EXPECT_THAT(done.out, HasSubstr("farside-agent "));
    EXPECT_TRUE(done.out.ends_with("\x88\x77\x66\x55\x44\x33\x22\x11"));
}

TEST(Program, SaysGoodbyeWhereTheTargetCannotBeReached) {
    stdio_agent missing{"dir//no/such/directory"};
    EXPECT_THAT(missing.client().wait_for_goodbye(), Optional(HasSubstr("No such file")));
    missing.client().disconnect();
    EXPECT_EQ(missing.wait(), 1);
    stdio_agent unknown{"podman/web"};
    // Also to a client that greets first.
    unknown.client().send_bytes(protocol::magic);
    unknown.client().send(fake_client::default_hello(false));
    EXPECT_THAT(unknown.client().wait_for_goodbye(), Optional(HasSubstr("unknown kind of target")));
    unknown.client().disconnect();
    EXPECT_EQ(unknown.wait(), 1);
}

TEST(Program, EndsOnASignalWithAWord) {
    const temp_dir directory;
    stdio_agent agent{"dir/" + directory.path().string()};
    ASSERT_EQ(agent.client().greet(fake_client::default_hello(false)).failure, 0);
    ASSERT_EQ(::mkfifo((directory.path() / "fifo").c_str(), 0600), 0);
    const auto blocked = agent.client().send(open_of("/fifo"));
    ASSERT_EQ(agent.client().call(stat_of("/")).failure, 0);
    agent.signal(SIGTERM);
    EXPECT_EQ(agent.client().wait<protocol::open>(blocked).failure, EINTR);
    EXPECT_THAT(agent.client().wait_for_goodbye(), Optional(HasSubstr("stopped")));
    agent.client().disconnect();
    EXPECT_EQ(agent.wait(), 0);
}

TEST(Program, MistakesOnTheCommandLineAreOneLine) {
    const auto done = run(command{{program, "--stdio"}});
    EXPECT_EQ(done.status(), 2);
    EXPECT_THAT(done.err, HasSubstr("farside-agent: --target is required"));
    EXPECT_EQ(std::ranges::count(done.err, '\n'), 1);
    const auto version = run(command{{program, "--version"}});
    EXPECT_EQ(version.status(), 0);
    EXPECT_THAT(version.out, HasSubstr("farside-agent "));
}

fake_client connected(int family, const void* address, socklen_t bytes) {
    unique_fd socket{::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (::connect(socket.get(), static_cast<const sockaddr*>(address), bytes) != 0) {
        throw std::runtime_error{"the agent does not listen"};
    }
    return fake_client{std::move(socket)};
}

fake_client connect_unix(const fs::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(address.sun_path, sizeof address.sun_path - 1);
    return connected(AF_UNIX, &address, sizeof address);
}

// The agent says where it listens once it does, at level info.
command listening(const std::string& where, const fs::path& target) {
    command what{{program, "--listen", where, "--target", "dir/" + target.string()}};
    what.arguments.insert(what.arguments.end(), {"--log-level", "info"});
    return what;
}

TEST(Program, ListensOnAUnixSocketOfItsOwner) {
    const temp_dir directory;
    write_file(directory.path() / "f", "content");
    const auto path = directory.path() / "s";
    process agent{listening("unix:" + path.string(), directory.path())};
    ASSERT_TRUE(agent.wait_for_error("serves at"));

    struct stat told {};

    ASSERT_EQ(::stat(path.c_str(), &told), 0);
    EXPECT_EQ(told.st_mode, S_IFSOCK | 0600U);
    auto one = connect_unix(path);
    auto two = connect_unix(path);
    ASSERT_EQ(one.greet(fake_client::default_hello(false)).failure, 0);
    ASSERT_EQ(two.greet(fake_client::default_hello(true)).failure, 0);
    EXPECT_EQ(one.call(stat_of("/f")).failure, 0);
    EXPECT_EQ(two.call(stat_of("/f")).failure, 0);

    const auto second = run(listening("unix:" + path.string(), directory.path()));
    EXPECT_EQ(second.status(), 1);
    EXPECT_THAT(second.err, HasSubstr("Address already in use"));
    EXPECT_TRUE(fs::exists(path));

    one.disconnect();
    EXPECT_EQ(two.call(stat_of("/f")).failure, 0);
    agent.signal(SIGTERM);
    EXPECT_THAT(two.wait_for_goodbye(), Optional(HasSubstr("stopped")));
    two.disconnect();
    EXPECT_EQ(agent.wait().status(), 0);
    EXPECT_FALSE(fs::exists(path));
}

TEST(Program, TakesTheSocketOfAnAgentThatWasKilled) {
    const temp_dir directory;
    const auto path = directory.path() / "s";
    {
        process killed{listening("unix:" + path.string(), directory.path())};
        ASSERT_TRUE(killed.wait_for_error("serves at"));
        killed.signal(SIGKILL);
        EXPECT_EQ(killed.wait().status(), 128 + SIGKILL);
    }
    ASSERT_TRUE(fs::exists(path));
    process agent{listening("unix:" + path.string(), directory.path())};
    ASSERT_TRUE(agent.wait_for_error("serves at"));
    auto client = connect_unix(path);
    EXPECT_EQ(client.greet(fake_client::default_hello(false)).failure, 0);
}

// The first line of a program's standard error.
std::string first_error(const std::vector<std::string>& arguments, std::optional<child>& started) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
        std::vector<char*> words;
        for (const auto& argument : arguments) {
            words.push_back(const_cast<char*>(argument.c_str()));
        }
        words.push_back(nullptr);
        ::dup2(ends[1], STDERR_FILENO);
        ::execv(words.front(), words.data());
        ::_exit(127);
    }
    started.emplace(pid);
    ::close(ends[1]);
    std::string line;
    char byte = 0;
    while (::read(ends[0], &byte, 1) == 1 && byte != '\n') {
        line += byte;
    }
    ::close(ends[0]);
    return line;
}

TEST(Program, ListensOnLoopbackWithAToken) {
    const temp_dir directory;
    const auto token = directory.path() / "token";
    write_file(token, "secret\n");
    auto what = listening("127.0.0.1:0", directory.path());
    what.arguments.insert(what.arguments.end(), {"--token-file", token.string()});
    std::optional<child> agent;
    const auto line = first_error(what.arguments, agent);
    const auto host = line.find("127.0.0.1:");
    ASSERT_NE(host, std::string::npos) << line;
    const auto port = std::stoi(line.substr(host + 10));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    auto stranger = connected(AF_INET, &address, sizeof address);
    stranger.send_bytes(protocol::magic);
    stranger.send(fake_client::default_hello(false));
    EXPECT_THAT(stranger.wait_for_goodbye(), Optional(HasSubstr("token")));
    auto client = connected(AF_INET, &address, sizeof address);
    auto hello = fake_client::default_hello(false);
    hello.token = "secret";
    EXPECT_EQ(client.greet(hello).failure, 0);
}

TEST(Program, RefusesToListenWhereItShouldNot) {
    const temp_dir directory;
    const auto token = directory.path() / "token";
    write_file(token, "secret\n");

    const struct {
        const char* where;
        const char* line;
    } rows[] = {
        {"0.0.0.0:7000", "only loopback"},
        {"192.0.2.1:7000", "only loopback"},
        {"[::]:7000", "only loopback"},
        {"example.org:7000", "only loopback"},
        {"127.0.0.1", "must be unix:PATH or HOST:PORT"},
        {"127.0.0.1:99999", "must be unix:PATH or HOST:PORT"},
        {"unix:", "1 to 107 bytes"},
        {"unix:/no/such/directory/s", "No such file"},
    };

    for (const auto& row : rows) {
        SCOPED_TRACE(row.where);
        auto what = listening(row.where, directory.path());
        what.arguments.insert(what.arguments.end(), {"--token-file", token.string()});
        const auto done = run(what);
        EXPECT_EQ(done.status(), 1);
        EXPECT_THAT(done.err, HasSubstr(row.line));
        EXPECT_EQ(std::ranges::count(done.err, '\n'), 1);
    }
}

// A process with files of its own: another mount namespace, and in there another root.
enum class other_view : std::uint8_t { mounts, root };

void become_the_target(other_view view, const std::string& directory, int ready) {
    const bool entered = ::unshare(CLONE_NEWNS) == 0 &&
                         ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                         ::mount("none", directory.c_str(), "tmpfs", 0, nullptr) == 0;
    if (!entered) {
        ::_exit(1);
    }
    write_file(directory + "/f", "of the namespace");
    if (view == other_view::root && (::chroot(directory.c_str()) != 0 || ::chdir("/") != 0)) {
        ::_exit(1);
    }
    if (::write(ready, "r", 1) != 1) {
        ::_exit(1);
    }
    ::pause();
    ::_exit(0);
}

std::unique_ptr<child> start_target(other_view view, const std::string& directory) {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        return nullptr;
    }
    const pid_t pid = ::fork();
    if (pid == 0) {
        become_the_target(view, directory, ends[1]);
    }
    ::close(ends[1]);
    auto started = std::make_unique<child>(pid);
    char byte = 0;
    const bool ready = ::read(ends[0], &byte, 1) == 1;
    ::close(ends[0]);
    return ready ? std::move(started) : nullptr;
}

class ProcessTarget : public testing::TestWithParam<other_view> {};

TEST_P(ProcessTarget, IsServedUntilTheProcessEnds) {
    const temp_dir directory;
    const auto target = start_target(GetParam(), directory.path().string());
    if (!target) {
        GTEST_SKIP() << "a mount namespace needs root";
    }
    const auto prefix = GetParam() == other_view::root ? "" : directory.path().string();
    stdio_agent agent{"pid/" + std::to_string(target->pid())};
    auto& client = agent.client();
    ASSERT_EQ(client.greet(fake_client::default_hello(false)).failure, 0);
    const auto file = client.call(open_of(prefix + "/f"));
    ASSERT_EQ(file.failure, 0);
    EXPECT_EQ(client.read(file.reply.handle, 0, 100), "of the namespace");
    ASSERT_EQ(client.call(protocol::make_directory{at(prefix + "/d"), 0777, 0}).failure, 0);
    EXPECT_FALSE(fs::exists(directory.path() / "d"));
    EXPECT_EQ(
        client.call(protocol::canonicalize{at(prefix + "/d/..")}).reply.path,
        prefix.empty() ? "/" : prefix
    );
    const auto inside = client.call(open_of(prefix + "/d", O_PATH)).reply.handle;
    EXPECT_EQ(client.call(stat_of(at(inside, "../f"))).failure, 0);
    EXPECT_EQ(
        client.call(open_of(at(inside, "../../../../../../f"))).failure, prefix.empty() ? 0 : ENOENT
    );
    const auto set = protocol::set_xattr{at(prefix + "/f"), 0, "trusted.a", "x", 0};
    EXPECT_EQ(client.call(set).failure, 0);
    const auto truncation = protocol::set_attributes{
        at(prefix + "/f"), 0, protocol::set_mask::size, 0, 0, 0, 2, {}, {}};
    EXPECT_EQ(client.call(truncation).failure, 0);
    EXPECT_EQ(client.read(file.reply.handle, 0, 100), "of");
    const protocol::make_link link{at(prefix + "/f"), at(prefix + "/g"), 0};
    EXPECT_EQ(client.call(link).failure, 0);

    target->kill(SIGKILL);
    EXPECT_THAT(client.wait_for_goodbye(), Optional(HasSubstr("the process ended")));
    client.disconnect();
    EXPECT_EQ(agent.wait(), 1);
}

INSTANTIATE_TEST_SUITE_P(
    Program, ProcessTarget, testing::Values(other_view::mounts, other_view::root)
);

// A file system of this process that nobody serves: every call on it waits until this process ends.
bool mount_what_hangs(const std::string& directory) {
    const int device = ::open("/dev/fuse", O_RDWR | O_CLOEXEC);
    const auto options = "fd=" + std::to_string(device) + ",rootmode=40000,user_id=0,group_id=0";
    return device >= 0 && ::mkdir(directory.c_str(), 0755) == 0 &&
           ::mount("nobody", directory.c_str(), "fuse", 0, options.c_str()) == 0;
}

// Says "r" when it has a tmpfs of its own, and "h" when, at the first byte, something in there
// hangs.
void become_a_target_that_hangs(const std::string& directory, int commands, int answers) {
    char byte = 0;
    const bool done = ::unshare(CLONE_NEWNS) == 0 &&
                      ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                      ::mount("none", directory.c_str(), "tmpfs", 0, nullptr) == 0 &&
                      ::write(answers, "r", 1) == 1 && ::read(commands, &byte, 1) == 1 &&
                      mount_what_hangs(directory + "/hung") && ::write(answers, "h", 1) == 1;
    if (done) {
        ::pause();
    }
    ::_exit(1);
}

TEST(Program, AMountThatHangsStallsOnlyTheCallsOnIt) {
    const temp_dir directory;
    auto pipes = make_socket_pair();
    const pid_t pid = ::fork();
    if (pid == 0) {
        const int end = pipes.server.get();
        become_a_target_that_hangs(directory.path().string(), end, end);
    }
    const child target{pid};
    pipes.server.reset();
    char byte = 0;
    if (::read(pipes.client.get(), &byte, 1) != 1) {
        GTEST_SKIP() << "a mount namespace needs root";
    }
    stdio_agent agent{"pid/" + std::to_string(pid)};
    auto& client = agent.client();
    ASSERT_EQ(client.greet(fake_client::default_hello(false)).failure, 0);
    ASSERT_EQ(::write(pipes.client.get(), "x", 1), 1);
    if (::read(pipes.client.get(), &byte, 1) != 1) {
        GTEST_SKIP() << "there is no /dev/fuse";
    }
    // One turn of the agent's loop, in which it learns of the mount.
    ASSERT_EQ(client.call(protocol::ping{1}).failure, 0);

    const auto path = directory.path().string();
    const auto looking = client.send(stat_of(path + "/hung/x"));
    const auto opening = client.send(open_of(path + "/hung/x", O_CREAT | O_RDWR));
    EXPECT_EQ(client.call(stat_of(path)).failure, 0);
    const auto file = client.call(open_of(path + "/f", O_CREAT | O_RDWR));
    EXPECT_EQ(file.failure, 0);
    EXPECT_EQ(client.call(write_of(file.reply.handle, 0, "x")).failure, 0);
    EXPECT_FALSE(client.answered(looking));

    target.kill(SIGKILL);  // and with it the file system
    EXPECT_NE(client.wait<protocol::stat>(looking).failure, 0);
    EXPECT_NE(client.wait<protocol::open>(opening).failure, 0);
    EXPECT_THAT(client.wait_for_goodbye(), Optional(HasSubstr("the process ended")));
}

TEST(Program, ServesAProcessWithTheSameFilesWithoutRights) {
    const temp_dir directory;
    write_file(directory.path() / "f", "content");
    stdio_agent agent{"pid/" + std::to_string(::getpid())};
    ASSERT_EQ(agent.client().greet(fake_client::default_hello(false)).failure, 0);
    EXPECT_EQ(agent.client().call(stat_of((directory.path() / "f").string())).failure, 0);
    EXPECT_EQ(agent.client().call(protocol::canonicalize{at("/")}).reply.path, "/");
}

TEST(Program, SaysWhichProcessIsNotThere) {
    const pid_t gone = ::fork();
    if (gone == 0) {
        ::_exit(0);
    }
    ::waitpid(gone, nullptr, 0);
    stdio_agent agent{"pid/" + std::to_string(gone)};
    EXPECT_THAT(agent.client().wait_for_goodbye(), Optional(HasSubstr("no such process")));
}

}  // namespace
}  // namespace farside::agent::test
