// A lock in few words.
#pragma once

#include <cstdint>

#include <fcntl.h>

namespace farside::conformance {

inline struct flock lock_of(
    int type, std::int64_t start, std::int64_t bytes, int whence = SEEK_SET
) {
    struct flock lock {};

    lock.l_type = static_cast<short>(type);
    lock.l_whence = static_cast<short>(whence);
    lock.l_start = start;
    lock.l_len = bytes;
    return lock;
}

}  // namespace farside::conformance
