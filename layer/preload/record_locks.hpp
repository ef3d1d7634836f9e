// What fcntl(2) says of record locks and close(2): a process that closes any descriptor of a file
// loses all of its locks on it. Few processes hold any; the view tells which may.
#pragma once

#include "layer/preload/call_frame.hpp"

#include <cstdint>

namespace farside::preload {

// fcntl(2) with F_GETLK, F_SETLK, F_SETLKW and their F_OFD_ kin.
[[nodiscard]] long record_lock(const call_frame& frame, std::uint64_t id) noexcept;

// Before a descriptor of `id` is closed, once it is certain that it will be.
void release_record_locks(std::uint64_t id) noexcept;

// Before execve(2), once it is as good as certain to succeed: descriptors with FD_CLOEXEC.
// `program` is a path of this machine, seen from `directory`, or nullptr for one that is known to
// be executable.
void release_record_locks_at_exec(long directory, const char* program) noexcept;

}  // namespace farside::preload
