// Symbolic links whose targets are relative; the absolute ones are in cases_own_root.cpp.
#include "tests/conformance/conformance_case.hpp"

namespace farside::conformance {
namespace {

// link0 -> file, link1 -> link0, ...
void make_chain(transcript& t, int links) {
    t.make_file("file", "content");
    std::string target = "file";
    for (int i = 0; i < links; ++i) {
        const auto link = "link" + std::to_string(i);
        t.api().symlink(target, link);
        target = link;
    }
}

constexpr conformance_case cases[] = {
    {"symlink.is_read_as_it_was_written",
     [](transcript& t) {
         for (const char* const target :
              {"file", "../x", "./", "/absolute/path", "a//b/", "with space\n", "\x80\xff"}) {
             t.symlink(target, "link");
             t.lstat("link");
             t.readlink("link");
             t.unlink("link");
         }
     }},
    {"symlink.read_into_little_room",
     [](transcript& t) {
         t.symlink("target", "link");
         t.readlink("link", 3);
         t.readlink("link", 6);
         t.readlink("link", 7);
         t.readlink("link", 0);
     }},
    {"symlink.read_of_what_is_none",
     [](transcript& t) {
         t.make_file("file", "");
         t.mkdir("dir");
         t.symlink("dir", "link");
         for (const char* const it :
              {"file", "dir", ".", "missing", "", "file/x", "link/", "file/"}) {
             t.readlink(it);
         }
         const int dir = t.open("dir", O_RDONLY);
         t.readlink(in(dir, ""));
     }},
    {"symlink.refuses",
     [](transcript& t) {
         t.make_file("file", "");
         t.symlink("", "empty");
         t.symlink("x", "file");
         t.symlink("x", "");
         t.symlink("x", "new/");
         t.symlink("x", "missing/new");
         t.symlink("x", "file/new");
         t.symlink("x", ".");
         t.symlink("file", "link");
         t.symlink("x", "link");
         t.list(".");
     }},
    {"symlink.length_limits",
     [](transcript& t) {
         t.symlink(std::string(4094, 'x'), "a");
         t.symlink(std::string(4095, 'y'), "b");
         t.symlink(std::string(4096, 'z'), "c");
         t.readlink("a");
         t.readlink("b");
         t.list(".");
     }},
    {"symlink.is_followed_by_most_calls",
     [](transcript& t) {
         t.make_file("file", "content", 0644);
         t.symlink("file", "link");
         t.stat("link");
         t.lstat("link");
         t.show_file("link");
         t.access("link", R_OK);
         t.chmod("link", 0600);
         t.truncate("link", 3);
         t.utimens("link", {1, 2}, {3, 4});
         t.show_times("file");
         t.stat("file");
         const int fd = t.open("link", O_WRONLY | O_APPEND);
         t.write(fd, "+");
         t.show_file("file");
     }},
    {"symlink.dangling_is_not_found",
     [](transcript& t) {
         t.symlink("nowhere", "link");
         t.stat("link");
         t.lstat("link");
         t.open("link", O_RDONLY);
         t.access("link", F_OK);
         t.access("link", F_OK, AT_SYMLINK_NOFOLLOW);
         t.chmod("link", 0600);
         t.truncate("link", 0);
         t.utimens("link", {1, 2}, {3, 4});
         t.mkdir("link");
         t.list(".");
     }},
    {"symlink.in_the_middle_of_a_path",
     [](transcript& t) {
         t.mkdir("dir");
         t.mkdir("dir/sub");
         t.symlink("dir/sub", "link");
         t.make_file("link/file", "content");
         t.show_file("dir/sub/file");
         t.mkdir("link/made");
         t.rename("link/file", "link/made/moved");
         t.list("link/");
         t.list("dir/sub/made");
     }},
    {"symlink.dot_dot_leaves_the_target",
     [](transcript& t) {
         t.mkdir("dir");
         t.mkdir("dir/sub");
         t.make_file("file", "outer");
         t.make_file("dir/file", "inner");
         t.symlink("dir/sub", "link");
         t.show_file("link/../file");
         t.show_file("link/../../file");
         t.make_file("link/../new", "made");
         t.list("dir");
         t.stat("link/..");
         t.note("same", t.peek("link/..").inode == t.peek("dir").inode);
         t.unlink("link/../new");
         t.rename("link/../file", "link/../renamed");
         t.list("dir");
         t.symlink("x", "link/../x");
         t.readlink("dir/x");
     }},
    {"symlink.target_is_relative_to_the_link",
     [](transcript& t) {
         t.mkdir("a");
         t.mkdir("b");
         t.make_file("b/file", "content");
         t.symlink("../b/file", "a/link");
         t.symlink("a/link", "outer");
         t.show_file("a/link");
         t.show_file("outer");
         const int dir = t.open("a", O_RDONLY);
         t.show_file(in(dir, "link"));
         t.show_file(in(dir, "../outer"));
     }},
    {"symlink.forty_in_a_row_are_the_limit",
     [](transcript& t) {
         make_chain(t, 42);
         t.show_file("link39");
         t.show_file("link40");
         t.stat("link39");
         t.stat("link40");
         t.lstat("link41");
     }},
    {"symlink.loops",
     [](transcript& t) {
         t.symlink("self", "self");
         t.symlink("b", "a");
         t.symlink("a", "b");
         t.symlink("dir/back", "dir");
         t.stat("self");
         t.open("a", O_RDONLY);
         t.open("a", O_CREAT | O_WRONLY, 0644);
         t.open("self", O_RDONLY | O_NOFOLLOW);
         t.stat("self/x");
         t.stat("dir/x");
         t.lstat("self");
         t.access("a", F_OK);
         t.truncate("a", 0);
         t.chmod("self", 0600);
         t.unlink("a");
         t.stat("b");
     }},
    {"symlink.trailing_slash_follows",
     [](transcript& t) {
         t.mkdir("dir");
         t.make_file("file", "");
         t.symlink("dir", "link");
         t.symlink("file", "filelink");
         t.symlink("nowhere", "dangling");
         t.lstat("link/");
         t.lstat("link");
         t.lstat("link/.");
         t.lstat("filelink/");
         t.lstat("dangling/");
         t.readlink("link/");
         t.chmod("link/", 0700);
         t.stat("dir");
     }},
    {"symlink.own_times_and_owner",
     [](transcript& t) {
         t.make_file("file", "");
         t.symlink("file", "link");
         t.utimens("file", {100, 1}, {200, 2});
         t.utimens("link", {300, 3}, {400, 4}, AT_SYMLINK_NOFOLLOW);
         t.show_times("file");
         t.show_times("link", AT_SYMLINK_NOFOLLOW);
         t.chown("link", ~0U, ~0U, AT_SYMLINK_NOFOLLOW);
         t.chmod("link", 0600, AT_SYMLINK_NOFOLLOW);
         t.chmod("file", 0600, AT_SYMLINK_NOFOLLOW);
         t.stat("file");
         t.lstat("link");
     }},
    {"symlink.to_dots",
     [](transcript& t) {
         t.mkdir("dir");
         t.symlink(".", "dot");
         t.symlink("..", "dir/up");
         t.make_file("dot/dot/dot/file", "content");
         t.show_file("dir/up/file");
         t.show_file("dir/up/dir/up/dot/file");
         t.note("same", t.peek("dot").inode == t.peek(".").inode);
         t.list("dir/up");
     }},
};

}  // namespace

case_family symlink_cases() {
    return {needs::nothing, cases};
}

}  // namespace farside::conformance
