// "/proc/self/fd/N": the name by which the kernel finds what a descriptor stands for.
#pragma once

#include <cstddef>
#include <string_view>

namespace farside::preload {

// Room for the longest such name with its terminating NUL.
inline constexpr std::size_t descriptor_path_room = 32;

inline void write_descriptor_path(char (&out)[descriptor_path_room], unsigned fd) noexcept {
    constexpr std::string_view folder = "/proc/self/fd/";
    __builtin_memcpy(out, folder.data(), folder.size());
    char* end = out + folder.size();
    unsigned scale = 1;
    while (fd / scale >= 10) {
        scale *= 10;
    }
    for (; scale > 0; scale /= 10) {
        *end++ = static_cast<char>('0' + fd / scale % 10);
    }
    *end = '\0';
}

}  // namespace farside::preload
