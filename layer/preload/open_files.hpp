// Descriptors of remote files: making one, and finding out that one was the last. The kernel object
// behind each is the sealed template memfd, reopened O_WRONLY: whatever is not hooked fails loudly
// (EBADF, EPERM, EACCES) and never reads wrong data. Its file offset is the open file's id; its
// open-file-description lock says that the id lives (segment.hpp).
#pragma once

#include <cstdint>

namespace farside::preload {

// A descriptor that is about to stand for a remote file.
struct placeholder {
    long fd = -1;          // or -errno
    std::uint64_t id = 0;  // claimed; its entry is ours to give back until the session knows it
};

// The lowest free descriptor, close-on-exec where `open_flags` has O_CLOEXEC, with a new id.
// -EMFILE, -ENFILE where there is no room.
[[nodiscard]] placeholder make_placeholder(unsigned open_flags) noexcept;

// The open failed, or was answered by the other side.
void discard(const placeholder& made) noexcept;

// The open succeeded: from now on the descriptor is remote to every call of this process.
void publish(const placeholder& made) noexcept;

// A descriptor of `id` was closed: tells the session where it was the last, in whatever process.
// Returns what close(2) answers.
long closed_descriptor(std::uint64_t id) noexcept;

// One more descriptor of `id` in this process (dup and its kin).
void add_descriptor(long fd, std::uint64_t id) noexcept;

// No descriptor number at or above this was ever remote or ours.
[[nodiscard]] unsigned descriptor_bound() noexcept;

}  // namespace farside::preload
