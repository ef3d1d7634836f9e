// Turns a forked child into the covered program: its environment, the descriptors it inherits, the
// signals it finds, and its end with the supervisor's.
#pragma once

#include "layer/session/shared_memory.hpp"
#include "layer/session/signal_state.hpp"

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace farside::session {

struct program_start {
    std::string file;                    // as found
    std::vector<std::string> arguments;  // from argv[0] on
    bool preload = true;                 // false: its loader would stumble over the library
};

// The environment of a covered program: the one that farside has, with what the layer needs.
[[nodiscard]] std::vector<std::string> program_environment(
    const char* const* given, const std::string& library, const std::string& session, bool preload
);

// Duplicates them to free numbers below descriptor_ceiling (or the soft limit), without
// close-on-exec, and returns the value of FARSIDE_SESSION. Nothing: no room for them.
[[nodiscard]] std::optional<std::string> place_descriptors(const shared_memory& memory);

// In the child of fork(2). Ends with status 126 or 127 and one line where the program cannot be
// executed.
[[noreturn]] void become_program(
    const program_start& start,
    const shared_memory& memory,
    const std::string& library,
    const signal_state& signals,
    pid_t supervisor
);

// execve(2) as execvp(3) would: what is no program is a script of the shell's. Returns the status
// to exit with, and prints why.
[[nodiscard]] int execute(const program_start& start, const std::vector<std::string>& environment);

}  // namespace farside::session
