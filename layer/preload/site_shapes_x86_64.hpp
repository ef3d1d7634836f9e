// What the bytes around a `syscall` instruction look like in glibc, and how to hook each shape.
// Pure: bytes in, a plan out. Evidence for the shapes: glibc 2.31, 2.36 and 2.41 as Debian builds
// them.
//
// The rule behind all shapes: the `syscall` instruction stays where it is, so that cancellation,
// unwinding and debuggers see local calls at their original addresses. What is replaced is an
// instruction of exactly five bytes before it, which contains no jump target.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace farside::preload {

enum class shape : std::uint8_t {
    none,  // not a call we want, or no shape we know
    // b8 nr 00 00 | 0f 05: `mov $nr, %eax`, or another five-byte instruction before `syscall`: it
    // is replaced by a jump to the stub, which redoes it.
    five_byte_predecessor,
    // 31 c0 | 0f 05: `xor %eax, %eax` (read): replaced by a short jump to padding nearby, which
    // holds the jump to the stub.
    short_jump,
    // No five-byte instruction before: `syscall` itself and the comparison behind it are replaced,
    // and the stub makes the call. Only for calls that do not block.
    displaced,
};

// The number of the call is not in the instruction (generic `syscall()`, cancellation helpers).
inline constexpr unsigned any_number = 0xffff;

// The same, in the one place through which glibc 2.41 makes all its cancellable calls.
inline constexpr unsigned cancellable_number = 0xfffe;

struct site {
    shape how = shape::none;
    unsigned number = any_number;
    std::uint8_t displaced_bytes = 0;  // displaced: bytes of the instruction after `syscall`
};

// Whether a number is one that the dispatch table wants to see.
using number_filter = bool (*)(unsigned number) noexcept;

// `text` is the code; `at` the offset of the 0f 05. Needs 64 bytes before and 16 behind.
[[nodiscard]] site recognise(
    std::span<const unsigned char> text, std::size_t at, number_filter wanted
) noexcept;

// Offset of at least five bytes of padding behind a jump or return, within a short jump of `from`
// (the address behind the jump instruction), or 0. `taken` says which offsets are in use already.
[[nodiscard]] std::size_t find_padding(
    std::span<const unsigned char> text, std::size_t from, std::span<const std::size_t> taken
) noexcept;

}  // namespace farside::preload
