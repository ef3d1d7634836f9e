// A tree with a root of its own: absolute symbolic links start there, and ".." ends there. Natively
// in a chroot.
#include "tests/conformance/conformance_case.hpp"
#include "tests/conformance/told.hpp"

#include <array>
#include <cstdlib>

#include <sys/xattr.h>
#include <unistd.h>

namespace farside::conformance {
namespace {

constexpr conformance_case cases[] = {
    {"own_root.absolute_link_to_a_file",
     [](transcript& t) {
         t.make_file("file", "content");
         t.symlink(t.directory() + "/file", "link");
         t.readlink("link");
         t.lstat("link");
         t.stat("link");
         t.show_file("link");
         t.access("link", R_OK);
         t.chmod("link", 0600);
         t.chown("link", ~0U, ~0U);
         t.truncate("link", 3);
         t.utimens("link", {1, 2}, {3, 4});
         t.show_times("file");
         t.set_xattr("link", "user.a", "b");
         t.get_xattr("file", "user.a");
         t.list_xattr("link");
         t.remove_xattr("link", "user.a");
         t.statfs("link");
         t.link("link", "hard", AT_SYMLINK_FOLLOW);
         t.stat("hard");
         const int fd = t.open("link", O_WRONLY | O_APPEND);
         t.write(fd, "+");
         t.show_file("file");
     }},
    {"own_root.absolute_link_to_a_directory",
     [](transcript& t) {
         t.mkdir("dir");
         t.make_file("dir/file", "content");
         t.symlink(t.directory() + "/dir", "link");
         t.show_file("link/file");
         t.list("link");
         t.list("link/");
         t.make_file("link/new", "new");
         t.mkdir("link/sub");
         t.symlink("x", "link/l");
         t.mkfifo("link/fifo");
         t.rename("link/new", "link/newer");
         t.rename("link/newer", "moved");
         t.link("moved", "link/linked");
         t.unlink("link/fifo");
         t.rmdir("link/sub");
         t.readlink("link/l");
         t.list("dir");
         t.show_file("link/../moved");
     }},
    {"own_root.chain_of_absolute_and_relative_links",
     [](transcript& t) {
         t.mkdir("a");
         t.mkdir("b");
         t.make_file("b/file", "content");
         t.symlink("../second", "a/first");
         t.symlink(t.directory() + "/a/third", "second");
         t.symlink("../b/./file", "a/third");
         t.show_file("a/first");
         t.show_file(t.directory() + "/a/first");
         const int dir = t.open("a", O_RDONLY);
         t.show_file(in(dir, "first"));
         t.show_file(in(dir, "../second"));
     }},
    {"own_root.absolute_link_below_a_descriptor",
     [](transcript& t) {
         t.mkdir("dir");
         t.make_file("file", "content");
         t.symlink(t.directory() + "/file", "dir/link");
         t.symlink(t.directory(), "dir/up");
         for (const int flags : {O_RDONLY | O_DIRECTORY, O_PATH | O_DIRECTORY}) {
             const int dir = t.open("dir", flags);
             t.show_file(in(dir, "link"));
             t.show_file(in(dir, "up/file"));
             t.show_file(in(dir, "up/dir/link"));
             t.stat(in(dir, "link"));
             t.chmod(in(dir, "link"), 0640);
             t.make_file(in(dir, "up/made"), "");
             t.unlink(in(dir, "up/made"));
             t.open(in(dir, "link"), O_RDONLY | O_NOFOLLOW);
         }
     }},
    {"own_root.dangling_absolute_link",
     [](transcript& t) {
         t.symlink(t.directory() + "/none", "link");
         t.symlink("/none at all", "outer");
         t.stat("link");
         t.stat("outer");
         t.open("outer", O_RDONLY);
         const int fd = t.open("link", O_CREAT | O_WRONLY, 0644);
         t.write(fd, "through");
         t.show_file("none");
         t.open("link", O_CREAT | O_EXCL | O_WRONLY, 0644);
     }},
    {"own_root.dot_dot_ends_at_the_root",
     [](transcript& t) {
         t.make_file("file", "content");
         std::string up = "..";
         for (int i = 0; i < 30; ++i) {
             up += "/..";
         }
         t.note("same", t.peek(up).inode == t.peek("/").inode);
         t.note("same", t.peek("/..").inode == t.peek("/").inode);
         t.note("same", t.peek("/../..").inode == t.peek("/").inode);
         t.show_file(up + t.directory() + "/file");
         t.show_file("/.." + t.directory() + "/file");
         t.symlink(up + t.directory() + "/file", "link");
         t.show_file("link");
         const int root = t.open("/", O_RDONLY | O_DIRECTORY);
         t.note("same", t.peek(in(root, "..")).inode == t.peek("/").inode);
         t.show_file(in(root, "../.." + t.directory() + "/file"));
         const int dir = t.open(".", O_PATH);
         t.show_file(in(dir, up + t.directory() + "/file"));
         t.note("same", t.peek(in(dir, up)).inode == t.peek("/").inode);
     }},
    {"own_root.link_to_the_root",
     [](transcript& t) {
         t.make_file("file", "content");
         t.symlink("/", "root");
         t.symlink("//../", "also");
         t.show_file("root" + t.directory() + "/file");
         t.show_file("also" + t.directory() + "/file");
         t.note("same", t.peek("root").inode == t.peek("also/..").inode);
         t.stat("root/none");
         t.stat("root/..");
     }},
    {"own_root.links_of_this_machine_lead_nowhere_here",
     [](transcript& t) {
         t.symlink("/etc/passwd", "passwd");
         t.symlink("/proc/self/root/etc/passwd", "magic");
         t.symlink("/tmp", "tmp");
         t.stat("passwd");
         t.open("passwd", O_RDONLY);
         t.stat("magic");
         t.stat("tmp");
         t.stat("tmp/x");
         t.make_file("tmp/new", "");
     }},
    {"own_root.absolute_paths_ignore_the_descriptor",
     [](transcript& t) {
         t.mkdir("dir");
         t.make_file("file", "content");
         const int dir = t.open("dir", O_RDONLY);
         const auto file = t.directory() + "/file";
         t.show_file(in(dir, file));
         t.show_file(in(-1, file));
         const int other = t.open("file", O_RDONLY);
         t.stat(in(other, file));
         t.mkdir(in(dir, t.directory() + "/made"));
         t.rename(in(dir, file), in(other, t.directory() + "/moved"));
         t.list(".");
     }},
    {"own_root.openat2_in_root_of_the_tree",
     [](transcript& t) {
         t.make_file("file", "content");
         t.symlink(t.directory() + "/file", "link");
         open_how how{};
         how.flags = O_RDONLY;
         how.resolve = RESOLVE_NO_SYMLINKS;
         t.openat2("link", how);
         how.resolve = RESOLVE_BENEATH;
         t.openat2("link", how);
         t.openat2(t.directory() + "/file", how);
         how.resolve = RESOLVE_IN_ROOT;
         const int srv = t.open("/srv", O_PATH);
         t.openat2(in(srv, "link"), how);
         t.openat2(in(srv, t.directory().substr(4) + "/file"), how);
         t.openat2(in(srv, t.directory().substr(4) + "/link"), how);
         t.symlink(t.directory().substr(4) + "/file", "inner");
         t.openat2(in(srv, t.directory().substr(4) + "/inner"), how);
     }},
    {"own_root.making_and_removing_the_root_itself",
     [](transcript& t) {
         t.mkdir("/");
         t.rmdir("/");
         t.unlink("/");
         t.symlink("x", "/");
         t.mkfifo("/");
         t.open("/", O_CREAT | O_WRONLY, 0644);
         t.open("/", O_WRONLY);
         t.access("/", R_OK | X_OK);
     }},
};

constexpr conformance_case process_cases_of_it[] = {
    {"own_root.chdir_through_absolute_links",
     [](transcript& t) {
         t.mkdir("dir");
         t.make_file("dir/file", "content");
         t.symlink(t.directory() + "/dir", "link");
         t.record("chdir", told(::chdir("link")));
         std::array<char, 4096> room{};
         t.note(::getcwd(room.data(), room.size()) != nullptr ? room.data() : "none");
         t.show_file("file");
         t.record("chdir", told(::chdir("/")));
         t.note(::getcwd(room.data(), room.size()) != nullptr ? room.data() : "none");
     }},
    {"own_root.realpath",
     [](transcript& t) {
         t.mkdir("dir");
         t.make_file("dir/file", "content");
         t.symlink(t.directory() + "/dir", "link");
         for (const char* const it : {"link/file", "link", "link/../link/file", "none"}) {
             std::array<char, 4096> room{};
             const char* const real = ::realpath(it, room.data());
             t.record(
                 std::string{"realpath "} + it,
                 real == nullptr ? told(-1) : 0,
                 real == nullptr ? "" : real
             );
         }
     }},
};

}  // namespace

case_family own_root_cases() {
    return {needs::own_root, cases};
}

case_family own_root_process_cases() {
    return {needs::process_in_own_root, process_cases_of_it};
}

}  // namespace farside::conformance
