// The life of `farside exec`: starts the session process, then the program, stays the program's
// parent and, seen from outside, is the program: its signals, its stops, its end.
#pragma once

#include "layer/session/launcher.hpp"
#include "layer/session/path_policy.hpp"
#include "layer/session/session_config.hpp"

namespace farside::session {

// Status of what farside itself has to say "no" to.
inline constexpr int status_failed = 125;

// Returns what to exit with, or ends by the signal that the program ended by. REQUIRES: one thread.
[[nodiscard]] int supervise(
    const session_config& config, const path_policy& policy, const program_start& start
);

}  // namespace farside::session
