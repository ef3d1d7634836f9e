// Making and removing names: directories, links, nodes.
#include "tests/conformance/conformance_case.hpp"

namespace farside::conformance {
namespace {

constexpr conformance_case cases[] = {
    {"mkdir.modes_and_umask",
     [](transcript& t) {
         for (const unsigned mode : {0U, 0500U, 0700U, 0755U, 0777U, 01777U, 02775U, 04755U}) {
             const auto dir = "mode_" + text::octal(mode);
             t.mkdir(dir, mode);
             t.stat(dir);
         }
         t.umask(077);
         t.mkdir("private", 0777);
         t.umask(0);
         t.mkdir("open", 0777);
         t.umask(022);
         t.stat("private");
         t.stat("open");
     }},
    {"mkdir.of_what_exists",
     [](transcript& t) {
         t.mkdir("dir");
         t.make_file("file", "");
         t.symlink("dir", "link");
         t.symlink("nowhere", "dangling");
         for (const char* const it :
              {"dir",
               "dir/",
               "file",
               "file/",
               "link",
               "link/",
               "dangling",
               "dangling/",
               ".",
               "..",
               "dir/.",
               "dir/.."}) {
             t.mkdir(it);
         }
         t.list(".");
     }},
    {"mkdir.needs_its_parent",
     [](transcript& t) {
         t.make_file("file", "");
         t.mkdir("missing/dir");
         t.mkdir("file/dir");
         t.mkdir("");
         t.mkdir("new/.");
         t.mkdir("new/");
         t.mkdir("other//");
         t.mkdir("new/below/");
         t.list(".");
         t.list("new");
     }},
    {"mkdir.counts_links_of_the_parent",
     [](transcript& t) {
         t.mkdir("dir");
         t.stat("dir");
         t.mkdir("dir/a");
         t.mkdir("dir/b");
         t.stat("dir");
         t.stat("dir/a");
         t.rmdir("dir/a");
         t.stat("dir");
     }},
    {"mkdir.renews_the_parent",
     [](transcript& t) {
         t.mkdir("dir");
         t.make_old("dir");
         t.mkdir("dir/a");
         t.show_renewed("dir");
         t.make_old("dir");
         t.rmdir("dir/a");
         t.show_renewed("dir");
     }},
    {"rmdir.of_what_is_no_empty_directory",
     [](transcript& t) {
         t.mkdir("full");
         t.make_file("full/file", "");
         t.make_file("file", "");
         t.symlink("full", "link");
         t.mkdir("empty");
         for (const char* const it :
              {"full",
               "file",
               "file/",
               "link",
               "link/",
               "missing",
               "",
               ".",
               "..",
               "empty/.",
               "empty/..",
               "full/file/"}) {
             t.rmdir(it);
         }
         t.rmdir("empty/");
         t.list(".");
     }},
    {"rmdir.of_an_open_directory",
     [](transcript& t) {
         t.mkdir("dir");
         const int dir = t.open("dir", O_RDONLY | O_DIRECTORY);
         t.rmdir("dir");
         t.fstat(dir);
         t.list(dir);
         t.open(in(dir, "new"), O_CREAT | O_WRONLY, 0644);
         t.mkdir(in(dir, "new"));
         t.stat(in(dir, "x"));
         t.stat(in(dir, "."));
         t.mkdir("dir");
         t.make_file("dir/file", "");
         t.stat(in(dir, "file"));
     }},
    {"unlink.of_files_links_and_nodes",
     [](transcript& t) {
         t.make_file("file", "content");
         t.symlink("file", "link");
         t.symlink("nowhere", "dangling");
         t.mkfifo("fifo");
         t.unlink("link");
         t.unlink("dangling");
         t.unlink("fifo");
         t.show_file("file");
         t.unlink("file");
         t.unlink("file");
         t.list(".");
     }},
    {"unlink.refuses",
     [](transcript& t) {
         t.make_file("file", "");
         t.mkdir("dir");
         t.symlink("dir", "link");
         for (const char* const it :
              {"dir",
               "dir/",
               "file/",
               "file/x",
               "missing",
               "missing/",
               "",
               ".",
               "..",
               "dir/.",
               "link/",
               "missing/file"}) {
             t.unlink(it);
         }
         t.unlink("file", 0x1);
         t.list(".");
     }},
    {"unlink.while_open_keeps_the_file",
     [](transcript& t) {
         t.make_file("a", "content");
         const int fd = t.open("a", O_RDWR);
         t.unlink("a");
         t.stat("a");
         t.fstat(fd);
         t.read(fd, 3);
         t.write(fd, "X");
         t.pread(fd, 16, 0);
         t.ftruncate(fd, 2);
         t.fchmod(fd, 0600);
         t.fstat(fd);
         t.fsync(fd);
         t.close(fd);
         t.list(".");
     }},
    {"unlink.and_make_again_is_another_file",
     [](transcript& t) {
         t.make_file("a", "old");
         const int old = t.open("a", O_RDWR);
         t.unlink("a");
         t.make_file("a", "new");
         t.note("same inode", t.peek(old).inode == t.peek("a").inode);
         t.pread(old, 10, 0);
         t.write(old, "OLD");
         t.show_file("a");
     }},
    {"link.counts_and_shares",
     [](transcript& t) {
         t.make_file("a", "content");
         t.link("a", "b");
         t.stat("a");
         t.stat("b");
         t.note("same inode", t.peek("a").inode == t.peek("b").inode);
         const int fd = t.open("b", O_WRONLY);
         t.write(fd, "CON");
         t.show_file("a");
         t.chmod("a", 0600);
         t.stat("b");
         t.unlink("a");
         t.fstat(fd);
         t.show_file("b");
     }},
    {"link.refuses",
     [](transcript& t) {
         t.make_file("a", "");
         t.make_file("b", "");
         t.mkdir("dir");
         t.symlink("nowhere", "dangling");
         t.link("a", "b");
         t.link("a", "a");
         t.link("a", "dir");
         t.link("a", "dangling");
         t.link("missing", "new");
         t.link("dir", "new");
         t.link("a", "new/");
         t.link("a/", "new");
         t.link("a", "missing/new");
         t.link("a", "b/new");
         t.link("", "new");
         t.link("a", "");
         t.link("a", "new", 0x1);
         t.list(".");
     }},
    {"link.of_a_symbolic_link",
     [](transcript& t) {
         t.make_file("file", "content");
         t.symlink("file", "link");
         t.symlink("nowhere", "dangling");
         t.link("link", "kept");
         t.lstat("kept");
         t.link("link", "followed", AT_SYMLINK_FOLLOW);
         t.lstat("followed");
         t.link("dangling", "kept_dangling");
         t.link("dangling", "followed_dangling", AT_SYMLINK_FOLLOW);
         t.list(".");
     }},
    {"mknod.every_type",
     [](transcript& t) {
         t.mknod("fifo", S_IFIFO | 0640);
         t.mknod("socket", S_IFSOCK | 0666);
         t.mknod("file", S_IFREG | 0600);
         t.mknod("file_without_type", 0644);
         t.mknod("null", S_IFCHR | 0666, 1, 3);
         t.mknod("block", S_IFBLK | 0600, 7, 200);
         t.mknod("dir", S_IFDIR | 0755);
         t.mknod("link", S_IFLNK | 0777);
         for (const auto& entry : t.list(".")) {
             if (entry.name != "..") {
                 t.lstat(entry.name);
             }
         }
     }},
    {"mknod.refuses",
     [](transcript& t) {
         t.make_file("file", "");
         t.symlink("nowhere", "dangling");
         t.mkfifo("file");
         t.mkfifo("dangling");
         t.mkfifo("missing/fifo");
         t.mkfifo("file/fifo");
         t.mkfifo("fifo/");
         t.mkfifo("");
         t.mkfifo(".");
         t.list(".");
     }},
    {"mknod.obeys_the_umask",
     [](transcript& t) {
         t.umask(027);
         t.mkfifo("fifo", 0666);
         t.mknod("file", S_IFREG | 0777);
         t.umask(022);
         t.stat("fifo");
         t.stat("file");
     }},
};

}  // namespace

case_family name_cases() {
    return {needs::nothing, cases};
}

}  // namespace farside::conformance
