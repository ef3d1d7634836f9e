// The process, the bytes and the handshake.
#include "tests/conformance/agent_client.hpp"

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace farside::conformance {
namespace {

pid_t spawn(const std::string& program, const std::string& target, int connection) {
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, connection, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, connection, STDOUT_FILENO);
    const char* const argv[] = {program.c_str(), "--stdio", "--target", target.c_str(), nullptr};
    pid_t pid = -1;
    const int failed = ::posix_spawn(
        &pid, program.c_str(), &actions, nullptr, const_cast<char* const*>(argv), environ
    );
    ::posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) {
        throw std::runtime_error{program + ": " + std::strerror(failed)};
    }
    return pid;
}

}  // namespace

void agent_client::fail(const std::string& what) {
    throw std::runtime_error{"agent: " + what};
}

agent_client::agent_client(
    const std::string& program, const std::string& target, session_mode mode
) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        fail(std::strerror(errno));
    }
    socket_ = unique_fd{ends[0]};
    const unique_fd theirs{ends[1]};
    agent_ = spawn(program, target, theirs.get());

    outgoing_.assign(protocol::magic.begin(), protocol::magic.end());
    protocol::hello hello;
    hello.version_min = protocol::version_min;
    hello.version_max = protocol::version_max;
    hello.capabilities = protocol::capabilities;
    hello.limits = protocol::own_limits();
    hello.read_only = mode == session_mode::read_only;
    hello.software = "conformance_runner";
    protocol::hello_reply reply;
    if (const int refused = call(hello, reply)) {
        fail(std::string{"hello: "} + std::strerror(refused));
    }
    if (const auto ec = protocol::check_hello_reply(reply)) {
        fail("hello: " + ec.message());
    }
}

agent_client::~agent_client() {
    socket_.reset();
    if (agent_ > 0) {
        ::waitpid(agent_, nullptr, 0);
    }
}

void agent_client::send() {
    std::span<const std::byte> rest{outgoing_};
    while (!rest.empty()) {
        const auto sent = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent < 0) {
            fail(std::string{"send: "} + std::strerror(errno));
        }
        rest = rest.subspan(static_cast<std::size_t>(sent));
    }
    outgoing_.clear();
}

agent_client::event agent_client::receive() {
    for (;;) {
        const auto frame = parser_.next();
        if (!frame) {
            fail("broken frame: " + frame.error().message());
        }
        if (!*frame) {
            const auto room = parser_.prepare();
            const auto got = ::recv(socket_.get(), room.data(), room.size(), 0);
            if (got <= 0) {
                fail(got == 0 ? "connection ended" : std::strerror(errno));
            }
            parser_.commit(static_cast<std::size_t>(got));
            continue;
        }
        const auto met = requests_.on_frame(**frame);
        if (!met) {
            fail("broken conversation: " + met.error().message());
        }
        if (met->what == event::kind::reply) {
            return *met;
        }
        if (met->op == protocol::opcode::goodbye) {
            fail("goodbye: " + decoded<protocol::goodbye>(met->body).reason);
        }
    }
}

}  // namespace farside::conformance
