#include "protocol/handshake.hpp"

#include "protocol/limits.hpp"

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

}  // namespace

peer_limits own_limits() {
    return {limits::frame_payload_bytes_max, limits::requests_in_flight_max, limits::handles_max};
}

hello_verdict judge_hello(const hello& request, std::string_view token) {
    if (request.version_min > request.version_max || request.version_min > version_max ||
        request.version_max < version_min) {
        return {
            std::nullopt,
            "protocol versions do not meet: the client speaks " +
                std::to_string(request.version_min) + " to " + std::to_string(request.version_max) +
                ", the agent " + std::to_string(version_min) + " to " +
                std::to_string(version_max) + "; install the same farside release on both sides",
        };
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
