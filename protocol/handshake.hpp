// The first bytes of a connection. The client sends 8 bytes of magic, then a hello request; the
// server answers the hello, or pushes a goodbye that says why not and closes. No I/O here.
#pragma once

#include "protocol/error.hpp"
#include "protocol/session_messages.hpp"

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace farside::protocol {

inline constexpr std::array<std::byte, 8> magic{
    std::byte{'F'},
    std::byte{'A'},
    std::byte{'R'},
    std::byte{'S'},
    std::byte{'I'},
    std::byte{'D'},
    std::byte{'E'},
    std::byte{'\n'},
};

// Whether `received`, the first bytes of a connection, begins like the magic: all of it so far.
[[nodiscard]] boost::system::error_code check_magic(std::span<const std::byte> received);

// Versions this code speaks.
inline constexpr std::uint16_t version_min = 1;
inline constexpr std::uint16_t version_max = 1;

// Optional features, by bit; none yet.
inline constexpr std::uint64_t capabilities = 0;

// The limits of this code, as a hello states them.
[[nodiscard]] peer_limits own_limits();

// The server's decision on a hello: the version to speak, or the reason to refuse.
struct hello_verdict {
    std::optional<std::uint16_t> version;
    std::string refusal;  // one line for the user, when there is no version
};

// Judges the payload of the first request and decodes it into `request` where the verdict has a
// version. The version range opens a hello in every version of the protocol and is judged first, so
// that a client whose hello has other fields gets the reason and not "trailing bytes". `token` is
// what the server requires; empty: none (stdio). Compared in constant time.
[[nodiscard]] hello_verdict judge_hello(
    std::span<const std::byte> payload, std::string_view token, hello& request
);

[[nodiscard]] hello_verdict judge_hello(const hello& request, std::string_view token);

// The client's check of the answer: a version and limits that it can live with.
[[nodiscard]] boost::system::error_code check_hello_reply(const hello_reply& reply);

}  // namespace farside::protocol
