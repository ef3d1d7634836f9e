// A tree that cannot be changed: natively a read-only mount, else a read-only session. What is
// there was prepared before; nothing may have changed afterwards.
#include "tests/conformance/conformance_case.hpp"

#include <cstdio>

#include <sys/xattr.h>

namespace farside::conformance {
namespace {

void prepare_tree(transcript& t) {
    t.make_file("file", "content");
    t.chmod("file", 0666);
    t.make_file("readable", "readable", 0644);
    t.mkdir("dir");
    t.make_file("dir/file", "in dir");
    t.mkdir("empty");
    t.symlink("file", "link");
    t.symlink("nowhere", "dangling");
    t.symlink("dir", "dirlink");
    t.mkfifo("fifo", 0666);
    t.set_xattr("file", "user.a", "value");
    t.make_file("sealed", "sealed", 0);
}

constexpr conformance_case cases[] = {
    {"read_only.reading_works",
     [](transcript& t) {
         t.show_file("file");
         t.show_file("link");
         t.show_file("dirlink/file");
         t.list(".");
         t.stat("file");
         t.lstat("link");
         t.readlink("link");
         t.get_xattr("file", "user.a");
         t.list_xattr("file");
         const int fd = t.open("file", O_RDONLY);
         t.pread(fd, 4, 2);
         t.lseek(fd, -2, SEEK_END);
         t.read(fd, 10);
         t.flock(fd, LOCK_EX | LOCK_NB);
         t.fsync(fd);
         t.close(t.open("dir", O_RDONLY | O_DIRECTORY));
         t.close(t.open("dangling", O_PATH | O_NOFOLLOW));
     },
     prepare_tree},
    {"read_only.opening_to_write",
     [](transcript& t) {
         for (const char* const it :
              {"file",
               "link",
               "dir",
               "dangling",
               "none",
               "none/x",
               "file/x",
               "file/",
               "dir/",
               "dirlink",
               "sealed",
               "readable",
               ""}) {
             t.open(it, O_WRONLY);
             t.open(it, O_RDWR);
             t.open(it, O_RDONLY | O_TRUNC);
             t.open(it, O_WRONLY | O_APPEND | O_NOFOLLOW);
         }
         t.open("file", O_RDWR | O_DIRECTORY);
     },
     prepare_tree},
    {"read_only.opening_to_create",
     [](transcript& t) {
         for (const char* const it :
              {"file",
               "link",
               "dir",
               "dangling",
               "none",
               "none/x",
               "file/x",
               "file/",
               "none/",
               "dirlink",
               "sealed",
               "",
               "."}) {
             t.open(it, O_RDONLY | O_CREAT | O_NONBLOCK, 0644);
             t.open(it, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK, 0644);
             t.open(it, O_WRONLY | O_CREAT | O_EXCL, 0644);
             t.open(it, O_RDONLY | O_CREAT | O_EXCL, 0644);
             t.open(it, O_RDONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0644);
         }
     },
     prepare_tree},
    {"read_only.temporary_files",
     [](transcript& t) {
         t.open(".", O_TMPFILE | O_RDWR, 0644);
         t.open("file", O_TMPFILE | O_RDWR, 0644);
         t.open("none", O_TMPFILE | O_RDWR, 0644);
         t.open(".", O_TMPFILE | O_RDONLY, 0644);
     },
     prepare_tree},
    {"read_only.making_names",
     [](transcript& t) {
         for (const char* const it :
              {"new",
               "file",
               "dir",
               "dir/new",
               "link",
               "dangling",
               "none/x",
               "file/x",
               "new/",
               "file/",
               "dir/",
               "",
               ".",
               "..",
               "dangling/",
               "new/."}) {
             t.mkdir(it);
             t.mkfifo(it);
             t.symlink("target", it);
             t.link("file", it);
         }
         t.link("none", "new");
         t.link("none", "file");
         t.link("dir", "new");
         t.symlink("", "new");
         t.mknod("new", S_IFDIR | 0755);
         t.list(".");
     },
     prepare_tree},
    {"read_only.removing_names",
     [](transcript& t) {
         for (const char* const it :
              {"file",
               "dir",
               "empty",
               "link",
               "dangling",
               "none",
               "none/x",
               "file/x",
               "file/",
               "empty/",
               "none/",
               "",
               ".",
               "..",
               "dir/.",
               "dir/.."}) {
             t.unlink(it);
             t.rmdir(it);
         }
         t.unlink("file", 0x1);
         t.list(".");
     },
     prepare_tree},
    {"read_only.renaming",
     [](transcript& t) {
         for (const char* const it :
              {"new", "file", "dir", "link", "none/x", "file/x", "new/", "", ".", "dir/."}) {
             t.rename("file", it);
             t.rename("none", it);
             t.rename("dir", it);
             t.rename(it, "elsewhere");
         }
         t.rename("file", "new", RENAME_NOREPLACE);
         t.rename("file", "dir", RENAME_NOREPLACE);
         t.rename("file", "dir", RENAME_EXCHANGE);
         t.rename("file", "none", RENAME_EXCHANGE);
         t.rename("file", "new", RENAME_NOREPLACE | RENAME_EXCHANGE);
         t.rename("file", "new", 0x100);
         t.list(".");
     },
     prepare_tree},
    {"read_only.changing_attributes",
     [](transcript& t) {
         for (const char* const it :
              {"file", "link", "dir", "dangling", "none", "file/x", "file/", "", "sealed"}) {
             t.chmod(it, 0600);
             t.chown(it, ~0U, ~0U);
             t.chown(it, 1, 1, AT_SYMLINK_NOFOLLOW);
             t.utimens(it, {1, 1}, {2, 2});
             t.utimens(it, {1, 1}, {2, 2}, AT_SYMLINK_NOFOLLOW);
             t.utimens(it, {0, UTIME_NOW}, {0, UTIME_NOW});
             t.utimens(it, {0, UTIME_OMIT}, {0, UTIME_OMIT});
             t.truncate(it, -1);
         }
         // Whether rights or the mount come first in truncate(2) depends on the kernel.
         for (const char* const it : {"file", "link", "dir", "dangling", "none", "fifo", ""}) {
             t.truncate(it, 0);
         }
         t.stat("file");
     },
     prepare_tree},
    {"read_only.changing_through_descriptors",
     [](transcript& t) {
         const int fd = t.open("file", O_RDONLY);
         t.write(fd, "x");
         t.pwrite(fd, "x", 0);
         t.ftruncate(fd, 0);
         t.fallocate(fd, 0, 0, 100);
         t.fchmod(fd, 0600);
         t.fchown(fd, 1, 1);
         t.futimens(fd, {1, 1}, {2, 2});
         t.set_xattr(in(fd, ""), "user.b", "x");
         t.remove_xattr(in(fd, ""), "user.a");
         t.copy_file_range(fd, 0, fd, 100, 3);
         const int path = t.open("file", O_PATH);
         t.fchmod(path, 0600);
         t.write(path, "x");
         const int dir = t.open("dir", O_RDONLY);
         t.open(in(dir, "new"), O_CREAT | O_WRONLY, 0644);
         t.open(in(dir, "file"), O_WRONLY);
         t.unlink(in(dir, "file"));
         t.mkdir(in(dir, "new"));
         t.rename(in(dir, "file"), "new");
         t.link(in(dir, "file"), "new");
         t.chmod(in(dir, "file"), 0600);
         t.fchmod(dir, 0700);
         t.utimens(in(dir, ""), {1, 1}, {2, 2}, AT_EMPTY_PATH);
         t.unlink(in(dir, "../file"));
         t.show_file("file");
     },
     prepare_tree},
    {"read_only.extended_attributes",
     [](transcript& t) {
         for (const char* const it : {"file", "link", "dir", "none", "fifo", "dangling"}) {
             t.set_xattr(it, "user.a", "x");
             t.set_xattr(it, "user.new", "x");
             t.set_xattr(it, "user.a", "x", 0, AT_SYMLINK_NOFOLLOW);
             t.remove_xattr(it, "user.a");
             t.remove_xattr(it, "user.none");
         }
         t.set_xattr("file", "user.a", "x", XATTR_CREATE);
         t.set_xattr("file", "user.a", "x", 8);
         t.set_xattr("file", "", "x");
         t.set_xattr("file", "nonsense.a", "x");
         t.get_xattr("file", "user.a");
     },
     prepare_tree},
    {"read_only.access_says_so",
     [](transcript& t) {
         for (const char* const it : {"file", "dir", "link", "none", "dangling", "sealed"}) {
             t.access(it, F_OK);
             t.access(it, R_OK);
             t.access(it, W_OK);
             t.access(it, R_OK | W_OK, AT_EACCESS);
             t.access(it, W_OK, AT_SYMLINK_NOFOLLOW);
         }
     },
     prepare_tree},
};

}  // namespace

case_family read_only_cases() {
    return {needs::read_only_tree, cases};
}

}  // namespace farside::conformance
