// What /proc tells of inotify descriptors: whether one is such, which inodes it watches, and which
// processes hold one. /proc/PID/fdinfo/N of an inotify descriptor has a line for each of its
// watches:
//
//     inotify wd:3 ino:2 sdev:27 mask:400 ignored_mask:0 ...
//
// The inode of a shadow is watched by one instance only, so it tells which one it is.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_set>

#include <sys/types.h>

namespace farside::session {

[[nodiscard]] bool is_inotify(int descriptor);

// The first inode on `device` that our own `descriptor` watches and that `wanted` takes.
[[nodiscard]] std::optional<std::uint64_t> watched_inode(
    int descriptor, std::uint64_t device, const std::function<bool(std::uint64_t)>& wanted
);

// The inodes on `device` that are watched through descriptors of other processes. Nothing where
// that cannot be known: a process that `matters` does not let us look.
[[nodiscard]] std::optional<std::unordered_set<std::uint64_t>> inodes_watched_elsewhere(
    std::uint64_t device, const std::function<bool(pid_t)>& matters
);

// Reads one line of fdinfo; nothing where it is not about a watch on `device`.
[[nodiscard]] std::optional<std::uint64_t> inode_of_line(
    const std::string& line, std::uint64_t device
);

}  // namespace farside::session
