// Descriptors over unix sockets (SCM_RIGHTS, unix(7)), one at a time, without waiting.
#pragma once

#include "protocol/support/unique_fd.hpp"

#include <cstddef>
#include <span>

#include <sys/types.h>

namespace farside::session {

struct received_bytes {
    ssize_t count = 0;  // as recvmsg(2): 0 at the end, -1 with errno
    unique_fd descriptor;
};

// Close-on-exec. More than one descriptor is against the rules: the others are closed.
received_bytes receive(int socket, std::span<std::byte> room);

// A byte with a copy of `descriptor`. Returns 0 or an errno.
[[nodiscard]] int send_descriptor(int socket, int descriptor);

}  // namespace farside::session
