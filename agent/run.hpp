// One run of the program, from a parsed command line to an exit status.
#pragma once

#include "agent/config.hpp"

namespace farside::agent {

inline constexpr int exit_success = 0;
inline constexpr int exit_failure = 1;  // the target cannot be served, or is gone
inline constexpr int exit_usage = 2;

[[nodiscard]] int run(const config& parsed);

}  // namespace farside::agent
