// Lines on standard error, above a level. One write(2) a line, so that lines of several processes
// on one terminal stay whole.
#pragma once

#include <cstdint>
#include <string_view>

namespace farside::agent {

enum class log_level : std::uint8_t { error, warn, info, debug };

// Safe to use from any thread.
class logger {
public:
    explicit logger(log_level level) : level_{level} {}

    [[nodiscard]] bool enabled(log_level level) const { return level <= level_; }

    void write(log_level level, std::string_view text) const;

    void error(std::string_view text) const { write(log_level::error, text); }

    void warn(std::string_view text) const { write(log_level::warn, text); }

    void info(std::string_view text) const { write(log_level::info, text); }

    void debug(std::string_view text) const { write(log_level::debug, text); }

private:
    log_level level_;
};

}  // namespace farside::agent
