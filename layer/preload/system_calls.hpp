// What is told of each file-related system call: its row of system_calls.inc without the handler,
// for traces, for the table in layer/README.md and for the test that goes over all numbers.
#pragma once

#include <array>
#include <cstdint>

#include <asm/errno.h>
#include <asm/unistd.h>

// Newer than the headers we build with.
#ifndef __NR_cachestat
#define __NR_cachestat 451  // NOLINT(bugprone-reserved-identifier)
#endif
#ifndef __NR_fchmodat2
#define __NR_fchmodat2 452  // NOLINT(bugprone-reserved-identifier)
#endif

namespace farside::preload {

// How an argument is written in a trace.
enum class argument_kind : std::uint8_t {
    none,
    fd,
    at,    // a descriptor that the path behind it starts at
    path,  // relative to the `at` before it, where there is one
    text,
    number,  // signed
    count,   // unsigned
    hex,
    octal,
    pointer,
    open_flags,
    at_flags,
    whence,
    fcntl_command,
    socket_address,
};

struct standing {
    enum class kind : std::uint8_t { implemented, refused, local };

    kind what;
    int error;  // refused: with this errno
};

struct system_call {
    unsigned number;
    const char* name;
    argument_kind arguments[6];
    standing stands;
    const char* special;  // or ""
    const char* test;     // its name, as it is written in tests/
};

inline constexpr auto system_calls = [] {
    using enum argument_kind;
    constexpr standing implemented{standing::kind::implemented, 0};
    constexpr standing local{standing::kind::local, 0};
    constexpr auto refused = [](int error) { return standing{standing::kind::refused, error}; };
#define FARSIDE_LIST(...) \
    { __VA_ARGS__ }
#define ROW(name, handler, kinds, stands, special, test) \
    system_call{__NR_##name, #name, FARSIDE_LIST kinds, stands, special, test},
    return std::array{
#include "layer/preload/system_calls.inc"
    };
#undef ROW
#undef FARSIDE_LIST
}();

}  // namespace farside::preload
