// Whether pointers that the program passed can be followed. The kernel answers EFAULT for one that
// cannot; following it here would end the program.
//
// A page is asked about once, by a system call that touches it and changes nothing; pages that were
// found good are remembered. So a path in a page that was seen before costs one comparison. What is
// remembered of a page that the program unmaps or protects later is wrong: following a pointer into
// it then ends the program after all.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <asm/errno.h>

namespace farside::preload {

namespace detail {

inline constexpr std::uintptr_t page_bytes = 4096;
inline constexpr std::size_t remembered_pages = 4096;

class page_memory {
public:
    [[nodiscard]] bool knows(std::uintptr_t page) noexcept {
        return slot(page).load(std::memory_order_relaxed) == page + 1;
    }

    void remember(std::uintptr_t page) noexcept {
        slot(page).store(page + 1, std::memory_order_relaxed);
    }

private:
    std::atomic<std::uintptr_t>& slot(std::uintptr_t page) noexcept {
        return numbers_[page % remembered_pages];
    }

    std::atomic<std::uintptr_t> numbers_[remembered_pages];  // and 1; 0: none
};

extern page_memory readable_pages;  // hidden, zero at start
extern page_memory writable_pages;

[[nodiscard]] bool ask_readable(std::uintptr_t page) noexcept;
[[nodiscard]] bool ask_writable(std::uintptr_t page) noexcept;

[[nodiscard]] inline bool is_readable_page(std::uintptr_t page) noexcept {
    return readable_pages.knows(page) || ask_readable(page);
}

[[nodiscard]] inline bool is_writable_page(std::uintptr_t page) noexcept {
    return writable_pages.knows(page) || ask_writable(page);
}

// How many of the bytes are in pages that satisfy `good`, from the first on.
template <typename Good>
std::size_t good_prefix(const void* at, std::size_t bytes, Good good) noexcept {
    const auto begin = reinterpret_cast<std::uintptr_t>(at);
    const std::uintptr_t end = bytes > UINTPTR_MAX - begin ? UINTPTR_MAX : begin + bytes;
    std::uintptr_t reached = begin;
    while (reached < end && good(reached / page_bytes)) {
        reached = (reached / page_bytes + 1) * page_bytes;
    }
    return (reached < end ? reached : end) - begin;
}

}  // namespace detail

[[nodiscard]] inline std::size_t readable_bytes(const void* at, std::size_t bytes) noexcept {
    return detail::good_prefix(at, bytes, detail::is_readable_page);
}

[[nodiscard]] inline std::size_t writable_bytes(void* at, std::size_t bytes) noexcept {
    return detail::good_prefix(at, bytes, detail::is_writable_page);
}

[[nodiscard]] inline bool can_read(const void* at, std::size_t bytes) noexcept {
    return readable_bytes(at, bytes) == bytes;
}

[[nodiscard]] inline bool can_write(void* at, std::size_t bytes) noexcept {
    return writable_bytes(at, bytes) == bytes;
}

template <typename T>
[[nodiscard]] bool can_read(const T* structure) noexcept {
    return can_read(structure, sizeof(T));
}

template <typename T>
[[nodiscard]] bool can_write(T* structure) noexcept {
    return can_write(structure, sizeof(T));
}

// The length of a text, `room` where that many bytes have no NUL, -EFAULT where it cannot be read.
[[nodiscard]] long text_length(const char* text, std::size_t room) noexcept;

// Hands a result to the program: 0 or -EFAULT.
[[nodiscard]] inline long copy_out(void* to, const void* from, std::size_t bytes) noexcept {
    if (!can_write(to, bytes)) {
        return -EFAULT;
    }
    __builtin_memcpy(to, from, bytes);
    return 0;
}

}  // namespace farside::preload
