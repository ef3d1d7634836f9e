// Raw system calls: the only way out of the preload library, which imports nothing. Results are the
// kernel's: a value, or -errno.
#pragma once

#include <type_traits>

#include <asm/unistd.h>

namespace farside::preload {

inline long syscall6(long nr, long a, long b, long c, long d, long e, long f) noexcept {
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result = 0;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

namespace detail {

template <typename T>
long to_word(T value) noexcept {
    if constexpr (std::is_null_pointer_v<T>) {
        return 0;
    } else if constexpr (std::is_pointer_v<T>) {
        return reinterpret_cast<long>(value);
    } else {
        return static_cast<long>(value);
    }
}

}  // namespace detail

// kernel(__NR_openat, AT_FDCWD, path, O_RDONLY): missing arguments are 0.
template <
    typename A = long,
    typename B = long,
    typename C = long,
    typename D = long,
    typename E = long,
    typename F = long>
long kernel(long nr, A a = 0, B b = 0, C c = 0, D d = 0, E e = 0, F f = 0) noexcept {
    using detail::to_word;
    return syscall6(nr, to_word(a), to_word(b), to_word(c), to_word(d), to_word(e), to_word(f));
}

}  // namespace farside::preload
