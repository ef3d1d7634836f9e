// "/proc/self/fd/N": the name by which the kernel finds what a descriptor stands for.
#pragma once

#include <cstddef>
#include <string_view>

namespace farside::preload {

// Room for the longest such name with its terminating NUL.
inline constexpr std::size_t descriptor_path_room = 32;

// In decimal, without a NUL; returns the number of digits, at most 10.
inline std::size_t write_number(char* out, unsigned number) noexcept {
    std::size_t digits = 0;
    unsigned scale = 1;
    while (number / scale >= 10) {
        scale *= 10;
    }
    for (; scale > 0; scale /= 10) {
        out[digits++] = static_cast<char>('0' + number / scale % 10);
    }
    return digits;
}

inline void write_descriptor_path(char (&out)[descriptor_path_room], unsigned fd) noexcept {
    constexpr std::string_view folder = "/proc/self/fd/";
    __builtin_memcpy(out, folder.data(), folder.size());
    char* const number = out + folder.size();
    number[write_number(number, fd)] = '\0';
}

}  // namespace farside::preload
