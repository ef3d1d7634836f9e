// A remote file's bytes in a memfd of this kernel, for what only the kernel can do: mapping and
// executing.
#pragma once

#include <cstdint>

namespace farside::preload {

// A memfd with the bytes [offset, offset + bytes) of the open file, as far as the file reaches.
// Close-on-exec. Returns the descriptor or -errno.
[[nodiscard]] long make_image(
    std::uint64_t id, std::int64_t offset, std::uint64_t bytes, const char* name
) noexcept;

}  // namespace farside::preload
