// Our own error codes: what can be wrong with a peer's bytes. OS errors stay in system_category.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

#include <type_traits>

namespace farside::protocol {

enum class error {
    truncated = 1,         // a message ends before its last field
    trailing_bytes,        // bytes are left after the last field
    bad_value,             // a field holds a value its type does not have
    length_exceeds_limit,  // a length is above its limit
    unknown_flags,         // a frame header carries flags of no meaning
    unexpected_frame,      // a frame that this end must not receive, or not now
    duplicate_request_id,  // a request id that is still unanswered
    too_many_requests,     // more unanswered requests than the limit
    bad_magic,             // the peer does not speak this protocol
    no_common_version,     // no protocol version that both ends speak
    connection_lost,       // the connection ended before the reply
};

const boost::system::error_category& error_category() noexcept;

inline boost::system::error_code make_error_code(error e) noexcept {
    return {static_cast<int>(e), error_category()};
}

template <typename T>
using result = boost::system::result<T>;

}  // namespace farside::protocol

template <>
struct boost::system::is_error_code_enum<farside::protocol::error> : std::true_type {};
