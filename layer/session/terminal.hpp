// The controlling terminal's foreground process group, as far as a parent that is no shell has to
// care about it.
#pragma once

#include <sys/types.h>

namespace farside::session {

// Where this process's group is in the foreground of its controlling terminal: puts `group` there
// instead. REQUIRES: SIGTTOU blocked.
void give_terminal_to(pid_t group);

}  // namespace farside::session
