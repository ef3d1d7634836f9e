// The terminal is opened each time: it is rarely needed, and a descriptor kept open would be one
// more that programs could see.
#include "layer/session/terminal.hpp"

#include "protocol/support/unique_fd.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace farside::session {

void give_terminal_to(pid_t group) {
    const unique_fd terminal{::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)};
    if (terminal && ::tcgetpgrp(terminal.get()) == ::getpgrp()) {
        ::tcsetpgrp(terminal.get(), group);
    }
}

}  // namespace farside::session
