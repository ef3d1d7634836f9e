// The agent as a child process, speaking the protocol on its standard input and output (one
// socketpair). What it writes to its standard error is handed on to ours: it does not get ours
// itself, because it lives on with the session after `farside exec` has returned. It ends when its
// connection does; one that does not is ended with its whole process group.
#pragma once

#include "layer/session/asio.hpp"
#include "protocol/error.hpp"
#include "protocol/support/unique_fd.hpp"

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace farside::session {

class agent_process {
public:
    // Starts arguments[0], a path, in a process group of its own.
    [[nodiscard]] static protocol::result<agent_process> start(
        const asio::any_io_executor& executor, const std::vector<std::string>& arguments
    );

    agent_process(agent_process&&) = default;
    agent_process& operator=(agent_process&&) = delete;
    agent_process(const agent_process&) = delete;
    agent_process& operator=(const agent_process&) = delete;
    ~agent_process() = default;

    // The session's end of the socketpair; once.
    [[nodiscard]] unique_fd take_connection() { return std::move(connection_); }

    // Hands on what comes on its standard error, until stop(). Never blocks: where our standard
    // error is not read, the agent waits.
    awaitable<> relay_errors();

    // Waits until the process ended, at most `milliseconds`, and reaps it. Nothing: it still runs.
    // Else how it ended, for a person: "exit status 3", "signal 9 (Killed)".
    awaitable<std::optional<std::string>> ended_within(unsigned milliseconds);

    // REQUIRES: the connection is closed. Gives the process time to end by itself, then ends it.
    // What it still said is handed on.
    awaitable<> stop();

private:
    agent_process(
        const asio::any_io_executor& executor,
        pid_t pid,
        int pidfd,
        unique_fd connection,
        unique_fd errors
    );

    pid_t pid_;
    async_descriptor pidfd_;
    unique_fd connection_;
    async_descriptor errors_;
    std::optional<std::string> ended_;
};

}  // namespace farside::session
