// A stack grows downwards: an object of this thread below the present frame is gone, if it is on
// the same stack, and so is one where the caller's is now. A thread has a second stack where it
// handles signals on one (sigaltstack(2)).
#include "layer/preload/holder.hpp"

#include "layer/preload/syscall_x86_64.hpp"

#include <asm/errno.h>

namespace farside::preload {
namespace {

// Farther away it may be a stack of another kind: of a coroutine that is to be resumed.
constexpr std::uintptr_t stack_bytes_max = std::uintptr_t{8} << 20U;

struct alternate_stack {
    std::uintptr_t start;
    int flags;
    std::size_t bytes;
};

constexpr int on_stack = 1;  // SS_ONSTACK

}  // namespace

scope_of_thread scope_of(const void* object) noexcept {
    return {
        static_cast<std::uint32_t>(kernel(__NR_gettid)), reinterpret_cast<std::uintptr_t>(object)};
}

void holder::set(const scope_of_thread& whose) noexcept {
    object_.store(whose.object, std::memory_order_relaxed);
    tid_.store(whose.tid, std::memory_order_release);
}

void holder::clear() noexcept {
    tid_.store(0, std::memory_order_release);
}

bool holder::is(const scope_of_thread& whose) const noexcept {
    return is_thread(whose.tid) && object_.load(std::memory_order_relaxed) == whose.object;
}

bool holder::is_thread(std::uint32_t tid) const noexcept {
    return tid_.load(std::memory_order_acquire) == tid;
}

bool holder::was_left_by(const scope_of_thread& caller) const noexcept {
    if (!is_thread(caller.tid)) {
        return false;
    }
    const std::uintptr_t object = object_.load(std::memory_order_relaxed);
    if (object == caller.object) {
        return true;
    }
    const auto frame = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    alternate_stack second{};
    kernel(__NR_sigaltstack, nullptr, &second);
    const bool in_second = object - second.start < second.bytes;
    const bool am_in_second = (second.flags & on_stack) != 0;
    if (in_second != am_in_second) {
        return in_second;  // the handler that ran there has ended
    }
    return object < frame && frame - object < stack_bytes_max;
}

bool holder::is_gone(const scope_of_thread& caller) const noexcept {
    const std::uint32_t tid = tid_.load(std::memory_order_acquire);
    if (tid == 0 || tid == caller.tid) {
        return was_left_by(caller);
    }
    return kernel(__NR_tgkill, kernel(__NR_getpid), tid, 0) == -ESRCH;
}

bool holder::take_over(const scope_of_thread& caller) noexcept {
    std::uint32_t before = tid_.load(std::memory_order_acquire);
    if (before == caller.tid) {
        object_.store(caller.object, std::memory_order_relaxed);
        return true;
    }
    if (before == 0 ||
        !tid_.compare_exchange_strong(before, caller.tid, std::memory_order_acq_rel)) {
        return false;
    }
    object_.store(caller.object, std::memory_order_relaxed);
    return true;
}

}  // namespace farside::preload
