// Which file systems answer in bounded time. Calls on the others never run on the loop thread: a
// network file system without its server, or a FUSE daemon that stopped, hangs its callers.
#pragma once

#include <string>
#include <string_view>

namespace farside::agent {

// By statfs(2) type: on a local disk or in memory. procfs and its kind are not: a read may wait.
[[nodiscard]] bool is_local_file_system(long type);

// By statfs(2) type: every change to a directory, or made through the names in it, is told to its
// watchers (inotify(7)), since this kernel alone makes them all. Read-only file systems are among
// them: nothing changes there. A devtmpfs calls itself a tmpfs, and behaves as one. procfs, sysfs
// and what is changed from elsewhere are not.
[[nodiscard]] bool is_leasable_file_system(long type);

// The lines of a mount table of mounts at or below `directory`: with other ones there, paths lead
// elsewhere.
[[nodiscard]] std::string mounts_below(std::string_view mount_table, std::string_view directory);

// Whether a mount table (/proc/self/mountinfo) has a mount at or below `directory` that may hang
// already while a path is resolved.
[[nodiscard]] bool has_hanging_mounts(std::string_view mount_table, std::string_view directory);

}  // namespace farside::agent
