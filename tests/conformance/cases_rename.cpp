// rename(2) and renameat2(2).
#include "tests/conformance/conformance_case.hpp"

#include <cstdio>

namespace farside::conformance {
namespace {

constexpr conformance_case cases[] = {
    {"rename.moves",
     [](transcript& t) {
         t.make_file("a", "content");
         t.mkdir("dir");
         const auto before = t.peek("a").inode;
         t.rename("a", "b");
         t.rename("b", "dir/c");
         t.note("same inode", t.peek("dir/c").inode == before);
         t.stat("a");
         t.show_file("dir/c");
         t.rename("dir", "moved");
         t.show_file("moved/c");
         t.list(".");
     }},
    {"rename.replaces_a_file",
     [](transcript& t) {
         t.make_file("new", "new");
         t.make_file("old", "old");
         const int fd = t.open("old", O_RDONLY);
         t.rename("new", "old");
         t.show_file("old");
         t.fstat(fd);
         t.read(fd, 10);
         t.list(".");
     }},
    {"rename.onto_itself_or_its_other_name",
     [](transcript& t) {
         t.make_file("a", "content");
         t.link("a", "b");
         t.rename("a", "a");
         t.rename("a", "b");
         t.mkdir("dir");
         t.rename("dir", "dir");
         t.list(".");
         t.stat("a");
     }},
    {"rename.of_files_and_directories_onto_each_other",
     [](transcript& t) {
         t.make_file("file", "");
         t.mkdir("empty");
         t.mkdir("full");
         t.make_file("full/x", "");
         t.mkdir("dir");
         t.make_file("dir/y", "");
         t.rename("file", "empty");
         t.rename("file", "full");
         t.rename("dir", "file");
         t.rename("dir", "full");
         t.rename("dir", "empty");
         t.list(".");
         t.list("empty");
     }},
    {"rename.of_a_directory_into_itself",
     [](transcript& t) {
         t.mkdir("a");
         t.mkdir("a/b");
         t.mkdir("a/b/c");
         t.rename("a", "a/new");
         t.rename("a", "a/b/c");
         t.rename("a/b/c", "a");
         t.rename("a/b", "a");
         t.list("a");
     }},
    {"rename.refuses",
     [](transcript& t) {
         t.make_file("a", "");
         t.mkdir("dir");
         t.rename("missing", "b");
         t.rename("a", "missing/b");
         t.rename("a/x", "b");
         t.rename("a", "a/x");
         t.rename("a", "b/");
         t.rename("a/", "b");
         t.rename("", "b");
         t.rename("a", "");
         t.rename(".", "b");
         t.rename("dir", "..");
         t.rename("dir/.", "b");
         t.rename("dir/..", "b");
         t.rename("a", "dir/.");
         t.rename("missing", "missing2/x");
         t.list(".");
     }},
    {"rename.of_directories_with_trailing_slashes",
     [](transcript& t) {
         t.mkdir("a");
         t.rename("a/", "b");
         t.rename("b", "c/");
         t.rename("c//", "d//");
         t.mkdir("e");
         t.rename("d/", "e/");
         t.list(".");
     }},
    {"rename.does_not_follow_links",
     [](transcript& t) {
         t.make_file("file", "content");
         t.make_file("other", "other");
         t.symlink("file", "link");
         t.symlink("nowhere", "dangling");
         t.rename("link", "moved");
         t.readlink("moved");
         t.rename("dangling", "moved_dangling");
         t.rename("other", "moved");
         t.lstat("moved");
         t.show_file("file");
         t.mkdir("dir");
         t.symlink("dir", "dirlink");
         t.rename("dirlink/", "x");
         t.rename("dir", "dirlink/");
         t.rename("dirlink", "renamed_link");
         t.list(".");
     }},
    {"rename.under_open_descriptors",
     [](transcript& t) {
         t.mkdir("dir");
         t.make_file("dir/file", "content");
         const int dir = t.open("dir", O_RDONLY | O_DIRECTORY);
         const int fd = t.open("dir/file", O_RDWR);
         t.rename("dir/file", "dir/renamed");
         t.rename("dir", "moved");
         t.read(fd, 3);
         t.write(fd, "X");
         t.show_file(in(dir, "renamed"));
         t.make_file(in(dir, "new"), "made");
         t.list("moved");
         t.list(in(dir, ".."));
         t.show_file(in(dir, "../moved/new"));
     }},
    {"rename.renews_both_parents",
     [](transcript& t) {
         t.mkdir("from");
         t.mkdir("to");
         t.make_file("from/a", "");
         t.make_old("from");
         t.make_old("to");
         t.rename("from/a", "to/a");
         t.show_renewed("from");
         t.show_renewed("to");
     }},
    {"rename.without_replacing",
     [](transcript& t) {
         t.make_file("a", "a");
         t.make_file("b", "b");
         t.mkdir("dir");
         t.symlink("nowhere", "dangling");
         t.rename("a", "b", RENAME_NOREPLACE);
         t.rename("a", "a", RENAME_NOREPLACE);
         t.rename("a", "dir", RENAME_NOREPLACE);
         t.rename("a", "dangling", RENAME_NOREPLACE);
         t.rename("missing", "c", RENAME_NOREPLACE);
         t.rename("a", "c", RENAME_NOREPLACE);
         t.rename("dir", "dir2", RENAME_NOREPLACE);
         t.list(".");
     }},
    {"rename.exchanging",
     [](transcript& t) {
         t.make_file("a", "a");
         t.make_file("b", "b");
         t.mkdir("dir");
         t.make_file("dir/x", "x");
         t.symlink("a", "link");
         t.rename("a", "b", RENAME_EXCHANGE);
         t.show_file("a");
         t.show_file("b");
         t.rename("a", "dir", RENAME_EXCHANGE);
         t.list("a");
         t.show_file("dir");
         t.rename("link", "b", RENAME_EXCHANGE);
         t.lstat("b");
         t.rename("b", "missing", RENAME_EXCHANGE);
         t.rename("missing", "b", RENAME_EXCHANGE);
         t.rename("a", "a/x", RENAME_EXCHANGE);
         t.list(".");
     }},
    {"rename.flags_are_checked",
     [](transcript& t) {
         t.make_file("a", "");
         t.make_file("b", "");
         t.rename("a", "b", RENAME_NOREPLACE | RENAME_EXCHANGE);
         t.rename("a", "c", 0x100);
         t.rename("missing", "c", 0x100);
         t.list(".");
     }},
};

}  // namespace

case_family rename_cases() {
    return {needs::nothing, cases};
}

}  // namespace farside::conformance
