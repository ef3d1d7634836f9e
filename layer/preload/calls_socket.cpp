// Sockets with a name in the file system: connect(2), bind(2) and those that send to one. A socket
// of the target has its other end in the target's kernel: it is seen, but cannot be reached.
#include "layer/preload/dispatch.hpp"
#include "layer/preload/remote_call.hpp"

#include <linux/un.h>
#include <sys/socket.h>

namespace farside::preload {
namespace {

// A socket's address on its way to the kernel: as the program gave it, with another path, or not at
// all.
class socket_name {
public:
    socket_name(const void* address, std::uint64_t bytes) noexcept
        : given_{address}, given_bytes_{bytes} {
        constexpr std::size_t path_offset = offsetof(sockaddr_un, sun_path);
        const auto* const name = static_cast<const sockaddr_un*>(address);
        if (bytes <= path_offset || bytes > sizeof(sockaddr_un) || !can_read(address, bytes) ||
            name->sun_family != AF_UNIX || name->sun_path[0] == '\0') {
            return;
        }
        __builtin_memcpy(path_, name->sun_path, bytes - path_offset);
        names_a_file_ = true;
    }

    [[nodiscard]] bool names_a_file() const noexcept { return names_a_file_; }

    [[nodiscard]] const char* path() const noexcept { return path_; }

    // The same name by the path that the kernel knows it by.
    [[nodiscard]] bool rewrite(std::string_view path) noexcept {
        if (path.size() >= sizeof rewritten_.sun_path) {
            return false;
        }
        rewritten_.sun_family = AF_UNIX;
        __builtin_memcpy(rewritten_.sun_path, path.data(), path.size());
        rewritten_.sun_path[path.size()] = '\0';
        given_ = &rewritten_;
        given_bytes_ = offsetof(sockaddr_un, sun_path) + path.size() + 1;
        return true;
    }

    [[nodiscard]] const void* address() const noexcept { return given_; }

    [[nodiscard]] std::uint64_t bytes() const noexcept { return given_bytes_; }

private:
    const void* given_;
    std::uint64_t given_bytes_;
    bool names_a_file_ = false;
    char path_[sizeof(sockaddr_un::sun_path) + 1] = {};
    sockaddr_un rewritten_;
};

enum class reach : std::uint8_t { as_given, rewritten, failed };

// Where the name leads; `failure` is set where nobody can be reached by it. The target is not asked
// whether it has such a socket: the C library tries /var/run/nscd/socket again and again.
reach look_up(socket_name& name, long& failure) noexcept {
    const place where{AT_FDCWD, name.path()};
    switch (where.what()) {
        case place::kind::untouched:
            return reach::as_given;
        case place::kind::failed:
            failure = where.failure();
            return reach::failed;
        case place::kind::remote:
            failure = -ENXIO;
            return reach::failed;
        case place::kind::local:
            break;
    }
    failure = -EINVAL;  // as a path that is too long for an address
    return name.rewrite(where.path()) ? reach::rewritten : reach::failed;
}

constexpr const char* unreachable = "a socket of the target cannot be reached from here";

bool is_unix_socket(long fd) noexcept {
    int domain = 0;
    int bytes = sizeof domain;
    return kernel(__NR_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, &domain, &bytes) == 0 &&
           domain == AF_UNIX;
}

}  // namespace

outcome on_connect(call_frame& frame) noexcept {
    socket_name name{frame.argument<const void*>(1), frame.argument<std::uint32_t>(2)};
    const long fd = frame.argument(0);
    if (!name.names_a_file() || !is_unix_socket(fd)) {
        return outcome::pass;
    }
    long failure = 0;
    switch (look_up(name, failure)) {
        case reach::as_given:
            return outcome::pass;
        case reach::failed:
            return refuse(frame, failure, failure == -ENXIO ? unreachable : nullptr);
        case reach::rewritten:
            break;
    }
    return answer(frame, kernel(__NR_connect, fd, name.address(), name.bytes()));
}

// EPERM, as where a file system cannot hold a socket.
outcome on_bind(call_frame& frame) noexcept {
    socket_name name{frame.argument<const void*>(1), frame.argument<std::uint32_t>(2)};
    const long fd = frame.argument(0);
    if (!name.names_a_file() || !is_unix_socket(fd)) {
        return outcome::pass;
    }
    const place where{AT_FDCWD, name.path(), last_link::keep};
    switch (where.what()) {
        case place::kind::untouched:
            return outcome::pass;
        case place::kind::failed:
            return answer(frame, where.failure());
        case place::kind::remote:
            return refuse(frame, -EPERM, "nobody in the target could reach this socket");
        case place::kind::local:
            break;
    }
    return answer(
        frame,
        name.rewrite(where.path()) ? kernel(__NR_bind, fd, name.address(), name.bytes()) : -EINVAL
    );
}

outcome on_sendto(call_frame& frame) noexcept {
    if (frame.argument(4) == 0) {
        return outcome::pass;
    }
    socket_name name{frame.argument<const void*>(4), frame.argument<std::uint32_t>(5)};
    if (!name.names_a_file() || !is_unix_socket(frame.argument(0))) {
        return outcome::pass;
    }
    long failure = 0;
    switch (look_up(name, failure)) {
        case reach::as_given:
            return outcome::pass;
        case reach::failed:
            return refuse(frame, failure, failure == -ENXIO ? unreachable : nullptr);
        case reach::rewritten:
            break;
    }
    return answer(
        frame,
        kernel(
            __NR_sendto,
            frame.argument(0),
            frame.argument(1),
            frame.argument(2),
            frame.argument(3),
            name.address(),
            name.bytes()
        )
    );
}

namespace {

constexpr unsigned messages_max = 1024;  // UIO_MAXIOV: the kernel looks at no more at once

}  // namespace

// sendmsg(2) and sendmmsg(2). Of several messages those before the first that is special are sent
// as they are: it comes first the next time.
outcome on_sendmsg(call_frame& frame) noexcept {
    const bool several = frame.number == __NR_sendmmsg;
    auto* const messages = frame.argument<struct mmsghdr*>(1);
    const unsigned count = several ? frame.argument<unsigned>(2) : 1;
    const long flags = frame.argument(several ? 3 : 2);
    for (unsigned i = 0; i < count && i < messages_max; ++i) {
        const struct msghdr& header = messages[i].msg_hdr;
        if (!can_read(&header)) {
            return outcome::pass;
        }
        if (header.msg_name == nullptr) {
            continue;
        }
        socket_name name{header.msg_name, header.msg_namelen};
        if (!name.names_a_file() || !is_unix_socket(frame.argument(0))) {
            continue;
        }
        long failure = 0;
        const reach found = look_up(name, failure);
        if (found == reach::as_given) {
            continue;
        }
        if (i > 0) {
            return answer(frame, kernel(__NR_sendmmsg, frame.argument(0), messages, i, flags));
        }
        if (found == reach::failed) {
            return refuse(frame, failure, failure == -ENXIO ? unreachable : nullptr);
        }
        struct msghdr copy = header;
        copy.msg_name = const_cast<void*>(name.address());
        copy.msg_namelen = static_cast<socklen_t>(name.bytes());
        const long sent = kernel(__NR_sendmsg, frame.argument(0), &copy, flags);
        if (several && sent >= 0) {
            messages[0].msg_len = static_cast<unsigned>(sent);
        }
        return answer(frame, several && sent >= 0 ? 1 : sent);
    }
    return outcome::pass;
}

}  // namespace farside::preload
