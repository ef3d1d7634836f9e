// Shared mappings of remote files: the program maps the image that the session keeps of the file,
// so that forking, moving, protecting and touching it are the kernel's own affair. What the kernel
// cannot know is when the file must have what was stored: the session is told here.
#pragma once

#include "layer/preload/call_frame.hpp"
#include "layer/preload/mapped_ranges.hpp"
#include "layer/segment/segment.hpp"

#include <cstdint>

namespace farside::preload {

// mmap(2) of an open file with MAP_SHARED: the address, or -errno.
[[nodiscard]] long map_shared(const call_frame& frame, std::uint64_t id) noexcept;

// Tells the session about each part. 0, or the first failure.
long sync_parts(const mapped_parts& parts, segment::sync_map how) noexcept;

// Before this process's memory goes: its stores come to their files.
void write_back_mappings() noexcept;

}  // namespace farside::preload
