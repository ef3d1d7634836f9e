// What the supervisor (`farside exec`, the parent of the user's program) and the session process
// tell each other: a handful of small messages over a SOCK_SEQPACKET pair, each whole or not at
// all.
//
//     supervisor                              session
//         |  <------------- ready | failed       |   once, first
//         |  program_ended ------------->        |   the program's status was reaped
//         |  <------------- idle | lingering     |   once, last
//
// `idle`: no covered process is left; the agent is closed and the statistics are written: wait for
// the session process, then return the program's status. `lingering`: processes that the program
// left behind are still served; return at once. An end of the socket without a message means that
// the other process died: a session without a supervisor goes on as if it had read program_ended.
#pragma once

#include "protocol/error.hpp"
#include "protocol/support/unique_fd.hpp"

#include <cstdint>
#include <string_view>

namespace farside::session {

enum class control_kind : std::uint32_t {
    ready = 1,      // session: connected; start the program
    failed = 2,     // session: could not start; `text` is the line to print, without "farside: "
    idle = 3,       // session: nothing is left
    lingering = 4,  // session: covered processes are left
    program_ended = 5,  // supervisor
};

struct control_message {
    static constexpr std::uint32_t text_room = 2048;

    control_kind kind{};
    std::uint32_t text_bytes = 0;
    char text[text_room]{};

    [[nodiscard]] std::string_view line() const {
        return {text, text_bytes < text_room ? text_bytes : text_room};
    }
};

struct control_pair {
    unique_fd supervisor;
    unique_fd session;
};

// Both ends close-on-exec and blocking.
[[nodiscard]] protocol::result<control_pair> make_control_pair();

// Longer text is cut. Never raises SIGPIPE.
[[nodiscard]] boost::system::error_code send_control(
    int fd, control_kind kind, std::string_view text = {}
);

// Waits for a message. connection_lost where the other process is gone; bad_value for bytes that
// are no message.
[[nodiscard]] protocol::result<control_message> receive_control(int fd);

}  // namespace farside::session
