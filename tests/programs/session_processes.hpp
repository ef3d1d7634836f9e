// The processes of a running `farside exec`, found from outside.
#pragma once

#include "tests/support/process.hpp"

namespace farside::test {

struct session_processes {
    pid_t program = 0;
    pid_t session = 0;
    pid_t agent = 0;
};

// Of a farside that has started its program: its children are the program and the session, whose
// child is the agent.
[[nodiscard]] inline session_processes processes_of(pid_t farside) {
    session_processes found;
    for (const process_line& child : children_of(farside)) {
        pid_t agent = 0;
        for (const process_line& grandchild : children_of(child.pid)) {
            agent = grandchild.name.starts_with("farside-agent") ? grandchild.pid : agent;
        }
        if (agent != 0) {
            found.session = child.pid;
            found.agent = agent;
        } else {
            found.program = child.pid;
        }
    }
    return found;
}

}  // namespace farside::test
