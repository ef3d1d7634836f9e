// The agent's server on a thread of its own, with a directory as its target. Everything that the
// real program does with its process (working directory, umask) stays within that thread.
#pragma once

#include "agent/server.hpp"
#include "tests/agent/fake_client.hpp"
#include "tests/support/temp_dir.hpp"

#include <functional>
#include <future>
#include <string>
#include <thread>

namespace farside::agent::test {

class running_agent {
public:
    // Without a directory, serves a temporary one.
    explicit running_agent(server_options options = {}, std::string directory = {});
    running_agent(const running_agent&) = delete;
    running_agent& operator=(const running_agent&) = delete;
    ~running_agent();

    [[nodiscard]] const std::filesystem::path& root() const { return root_; }

    // A client that has not said a word yet.
    [[nodiscard]] fake_client connect();

    // A client that is welcome.
    [[nodiscard]] fake_client session(bool read_only = false);

    // Ends the server and waits for it.
    void stop();

    // On the agent's thread, to its end.
    void on_loop(const std::function<void(server&)>& action);

private:
    void run(const server_options& options, std::promise<void>& started);

    farside::test::temp_dir directory_;
    std::filesystem::path root_;
    asio::io_context loop_{1};  // outlives the thread: stop() may come after the server ended
    server* server_ = nullptr;
    std::thread thread_;
};

}  // namespace farside::agent::test
