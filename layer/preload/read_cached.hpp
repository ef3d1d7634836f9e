// Reading from the cache, with the position that all who share the open file share.
#pragma once

#include "layer/preload/transfer.hpp"

#include <cstddef>

namespace farside::preload {

struct cached_read {
    std::size_t bytes = 0;
    bool over = false;  // there is no more to read: the file ends here
};

// Reads what the cache has of the file from where the transfer is on, and moves the position where
// that counts. No bytes, not over: ask the session.
[[nodiscard]] cached_read read_cached(const transfer& t, cursor& into) noexcept;

}  // namespace farside::preload
