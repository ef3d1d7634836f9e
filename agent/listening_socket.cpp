// TCP is for loopback only in this version: there is no encryption yet, and a token alone must not
// travel over a network.
#include "agent/listening_socket.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace farside::agent {
namespace {

struct tcp_address {
    sockaddr_storage storage{};
    socklen_t bytes = 0;
};

failure cannot(const std::string& name, const char* what) {
    return {"cannot " + std::string{what} + " " + name + ": " + std::strerror(errno)};
}

sockaddr* generic(void* address) {
    return static_cast<sockaddr*>(address);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto* end = text.data() + text.size();
    const auto [stopped, problem] = std::from_chars(text.data(), end, port);
    const bool whole = problem == std::errc{} && stopped == end && !text.empty();
    return whole ? std::optional{port} : std::nullopt;
}

// Numbers and "localhost": a name service could say anything.
std::optional<tcp_address> parse_loopback(std::string host, std::uint16_t port) {
    tcp_address address;
    if (host == "localhost") {
        host = "127.0.0.1";
    }

    sockaddr_in v4{};
    if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
        constexpr std::uint32_t loopback_net = 127;
        if (ntohl(v4.sin_addr.s_addr) >> 24U != loopback_net) {
            return std::nullopt;
        }
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        std::memcpy(&address.storage, &v4, sizeof v4);
        address.bytes = sizeof v4;
        return address;
    }
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    }

    sockaddr_in6 v6{};
    if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) != 1 ||
        !IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr)) {
        return std::nullopt;
    }
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&address.storage, &v6, sizeof v6);
    address.bytes = sizeof v6;
    return address;
}

// A socket file that nobody listens on was left behind by somebody who was killed.
bool is_stale(const sockaddr_un& address) {
    const unique_fd probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    auto copy = address;
    return probe && ::connect(probe.get(), generic(&copy), sizeof copy) != 0 &&
           errno == ECONNREFUSED;
}

std::uint16_t port_of(int fd) {
    sockaddr_storage bound{};
    socklen_t bytes = sizeof bound;
    ::getsockname(fd, generic(&bound), &bytes);
    // The port is at the same place in both kinds of address.
    sockaddr_in v4{};
    std::memcpy(&v4, &bound, sizeof v4);
    return ntohs(v4.sin_port);
}

}  // namespace

or_failure<listening_socket> listening_socket::open(const std::string& name) {
    constexpr std::string_view unix_prefix = "unix:";
    return name.starts_with(unix_prefix) ? open_unix(name.substr(unix_prefix.size()))
                                         : open_tcp(name);
}

or_failure<listening_socket> listening_socket::open_unix(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        return failure{"--listen unix:PATH: the path must have 1 to 107 bytes"};
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    listening_socket made;
    made.name_ = "unix:" + path;
    const auto slash = path.rfind('/');
    const auto directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    made.directory_ = unique_fd{::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    made.fd_ = unique_fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!made.directory_ || !made.fd_) {
        return cannot(made.name_, "listen on");
    }
    // The file is never there with more rights than it is to have.
    const auto before = ::umask(0177);
    int failed = ::bind(made.fd_.get(), generic(&address), sizeof address);
    if (failed != 0 && errno == EADDRINUSE && is_stale(address)) {
        ::unlink(path.c_str());
        failed = ::bind(made.fd_.get(), generic(&address), sizeof address);
    }
    ::umask(before);
    if (failed != 0) {
        return cannot(made.name_, "listen on");
    }

    struct stat told {};

    const auto file_name = path.substr(slash == std::string::npos ? 0 : slash + 1);
    if (::fstatat(made.directory_.get(), file_name.c_str(), &told, AT_SYMLINK_NOFOLLOW) == 0) {
        made.file_name_ = file_name;
        made.inode_ = told.st_ino;
    }
    if (::listen(made.fd_.get(), SOMAXCONN) != 0) {
        return cannot(made.name_, "listen on");
    }
    return made;
}

or_failure<listening_socket> listening_socket::open_tcp(const std::string& name) {
    const auto colon = name.rfind(':');
    const auto port =
        colon == std::string::npos ? std::nullopt : parse_port(name.substr(colon + 1));
    if (!port) {
        return failure{"--listen " + name + ": must be unix:PATH or HOST:PORT"};
    }
    const auto host = name.substr(0, colon);
    auto address = parse_loopback(host, *port);
    if (!address) {
        return failure{
            "--listen " + name +
            ": only loopback addresses (127.0.0.1, [::1], localhost) are served in this version"};
    }
    listening_socket made;
    made.fd_ = unique_fd{
        ::socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    const int on = 1;
    if (!made.fd_ || ::setsockopt(made.fd_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        ::bind(made.fd_.get(), generic(&address->storage), address->bytes) != 0 ||
        ::listen(made.fd_.get(), SOMAXCONN) != 0) {
        return cannot(name, "listen on");
    }
    made.name_ = host + ":" + std::to_string(port_of(made.fd_.get()));
    return made;
}

listening_socket::~listening_socket() {
    remove_name();
}

void listening_socket::remove_name() {
    if (!directory_ || file_name_.empty()) {
        return;
    }

    struct stat told {};

    const bool ours =
        ::fstatat(directory_.get(), file_name_.c_str(), &told, AT_SYMLINK_NOFOLLOW) == 0 &&
        told.st_ino == inode_;
    if (ours) {
        ::unlinkat(directory_.get(), file_name_.c_str(), 0);
    }
}

}  // namespace farside::agent
