// What /proc says about another process.
#pragma once

#include <sys/types.h>

namespace farside::session {

// By a signal: not by a debugger.
[[nodiscard]] bool is_stopped(pid_t process);

// Whether `process` is `ancestor`, or a child of a child ... of it. False for a process that is
// gone.
[[nodiscard]] bool descends_from(pid_t process, pid_t ancestor);

}  // namespace farside::session
