// Who holds something that is to be given back at the end of a scope, in case that end never comes:
// a signal handler may leave by longjmp(3), a thread may be cancelled. What was left behind so is
// recognised later, by the thread itself or by another, and taken over.
#pragma once

#include <atomic>
#include <cstdint>

namespace farside::preload {

// Whose scope: a thread and an object on its stack that lives as long as the scope.
struct scope_of_thread {
    std::uint32_t tid;
    std::uintptr_t object;
};

[[nodiscard]] scope_of_thread scope_of(const void* object) noexcept;

class holder {
public:
    // After the thing was taken, and before it is given back.
    void set(const scope_of_thread& whose) noexcept;
    void clear() noexcept;

    [[nodiscard]] bool is(const scope_of_thread& whose) const noexcept;
    [[nodiscard]] bool is_thread(std::uint32_t tid) const noexcept;

    // True where the thread will not come back to the scope: it has left it, as far as the caller's
    // own thread is concerned, or it has ended. REQUIRES: the holder is of this process.
    [[nodiscard]] bool is_gone(const scope_of_thread& caller) const noexcept;

    // The same for the caller's own thread only; no system call where another thread holds it.
    [[nodiscard]] bool was_left_by(const scope_of_thread& caller) const noexcept;

    // Makes the caller the holder where nobody else was faster. REQUIRES: is_gone() was true.
    [[nodiscard]] bool take_over(const scope_of_thread& caller) noexcept;

private:
    std::atomic<std::uint32_t> tid_;  // 0: not said (yet), which counts as there
    std::atomic<std::uintptr_t> object_;
};

}  // namespace farside::preload
