// What spinning needs to know of the processors: how many this process may use, and how to wait for
// a moment without giving one up. Here because both sides spin.
#pragma once

#include <sched.h>

namespace farside {

// By affinity; a quota of time is not seen in it. 1 where nobody knows.
[[nodiscard]] inline int usable_processors() {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    return ::sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
}

inline void spin_once() {
    __builtin_ia32_pause();
}

}  // namespace farside
