// Hooks the C library of this process: finds libc, the loader and libpthread, and makes each
// file-related `syscall` instruction in them go through the gate first.
#pragma once

#include <cstddef>

namespace farside::preload {

struct patch_report {
    std::size_t libraries = 0;
    std::size_t sites = 0;        // hooked
    unsigned missing_number = 0;  // a system call that libc must make and no hooked site makes
    bool complete = false;        // every call that a file program makes is hooked
};

// Before any other thread exists and before any code of the program runs.
[[nodiscard]] patch_report patch_process() noexcept;

// A library that was mapped later (libpthread before glibc 2.34): hooks it if it is one of those.
void patch_mapping(const char* name, void* start, std::size_t bytes) noexcept;

}  // namespace farside::preload
