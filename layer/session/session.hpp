// The whole life of the session process: connect to the agent, say ready, serve the covered
// processes until none is left.
#pragma once

#include "layer/session/control.hpp"
#include "layer/session/path_policy.hpp"
#include "layer/session/session_config.hpp"
#include "layer/session/shared_memory.hpp"

namespace farside::session {

// Runs in the forked session process, on its main thread, and returns its exit status (0, or 125
// where it could not start). The caller has called setsid(2) and leaves with _exit(2). Fills the
// view. `control` is the session's end of a control pair.
[[nodiscard]] int run_session(
    const session_config& config, const path_policy& policy, shared_memory memory, unique_fd control
);

}  // namespace farside::session
