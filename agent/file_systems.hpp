// Which file systems answer in bounded time. Calls on the others never run on the loop thread: a
// network file system without its server, or a FUSE daemon that stopped, hangs its callers.
#pragma once

#include <string_view>

namespace farside::agent {

// By statfs(2) type: on a local disk or in memory. procfs and its kind are not: a read may wait.
[[nodiscard]] bool is_local_file_system(long type);

// Whether a mount table (/proc/self/mountinfo) has a mount at or below `directory` that may hang
// already while a path is resolved.
[[nodiscard]] bool has_hanging_mounts(std::string_view mount_table, std::string_view directory);

}  // namespace farside::agent
