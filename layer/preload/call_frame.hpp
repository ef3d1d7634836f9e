// One intercepted system call, as the gate hands it over, and what a handler answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace farside::preload {

// The gate (gate_x86_64.S) lays this out on the stack; offsets are checked there by hand.
struct call_frame {
    long number;
    long arguments[6];
    long result;
    const char* why;  // for a trace: why the call was refused; else not initialised

    template <typename T = long>
    [[nodiscard]] T argument(std::size_t i) const noexcept {
        if constexpr (std::is_pointer_v<T>) {
            return reinterpret_cast<T>(arguments[i]);
        } else {
            return static_cast<T>(arguments[i]);
        }
    }
};

enum class outcome : long {
    pass = 0,      // not ours: the kernel gets the call as it was made
    answered = 1,  // `result` is what the program sees
};

using handler = outcome (*)(call_frame&) noexcept;

inline outcome answer(call_frame& frame, long result) noexcept {
    frame.result = result;
    return outcome::answered;
}

// An answer that the kernel would not give for a local file: `why` in plain words.
inline outcome refuse(call_frame& frame, long error, const char* why) noexcept {
    frame.why = why;
    return answer(frame, error);
}

}  // namespace farside::preload
