// The command line of farside-agent.
#pragma once

#include "agent/log.hpp"
#include "agent/target/target.hpp"

#include <string>
#include <variant>

namespace farside::agent {

struct config {
    bool stdio = false;
    std::string listen;  // "unix:PATH" or "HOST:PORT"; empty with stdio
    std::string token_file;
    std::string target;
    bool spin = true;  // after activity the loop looks for more before it sleeps
    log_level level = log_level::warn;
};

// What was asked for where nothing is to be served (--help, --version): print it and end.
struct information {
    std::string text;
};

[[nodiscard]] or_failure<std::variant<config, information>> parse_command_line(
    int argc, const char* const* argv
);

// The token in a file: its content without the newline at its end.
[[nodiscard]] or_failure<std::string> read_token(const std::string& path);

}  // namespace farside::agent
