// Asking the kernel about a page, once.
#include "layer/preload/program_memory.hpp"

#include "layer/preload/syscall_x86_64.hpp"

#include <linux/futex.h>
#include <valgrind/valgrind.h>

namespace farside::preload::detail {

constinit page_memory readable_pages{};
constinit page_memory writable_pages{};

namespace {

std::uint32_t nobody_waits_here = 0;

// What is asked here may well be no memory: that is nobody's mistake.
class quiet_valgrind {
public:
    quiet_valgrind() noexcept { VALGRIND_DISABLE_ERROR_REPORTING; }

    ~quiet_valgrind() { VALGRIND_ENABLE_ERROR_REPORTING; }

    quiet_valgrind(const quiet_valgrind&) = delete;
    quiet_valgrind& operator=(const quiet_valgrind&) = delete;
    quiet_valgrind(quiet_valgrind&&) = delete;
    quiet_valgrind& operator=(quiet_valgrind&&) = delete;
};

// No program has memory there: page 0, and all that lies above the user's half of the addresses.
bool is_outside(std::uintptr_t page) noexcept {
    constexpr std::uintptr_t user_end = (std::uintptr_t{1} << 56U) / page_bytes;
    return page == 0 || page >= user_end;
}

}  // namespace

// futex(2) compares a word of the page with a number before it moves none of those who wait there.
bool ask_readable(std::uintptr_t page) noexcept {
    const quiet_valgrind quiet;
    if (is_outside(page) || kernel(
                                __NR_futex,
                                page * page_bytes,
                                FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG,
                                0,
                                0,
                                &nobody_waits_here,
                                0
                            ) == -EFAULT) {
        return false;
    }
    readable_pages.remember(page);
    return true;
}

// It adds 0 to a word of the page, as an atomic operation.
bool ask_writable(std::uintptr_t page) noexcept {
    const quiet_valgrind quiet;
    if (is_outside(page) || kernel(
                                __NR_futex,
                                &nobody_waits_here,
                                FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG,
                                0,
                                0,
                                page * page_bytes,
                                FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, -1)
                            ) == -EFAULT) {
        return false;
    }
    writable_pages.remember(page);
    return true;
}

}  // namespace farside::preload::detail

namespace farside::preload {
namespace {

// The first NUL in [at, end), or `end`; all of it in one page. Aligned words stay in the page, too.
const char* find_end(const char* at, const char* end) noexcept {
    constexpr std::uint64_t ones = 0x0101010101010101;
    constexpr std::uint64_t highs = 0x8080808080808080;
    while (at < end && reinterpret_cast<std::uintptr_t>(at) % sizeof(std::uint64_t) != 0) {
        if (*at == '\0') {
            return at;
        }
        ++at;
    }
    for (; at < end; at += sizeof(std::uint64_t)) {
        std::uint64_t word = 0;
        __builtin_memcpy(&word, at, sizeof word);
        // The lowest set top bit is that of the first zero byte.
        if (const std::uint64_t zeros = (word - ones) & ~word & highs; zeros != 0) {
            at += static_cast<unsigned>(__builtin_ctzll(zeros)) >> 3U;
            break;
        }
    }
    return at < end ? at : end;
}

}  // namespace

long text_length(const char* text, std::size_t room) noexcept {
    std::size_t at = 0;
    while (at < room) {
        const auto address = reinterpret_cast<std::uintptr_t>(text + at);
        if (!detail::is_readable_page(address / detail::page_bytes)) {
            return -EFAULT;
        }
        const std::size_t in_page = detail::page_bytes - address % detail::page_bytes;
        const std::size_t part = in_page < room - at ? in_page : room - at;
        const auto found = static_cast<std::size_t>(find_end(text + at, text + at + part) - text);
        if (found < at + part) {
            return static_cast<long>(found);
        }
        at += part;
    }
    return static_cast<long>(room);
}

}  // namespace farside::preload
