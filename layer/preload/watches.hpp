// Descriptors of inotify instances that watch something remote. They are the kernel's own; the
// session holds one of each too, and must be told when the program's may have been the last. While
// nothing remote is watched this costs one look at the segment.
#pragma once

namespace farside::preload {

// Whether `fd` is an inotify descriptor that the session may have to know the end of.
[[nodiscard]] bool may_end_watches(long fd) noexcept;

// close(2) of such a descriptor, then a word to the session. Returns what close(2) does.
long close_inotify(long fd) noexcept;

// The same word after a range of descriptors was closed.
void tell_closed_range() noexcept;

}  // namespace farside::preload
