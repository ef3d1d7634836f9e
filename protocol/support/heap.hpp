// How the heap of a process is used that moves data in buffers of a frame's size. Here because both
// sides do.
#pragma once

#include <malloc.h>

namespace farside {

// glibc maps blocks of 128 KiB and more anew each time: what is moved through one is paid for with
// as many page faults again. Such blocks come from the heap, whose end is given back where more is
// free.
inline void keep_buffers_on_the_heap() {
    constexpr int block_bytes = 4 << 20;
    constexpr int free_bytes = 16 << 20;
    ::mallopt(M_MMAP_THRESHOLD, block_bytes);
    ::mallopt(M_TRIM_THRESHOLD, free_bytes);
}

}  // namespace farside
