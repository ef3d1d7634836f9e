// sendmsg(2) and recvmsg(2) with room for exactly one descriptor.
#include "layer/preload/descriptor_passing.hpp"

#include "layer/preload/syscall_x86_64.hpp"

#include <cstring>

#include <asm/errno.h>
#include <sys/socket.h>

namespace farside::preload {
namespace {

// A message of one byte and one descriptor; it points into itself.
struct message {
    char byte = 0;
    iovec data{};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr head{};

    message() noexcept {
        data.iov_base = &byte;
        data.iov_len = 1;
        head.msg_iov = &data;
        head.msg_iovlen = 1;
        head.msg_control = control;
        head.msg_controllen = sizeof control;
    }

    message(const message&) = delete;
    message& operator=(const message&) = delete;
};

}  // namespace

long send_descriptor(long socket, unsigned char byte, long fd) noexcept {
    message out;
    out.byte = static_cast<char>(byte);
    auto* const part = CMSG_FIRSTHDR(&out.head);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int));
    const int number = static_cast<int>(fd);
    std::memcpy(CMSG_DATA(part), &number, sizeof number);
    long sent = 0;
    do {
        sent = kernel(__NR_sendmsg, socket, &out.head, MSG_NOSIGNAL);
    } while (sent == -EINTR);
    return sent == 1 ? 0 : sent == -EPIPE || sent >= 0 ? -EIO : sent;
}

return_socket::return_socket() noexcept {
    failure_ = kernel(__NR_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_);
}

return_socket::~return_socket() {
    if (failure_ == 0) {
        kernel(__NR_close, ends_[0]);
        kernel(__NR_close, ends_[1]);
    }
}

long return_socket::receive() const noexcept {
    message in;
    const long got = kernel(__NR_recvmsg, ends_[0], &in.head, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    const auto* const part = CMSG_FIRSTHDR(&in.head);
    if (got != 1 || part == nullptr || part->cmsg_level != SOL_SOCKET ||
        part->cmsg_type != SCM_RIGHTS || part->cmsg_len != CMSG_LEN(sizeof(int))) {
        return -EIO;
    }
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(part), sizeof fd);
    return fd;
}

}  // namespace farside::preload
