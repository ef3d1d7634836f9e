// Names that take the place of others: every kind onto every kind, hard links of one file,
// exchanges, open files that lose their name; and links made and removed beside them.
#include "tests/conformance/conformance_case.hpp"

#include <cstdio>

namespace farside::conformance {
namespace {

constexpr const char* kinds[] = {
    "file", "empty", "full", "link", "link_to_dir", "dangling", "fifo", "socket"};

void make_kind(transcript& t, const std::string& kind, const std::string& at) {
    auto& files = t.api();
    if (kind == "file") {
        t.make_file(at, at);
    } else if (kind == "empty" || kind == "full") {
        files.mkdir(at, 0755);
        if (kind == "full") {
            files.mknod(at + "/inside", S_IFREG | 0644, 0, 0);
        }
    } else if (kind == "link" || kind == "link_to_dir") {
        files.symlink(kind == "link" ? "witness" : "directory", at);
    } else if (kind == "dangling") {
        files.symlink("nowhere", at);
    } else {
        files.mknod(at, (kind == "fifo" ? S_IFIFO : S_IFSOCK) | 0644, 0, 0);
    }
}

void remove_kind(transcript& t, const std::string& at) {
    t.api().unlink(at + "/inside", 0);
    t.api().unlink(at, AT_REMOVEDIR);
    t.api().unlink(at, 0);
}

void rename_every_kind(transcript& t, unsigned flags, const std::string& ending = {}) {
    t.make_file("witness", "untouched");
    t.mkdir("directory");
    for (const char* const from : kinds) {
        for (const char* const to : kinds) {
            make_kind(t, from, "from");
            make_kind(t, to, "to");
            t.note(std::string{from} + " onto " + to);
            t.rename("from" + ending, "to" + ending, flags);
            t.list(".");
            remove_kind(t, "from");
            remove_kind(t, "to");
        }
    }
    t.show_file("witness");
}

constexpr conformance_case cases[] = {
    {"replace.every_kind_by_every_kind", [](transcript& t) { rename_every_kind(t, 0); }},
    {"replace.every_kind_is_kept_when_told",
     [](transcript& t) { rename_every_kind(t, RENAME_NOREPLACE); }},
    {"replace.every_kind_is_exchanged",
     [](transcript& t) { rename_every_kind(t, RENAME_EXCHANGE); }},
    {"replace.every_kind_with_trailing_slashes",
     [](transcript& t) { rename_every_kind(t, 0, "/"); }},
    {"replace.every_kind_exchanged_with_trailing_slashes",
     [](transcript& t) { rename_every_kind(t, RENAME_EXCHANGE, "/"); }},
    {"replace.leaving_a_whiteout",
     [](transcript& t) {
         t.make_file("a", "a");
         t.make_file("b", "b");
         t.rename("a", "c", RENAME_WHITEOUT);
         t.rename("b", "c", RENAME_WHITEOUT | RENAME_NOREPLACE);
         t.rename("b", "c", RENAME_WHITEOUT | RENAME_EXCHANGE);
         for (const auto& entry : t.list(".")) {
             if (entry.name.size() == 1 && entry.name != ".") {
                 t.lstat(entry.name);
             }
         }
     }},
    {"replace.names_of_one_file",
     [](transcript& t) {
         t.make_file("a", "content");
         t.mkdir("dir");
         t.link("a", "dir/b");
         t.make_old("a");
         t.rename("a", "dir/b");
         t.rename("a", "dir/b", RENAME_NOREPLACE);
         t.rename("a", "dir/b", RENAME_EXCHANGE);
         t.rename("dir/b", "a");
         t.show_renewed("a");
         t.stat("a");
         t.symlink("a", "link");
         t.link("link", "link2");
         t.rename("link", "link2");
         t.rename("a", "link");
         t.lstat("link2");
         t.list(".");
         t.list("dir");
     }},
    {"replace.open_files_live_on",
     [](transcript& t) {
         t.make_file("old", text::pattern(10'000));
         t.make_file("new", "new");
         const int old = t.open("old", O_RDWR);
         t.read(old, 100);
         t.rename("new", "old");
         t.read(old, 100);
         t.write(old, "still written to");
         t.truncate("old", 1);
         t.fstat(old);
         t.set_xattr(in(old, ""), "user.a", "b");
         t.get_xattr("old", "user.a");
         t.ftruncate(old, 20'000);
         t.pread(old, 100, 19'950);
         t.show_file("old");
     }},
    {"replace.open_files_are_changed_without_the_name_they_were_opened_by",
     [](transcript& t) {
         t.make_file("a", "content");
         const int written = t.open("a", O_RDWR);
         const int read = t.open("a", O_RDONLY);
         const int path = t.open("a", O_PATH);
         const auto look = [&](const char* name) {
             t.stat(name);
             t.stat(name);
         };
         look("a");
         t.link("a", "b");
         look("b");
         t.unlink("a");
         look("b");
         t.write(written, "more than there was");
         look("b");
         t.rename("b", "c");
         look("c");
         t.ftruncate(written, 3);
         look("c");
         t.fchmod(read, 0600);
         look("c");
         t.chmod(in(path, ""), 0640);
         t.symlink("c", "a");
         look("a");
         t.write(written, "behind the link");
         look("a");
         look("c");
         t.close(written);
         look("c");
         t.fchmod(read, 0604);
         look("c");
     }},
    {"replace.open_directories_live_on",
     [](transcript& t) {
         t.mkdir("old");
         t.mkdir("new");
         t.make_file("new/file", "content");
         const int old = t.open("old", O_RDONLY);
         const int moved = t.open("new", O_RDONLY);
         t.rename("new", "old");
         t.list(old);
         t.fstat(old);
         t.make_file(in(old, "x"), "");
         t.list(moved);
         t.make_file(in(moved, "y"), "");
         t.show_file("old/file");
         t.list("old");
         t.stat(in(moved, "../new"));
     }},
    {"replace.through_links_of_parents",
     [](transcript& t) {
         t.mkdir("a");
         t.mkdir("b");
         t.make_file("a/file", "content");
         t.mkdir("a/dir");
         t.symlink("a", "to_a");
         t.symlink("b", "to_b");
         t.symlink("../a/dir", "b/to_dir");
         t.rename("to_a/file", "to_b/file");
         t.rename("to_a/dir", "a/dir/below");
         t.rename("a/dir", "b/to_dir/below");
         t.rename("to_a/dir", "to_b/../to_b/dir");
         t.rename("to_b/file", "b/to_dir/x");
         t.rename("to_a", "a");
         t.rename("a", "to_a");
         t.rename("a/.", "c");
         t.list(".");
         t.list("a");
         t.list("b");
     }},
    {"replace.what_is_above_or_below",
     [](transcript& t) {
         t.mkdir("a");
         t.mkdir("a/b");
         t.mkdir("a/b/c");
         t.make_file("a/b/file", "content");
         for (const unsigned flags : {0U, 0U + RENAME_EXCHANGE, 0U + RENAME_NOREPLACE}) {
             t.rename("a", "a/b", flags);
             t.rename("a", "a/b/new", flags);
             t.rename("a/b", "a", flags);
             t.rename("a/b/file", "a", flags);
             t.rename("a/b/file", "a/b", flags);
             t.rename("a", "a/b/file", flags);
             t.rename("a/b/c", "a/b/c", flags);
             t.rename("a/b/file", "a/b/file", flags);
         }
         t.list("a/b");
     }},
    {"replace.a_directory_gets_another_parent",
     [](transcript& t) {
         t.mkdir("a");
         t.mkdir("b");
         t.mkdir("a/dir");
         t.make_file("a/from_a", "");
         t.make_file("b/from_b", "");
         const int dir = t.open("a/dir", O_RDONLY);
         t.stat(in(dir, "../from_a"));
         t.rename("a/dir", "b/dir");
         t.stat(in(dir, "../from_a"));
         t.stat(in(dir, "../from_b"));
         t.mkdir("a/other");
         t.rename("a/other", "b/dir", RENAME_EXCHANGE);
         t.list(in(dir, ".."));
         t.stat("a");
         t.stat("b");
     }},
    {"linking.every_kind",
     [](transcript& t) {
         t.make_file("witness", "content");
         t.mkdir("directory");
         for (const char* const kind : kinds) {
             make_kind(t, kind, kind);
             t.link(kind, std::string{kind} + "_2");
             t.link(kind, std::string{kind} + "_3", AT_SYMLINK_FOLLOW);
             t.lstat(kind);
             const int fd = t.open(kind, O_PATH | O_NOFOLLOW);
             t.link(in(fd, ""), std::string{kind} + "_4", AT_EMPTY_PATH);
             t.link(in(fd, ""), std::string{kind} + "_5", AT_EMPTY_PATH | AT_SYMLINK_FOLLOW);
             t.link(in(fd, ""), std::string{kind} + "_6");
         }
         t.list(".");
     }},
    {"linking.a_hundred_names",
     [](transcript& t) {
         t.make_file("name", "content");
         const int fd = t.open("name", O_RDWR);
         for (int i = 0; i < 100; ++i) {
             t.api().link("name", "name" + std::to_string(i), 0);
         }
         t.fstat(fd);
         t.write(t.open("name50", O_WRONLY), "C");
         t.show_file("name99");
         for (int i = 0; i < 100; ++i) {
             t.api().unlink("name" + std::to_string(i), 0);
         }
         t.fstat(fd);
         t.unlink("name");
         t.fstat(fd);
         t.pread(fd, 10, 0);
     }},
    {"linking.what_was_unlinked_stays_gone",
     [](transcript& t) {
         t.make_file("a", "content");
         t.link("a", "b");
         const int fd = t.open("a", O_RDWR);
         t.unlink("a");
         t.link(in(fd, ""), "a", AT_EMPTY_PATH);
         t.unlink("a");
         t.unlink("b");
         t.link(in(fd, ""), "a", AT_EMPTY_PATH);
         t.pread(fd, 10, 0);
         t.list(".");
     }},
    {"unlinking.goes_on_being_used",
     [](transcript& t) {
         t.make_file("a", "content");
         const int one = t.open("a", O_RDWR);
         const int two = t.open("a", O_RDWR | O_APPEND);
         t.unlink("a");
         t.make_file("a", "another");
         t.write(two, text::pattern(100'000));
         t.read(one, 10);
         t.lseek(one, 0, SEEK_END);
         t.fchmod(one, 0600);
         t.fchown(one, ~0U, ~0U);
         t.futimens(one, {1, 2}, {3, 4});
         t.flock(one, LOCK_EX | LOCK_NB);
         t.flock(two, LOCK_EX | LOCK_NB);
         t.fallocate(one, 0, 0, 200'000);
         t.copy_file_range(one, 0, two, {}, 10);
         t.copy_file_range(one, 0, t.open("a", O_WRONLY), 0, 10);
         t.close(one);
         t.fstat(two);
         t.show_file("a");
     }},
    {"unlinking.flags_and_kinds",
     [](transcript& t) {
         for (const char* const kind : kinds) {
             make_kind(t, kind, kind);
             t.unlink(kind, AT_REMOVEDIR);
             t.unlink(kind, AT_SYMLINK_NOFOLLOW);
             t.unlink(kind, AT_REMOVEDIR | AT_EMPTY_PATH);
             t.unlink(kind + std::string{"/"}, AT_REMOVEDIR);
             t.unlink(kind);
             t.unlink(kind + std::string{"/"});
         }
         const int fd = t.open(".", O_RDONLY);
         t.unlink(in(fd, ""), AT_REMOVEDIR);
         t.unlink(in(fd, "full/inside/"));
         t.unlink(in(fd, "full/inside"));
         t.unlink(in(fd, "full"), AT_REMOVEDIR);
         t.list(".");
     }},
};

}  // namespace

case_family replacement_cases() {
    return {needs::nothing, cases};
}

}  // namespace farside::conformance
