// Messages about names and attributes. Fields, in order, are the wire format; what
// file_messages.hpp says of semantics, numbers and failures holds here.
#pragma once

#include "protocol/file_messages.hpp"

#include <string>

namespace farside::protocol {

// statx(2). `flags` holds AT_SYMLINK_NOFOLLOW, AT_NO_AUTOMOUNT, AT_STATX_*.
struct stat {
    static constexpr opcode op = opcode::stat;
    using reply = attributes_reply;

    location at;
    std::uint32_t flags = 0;
    std::uint32_t mask = 0;

    friend bool operator==(const stat&, const stat&) = default;
};

// faccessat2(2). `flags` holds AT_EACCESS, AT_SYMLINK_NOFOLLOW.
struct access {
    static constexpr opcode op = opcode::access;
    using reply = empty_reply;

    location at;
    std::uint32_t mode = 0;
    std::uint32_t flags = 0;

    friend bool operator==(const access&, const access&) = default;
};

struct path_reply {
    std::string path;

    friend bool operator==(const path_reply&, const path_reply&) = default;
};

// readlinkat(2).
struct read_link {
    static constexpr opcode op = opcode::read_link;
    using reply = path_reply;

    location at;

    friend bool operator==(const read_link&, const read_link&) = default;
};

// statfs(2).
struct file_system_reply {
    std::uint64_t type = 0;
    std::uint64_t block_bytes = 0;
    std::uint64_t blocks = 0;
    std::uint64_t blocks_free = 0;
    std::uint64_t blocks_available = 0;
    std::uint64_t files = 0;
    std::uint64_t files_free = 0;
    std::uint64_t id = 0;
    std::uint64_t name_bytes_max = 0;
    std::uint64_t fragment_bytes = 0;
    std::uint64_t flags = 0;

    friend bool operator==(const file_system_reply&, const file_system_reply&) = default;
};

struct file_system {
    static constexpr opcode op = opcode::file_system;
    using reply = file_system_reply;

    location at;

    friend bool operator==(const file_system&, const file_system&) = default;
};

struct canonicalize_reply {
    std::string path;  // absolute in the target, no symbolic links but perhaps the last
    attributes attr;

    friend bool operator==(const canonicalize_reply&, const canonicalize_reply&) = default;
};

// What the name of a file is asked for. `enter`: as chdir(2), the directory must exist and be
// searchable. `directory`: as getcwd(2), ENOENT for one that was removed. `descriptor`: as
// readlink(2) of /proc/self/fd/N, with " (deleted)" behind the name of any file that was removed.
enum class name_purpose : std::uint8_t { enter = 0, directory = 1, descriptor = 2 };

// The name of a file, as it is now.
struct canonicalize {
    static constexpr opcode op = opcode::canonicalize;
    using reply = canonicalize_reply;

    location at;
    name_purpose purpose = name_purpose::enter;

    friend bool operator==(const canonicalize&, const canonicalize&) = default;
};

// Which fields of set_attributes count.
namespace set_mask {
inline constexpr std::uint32_t mode = 1;
inline constexpr std::uint32_t owner = 2;  // uid and gid; 0xffffffff leaves one alone
inline constexpr std::uint32_t size = 4;
inline constexpr std::uint32_t times = 8;  // nanoseconds may be UTIME_NOW or UTIME_OMIT
}  // namespace set_mask

// One of: fchmodat(2), fchownat(2), truncate(2) or ftruncate(2), utimensat(2). More than one bit is
// EINVAL: a request takes effect whole or not at all.
struct set_attributes {
    static constexpr opcode op = opcode::set_attributes;
    using reply = empty_reply;

    location at;
    std::uint32_t flags = 0;  // AT_SYMLINK_NOFOLLOW
    std::uint32_t mask = 0;
    std::uint32_t mode = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::int64_t size = 0;
    timestamp accessed;
    timestamp modified;

    friend bool operator==(const set_attributes&, const set_attributes&) = default;
};

// mkdirat(2).
struct make_directory {
    static constexpr opcode op = opcode::make_directory;
    using reply = empty_reply;

    location at;
    std::uint32_t mode = 0;
    std::uint32_t umask = 0;

    friend bool operator==(const make_directory&, const make_directory&) = default;
};

// mknodat(2).
struct make_node {
    static constexpr opcode op = opcode::make_node;
    using reply = empty_reply;

    location at;
    std::uint32_t mode = 0;
    std::uint32_t umask = 0;
    std::uint32_t major = 0;
    std::uint32_t minor = 0;

    friend bool operator==(const make_node&, const make_node&) = default;
};

// linkat(2). `flags` holds AT_SYMLINK_FOLLOW.
struct make_link {
    static constexpr opcode op = opcode::make_link;
    using reply = empty_reply;

    location from;
    location to;
    std::uint32_t flags = 0;

    friend bool operator==(const make_link&, const make_link&) = default;
};

// symlinkat(2). `target` is stored as it is.
struct make_symlink {
    static constexpr opcode op = opcode::make_symlink;
    using reply = empty_reply;

    std::string target;
    location at;

    friend bool operator==(const make_symlink&, const make_symlink&) = default;
};

// renameat2(2).
struct rename {
    static constexpr opcode op = opcode::rename;
    using reply = empty_reply;

    location from;
    location to;
    std::uint32_t flags = 0;

    friend bool operator==(const rename&, const rename&) = default;
};

// unlinkat(2). `flags` holds AT_REMOVEDIR.
struct remove {
    static constexpr opcode op = opcode::remove;
    using reply = empty_reply;

    location at;
    std::uint32_t flags = 0;

    friend bool operator==(const remove&, const remove&) = default;
};

struct xattr_reply {
    std::string value;  // bytes; for list_xattr, names each ended by NUL

    friend bool operator==(const xattr_reply&, const xattr_reply&) = default;
};

// getxattr(2), lgetxattr(2) with AT_SYMLINK_NOFOLLOW, fgetxattr(2) on a handle. The size rules
// (ERANGE, asking for the size) are the caller's to apply.
struct get_xattr {
    static constexpr opcode op = opcode::get_xattr;
    using reply = xattr_reply;

    location at;
    std::uint32_t flags = 0;
    std::string name;

    friend bool operator==(const get_xattr&, const get_xattr&) = default;
};

// listxattr(2) and its kin.
struct list_xattr {
    static constexpr opcode op = opcode::list_xattr;
    using reply = xattr_reply;

    location at;
    std::uint32_t flags = 0;

    friend bool operator==(const list_xattr&, const list_xattr&) = default;
};

// setxattr(2) and its kin; `how` is XATTR_CREATE, XATTR_REPLACE or 0.
struct set_xattr {
    static constexpr opcode op = opcode::set_xattr;
    using reply = empty_reply;

    location at;
    std::uint32_t flags = 0;
    std::string name;
    std::string value;
    std::uint32_t how = 0;

    friend bool operator==(const set_xattr&, const set_xattr&) = default;
};

// removexattr(2) and its kin.
struct remove_xattr {
    static constexpr opcode op = opcode::remove_xattr;
    using reply = empty_reply;

    location at;
    std::uint32_t flags = 0;
    std::string name;

    friend bool operator==(const remove_xattr&, const remove_xattr&) = default;
};

}  // namespace farside::protocol
