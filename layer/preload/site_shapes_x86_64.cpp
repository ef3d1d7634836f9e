// Byte patterns only: no instruction is decoded. A pattern that is not matched whole is left alone,
// and the patcher then says that the library is not hooked completely.
#include "layer/preload/site_shapes_x86_64.hpp"

#include <cstring>

namespace farside::preload {
namespace {

constexpr std::size_t before_bytes = 64;
constexpr std::size_t behind_bytes = 16;

bool matches(
    std::span<const unsigned char> text, std::size_t at, std::size_t bytes, const char* pattern
) noexcept {
    return std::memcmp(text.data() + at, pattern, bytes) == 0;
}

// `mov $number, %reg`, of 32 bits, by the register's opcode.
constexpr unsigned char into_eax = 0xb8;
constexpr unsigned char into_edx = 0xba;
constexpr unsigned char into_esi = 0xbe;

// The number that is loaded at `at`, or any_number where it is none. System call numbers fit in ten
// bits; the upper bytes are zero.
unsigned loaded_number(
    std::span<const unsigned char> text, std::size_t at, unsigned char load = into_eax
) noexcept {
    if (text[at] != load || text[at + 3] != 0 || text[at + 4] != 0 || text[at + 2] > 3) {
        return any_number;
    }
    return static_cast<unsigned>(text[at + 1]) | static_cast<unsigned>(text[at + 2]) << 8U;
}

// The other five-byte instructions that glibc has before `syscall`, and what they say of the
// number.
struct predecessor {
    char bytes[6];
    bool cancellable;
};

constexpr predecessor predecessors[] = {
    {"\x48\x8b\x44\x24\x10", true},   // mov 0x10(%rsp),%rax   2.41: __syscall_cancel_arch
    {"\x4c\x89\x5c\x24\x08", true},   // mov %r11,0x8(%rsp)    2.41: __internal_syscall_cancel
    {"\xbf\x9c\xff\xff\xff", false},  // mov $AT_FDCWD,%edi    __open_nocancel
    {"\x4c\x8b\x4c\x24\x08", false},  // mov 0x8(%rsp),%r9     syscall()
};

const predecessor* find_predecessor(std::span<const unsigned char> text, std::size_t at) noexcept {
    for (const predecessor& p : predecessors) {
        if (matches(text, at, 5, p.bytes)) {
            return &p;
        }
    }
    return nullptr;
}

// Bytes of the instruction behind `syscall` where it is one that can be moved.
std::uint8_t movable_successor(std::span<const unsigned char> text, std::size_t at) noexcept {
    if (matches(text, at, 2, "\x48\x3d") && text[at + 5] == 0xff) {
        return 6;  // cmp $-4096..,%rax
    }
    if (text[at] == 0x3d && text[at + 4] == 0xff) {
        return 5;  // cmp $-4096..,%eax
    }
    if (matches(text, at, 3, "\x48\x89\xc7")) {
        return 3;  // mov %rax,%rdi
    }
    return 0;
}

// The number loaded by an instruction a little before `at`, for shapes with other instructions in
// between: into eax, or, as _exit does, into the register that is moved to eax last.
unsigned number_nearby(std::span<const unsigned char> text, std::size_t at) noexcept {
    unsigned char load = into_eax;
    if (matches(text, at - 2, 2, "\x89\xd0")) {
        load = into_edx;
    } else if (matches(text, at - 2, 2, "\x89\xf0")) {
        load = into_esi;
    }
    for (std::size_t back = 6; back < before_bytes; ++back) {
        const unsigned number = loaded_number(text, at - back, load);
        if (number != any_number) {
            return number;
        }
    }
    return any_number;
}

}  // namespace

site recognise(std::span<const unsigned char> text, std::size_t at, number_filter wanted) noexcept {
    if (at < before_bytes || at + behind_bytes > text.size()) {
        return {};
    }
    const unsigned number = loaded_number(text, at - 5);
    if (number != any_number) {
        return wanted(number) ? site{shape::five_byte_predecessor, number, 0} : site{};
    }
    if (const predecessor* const found = find_predecessor(text, at - 5)) {
        const unsigned nearby = number_nearby(text, at);
        return {shape::five_byte_predecessor, found->cancellable ? cancellable_number : nearby, 0};
    }
    const std::uint8_t successor = movable_successor(text, at + 2);
    if (matches(text, at - 2, 2, "\x31\xc0")) {
        return {shape::short_jump, 0, successor};  // number 0 is read
    }
    if (successor == 0) {
        return {};
    }
    // test %eax,%eax; jne: the single-threaded path of read in 2.31, eax is 0.
    if (successor >= 5 && matches(text, at - 4, 3, "\x85\xc0\x75")) {
        return {shape::displaced, 0, successor};
    }
    const unsigned nearby = number_nearby(text, at);
    if (nearby == any_number || !wanted(nearby)) {
        return {};
    }
    return {shape::displaced, nearby, successor};
}

namespace {

// Length of the padding instruction at `at` that is at least five bytes, or 0.
std::size_t padding_bytes(std::span<const unsigned char> text, std::size_t at) noexcept {
    struct pattern {
        std::size_t bytes;
        const char* text;
    };

    static constexpr pattern patterns[] = {
        {10, "\x66\x2e\x0f\x1f\x84\x00\x00\x00\x00\x00"},
        {9, "\x66\x0f\x1f\x84\x00\x00\x00\x00\x00"},
        {8, "\x0f\x1f\x84\x00\x00\x00\x00\x00"},
        {7, "\x0f\x1f\x80\x00\x00\x00\x00"},
        {6, "\x66\x0f\x1f\x44\x00\x00"},
        {5, "\x0f\x1f\x44\x00\x00"},
    };
    for (const auto& p : patterns) {
        if (at + p.bytes <= text.size() && matches(text, at, p.bytes, p.text)) {
            return p.bytes;
        }
    }
    return 0;
}

// Nothing falls into the padding: the instruction before is a return or a jump.
bool unreachable(std::span<const unsigned char> text, std::size_t at) noexcept {
    return text[at - 1] == 0xc3 || text[at - 2] == 0xeb || text[at - 5] == 0xe9;
}

bool overlaps(std::size_t at, std::span<const std::size_t> taken) noexcept {
    for (const std::size_t other : taken) {
        if (other < at + 10 && at < other + 10) {
            return true;
        }
    }
    return false;
}

}  // namespace

std::size_t find_padding(
    std::span<const unsigned char> text, std::size_t from, std::span<const std::size_t> taken
) noexcept {
    constexpr std::size_t reach = 118;  // of a signed 8-bit displacement, less a margin
    for (std::size_t distance = 6; distance < reach; ++distance) {
        for (const bool forward : {false, true}) {
            if (!forward && from < distance + 8) {
                continue;
            }
            const std::size_t at = forward ? from + distance : from - distance;
            if (at + 10 < text.size() && padding_bytes(text, at) != 0 && unreachable(text, at) &&
                !overlaps(at, taken)) {
                return at;
            }
        }
    }
    return 0;
}

}  // namespace farside::preload
