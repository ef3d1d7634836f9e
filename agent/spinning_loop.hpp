// Runs the agent's loop. After activity it looks for more for a moment before it sleeps: who talks
// to the agent over a fast link asks again within microseconds, and being woken costs tens of them.
#pragma once

#include "agent/asio.hpp"

namespace farside::agent {

enum class spinning : bool { no, yes };

// Until nothing is left to do. Where only one processor may be used it never spins: whoever it
// waits for would wait for it.
void run_loop(asio::io_context& loop, spinning allowed);

}  // namespace farside::agent
