// Rights. As root most of this is allowed, as an ordinary user it is not: each is compared with the
// same identity. What belongs to somebody else is prepared before, where the tests run as root.
#include "tests/conformance/conformance_case.hpp"

namespace farside::conformance {
namespace {

constexpr moment now{0, UTIME_NOW};

// Files of root's in the case's directory; with another owner the case could only make its own.
void prepare_others(transcript& t) {
    t.make_file("private", "private", 0600);
    t.make_file("readable", "readable", 0644);
    t.make_file("writable", "writable", 0600);
    t.chmod("writable", 0666);
    t.mkdir("dir", 0755);
    t.make_file("dir/file", "in dir", 0644);
    t.mkdir("sticky", 0755);
    t.make_file("sticky/file", "in sticky", 0644);
    t.chmod("sticky", 01777);
    t.mkdir("closed", 0700);
    t.make_file("closed/file", "in closed", 0644);
    for (const char* const it :
         {"private",
          "readable",
          "writable",
          "dir",
          "dir/file",
          "sticky",
          "sticky/file",
          "closed",
          "closed/file"}) {
        t.chown(it, 0, 0);
    }
}

constexpr conformance_case cases[] = {
    {"permission.modes_of_own_files",
     [](transcript& t) {
         for (const unsigned mode : {0U, 0200U, 0400U, 0600U, 0066U}) {
             const auto file = "mode_" + text::octal(mode);
             t.make_file(file, "content");
             t.chmod(file, mode);
             const int reader = t.open(file, O_RDONLY);
             t.read(reader, 10);
             const int writer = t.open(file, O_WRONLY);
             t.write(writer, "x");
             t.open(file, O_RDWR);
             t.open(file, O_RDONLY | O_TRUNC);
             t.truncate(file, 1);
             t.stat(file);
             t.set_xattr(file, "user.a", "b");
             t.get_xattr(file, "user.a");
             t.utimens(file, {1, 1}, {2, 2});
             t.chmod(file, 0600);
         }
     }},
    {"permission.modes_of_own_directories",
     [](transcript& t) {
         for (const unsigned mode : {0U, 0100U, 0200U, 0300U, 0400U, 0500U, 0600U}) {
             const auto dir = "mode_" + text::octal(mode);
             t.mkdir(dir);
             t.make_file(dir + "/file", "content");
             t.mkdir(dir + "/sub");
             t.chmod(dir, mode);
             t.list(dir);
             t.stat(dir + "/file");
             t.stat(dir + "/none");
             t.show_file(dir + "/file");
             t.make_file(dir + "/new", "");
             t.mkdir(dir + "/newdir");
             t.unlink(dir + "/file");
             t.rmdir(dir + "/sub");
             t.rename(dir + "/file", dir + "/renamed");
             t.symlink("x", dir + "/link");
             t.access(dir, R_OK | W_OK | X_OK);
             t.open(dir, O_PATH);
             t.chmod(dir, 0700);
             t.list(dir);
         }
     }},
    {"permission.descriptors_keep_their_rights",
     [](transcript& t) {
         t.make_file("a", "content");
         const int reader = t.open("a", O_RDONLY);
         const int writer = t.open("a", O_WRONLY);
         t.chmod("a", 0);
         t.read(reader, 3);
         t.write(writer, "X");
         t.open("a", O_RDONLY);
         t.mkdir("dir");
         t.make_file("dir/file", "in dir");
         const int dir = t.open("dir", O_RDONLY);
         t.chmod("dir", 0);
         t.list(dir);
         t.stat(in(dir, "file"));
         t.open(in(dir, "file"), O_RDONLY);
         t.chmod("dir", 0700);
     }},
    {"permission.unsearchable_parent",
     [](transcript& t) {
         t.mkdir("a");
         t.mkdir("a/b");
         t.make_file("a/b/file", "content");
         t.symlink("a/b/file", "link");
         t.chmod("a", 0600);
         t.stat("a/b/file");
         t.lstat("a/b");
         t.stat("link");
         t.access("a/b/file", F_OK);
         t.readlink("a/b");
         t.rename("a/b/file", "x");
         t.link("a/b/file", "y");
         t.truncate("a/b/file", 0);
         t.chmod("a/b", 0700);
         t.statfs("a/b");
         t.list_xattr("a/b");
         t.open("a/b/new", O_CREAT | O_WRONLY, 0644);
         t.stat("a/none");
         t.stat("a/b/..");
         t.chmod("a", 0700);
     }},
    {"permission.files_of_others_are_read_by_mode",
     [](transcript& t) {
         for (const char* const it : {"private", "readable", "writable"}) {
             const int reader = t.open(it, O_RDONLY);
             t.read(reader, 20);
             t.open(it, O_WRONLY);
             t.open(it, O_RDWR | O_APPEND);
             for (const int mode : {F_OK, R_OK, W_OK, X_OK}) {
                 t.access(it, mode);
                 t.access(it, mode, AT_EACCESS);
             }
             t.get_xattr(it, "user.none");
             t.set_xattr(it, "user.a", "b");
         }
     },
     prepare_others},
    {"permission.files_of_others_are_changed_by_owners",
     [](transcript& t) {
         for (const char* const it : {"private", "readable", "writable", "dir"}) {
             t.chmod(it, 0777);
             t.chown(it, 65534, 65534);
             t.chown(it, 0, 0);
             t.utimens(it, {1, 1}, {2, 2});
             t.utimens(it, now, now);
             t.truncate(it, 3);
             t.open(it, O_RDONLY | O_NOATIME);
             t.stat(it);
         }
         const int fd = t.open("readable", O_RDONLY);
         t.fchmod(fd, 0600);
         t.fchown(fd, 65534, 65534);
         t.futimens(fd, {1, 1}, {2, 2});
         t.futimens(fd, now, now);
     },
     prepare_others},
    {"permission.directories_of_others",
     [](transcript& t) {
         t.show_file("dir/file");
         t.make_file("dir/new", "");
         t.mkdir("dir/newdir");
         t.unlink("dir/file");
         t.rename("dir/file", "dir/renamed");
         t.rename("readable", "dir/moved");
         t.link("readable", "dir/linked");
         t.symlink("x", "dir/link");
         t.mkfifo("dir/fifo");
         t.list("dir");
         t.list("closed");
         t.stat("closed/file");
         t.open("closed/file", O_RDONLY);
         t.unlink("closed/file");
         t.rmdir("closed");
         t.open("dir", O_TMPFILE | O_RDWR, 0600);
     },
     prepare_others},
    {"permission.sticky_directory_of_others",
     [](transcript& t) {
         t.make_file("sticky/own", "own");
         t.unlink("sticky/file");
         t.rename("sticky/file", "sticky/renamed");
         t.rename("sticky/own", "sticky/file");
         t.open("sticky/file", O_WRONLY);
         t.unlink("sticky/own");
         t.list("sticky");
     },
     prepare_others},
    {"permission.own_directory_with_files_of_others",
     [](transcript& t) {
         t.rename("private", "renamed");
         t.unlink("renamed");
         t.link("readable", "hard");
         t.rename("dir", "dir2");
         t.rmdir("closed");
         t.list(".");
     },
     prepare_others},
    {"permission.set_group_id_of_a_strange_group",
     [](transcript& t) {
         t.make_file("a", "");
         t.chmod("a", 02755);
         t.stat("a");
         t.chown("a", ~0U, 4242);
         t.chmod("a", 02755);
         t.stat("a");
     }},
    {"permission.devices_are_for_root",
     [](transcript& t) {
         t.mknod("null", S_IFCHR | 0666, 1, 3);
         t.mknod("block", S_IFBLK | 0600, 7, 250);
         t.mknod("whiteout", S_IFCHR, 0, 0);
         t.list(".");
     }},
    {"permission.device_null",
     [](transcript& t) {
         t.mknod("null", S_IFCHR | 0666, 1, 3);
         const int fd = t.open("null", O_RDWR);
         t.read(fd, 10);
         t.write(fd, "gone");
         t.lseek(fd, 5, SEEK_SET);
         t.lseek(fd, 0, SEEK_END);
         t.pread(fd, 3, 7);
         t.pwrite(fd, "x", 7);
         t.fstat(fd);
         t.ftruncate(fd, 0);
         t.fsync(fd);
         t.mknod("zero", S_IFCHR | 0666, 1, 5);
         const int zero = t.open("zero", O_RDONLY);
         t.read(zero, 10);
         t.read(zero, 100'000);
     }},
};

}  // namespace

case_family permission_cases() {
    return {needs::nothing, cases};
}

}  // namespace farside::conformance
