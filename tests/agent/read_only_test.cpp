// The gate of a read-only session: nothing that changes a file gets through, and what is answered
// is what a read-only mount answers. As root the table is compared with one.
#include "tests/agent/child.hpp"
#include "tests/agent/native.hpp"
#include "tests/agent/requests.hpp"
#include "tests/agent/running_agent.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <variant>

#include <linux/fs.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace farside::agent::test {
namespace {

using namespace protocol;
using farside::test::temp_dir;
using farside::test::write_file;
namespace fs = std::filesystem;

using path_request = std::variant<
    protocol::open,
    protocol::access,
    set_attributes,
    make_directory,
    make_node,
    make_link,
    make_symlink,
    protocol::rename,
    protocol::remove,
    set_xattr,
    remove_xattr>;

struct row {
    std::string name;
    path_request request;
    int expected;
};

void make_tree(const fs::path& root) {
    write_file(root / "f", "content");
    write_file(root / "d/inner", "inner");
    fs::create_directory(root / "d/sub");
    fs::create_directory(root / "empty");
    fs::create_symlink("f", root / "link");
    fs::create_symlink("missing", root / "dangling");
    ::mkfifo((root / "fifo").c_str(), 0640);
}

protocol::open opens(const std::string& path, int flags) {
    return open_of(at(path), flags, 0640, 022);
}

set_attributes change(const std::string& path, std::uint32_t mask, std::uint32_t flags = 0) {
    set_attributes request;
    request.at = at(path);
    request.flags = flags;
    request.mask = mask;
    request.mode = 0600;
    request.uid = UINT32_MAX;
    request.gid = UINT32_MAX;
    return request;
}

set_attributes cut_below_zero() {
    auto request = change("/f", set_mask::size);
    request.size = -1;
    return request;
}

protocol::rename renames(const std::string& from, const std::string& to, std::uint32_t flags = 0) {
    return {at(from), at(to), flags};
}

protocol::remove removes(const std::string& path, std::uint32_t flags = 0) {
    return {at(path), flags};
}

const std::string long_name = "/" + std::string(256, 'n');

std::vector<row> opening_rows() {
    return {
        {"create", opens("/new", O_CREAT | O_WRONLY), EROFS},
        {"create to read", opens("/new", O_CREAT | O_RDONLY), EROFS},
        {"create without parent", opens("/none/new", O_CREAT), ENOENT},
        {"create below a file", opens("/f/new", O_CREAT), ENOTDIR},
        {"create what is there, to read", opens("/f", O_CREAT), 0},
        {"create what is there, to write", opens("/f", O_CREAT | O_WRONLY), EROFS},
        {"create exclusively what is there", opens("/f", O_CREAT | O_EXCL), EEXIST},
        {"create exclusively over a link", opens("/dangling", O_CREAT | O_EXCL), EEXIST},
        {"create exclusively", opens("/new", O_CREAT | O_EXCL), EROFS},
        {"create through a link", opens("/dangling", O_CREAT), EROFS},
        {"create at a link", opens("/dangling", O_CREAT | O_NOFOLLOW), ELOOP},
        {"create a directory that is there", opens("/d", O_CREAT), EISDIR},
        {"create with a slash", opens("/new/", O_CREAT), EISDIR},
        {"create a long name", opens(long_name, O_CREAT), ENAMETOOLONG},
        {"truncate", opens("/f", O_TRUNC), EROFS},
        {"write", opens("/f", O_WRONLY), EROFS},
        {"read and write", opens("/f", O_RDWR), EROFS},
        {"write to a directory", opens("/d", O_WRONLY), EISDIR},
        {"write to nothing", opens("/none", O_WRONLY), ENOENT},
        {"write to a link", opens("/link", O_WRONLY | O_NOFOLLOW), ELOOP},
        {"write to a file as a directory", opens("/f", O_WRONLY | O_DIRECTORY), ENOTDIR},
        {"temporary", opens("/d", O_TMPFILE | O_RDWR), EROFS},
        {"temporary in nothing", opens("/none", O_TMPFILE | O_RDWR), ENOENT},
        {"temporary in a file", opens("/f", O_TMPFILE | O_RDWR), ENOTDIR},
        {"temporary to read", opens("/d", O_TMPFILE | O_RDONLY), EINVAL},
        {"path only", opens("/f", O_PATH | O_RDWR | O_TRUNC), 0},
        {"read", opens("/f", O_RDONLY), 0},
    };
}

std::vector<row> naming_rows() {
    return {
        {"mkdir", make_directory{at("/new"), 0777, 0}, EROFS},
        {"mkdir there", make_directory{at("/d"), 0777, 0}, EEXIST},
        {"mkdir at a file", make_directory{at("/f"), 0777, 0}, EEXIST},
        {"mkdir at a link", make_directory{at("/dangling"), 0777, 0}, EEXIST},
        {"mkdir without parent", make_directory{at("/none/new"), 0777, 0}, ENOENT},
        {"mkdir .", make_directory{at("/d/."), 0777, 0}, EEXIST},
        {"mkdir slash", make_directory{at("/new/"), 0777, 0}, EROFS},
        {"mkdir long", make_directory{at(long_name), 0777, 0}, ENAMETOOLONG},
        {"mknod", make_node{at("/new"), S_IFIFO | 0600, 0, 0, 0}, EROFS},
        {"mknod there", make_node{at("/f"), S_IFIFO | 0600, 0, 0, 0}, EEXIST},
        {"mknod slash", make_node{at("/new/"), S_IFIFO | 0600, 0, 0, 0}, ENOENT},
        {"mknod slash there", make_node{at("/d/"), S_IFIFO | 0600, 0, 0, 0}, EEXIST},
        {"mknod directory", make_node{at("/new"), S_IFDIR | 0600, 0, 0, 0}, EPERM},
        {"mknod nonsense", make_node{at("/new"), 0150000, 0, 0, 0}, EINVAL},
        {"symlink", make_symlink{"x", at("/new")}, EROFS},
        {"symlink there", make_symlink{"x", at("/f")}, EEXIST},
        {"symlink to nothing", make_symlink{"", at("/new")}, ENOENT},
        {"symlink slash", make_symlink{"x", at("/new/")}, ENOENT},
        {"link", make_link{at("/f"), at("/new"), 0}, EROFS},
        {"link from nothing", make_link{at("/none"), at("/new"), 0}, ENOENT},
        {"link there", make_link{at("/f"), at("/d"), 0}, EEXIST},
        {"link from nothing there", make_link{at("/none"), at("/f"), 0}, ENOENT},
        {"link without parent", make_link{at("/f"), at("/none/x"), 0}, ENOENT},
        {"link odd", make_link{at("/f"), at("/new"), 0x8000}, EINVAL},
        {"rename", renames("/f", "/new"), EROFS},
        {"rename nothing", renames("/none", "/new"), EROFS},
        {"rename without parent", renames("/none/x", "/new"), ENOENT},
        {"rename to no parent", renames("/f", "/none/x"), ENOENT},
        {"rename .", renames("/d/.", "/new"), EBUSY},
        {"rename odd", renames("/f", "/new", 64), EINVAL},
        {"rename contradiction", renames("/f", "/d", RENAME_NOREPLACE | RENAME_EXCHANGE), EINVAL},
        {"rename no replace", renames("/f", "/d", RENAME_NOREPLACE), EROFS},
        {"exchange", renames("/f", "/d", RENAME_EXCHANGE), EROFS},
        {"unlink", removes("/f"), EROFS},
        {"unlink nothing", removes("/none"), EROFS},
        {"unlink without parent", removes("/none/x"), ENOENT},
        {"unlink directory", removes("/d"), EROFS},
        {"unlink .", removes("/d/."), EISDIR},
        {"unlink slash", removes("/f/"), EROFS},
        {"unlink odd", removes("/f", 1), EINVAL},
        {"rmdir", removes("/empty", AT_REMOVEDIR), EROFS},
        {"rmdir full", removes("/d", AT_REMOVEDIR), EROFS},
        {"rmdir nothing", removes("/none", AT_REMOVEDIR), EROFS},
        {"rmdir file", removes("/f", AT_REMOVEDIR), EROFS},
        {"rmdir .", removes("/d/.", AT_REMOVEDIR), EINVAL},
        {"rmdir ..", removes("/d/sub/..", AT_REMOVEDIR), ENOTEMPTY},
        {"rmdir below a file", removes("/f/x", AT_REMOVEDIR), ENOTDIR},
    };
}

std::vector<row> attribute_rows() {
    constexpr std::uint32_t nofollow = AT_SYMLINK_NOFOLLOW;
    return {
        {"chmod", change("/f", set_mask::mode), EROFS},
        {"chmod nothing", change("/none", set_mask::mode), ENOENT},
        {"chmod link", change("/link", set_mask::mode, nofollow), EOPNOTSUPP},
        {"chown", change("/f", set_mask::owner), EROFS},
        {"chown link", change("/dangling", set_mask::owner, nofollow), EROFS},
        {"truncate", change("/f", set_mask::size), EROFS},
        {"truncate nothing", change("/none", set_mask::size), ENOENT},
        {"truncate directory", change("/d", set_mask::size), EISDIR},
        {"truncate fifo", change("/fifo", set_mask::size), EINVAL},
        {"truncate negative", cut_below_zero(), EINVAL},
        {"utimens", change("/f", set_mask::times), EROFS},
        {"utimens nothing", change("/none", set_mask::times), ENOENT},
        {"setxattr", set_xattr{at("/f"), 0, "user.a", "x", 0}, EROFS},
        {"setxattr nothing", set_xattr{at("/none"), 0, "user.a", "x", 0}, ENOENT},
        {"setxattr long", set_xattr{at("/f"), 0, "user." + long_name, "x", 0}, ERANGE},
        {"setxattr odd", set_xattr{at("/f"), 0, "user.a", "x", 8}, EINVAL},
        {"removexattr", remove_xattr{at("/f"), 0, "user.none"}, EROFS},
        {"access", protocol::access{at("/f"), W_OK, 0}, EROFS},
        {"access directory", protocol::access{at("/d"), W_OK | R_OK, 0}, EROFS},
        {"access nothing", protocol::access{at("/none"), W_OK, 0}, ENOENT},
        {"access to read", protocol::access{at("/f"), R_OK, 0}, 0},
    };
}

std::vector<row> all_rows() {
    auto rows = opening_rows();
    for (const auto& more : {naming_rows(), attribute_rows()}) {
        rows.insert(rows.end(), more.begin(), more.end());
    }
    return rows;
}

TEST(ReadOnly, AnswersAsAReadOnlyMount) {
    running_agent agent;
    make_tree(agent.root());
    const auto before = listing(agent.root().string());
    auto client = agent.session(true);
    for (const auto& [name, request, expected] : all_rows()) {
        SCOPED_TRACE(name);
        const int answered =
            std::visit([&](const auto& r) { return client.call(r).failure; }, request);
        EXPECT_EQ(answered, expected);
    }
    EXPECT_EQ(listing(agent.root().string()), before);
}

// In a process of its own: the mount is in a namespace that ends with it. The answer is what
// differs.
std::string differences_to_a_mount(const std::string& directory) {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", directory.c_str(), "tmpfs", 0, nullptr) != 0) {
        return "skip";
    }
    make_tree(directory);
    if (::mount("none", directory.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr) != 0) {
        return "skip";
    }
    std::string differences;
    for (const auto& [name, request, expected] : all_rows()) {
        const native_root root{directory};
        const int direct = std::visit([&](const auto& r) { return native(root, r); }, request);
        if (direct != expected) {
            differences += name + " is " + std::to_string(direct) + "; ";
        }
    }
    return differences;
}

