// A listening socket by the name the user gave it: "unix:PATH", or HOST:PORT with a loopback host.
// Opened before the target is entered, since the path is one of the host.
#pragma once

#include "agent/target/target.hpp"
#include "protocol/support/unique_fd.hpp"

#include <cstdint>
#include <string>

namespace farside::agent {

class listening_socket {
public:
    [[nodiscard]] static or_failure<listening_socket> open(const std::string& name);

    listening_socket(const listening_socket&) = delete;
    listening_socket(listening_socket&&) = default;
    listening_socket& operator=(const listening_socket&) = delete;
    listening_socket& operator=(listening_socket&&) = default;

    ~listening_socket();

    // Removes a unix socket's name, if it is still ours.
    void remove_name();

    [[nodiscard]] int fd() const { return fd_.get(); }

    // As it can be connected to: the port is the one that was given out for port 0.
    [[nodiscard]] const std::string& name() const { return name_; }

private:
    listening_socket() = default;

    [[nodiscard]] static or_failure<listening_socket> open_unix(const std::string& path);
    [[nodiscard]] static or_failure<listening_socket> open_tcp(const std::string& name);

    unique_fd fd_;
    std::string name_;
    unique_fd
        directory_;  // of a unix socket: its path means something else once the target is entered
    std::string file_name_;
    std::uint64_t inode_ = 0;
};

}  // namespace farside::agent
