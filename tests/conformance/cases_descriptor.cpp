// Names that start at a directory descriptor: every *at call, and descriptors that were moved,
// removed, closed, or are no directories.
#include "tests/conformance/conformance_case.hpp"

#include <cstdio>

namespace farside::conformance {
namespace {

void use_as_base(transcript& t, int dir) {
    t.make_file(in(dir, "file"), "content", 0640);
    t.stat(in(dir, "file"));
    t.show_file(in(dir, "file"));
    t.mkdir(in(dir, "sub"), 0750);
    t.symlink("file", in(dir, "link"));
    t.readlink(in(dir, "link"));
    t.stat(in(dir, "link"), AT_SYMLINK_NOFOLLOW);
    t.link(in(dir, "file"), in(dir, "sub/hard"));
    t.link(in(dir, "link"), in(dir, "followed"), AT_SYMLINK_FOLLOW);
    t.mkfifo(in(dir, "fifo"));
    t.rename(in(dir, "fifo"), in(dir, "sub/fifo"));
    t.chmod(in(dir, "file"), 0600);
    t.chown(in(dir, "file"), ~0U, ~0U);
    t.utimens(in(dir, "file"), {1, 2}, {3, 4});
    t.show_times(in(dir, "file"));
    t.access(in(dir, "file"), R_OK);
    t.access(in(dir, "none"), F_OK);
    t.statx(in(dir, "file"), 0, STATX_BASIC_STATS);
    t.list(in(dir, "sub"));
    t.unlink(in(dir, "sub/fifo"));
    t.unlink(in(dir, "sub"), AT_REMOVEDIR);
    t.unlink(in(dir, "sub/hard"));
    t.unlink(in(dir, "sub"), AT_REMOVEDIR);
    t.list(in(dir, "."));
}

void be_refused(transcript& t, int dir) {
    t.open(in(dir, "x"), O_RDONLY);
    t.open(in(dir, "x"), O_CREAT | O_WRONLY, 0644);
    t.stat(in(dir, "x"));
    t.statx(in(dir, "x"), 0, STATX_BASIC_STATS);
    t.access(in(dir, "x"), F_OK);
    t.readlink(in(dir, "x"));
    t.mkdir(in(dir, "x"));
    t.mkfifo(in(dir, "x"));
    t.unlink(in(dir, "x"));
    t.rmdir(in(dir, "x"));
    t.symlink("target", in(dir, "x"));
    t.link("file", in(dir, "x"));
    t.link(in(dir, "x"), "new");
    t.rename("file", in(dir, "x"));
    t.rename(in(dir, "x"), "new");
    t.chmod(in(dir, "x"), 0600);
    t.chown(in(dir, "x"), ~0U, ~0U);
    t.utimens(in(dir, "x"), {1, 1}, {1, 1});
}

constexpr conformance_case cases[] = {
    {"descriptor.is_a_base_for_every_call",
     [](transcript& t) {
         t.mkdir("dir");
         use_as_base(t, t.open("dir", O_RDONLY | O_DIRECTORY));
     }},
    {"descriptor.for_paths_only_is_a_base_for_every_call",
     [](transcript& t) {
         t.mkdir("dir");
         use_as_base(t, t.open("dir", O_PATH));
     }},
    {"descriptor.opened_through_a_link_is_a_base",
     [](transcript& t) {
         t.mkdir("dir");
         t.mkdir("dir/real");
         t.symlink("dir/real", "link");
         use_as_base(t, t.open("link", O_RDONLY | O_DIRECTORY));
         t.list("dir/real");
     }},
    {"descriptor.of_a_descriptor",
     [](transcript& t) {
         t.mkdir("a");
         t.mkdir("a/b");
         t.mkdir("a/b/c");
         const int a = t.open("a", O_RDONLY | O_DIRECTORY);
         const int b = t.open(in(a, "b"), O_PATH);
         const int c = t.open(in(b, "c"), O_RDONLY);
         t.make_file(in(c, "file"), "content");
         t.show_file(in(a, "b/c/file"));
         t.show_file(in(b, "./c/../c/file"));
         t.rename(in(c, "file"), in(a, "moved"));
         t.list("a");
     }},
    {"descriptor.dot_dot_leaves_it",
     [](transcript& t) {
         t.mkdir("dir");
         t.mkdir("dir/sub");
         t.make_file("outer", "outer");
         const int dir = t.open("dir/sub", O_RDONLY | O_DIRECTORY);
         t.show_file(in(dir, "../../outer"));
         t.make_file(in(dir, "../made"), "made");
         t.mkdir(in(dir, "../../made_dir"));
         t.rename(in(dir, "../made"), in(dir, "../../moved"));
         t.unlink(in(dir, "../../outer"));
         t.stat(in(dir, ".."));
         t.note("same", t.peek(in(dir, "..")).inode == t.peek("dir").inode);
         t.list(".");
     }},
    {"descriptor.links_lead_out_of_it",
     [](transcript& t) {
         t.mkdir("dir");
         t.make_file("outer", "outer");
         t.symlink("../outer", "dir/link");
         t.symlink("..", "dir/up");
         const int dir = t.open("dir", O_PATH | O_DIRECTORY);
         t.show_file(in(dir, "link"));
         t.show_file(in(dir, "up/outer"));
         t.chmod(in(dir, "link"), 0600);
         t.stat("outer");
         t.make_file(in(dir, "up/new"), "");
         t.rename(in(dir, "up/new"), in(dir, "up/newer"));
         t.list(".");
     }},
    {"descriptor.between_two",
     [](transcript& t) {
         t.mkdir("a");
         t.mkdir("b");
         const int a = t.open("a", O_RDONLY | O_DIRECTORY);
         const int b = t.open("b", O_PATH | O_DIRECTORY);
         t.make_file(in(a, "file"), "content");
         t.rename(in(a, "file"), in(b, "moved"));
         t.link(in(b, "moved"), in(a, "linked"));
         t.rename(in(a, "linked"), "here_now");
         t.rename("here_now", in(a, "back"));
         t.rename(in(a, "back"), in(b, "moved"), RENAME_NOREPLACE);
         t.make_file(in(a, "x"), "x");
         t.rename(in(a, "x"), in(b, "moved"), RENAME_EXCHANGE);
         t.show_file("a/x");
         t.list("a");
         t.list("b");
     }},
    {"descriptor.of_a_file_is_no_base",
     [](transcript& t) {
         t.make_file("file", "content");
         be_refused(t, t.open("file", O_RDONLY));
         t.list(".");
     }},
    {"descriptor.that_is_none_is_no_base",
     [](transcript& t) {
         t.make_file("file", "content");
         be_refused(t, -1);
         const int dir = t.open(".", O_RDONLY);
         t.close(dir);
         be_refused(t, dir);
         t.list(".");
     }},
    {"descriptor.of_a_renamed_directory_leads_on",
     [](transcript& t) {
         t.mkdir("dir");
         t.make_file("dir/file", "content");
         const int dir = t.open("dir", O_RDONLY | O_DIRECTORY);
         t.mkdir("elsewhere");
         t.rename("dir", "elsewhere/moved");
         t.mkdir("dir");
         t.make_file("dir/file", "impostor");
         t.show_file(in(dir, "file"));
         t.show_file(in(dir, "../moved/file"));
         t.make_file(in(dir, "new"), "");
         t.list("elsewhere/moved");
         t.list("dir");
     }},
    {"descriptor.of_a_removed_directory",
     [](transcript& t) {
         t.mkdir("dir");
         const int dir = t.open("dir", O_RDONLY | O_DIRECTORY);
         t.rmdir("dir");
         t.make_file("file", "");
         be_refused(t, dir);
         t.fstat(dir);
         t.open(in(dir, "."), O_RDONLY);
         t.stat(in(dir, "."));
         t.list(".");
     }},
    {"descriptor.with_an_empty_path_is_itself",
     [](transcript& t) {
         t.make_file("file", "content", 0640);
         const int fd = t.open("file", O_RDWR);
         t.stat(in(fd, ""), AT_EMPTY_PATH);
         t.statx(in(fd, ""), AT_EMPTY_PATH, STATX_BASIC_STATS);
         t.chown(in(fd, ""), ~0U, ~0U, AT_EMPTY_PATH);
         t.utimens(in(fd, ""), {1, 2}, {3, 4}, AT_EMPTY_PATH);
         t.show_times("file");
         t.access(in(fd, ""), W_OK, AT_EMPTY_PATH);
     }},
    {"descriptor.with_an_empty_path_needs_the_flag",
     [](transcript& t) {
         t.mkdir("dir");
         const int dir = t.open("dir", O_RDONLY | O_DIRECTORY);
         t.stat(in(dir, ""));
         t.statx(in(dir, ""), 0, STATX_BASIC_STATS);
         t.open(in(dir, ""), O_RDONLY);
         t.mkdir(in(dir, ""));
         t.unlink(in(dir, ""));
         t.rename(in(dir, ""), "x");
         t.rename("dir", in(dir, ""));
         t.link(in(dir, ""), "x");
         t.symlink("x", in(dir, ""));
         t.chmod(in(dir, ""), 0700);
         t.chown(in(dir, ""), ~0U, ~0U);
         t.utimens(in(dir, ""), {1, 2}, {3, 4});
         t.access(in(dir, ""), F_OK);
         t.readlink(in(dir, ""));
     }},
    {"descriptor.without_a_name_gets_one",
     [](transcript& t) {
         const int fd = t.open(".", O_TMPFILE | O_RDWR, 0644);
         t.write(fd, "content");
         t.link(in(fd, ""), "named", AT_EMPTY_PATH);
         t.show_file("named");
         const int exclusive = t.open(".", O_TMPFILE | O_EXCL | O_RDWR, 0644);
         t.link(in(exclusive, ""), "never", AT_EMPTY_PATH);
         t.make_file("gone", "");
         const int gone = t.open("gone", O_RDWR);
         t.unlink("gone");
         t.link(in(gone, ""), "again", AT_EMPTY_PATH);
         t.list(".");
     }},
};

}  // namespace

case_family descriptor_cases() {
    return {needs::nothing, cases};
}

}  // namespace farside::conformance
