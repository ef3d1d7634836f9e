// Names of targets, and the engine that knows containers: a fake one on a unix socket.
#include "agent/target/target.hpp"

#include "agent/target/engine.hpp"
#include "agent/task_group.hpp"
#include "protocol/support/unique_fd.hpp"
#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace farside::agent {
namespace {

using farside::test::temp_dir;
using testing::HasSubstr;
using testing::StartsWith;

std::string line_of(const or_failure<target_name>& parsed) {
    return parsed ? "" : parsed.error().line;
}

TEST(TargetName, HasAKindAndAName) {
    const auto docker = parse_target("docker/web");
    ASSERT_TRUE(docker);
    EXPECT_EQ(docker->kind, target_kind::docker);
    EXPECT_EQ(docker->id, "web");
    EXPECT_EQ(docker->text, "docker/web");
    EXPECT_EQ(parse_target("pid/4711")->pid, 4711);
    EXPECT_EQ(parse_target("dir//srv/data")->id, "/srv/data");
    EXPECT_EQ(parse_target("dir/relative/path")->id, "relative/path");
}

TEST(TargetName, IsRefusedInOneLine) {
    EXPECT_THAT(line_of(parse_target("podman/web")), HasSubstr("unknown kind"));
    EXPECT_THAT(line_of(parse_target("")), HasSubstr("unknown kind"));
    EXPECT_THAT(line_of(parse_target("docker")), HasSubstr("missing"));
    EXPECT_THAT(line_of(parse_target("docker/")), HasSubstr("missing"));
    EXPECT_THAT(line_of(parse_target("dir/")), HasSubstr("missing"));
    for (const std::string pid : {"x", "0", "-1", "12x", "99999999999", "+1", " 1"}) {
        EXPECT_THAT(line_of(parse_target("pid/" + pid)), HasSubstr("number above 0")) << pid;
    }
    EXPECT_THAT(line_of(parse_target(std::string(5000, 'x'))), HasSubstr("too long"));
}

TEST(Engine, SocketComesFromTheEnvironment) {
    EXPECT_EQ(engine_options::from_environment(nullptr)->socket, "/var/run/docker.sock");
    EXPECT_EQ(engine_options::from_environment("")->socket, "/var/run/docker.sock");
    EXPECT_EQ(engine_options::from_environment("unix:///x/y.sock")->socket, "/x/y.sock");
    for (const char* other : {"tcp://host:2375", "ssh://host", "unix://", "/x/y.sock"}) {
        const auto options = engine_options::from_environment(other);
        ASSERT_FALSE(options) << other;
        EXPECT_THAT(options.error().line, HasSubstr("only unix://"));
    }
}

std::string answer(const std::string& status, const std::string& body) {
    return "HTTP/1.1 " + status +
           "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

constexpr auto running = R"({"Id":"68c7","State":{"Status":"running","Running":true,"Pid":4242}})";

// Takes one request, answers with fixed bytes, and closes: or, without an answer, waits for the
// end.
class fake_engine {
public:
    explicit fake_engine(std::string bytes) : bytes_{std::move(bytes)} {
        socket_ = unique_fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path().copy(address.sun_path, sizeof address.sun_path - 1);
        void* generic = &address;
        EXPECT_EQ(::bind(socket_.get(), static_cast<sockaddr*>(generic), sizeof address), 0);
        EXPECT_EQ(::listen(socket_.get(), 1), 0);
        thread_ = std::thread{[this] { serve(); }};
    }

    fake_engine(const fake_engine&) = delete;
    fake_engine& operator=(const fake_engine&) = delete;

    ~fake_engine() {
        ::shutdown(socket_.get(), SHUT_RDWR);
        thread_.join();
    }

    [[nodiscard]] std::string path() const { return (directory_.path() / "s").string(); }

    [[nodiscard]] const std::string& request() const { return request_; }

private:
    void serve() {
        const unique_fd client{::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
        if (!client) {
            return;
        }
        std::string part(4096, '\0');
        while (request_.find("\r\n\r\n") == std::string::npos) {
            const auto got = ::read(client.get(), part.data(), part.size());
            if (got <= 0) {
                return;
            }
            request_.append(part, 0, static_cast<std::size_t>(got));
        }
        for (std::size_t sent = 0; sent < bytes_.size();) {
            const auto n =
                ::send(client.get(), bytes_.data() + sent, bytes_.size() - sent, MSG_NOSIGNAL);
            if (n <= 0) {
                return;
            }
            sent += static_cast<std::size_t>(n);
        }
        if (bytes_.empty()) {
            [[maybe_unused]] const auto end = ::read(client.get(), part.data(), part.size());
        }
    }

    temp_dir directory_;
    std::string bytes_;
    std::string request_;
    unique_fd socket_;
    std::thread thread_;
};

awaitable<void> ask_engine(
    const target_name& target, const engine_options& options, or_failure<int>& told
) {
    told = co_await find_container(target, options);
}

or_failure<int> ask(const std::string& socket, const std::string& name = "docker/web") {
    const auto target = parse_target(name).value();
    const engine_options options{socket, std::chrono::milliseconds{500}};
    or_failure<int> told = failure{"not asked"};
    const logger log{log_level::error};
    asio::io_context loop{1};
    task_group tasks{loop.get_executor(), log};
    tasks.spawn(ask_engine(target, options, told));
    loop.run();
    return told;
}

std::string failure_with(const std::string& bytes) {
    const fake_engine engine{bytes};
    const auto told = ask(engine.path());
    return told ? "none" : told.error().line;
}

TEST(Engine, TellsTheProcessOfAContainer) {
    const fake_engine engine{answer("200 OK", running)};
    const auto told = ask(engine.path(), "docker/a b/../c?d");
    ASSERT_TRUE(told);
    EXPECT_EQ(*told, 4242);
    EXPECT_THAT(
        engine.request(), StartsWith("GET /containers/a%20b%2F..%2Fc%3Fd/json HTTP/1.1\r\n")
    );
}

TEST(Engine, TakesChunkedAnswers) {
    const std::string body = running;
    std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (const char c : body) {
        chunked += "1\r\n";
        chunked += c;
        chunked += "\r\n";
    }
    const fake_engine engine{chunked + "0\r\n\r\n"};
    EXPECT_EQ(ask(engine.path()).value(), 4242);
}

TEST(Engine, SaysWhatIsWrongInOneLine) {
    const std::string stopped = R"({"State":{"Status":"exited","Running":false,"Pid":0}})";
    const std::string odd = R"({"State":{"Status":"running","Running":true,"Pid":0}})";

    const struct {
        const char* name;
        std::string bytes;
        const char* line;
    } rows[] = {
        {"missing", answer("404 Not Found", R"({"message":"No such"})"), "no such container"},
        {"stopped", answer("200 OK", stopped), "the container is not running (exited)"},
        {"conflict", answer("409 Conflict", R"({"message":"a\nb"})"), "HTTP 409: a b"},
        {"failure", answer("500 Oops", "not json"), "HTTP 500"},
        {"no state", answer("200 OK", "{}"), "no state of a container"},
        {"no object", answer("200 OK", "[1,2]"), "no state of a container"},
        {"no json", answer("200 OK", "garbage"), "no state of a container"},
        {"nothing", answer("200 OK", ""), "no state of a container"},
        {"no process", answer("200 OK", odd), "without a process"},
        {"garbage", "SSH-2.0-OpenSSH_9.2\r\n\r\n", "unexpected answer"},
        {"huge", answer("200 OK", std::string(8 << 20, 'x')), "unexpected answer"},
        {"huge header", "HTTP/1.1 200 OK\r\nX: " + std::string(1 << 20, 'x'), "unexpected answer"},
        {"silent", "", "does not answer"},
    };

    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        const auto line = failure_with(row.bytes);
        EXPECT_THAT(line, StartsWith("docker/web: "));
        EXPECT_THAT(line, HasSubstr(row.line));
        EXPECT_EQ(line.find('\n'), std::string::npos);
    }
}

TEST(Engine, EveryTruncationIsAnUnexpectedAnswer) {
    const auto whole = answer("200 OK", running);
    for (std::size_t bytes = 1; bytes < whole.size(); bytes += 7) {
        EXPECT_THAT(failure_with(whole.substr(0, bytes)), HasSubstr("unexpected answer")) << bytes;
    }
}

TEST(Engine, ThatDoesNotRunIsSaidSo) {
    const temp_dir directory;
    const auto nobody = (directory.path() / "docker.sock").string();
    EXPECT_THAT(ask(nobody).error().line, HasSubstr("no Docker Engine answers at " + nobody));
    farside::test::write_file(nobody, "");
    EXPECT_THAT(ask(nobody).error().line, HasSubstr("no Docker Engine answers"));
    EXPECT_THAT(ask("/" + std::string(200, 'x')).error().line, HasSubstr("too long"));
}

}  // namespace
}  // namespace farside::agent
