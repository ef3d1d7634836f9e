// The decisions of the handshake. Whatever the client sent, the answer is a version or one line for
// the user: a refusal without a reason would be a riddle.
#include "protocol/handshake.hpp"

#include "protocol/codec.hpp"

#include <algorithm>
#include <cstddef>

namespace farside::protocol {
namespace {

// Time depends on the lengths alone, never on where the first difference is.
bool equal_in_constant_time(std::string_view a, std::string_view b) {
    unsigned difference = a.size() == b.size() ? 0U : 1U;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const char other = b.empty() ? '\0' : b[i % b.size()];
        difference |= static_cast<unsigned>(a[i] ^ other);
    }
    return difference == 0;
}

// What a hello begins with, in every version.
struct version_range {
    std::uint16_t min = 0;
    std::uint16_t max = 0;
};

constexpr std::size_t versions_bytes = 4;

bool meets(const version_range& theirs) {
    return theirs.min <= theirs.max && theirs.min <= version_max && theirs.max >= version_min;
}

hello_verdict refuse_versions(const version_range& theirs) {
    return {
        std::nullopt,
        "protocol versions do not meet: the client speaks " + std::to_string(theirs.min) + " to " +
            std::to_string(theirs.max) + ", the agent " + std::to_string(version_min) + " to " +
            std::to_string(version_max) + "; install the same farside release on both sides",
    };
}

}  // namespace

peer_limits own_limits() {
    return {limits::frame_payload_bytes_max, limits::requests_in_flight_max, limits::handles_max};
}

boost::system::error_code check_magic(std::span<const std::byte> received) {
    const auto compared = std::min(received.size(), magic.size());
    if (!std::ranges::equal(received.first(compared), std::span{magic}.first(compared))) {
        return error::bad_magic;
    }
    return {};
}

hello_verdict judge_hello(
    std::span<const std::byte> payload, std::string_view token, hello& request
) {
    if (payload.size() >= versions_bytes) {
        const auto versions = decode<version_range>(payload.first(versions_bytes)).value();
        if (!meets(versions)) {
            return refuse_versions(versions);
        }
    }
    const auto decoded = decode<hello>(payload);
    if (!decoded) {
        return {std::nullopt, "the client's hello is malformed: " + decoded.error().message()};
    }
    request = *decoded;
    return judge_hello(request, token);
}

hello_verdict judge_hello(const hello& request, std::string_view token) {
    const version_range versions{request.version_min, request.version_max};
    if (!meets(versions)) {
        return refuse_versions(versions);
    }
    if (request.limits.frame_payload_bytes < limits::frame_payload_bytes_max) {
        return {std::nullopt, "the client takes smaller frames than the agent sends"};
    }
    if (request.software.size() > limits::text_bytes_max ||
        request.token.size() > limits::token_bytes_max) {
        return {std::nullopt, "the client's name or token is too long"};
    }
    if (!token.empty() && !equal_in_constant_time(token, request.token)) {
        return {std::nullopt, "the token is not the agent's; check --token-file on both sides"};
    }
    return {std::min(request.version_max, version_max), {}};
}

boost::system::error_code check_hello_reply(const hello_reply& reply) {
    if (reply.version < version_min || reply.version > version_max) {
        return error::no_common_version;
    }
    // A peer with smaller frames than ours would have to be spoken to differently; none exists.
    if (reply.limits.frame_payload_bytes < limits::frame_payload_bytes_max ||
        reply.limits.requests_in_flight == 0 || reply.limits.handles == 0) {
        return error::bad_value;
    }
    return {};
}

}  // namespace farside::protocol
