// recvmsg(2) and sendmsg(2) with room for a few descriptors.
#include "layer/session/descriptor_passing.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>

namespace farside::session {
namespace {

// A stranger's descriptors that do not fit are closed by the kernel (MSG_CTRUNC); these fit so that
// they can be closed here.
constexpr std::size_t room_for = 4;

void take_descriptors(const msghdr& message, unique_fd& first) {
    for (const cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
         part = CMSG_NXTHDR(const_cast<msghdr*>(&message), const_cast<cmsghdr*>(part))) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
            unique_fd owned{fd};
            if (!first) {
                first = std::move(owned);
            }
        }
    }
}

}  // namespace

received_bytes receive(int socket, std::span<std::byte> room) {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(room_for * sizeof(int))> control{};
    iovec data{room.data(), room.size()};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    received_bytes result;
    result.count = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (result.count >= 0) {
        take_descriptors(message, result.descriptor);
    }
    return result;
}

int send_descriptor(int socket, int descriptor) {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    char byte = 0;
    iovec data{&byte, 1};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* const part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof descriptor);
    std::memcpy(CMSG_DATA(part), &descriptor, sizeof descriptor);
    const ssize_t sent = ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent == 1 ? 0 : errno;
}

}  // namespace farside::session
