// Where a path lives. Used by everybody in the layer; the numbers cross the shared segment.
#pragma once

#include <cstdint>

namespace farside {

enum class side : std::uint32_t {
    local = 0,
    remote = 1,
    remote_read_only = 2,  // remote; a write is EROFS
    hidden = 3,            // ENOENT
    undecided = 4,         // only the session can tell: a regular expression decides
};

}  // namespace farside
