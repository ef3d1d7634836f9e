// A sentence for each protocol error, for logs and for the user.
#include "protocol/error.hpp"

#include <string>

namespace farside::protocol {
namespace {

// Boost's base has a protected destructor on purpose; the warning does not see that.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"

class category final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "farside.protocol"; }

    std::string message(int value) const override {
        switch (static_cast<error>(value)) {
            case error::truncated:
                return "a message ends before its last field";
            case error::trailing_bytes:
                return "bytes are left after the last field of a message";
            case error::bad_value:
                return "a field holds a value that its type does not have";
            case error::length_exceeds_limit:
                return "a length is above its limit";
            case error::unknown_flags:
                return "a frame header carries unknown flags";
            case error::unexpected_frame:
                return "a frame came that must not come, or not now";
            case error::duplicate_request_id:
                return "a request id was used again before its answer";
            case error::too_many_requests:
                return "too many unanswered requests";
            case error::bad_magic:
                return "the peer does not speak the farside protocol";
            case error::no_common_version:
                return "no protocol version that both ends speak";
            case error::connection_lost:
                return "the connection ended before the reply";
        }
        return "unknown protocol error";
    }
};

#pragma GCC diagnostic pop

}  // namespace

const boost::system::error_category& error_category() noexcept {
    static const category instance;
    return instance;
}

}  // namespace farside::protocol
