// Any bytes as a hello, as its reply and as the magic: a server answers with a version or with a
// line that says why not; a client takes only what it can live with. Input: a byte whose lowest bit
// says whether a token is required, then the bytes.
#include "fuzz/fuzz_target.hpp"
#include "protocol/codec.hpp"
#include "protocol/handshake.hpp"

namespace farside::protocol {

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) noexcept {
    if (size == 0) {
        return 0;
    }
    const std::string_view token = (data[0] & 1U) != 0 ? "token" : "";
    const auto bytes = as_span(data, size).subspan(1);

    hello request;
    const auto verdict = judge_hello(bytes, token, request);
    require(verdict.version.has_value() == verdict.refusal.empty());
    require(verdict.refusal.find('\n') == std::string::npos);
    if (verdict.version) {
        require(*verdict.version >= request.version_min && *verdict.version <= request.version_max);
        require(token.empty() || request.token == token);
    }

    const auto reply = decode<hello_reply>(bytes);
    if (reply && !check_hello_reply(*reply)) {
        require(reply->version >= version_min && reply->version <= version_max);
        require(reply->limits.requests_in_flight > 0);
    }

    const bool fits = std::ranges::equal(
        bytes.first(std::min(bytes.size(), magic.size())),
        std::span{magic}.first(std::min(bytes.size(), magic.size()))
    );
    require(fits == !check_magic(bytes));
    return 0;
}

}  // namespace farside::protocol
