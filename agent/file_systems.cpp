// The two lists: what is known to be local (everything else is not), and what is known to hang.
#include "agent/file_systems.hpp"

#include <algorithm>
#include <array>
#include <string>

#include <linux/magic.h>

namespace farside::agent {
namespace {

// Numbers that linux/magic.h does not have.
constexpr long zfs_magic = 0x2fc12fc1;
constexpr long bcachefs_magic = 0xca451a4e;
constexpr long ntfs3_magic = 0x7366746e;

constexpr std::array local_types{
    long{EXT4_SUPER_MAGIC},
    long{XFS_SUPER_MAGIC},
    long{BTRFS_SUPER_MAGIC},
    long{TMPFS_MAGIC},
    long{OVERLAYFS_SUPER_MAGIC},
    long{RAMFS_MAGIC},
    long{F2FS_SUPER_MAGIC},
    long{SQUASHFS_MAGIC},
    long{EROFS_SUPER_MAGIC_V1},
    long{ISOFS_SUPER_MAGIC},
    long{MSDOS_SUPER_MAGIC},
    long{EXFAT_SUPER_MAGIC},
    long{HUGETLBFS_MAGIC},
    long{REISERFS_SUPER_MAGIC},
    zfs_magic,
    bcachefs_magic,
    ntfs3_magic,
};

constexpr std::array leasable_types{
    long{EXT4_SUPER_MAGIC},  // ext2 and ext3 as well
    long{XFS_SUPER_MAGIC},
    long{BTRFS_SUPER_MAGIC},
    long{TMPFS_MAGIC},
    long{RAMFS_MAGIC},
    long{OVERLAYFS_SUPER_MAGIC},
    long{SQUASHFS_MAGIC},
    long{EROFS_SUPER_MAGIC_V1},
    long{ISOFS_SUPER_MAGIC},
    zfs_magic,
};

constexpr std::array<std::string_view, 20> hanging_names{
    "9p",   "afs",     "autofs",   "beegfs",    "ceph",  "cifs",     "coda",
    "fuse", "fuseblk", "gfs2",     "glusterfs", "gpfs",  "lustre",   "nfs",
    "nfs4", "ocfs2",   "orangefs", "smb3",      "smbfs", "virtiofs",
};

bool may_hang(std::string_view type) {
    return type.starts_with("fuse.") ||
           std::ranges::find(hanging_names, type) != hanging_names.end();
}

// mountinfo writes space, tab, newline and backslash as \ooo.
std::string unescaped(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size()) {
            const auto digit = [&](std::size_t at) { return (text[at] - '0') & 7; };
            plain += static_cast<char>(digit(i + 1) * 64 + digit(i + 2) * 8 + digit(i + 3));
            i += 3;
        } else {
            plain += text[i];
        }
    }
    return plain;
}

std::string_view take_field(std::string_view& line) {
    const auto space = std::min(line.find(' '), line.size());
    const auto field = line.substr(0, space);
    line.remove_prefix(std::min(space + 1, line.size()));
    return field;
}

std::string_view take_line(std::string_view& table) {
    const auto end = std::min(table.find('\n'), table.size());
    const auto line = table.substr(0, end);
    table.remove_prefix(std::min(end + 1, table.size()));
    return line;
}

// 36 35 98:0 /root /mount/point rw,noatime master:1 - ext4 /dev/root rw
std::string_view take_mount_point(std::string_view& line) {
    for (int skipped = 0; skipped < 4; ++skipped) {
        take_field(line);
    }
    return take_field(line);
}

bool is_at_or_below(std::string_view path, std::string_view directory) {
    return directory == "/" || path == directory ||
           (path.starts_with(directory) && path[directory.size()] == '/');
}

}  // namespace

bool is_local_file_system(long type) {
    return std::ranges::find(local_types, type) != local_types.end();
}

bool is_leasable_file_system(long type) {
    return std::ranges::find(leasable_types, type) != leasable_types.end();
}

std::string mounts_below(std::string_view mount_table, std::string_view directory) {
    std::string below;
    while (!mount_table.empty()) {
        const auto line = take_line(mount_table);
        auto rest = line;
        if (is_at_or_below(unescaped(take_mount_point(rest)), directory)) {
            below.append(line) += '\n';
        }
    }
    return below;
}

bool has_hanging_mounts(std::string_view mount_table, std::string_view directory) {
    while (!mount_table.empty()) {
        auto line = take_line(mount_table);
        const auto mount_point = take_mount_point(line);
        const auto separator = line.find(" - ");
        if (separator == std::string_view::npos) {
            continue;
        }
        line.remove_prefix(separator + 3);
        if (may_hang(take_field(line)) && is_at_or_below(unescaped(mount_point), directory)) {
            return true;
        }
    }
    return false;
}

}  // namespace farside::agent
