// Reading mount tables, and what they say about path resolution.
#include "agent/file_systems.hpp"

#include <gtest/gtest.h>

#include <string>

#include <linux/magic.h>

namespace farside::agent {
namespace {

constexpr auto container =
    "612 520 0:57 / / rw,relatime - overlay overlay rw,lowerdir=/a\n"
    "613 612 0:61 / /proc rw,nosuid shared:7 - proc proc rw\n"
    "614 612 254:0 /hosts /etc/hosts rw,relatime master:1 propagate_from:2 - ext4 /dev/vda rw\n";

TEST(FileSystems, LocalTypesAreKnown) {
    EXPECT_TRUE(is_local_file_system(OVERLAYFS_SUPER_MAGIC));
    EXPECT_TRUE(is_local_file_system(EXT4_SUPER_MAGIC));
    EXPECT_TRUE(is_local_file_system(TMPFS_MAGIC));
    EXPECT_FALSE(is_local_file_system(PROC_SUPER_MAGIC));
    EXPECT_FALSE(is_local_file_system(NFS_SUPER_MAGIC));
    EXPECT_FALSE(is_local_file_system(FUSE_SUPER_MAGIC));
    EXPECT_FALSE(is_local_file_system(0x1234567));
}

TEST(FileSystems, AnOrdinaryContainerDoesNotHang) {
    EXPECT_FALSE(has_hanging_mounts(container, "/"));
    EXPECT_FALSE(has_hanging_mounts("", "/"));
}

TEST(FileSystems, NetworkAndUserFileSystemsMayHang) {
    const std::string base = container;
    for (const std::string type : {"nfs", "nfs4", "fuse", "fuse.sshfs", "cifs", "9p", "autofs"}) {
        SCOPED_TRACE(type);
        const auto table = base + "700 612 0:99 / /data rw shared:1 - " + type + " server:/x rw\n";
        EXPECT_TRUE(has_hanging_mounts(table, "/"));
        EXPECT_TRUE(has_hanging_mounts(table, "/data"));
        EXPECT_FALSE(has_hanging_mounts(table, "/srv"));
        EXPECT_FALSE(has_hanging_mounts(table, "/dat"));
        EXPECT_FALSE(has_hanging_mounts(table, "/data/below"));
    }
}

TEST(FileSystems, MountPointsAreUnescaped) {
    const std::string table = "700 612 0:99 / /my\\040data/x rw - nfs server:/x rw\n";
    EXPECT_TRUE(has_hanging_mounts(table, "/my data"));
    EXPECT_FALSE(has_hanging_mounts(table, "/my"));
}

TEST(FileSystems, DamagedTablesAreReadAsFarAsTheyGo) {
    const std::string table =
        std::string{container} + "700 612 0:99 / /data rw - nfs server:/x rw\n";
    for (std::size_t bytes = 0; bytes <= table.size(); ++bytes) {
        const auto part = table.substr(0, bytes);
        const bool whole_type = part.find("- nfs") != std::string::npos;
        EXPECT_EQ(has_hanging_mounts(part, "/"), whole_type) << part;
    }
}

}  // namespace
}  // namespace farside::agent
