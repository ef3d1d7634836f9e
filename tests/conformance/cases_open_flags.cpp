// Opening with the flags that change what a descriptor is: status flags, O_PATH, O_TMPFILE, and
// openat2(2).
#include "tests/conformance/conformance_case.hpp"

#include <sys/ioctl.h>

namespace farside::conformance {
namespace {

open_how how(unsigned flags, unsigned mode, std::uint64_t resolve) {
    open_how made{};
    made.flags = flags;
    made.mode = mode;
    made.resolve = resolve;
    return made;
}

// Every call that a descriptor may refuse.
void try_everything(transcript& t, int fd) {
    t.fstat(fd);
    t.read(fd, 4);
    t.pread(fd, 4, 0);
    t.write(fd, "x");
    t.pwrite(fd, "x", 0);
    t.lseek(fd, 0, SEEK_CUR);
    t.lseek(fd, 0, SEEK_END);
    t.ftruncate(fd, 1);
    t.fallocate(fd, 0, 0, 10);
    t.fsync(fd);
    t.fdatasync(fd);
    t.syncfs(fd);
    t.fchmod(fd, 0600);
    t.fchown(fd, ~0U, ~0U);
    t.flock(fd, LOCK_SH | LOCK_NB);
    t.get_xattr(in(fd, ""), "user.none");
    t.list_xattr(in(fd, ""));
    t.set_xattr(in(fd, ""), "user.a", "b");
    t.remove_xattr(in(fd, ""), "user.none");
    t.futimens(fd, {1, 2}, {3, 4});
    t.ioctl(fd, FIONREAD, "FIONREAD");
    t.set_flags(fd, O_APPEND);
    std::vector<directory_entry> entries;
    t.getdents(fd, entries);
}

constexpr conformance_case cases[] = {
    {"open_flags.are_told_by_fcntl",
     [](transcript& t) {
         t.make_file("a", "");
         for (const int flags :
              {O_RDONLY,
               O_WRONLY,
               O_RDWR,
               O_WRONLY | O_APPEND,
               O_RDWR | O_NONBLOCK,
               O_RDONLY | O_SYNC,
               O_RDWR | O_DSYNC,
               O_RDONLY | O_CLOEXEC,
               O_RDWR | O_TRUNC,
               O_RDONLY | O_NOATIME,
               O_RDWR | O_CREAT,
               O_RDONLY | O_NOCTTY,
               O_RDONLY | O_NOFOLLOW}) {
             const int fd = t.open("a", flags, 0644);
             t.get_flags(fd);
             t.close(fd);
         }
     }},
    {"open_flags.of_a_directory",
     [](transcript& t) {
         t.mkdir("dir");
         const int fd = t.open("dir", O_RDONLY | O_DIRECTORY | O_NONBLOCK);
         t.get_flags(fd);
         const int path = t.open("dir", O_PATH | O_DIRECTORY);
         t.get_flags(path);
     }},
    {"open_flags.change_by_fcntl",
     [](transcript& t) {
         t.make_file("a", "content");
         const int fd = t.open("a", O_RDWR);
         t.set_flags(fd, O_APPEND);
         t.get_flags(fd);
         t.write(fd, "+");
         t.set_flags(fd, O_NONBLOCK);
         t.get_flags(fd);
         t.set_flags(fd, O_WRONLY | O_CREAT | O_EXCL);
         t.get_flags(fd);
         t.lseek(fd, 0, SEEK_SET);
         t.write(fd, "-");
         t.show_file("a");
     }},
    {"open_flags.belong_to_one_open",
     [](transcript& t) {
         t.make_file("a", "content");
         const int first = t.open("a", O_RDWR);
         const int second = t.open("a", O_RDWR);
         t.set_flags(first, O_APPEND);
         t.get_flags(second);
         t.write(second, "-");
         t.write(first, "+");
         t.show_file("a");
     }},
    {"open_flags.nonblock_means_nothing_to_a_file",
     [](transcript& t) {
         t.make_file("a", "content");
         const int fd = t.open("a", O_RDWR | O_NONBLOCK);
         t.read(fd, 3);
         t.write(fd, "X");
         t.read(fd, 10);
         t.read(fd, 10);
     }},
    {"open_flags.noatime_leaves_the_access_time",
     [](transcript& t) {
         t.make_file("a", "content");
         t.make_old("a");
         const int fd = t.open("a", O_RDONLY | O_NOATIME);
         t.read(fd, 10);
         t.show_renewed("a");
     }},
    {"open_flags.sync_writes_are_writes",
     [](transcript& t) {
         const int fd = t.open("a", O_CREAT | O_WRONLY | O_SYNC, 0644);
         t.write(fd, "one");
         t.close(fd);
         const int again = t.open("a", O_WRONLY | O_DSYNC | O_APPEND);
         t.write(again, "two");
         t.show_file("a");
     }},
    {"open_flags.unknown_bits_are_ignored",
     [](transcript& t) {
         t.make_file("a", "content");
         const int fd = t.open("a", O_RDONLY | 0x20000000);
         t.read(fd, 3);
     }},
    {"path_only.file_refuses_use",
     [](transcript& t) {
         t.make_file("a", "content");
         try_everything(t, t.open("a", O_PATH));
         t.show_file("a");
     }},
    {"path_only.directory_refuses_use",
     [](transcript& t) {
         t.mkdir("dir");
         try_everything(t, t.open("dir", O_PATH));
     }},
    {"path_only.needs_the_file_and_ignores_other_flags",
     [](transcript& t) {
         t.make_file("a", "content");
         t.open("none", O_PATH);
         t.open("none", O_PATH | O_CREAT, 0644);
         const int fd = t.open("a", O_PATH | O_RDWR | O_TRUNC | O_APPEND);
         t.get_flags(fd);
         t.fstat(fd);
         t.open("a", O_PATH | O_DIRECTORY);
         t.list(".");
     }},
    {"path_only.directory_is_a_base",
     [](transcript& t) {
         t.mkdir("dir");
         t.make_file("dir/file", "content");
         const int dir = t.open("dir", O_PATH | O_DIRECTORY);
         t.show_file(in(dir, "file"));
         t.make_file(in(dir, "new"), "made");
         t.stat(in(dir, "new"));
         t.list(in(dir, "."));
     }},
    {"path_only.link_itself",
     [](transcript& t) {
         t.symlink("target", "link");
         const int fd = t.open("link", O_PATH | O_NOFOLLOW);
         t.fstat(fd);
         t.readlink(in(fd, ""));
         t.stat(in(fd, ""), AT_EMPTY_PATH);
         t.read(fd, 4);
         t.open("link", O_PATH);
     }},
    {"path_only.reopens_nothing_but_tells_all",
     [](transcript& t) {
         t.make_file("a", "content", 0640);
         const int fd = t.open("a", O_PATH);
         t.stat(in(fd, ""), AT_EMPTY_PATH);
         t.statx(in(fd, ""), AT_EMPTY_PATH, STATX_TYPE | STATX_MODE | STATX_NLINK | STATX_SIZE);
         t.access(in(fd, ""), R_OK, AT_EMPTY_PATH);
         t.fstatfs(fd);
         t.stat(in(fd, ""));
         t.open(in(fd, ""), O_RDONLY);
         t.open(in(fd, "x"), O_RDONLY);
     }},
    {"tmpfile.has_no_name",
     [](transcript& t) {
         const int fd = t.open(".", O_TMPFILE | O_RDWR, 0640);
         t.fstat(fd);
         t.write(fd, "nameless");
         t.pread(fd, 20, 0);
         t.get_flags(fd);
         t.list(".");
     }},
    {"tmpfile.gets_a_name",
     [](transcript& t) {
         const int fd = t.open(".", O_TMPFILE | O_RDWR, 0640);
         t.write(fd, "nameless");
         t.link(in(fd, ""), "name", AT_EMPTY_PATH);
         for (const char* const more : {", and", " no", " more"}) {
             t.stat("name");
             t.stat("name");
             t.write(fd, more);
         }
         t.stat("name");
         t.show_file("name");
     }},
    {"tmpfile.wants_a_directory_and_to_write",
     [](transcript& t) {
         t.make_file("file", "");
         t.open(".", O_TMPFILE | O_RDONLY, 0640);
         t.open("file", O_TMPFILE | O_RDWR, 0640);
         t.open("none", O_TMPFILE | O_RDWR, 0640);
         t.open(".", O_TMPFILE | O_CREAT | O_RDWR, 0640);
         t.close(t.open(".", O_TMPFILE | O_WRONLY, 0640));
         t.list(".");
     }},
    {"tmpfile.obeys_the_umask",
     [](transcript& t) {
         t.umask(077);
         const int fd = t.open(".", O_TMPFILE | O_RDWR, 0777);
         t.umask(022);
         t.fstat(fd);
     }},
    {"openat2.does_what_open_does",
     [](transcript& t) {
         const int fd = t.openat2("a", how(O_CREAT | O_RDWR | O_EXCL, 0640, 0));
         t.write(fd, "content");
         t.fstat(fd);
         t.openat2("a", how(O_CREAT | O_RDWR | O_EXCL, 0640, 0));
         t.openat2("none", how(O_RDONLY, 0, 0));
         t.show_file("a");
     }},
    {"openat2.refuses_what_open_ignores",
     [](transcript& t) {
         t.make_file("a", "content");
         t.openat2("a", how(O_RDONLY | 0x20000000U, 0, 0));
         t.openat2("a", how(O_RDONLY, 0644, 0));
         t.openat2("a", how(O_PATH | O_RDWR, 0, 0));
         t.openat2("a", how(O_PATH | O_CREAT, 0644, 0));
         t.openat2("new", how(O_CREAT | O_WRONLY, 0200000, 0));
         t.openat2("a", how(O_RDONLY, 0, 1ULL << 40U));
         t.openat2("a", how(O_RDONLY, 0, RESOLVE_BENEATH | RESOLVE_IN_ROOT));
         t.list(".");
     }},
    {"openat2.no_symlinks",
     [](transcript& t) {
         t.mkdir("dir");
         t.make_file("dir/file", "content");
         t.symlink("dir", "link");
         t.symlink("file", "dir/link");
         t.openat2("link/file", how(O_RDONLY, 0, RESOLVE_NO_SYMLINKS));
         t.openat2("dir/link", how(O_RDONLY, 0, RESOLVE_NO_SYMLINKS));
         t.close(t.openat2("dir/file", how(O_RDONLY, 0, RESOLVE_NO_SYMLINKS)));
         t.close(t.openat2("dir/link", how(O_PATH | O_NOFOLLOW, 0, RESOLVE_NO_SYMLINKS)));
     }},
    {"openat2.no_magic_links_and_no_other_mounts",
     [](transcript& t) {
         t.mkdir("dir");
         t.make_file("dir/file", "content");
         t.symlink("dir/file", "link");
         t.close(t.openat2("link", how(O_RDONLY, 0, RESOLVE_NO_MAGICLINKS)));
         t.close(t.openat2("dir/../link", how(O_RDONLY, 0, RESOLVE_NO_XDEV)));
     }},
    {"openat2.beneath_a_descriptor",
     [](transcript& t) {
         t.mkdir("dir");
         t.make_file("outside", "outside");
         t.make_file("dir/inside", "inside");
         t.symlink("../outside", "dir/up");
         t.symlink("/dir/inside", "dir/absolute");
         t.symlink("inside", "dir/link");
         const int dir = t.open("dir", O_RDONLY | O_DIRECTORY);
         for (const char* const it :
              {"inside",
               "link",
               "../outside",
               "up",
               "absolute",
               "./inside",
               "../dir/inside",
               "..",
               "/inside"}) {
             t.close(t.openat2(in(dir, it), how(O_RDONLY, 0, RESOLVE_BENEATH)));
         }
     }},
    {"openat2.in_root_of_a_descriptor",
     [](transcript& t) {
         t.mkdir("dir");
         t.make_file("file", "outside");
         t.make_file("dir/file", "inside");
         t.symlink("../../file", "dir/up");
         t.symlink("/file", "dir/absolute");
         const int dir = t.open("dir", O_PATH | O_DIRECTORY);
         for (const char* const it :
              {"file", "/file", "../file", "../../../file", "up", "absolute", "none"}) {
             const int fd = t.openat2(in(dir, it), how(O_RDONLY, 0, RESOLVE_IN_ROOT));
             t.read(fd, 16);
             t.close(fd);
         }
     }},
};

}  // namespace

case_family open_flag_cases() {
    return {needs::nothing, cases};
}

}  // namespace farside::conformance
