// The Docker Engine's HTTP API over its unix socket: all that is asked is which process a container
// runs. https://docs.docker.com/reference/api/engine/
#pragma once

#include "agent/asio.hpp"
#include "agent/target/target.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace farside::agent {

struct engine_options {
    std::string socket = "/var/run/docker.sock";
    std::chrono::milliseconds timeout;

    // By DOCKER_HOST, where it is set: unix://PATH.
    [[nodiscard]] static or_failure<engine_options> from_environment(const char* docker_host);
};

// The process id of a container's first process, in the engine's pid namespace. Failure lines begin
// with the target's name.
[[nodiscard]] awaitable<or_failure<int>> find_container(
    const target_name& target, const engine_options& options
);

// What an answer to GET /containers/ID/json says. Apart, because it is a peer's bytes.
[[nodiscard]] or_failure<int> read_inspection(
    const target_name& target, unsigned status, std::string_view body
);

}  // namespace farside::agent