TEST(ReadOnly, TheTableIsTheKernels) {
    const temp_dir directory;
    const auto told =
        told_by_child([&] { return differences_to_a_mount(directory.path().string()); });
    if (told == "skip") {
        GTEST_SKIP() << "mounting needs root";
    }
    EXPECT_EQ(told, "");
}

TEST(ReadOnly, HandlesChangeNothing) {
    running_agent agent;
    make_tree(agent.root());
    const auto before = listing(agent.root().string());
    auto client = agent.session(true);
    const auto file = client.call(open_of("/f", O_RDONLY)).reply.handle;
    const auto directory = client.call(open_of("/", O_RDONLY)).reply.handle;
    set_attributes request;
    request.at = at(file);
    request.mask = set_mask::mode;
    request.mode = 0600;
    EXPECT_EQ(client.call(request).failure, EROFS);
    request.mask = set_mask::owner;
    EXPECT_EQ(client.call(request).failure, EROFS);
    request.mask = set_mask::times;
    EXPECT_EQ(client.call(request).failure, EROFS);
    request.mask = set_mask::size;
    EXPECT_EQ(client.call(request).failure, EINVAL);
    request.mask = 3;
    EXPECT_EQ(client.call(request).failure, EINVAL);
    EXPECT_EQ(client.call(set_xattr{at(file), 0, "user.a", "x", 0}).failure, EROFS);
    EXPECT_EQ(client.call(remove_xattr{at(file), 0, "user.a"}).failure, EROFS);
    EXPECT_EQ(client.call(write_of(file, 0, "x")).failure, EBADF);
    EXPECT_EQ(client.call(protocol::allocate{file, 0, 0, 100}).failure, EBADF);
    EXPECT_EQ(client.call(copy_range{file, 0, file, 2, 1}).failure, EBADF);
    EXPECT_EQ(client.call(protocol::ioctl{file, FS_IOC_SETFLAGS, 0}).failure, EROFS);
    EXPECT_EQ(client.call(make_link{at(file), at("/new"), 0}).failure, EROFS);
    EXPECT_EQ(client.call(make_directory{at(directory, "new"), 0777, 0}).failure, EROFS);
    EXPECT_EQ(client.call(open_of(at(directory, "new"), O_CREAT)).failure, EROFS);
    EXPECT_EQ(client.call(protocol::remove{at(directory, "f"), 0}).failure, EROFS);
    const auto path_only = client.call(open_of("/f", O_PATH)).reply.handle;
    request.at = at(path_only);
    request.mask = set_mask::mode;
    EXPECT_EQ(client.call(request).failure, EBADF);
    EXPECT_EQ(client.call(set_xattr{at(path_only), 0, "user.a", "x", 0}).failure, EBADF);
    EXPECT_EQ(listing(agent.root().string()), before);
}

