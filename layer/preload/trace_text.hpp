// How a trace says things: numbers, flags by name, errnos, bytes quoted. Pure and bounded: text
// goes into a buffer of the caller's, and what does not fit is left out.
#pragma once

#include "layer/preload/system_calls.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace farside::preload {

class trace_text {
public:
    // A line that is written at once stays whole, in a file and in a pipe (PIPE_BUF).
    static constexpr std::size_t line_room = 4096;
    // Of a path or another text; the rest is shown as "...".
    static constexpr std::size_t quoted_max = 384;

    // REQUIRES: `out` has line_room bytes.
    explicit trace_text(char* out) noexcept : out_{out} {}

    trace_text& put(std::string_view text) noexcept;
    trace_text& put_number(long value) noexcept;
    // With leading zeros up to `digits`.
    trace_text& put_unsigned(std::uint64_t value, unsigned base = 10, unsigned digits = 1) noexcept;
    // In double quotes, as C writes it: \n, \", \\, and \xHH for all that is not plain ASCII.
    trace_text& put_quoted(std::string_view bytes) noexcept;
    // "ENOENT" for -2; else the number.
    trace_text& put_result(long result) noexcept;
    // An argument that is a number: by its kind.
    trace_text& put_argument(argument_kind kind, long value) noexcept;

    // The line with its end.
    [[nodiscard]] std::string_view finish() noexcept;

private:
    void put_byte(char byte) noexcept;

    char* out_;
    std::size_t bytes_ = 0;
};

}  // namespace farside::preload
