// Writes log lines. What a peer said may be part of one: control characters are made visible, so
// that no peer can forge a line or drive the terminal.
#include "agent/log.hpp"

#include <string>

#include <unistd.h>

namespace farside::agent {
namespace {

constexpr std::string_view names[] = {"error", "warn", "info", "debug"};

}  // namespace

void logger::write(log_level level, std::string_view text) const {
    if (!enabled(level)) {
        return;
    }
    std::string line{"farside-agent: "};
    line += names[static_cast<std::size_t>(level)];
    line += ": ";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        line += byte < 0x20 || byte == 0x7f ? '?' : c;
    }
    line += '\n';
    // A log that cannot be written is no reason to stop serving.
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace farside::agent
