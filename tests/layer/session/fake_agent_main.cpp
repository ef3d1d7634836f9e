// A program that speaks the protocol on its standard input and output, as farside-agent does, and
// behaves as its argument says. For tests of what the session does with an agent it started.
#include "tests/layer/session/fake_agent.hpp"

#include <csignal>
#include <cstdio>
#include <cstring>
#include <string_view>

#include <sys/stat.h>
#include <unistd.h>

using namespace farside;
using session::testing::agent_answer;
using session::testing::fake_agent;

namespace {

constexpr std::string_view content = "remote bytes";

void serve_one_file(fake_agent& agent) {
    agent.on<protocol::open>([](const protocol::open& request) -> agent_answer<protocol::open> {
        if (request.at.path != "/srv/file") {
            return ENOENT;
        }
        protocol::open_reply reply;
        reply.handle = protocol::handle_id{1};
        reply.attr.mode = S_IFREG | 0644;
        return reply;
    });
    agent.on<protocol::read>([](const protocol::read& request) {
        const auto at = std::min(static_cast<std::size_t>(request.offset), content.size());
        const auto bytes = std::min<std::size_t>(request.bytes, content.size() - at);
        protocol::read_reply reply;
        reply.data.bytes = std::as_bytes(std::span{content}).subspan(at, bytes);
        return reply;
    });
    // Never answered.
    agent.on<protocol::access>([](const protocol::access&) {
        return agent_answer<protocol::access>{};
    });
    agent.on<protocol::stat>([](const protocol::stat&) -> agent_answer<protocol::stat> {
        ::_exit(9);
    });
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view how = argc > 1 ? argv[1] : "serve";
    if (how == "exit") {
        return 3;
    }
    if (how == "banner") {
        std::puts("Last login: yesterday");
        return 0;
    }
    if (how == "stay") {
        ::signal(SIGTERM, SIG_IGN);
        const pid_t pid = ::getpid();
        [[maybe_unused]] const auto n = ::write(STDERR_FILENO, &pid, sizeof pid);
    }
    fake_agent agent{unique_fd{STDIN_FILENO}};
    if (how == "goodbye") {
        protocol::buffer out;
        protocol::append_one_way(out, protocol::goodbye{"no container is called 'web'"});
        agent.on_raw(
            protocol::opcode::hello,
            {reinterpret_cast<const char*>(out.data()), out.size()},
            fake_agent::then::close
        );
    }
    serve_one_file(agent);
    agent.run();
    while (how == "stay") {
        ::pause();
    }
    return 0;
}
