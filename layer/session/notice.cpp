// A notice is one write(2): lines of several processes on one terminal do not mix.
#include "layer/session/notice.hpp"

#include "protocol/dump.hpp"

#include <unistd.h>

namespace farside::session {

void notices::say(std::string_view line) {
    std::string text = "farside: " + protocol::one_line(line);
    text += '\n';
    if (text == last_) {
        return;
    }
    last_ = text;
    // A standard error that is gone is nothing to be told about.
    [[maybe_unused]] const auto written = ::write(descriptor_, text.data(), text.size());
}

}  // namespace farside::session
