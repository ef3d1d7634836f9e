// pidfd_open(2). The header of the C library 2.36 declares it without C linkage, so it cannot be
// called by its name from C++.
#pragma once

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

namespace farside::session {

// A close-on-exec descriptor that becomes readable when the process ends; -1 with errno.
[[nodiscard]] inline int open_pidfd(pid_t pid) {
    return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

}  // namespace farside::session
