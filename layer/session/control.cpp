// Whole messages over a seqpacket socket: one send, one receive, no framing of our own.
#include "layer/session/control.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include <sys/socket.h>

namespace farside::session {
namespace {

constexpr std::size_t head_bytes = offsetof(control_message, text);

boost::system::error_code last_error() {
    return {errno, boost::system::system_category()};
}

}  // namespace

protocol::result<control_pair> make_control_pair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return last_error();
    }
    return control_pair{unique_fd{ends[0]}, unique_fd{ends[1]}};
}

boost::system::error_code send_control(int fd, control_kind kind, std::string_view text) {
    control_message message;
    message.kind = kind;
    message.text_bytes =
        static_cast<std::uint32_t>(std::min<std::size_t>(text.size(), message.text_room));
    if (message.text_bytes != 0) {
        std::memcpy(message.text, text.data(), message.text_bytes);
    }
    const std::size_t bytes = head_bytes + message.text_bytes;
    while (::send(fd, &message, bytes, MSG_NOSIGNAL) < 0) {
        if (errno != EINTR) {
            return last_error();
        }
    }
    return {};
}

protocol::result<control_message> receive_control(int fd) {
    control_message message;
    ssize_t bytes = -1;
    do {
        bytes = ::recv(fd, &message, sizeof message, 0);
    } while (bytes < 0 && errno == EINTR);
    if (bytes < 0) {
        return last_error();
    }
    if (bytes == 0) {
        return protocol::error::connection_lost;
    }
    if (static_cast<std::size_t>(bytes) < head_bytes ||
        static_cast<std::size_t>(bytes) != head_bytes + message.text_bytes) {
        return protocol::error::bad_value;
    }
    return message;
}

}  // namespace farside::session
