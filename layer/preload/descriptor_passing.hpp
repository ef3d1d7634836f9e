// Descriptors to and from the session: unix(7)'s SCM_RIGHTS with raw system calls. The session gets
// one over the doorbell (session_call::attach), and answers with one over a socket that the call
// attached: a `return_socket`.
#pragma once

namespace farside::preload {

// Sends `byte` and a copy of `fd`. Returns 0 or -errno.
[[nodiscard]] long send_descriptor(long socket, unsigned char byte, long fd) noexcept;

// A pair of sockets for the life of one call: far() goes to the session with the call, receive()
// takes what it sent back.
class return_socket {
public:
    return_socket() noexcept;
    ~return_socket();
    return_socket(const return_socket&) = delete;
    return_socket& operator=(const return_socket&) = delete;
    return_socket(return_socket&&) = delete;
    return_socket& operator=(return_socket&&) = delete;

    // 0, or why there is no socket: -errno.
    [[nodiscard]] long failure() const noexcept { return failure_; }

    [[nodiscard]] long far() const noexcept { return ends_[1]; }

    // After the call was answered: a new descriptor, close-on-exec, that the caller owns; -EIO
    // where none came. Does not wait.
    [[nodiscard]] long receive() const noexcept;

private:
    int ends_[2] = {-1, -1};
    long failure_ = 0;
};

}  // namespace farside::preload
