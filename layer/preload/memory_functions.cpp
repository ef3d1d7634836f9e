// The functions that the compiler calls on its own account; nothing else of the C library exists in
// here. `rep movsb` is what today's processors are best at for the sizes that matter (a page and
// more), and it needs no vector registers, which belong to the interrupted system call.
#include <cstddef>

extern "C" {

void* memcpy(void* __restrict to, const void* __restrict from, std::size_t bytes) {
    void* const start = to;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
    return start;
}

void* memmove(void* to, const void* from, std::size_t bytes) {
    auto* const out = static_cast<unsigned char*>(to);
    const auto* const in = static_cast<const unsigned char*>(from);
    if (out <= in || out >= in + bytes) {
        return memcpy(to, from, bytes);
    }
    for (std::size_t i = bytes; i-- > 0;) {
        out[i] = in[i];
        __asm__ volatile("");  // keeps the compiler from turning the loop into memmove
    }
    return to;
}

void* memset(void* to, int value, std::size_t bytes) {
    void* const start = to;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(value) : "memory");
    return start;
}

int memcmp(const void* a, const void* b, std::size_t bytes) {
    const auto* const x = static_cast<const unsigned char*>(a);
    const auto* const y = static_cast<const unsigned char*>(b);
    for (std::size_t i = 0; i < bytes; ++i) {
        if (x[i] != y[i]) {
            return x[i] < y[i] ? -1 : 1;
        }
    }
    return 0;
}

std::size_t strlen(const char* text) {
    std::size_t bytes = 0;
    while (text[bytes] != '\0') {
        ++bytes;
        __asm__ volatile("");  // keeps the compiler from turning the loop into strlen
    }
    return bytes;
}
}
