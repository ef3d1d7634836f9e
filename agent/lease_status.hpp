// What leases ask of names and files: the attributes that are told, and whether they can hold.
#pragma once

#include "agent/lease_table.hpp"

#include <string>

struct statx;

namespace farside::agent {

// False: errno says why.
[[nodiscard]] bool stat_name(int directory, const std::string& name, struct statx& told);
[[nodiscard]] bool stat_file(int fd, struct statx& told);

[[nodiscard]] inode_key key_of(const struct statx& told);
[[nodiscard]] bool knows_mount(const struct statx& told);

// By its file system.
[[nodiscard]] bool is_leasable(int fd);

// Whether the directory's watch tells of each change to what a name of it is now. Through another
// name, or another mount, it would be told elsewhere; devices change without a word.
[[nodiscard]] bool is_covered(const lease& directory, const struct statx& told);

// Whether another access leaves the time of the last one as it is (mount(8), relatime).
[[nodiscard]] bool stays_accessed(const struct statx& told);

// Whether a regular file, or what is open, is known to have no extended attributes, on a file
// system that would tell of ACLs.
[[nodiscard]] bool is_plain(int directory, const std::string& name, const struct statx& told);
[[nodiscard]] bool is_plain(int fd);

}  // namespace farside::agent
