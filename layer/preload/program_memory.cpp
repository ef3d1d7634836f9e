// Asking the kernel about a page, once.
#include "layer/preload/program_memory.hpp"

#include "layer/preload/syscall_x86_64.hpp"

#include <linux/futex.h>

namespace farside::preload::detail {

constinit page_memory readable_pages{};
constinit page_memory writable_pages{};

namespace {

// No program has memory there: page 0, and all that lies above the user's half of the addresses.
bool is_outside(std::uintptr_t page) noexcept {
    constexpr std::uintptr_t user_end = (std::uintptr_t{1} << 56U) / page_bytes;
    return page == 0 || page >= user_end;
}

}  // namespace

// rt_sigprocmask(2) reads the set before it finds that it does not know what to do with it.
bool ask_readable(std::uintptr_t page) noexcept {
    constexpr long unknown_how = 77;
    if (is_outside(page)) {
        return false;
    }
    if (kernel(__NR_rt_sigprocmask, unknown_how, page * page_bytes, nullptr, 8) == -EFAULT) {
        return false;
    }
    readable_pages.remember(page);
    return true;
}

// futex(2) adds 0 to a word of the page, as an atomic operation.
bool ask_writable(std::uintptr_t page) noexcept {
    static std::uint32_t nobody_waits_here = 0;
    if (is_outside(page)) {
        return false;
    }
    const long asked = kernel(
        __NR_futex,
        &nobody_waits_here,
        FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG,
        0,
        0,
        page * page_bytes,
        FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, -1)
    );
    if (asked == -EFAULT) {
        return false;
    }
    writable_pages.remember(page);
    return true;
}

}  // namespace farside::preload::detail
