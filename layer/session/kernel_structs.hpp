// Answers as the structures of the kernel's own calls, filled field by field: what the program gets
// to see is what this file says, not what a library happens to lay out.
#pragma once

#include "protocol/file_messages.hpp"
#include "protocol/name_messages.hpp"

#include <cstddef>
#include <span>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>

namespace farside::session {

[[nodiscard]] struct statx to_statx(const protocol::attributes& from);

[[nodiscard]] struct statfs to_statfs(const protocol::file_system_reply& from);

[[nodiscard]] protocol::record_lock to_record_lock(const struct flock& from);
[[nodiscard]] struct flock to_flock(const protocol::record_lock& from);

// linux_dirent64 records of as many entries as fit into `room`.
struct packed_entries {
    std::size_t bytes = 0;
    std::size_t count = 0;
    bool malformed = false;  // an entry whose name no directory can have
};

[[nodiscard]] packed_entries pack_entries(
    std::span<const protocol::directory_entry> entries, std::span<std::byte> room
);

}  // namespace farside::session