TEST(ReadOnly, ReadingAndLockingGoOn) {
    running_agent agent;
    make_tree(agent.root());
    auto client = agent.session(true);
    const auto file = client.call(open_of("/f", O_RDONLY | O_CREAT)).reply.handle;
    EXPECT_EQ(client.read(file, 0, 100), "content");
    EXPECT_EQ(client.call(lock_file{file, LOCK_EX}).failure, 0);
    const record_lock shared{F_RDLCK, SEEK_SET, 0, 0, 0};
    EXPECT_EQ(client.call(lock_record{file, F_OFD_SETLK, shared}).failure, 0);
    EXPECT_EQ(client.call(protocol::sync{file, sync_kind::all, 0, 0, 0}).failure, 0);
    EXPECT_EQ(client.call(set_flags{file, O_NONBLOCK}).failure, 0);
    EXPECT_EQ(client.call(protocol::close{file}).failure, 0);
}

// A FIFO or a device is written to on a read-only mount, but that changes something outside of it.
TEST(ReadOnly, SpecialFilesAreNotWrittenToEither) {
    running_agent agent;
    make_tree(agent.root());
    auto client = agent.session(true);
    EXPECT_EQ(client.call(open_of("/fifo", O_WRONLY | O_NONBLOCK)).failure, EROFS);
    EXPECT_EQ(client.call(open_of("/fifo", O_RDWR)).failure, EROFS);
    EXPECT_EQ(client.call(open_of("/fifo", O_RDONLY | O_NONBLOCK)).failure, 0);
    EXPECT_EQ(client.call(protocol::access{at("/fifo"), W_OK, 0}).failure, EROFS);
}

TEST(ReadOnly, OneSessionDoesNotBindAnother) {
    running_agent agent;
    make_tree(agent.root());
    auto reader = agent.session(true);
    auto writer = agent.session(false);
    EXPECT_EQ(reader.call(make_directory{at("/new"), 0777, 0}).failure, EROFS);
    EXPECT_EQ(writer.call(make_directory{at("/new"), 0777, 0}).failure, 0);
}

}  // namespace
}  // namespace farside::agent::test
