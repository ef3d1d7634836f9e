// Flags of open(2) in pairs: what one means beside another, what is told of them afterwards, and
// what a refused opening leaves behind.
#include "tests/conformance/conformance_case.hpp"

namespace farside::conformance {
namespace {

// What a descriptor says of itself; what it says is all that is wanted of it.
void show_opened(transcript& t, const name& at, int flags, unsigned mode = 0644) {
    const int fd = t.open(at, flags, mode);
    if (fd >= 0) {
        t.get_flags(fd);
        t.fstat(fd);
        t.close(fd);
    }
}

constexpr int other_flags[] = {
    O_CREAT,
    O_CREAT | O_EXCL,
    O_EXCL,
    O_TRUNC,
    O_APPEND,
    O_NOFOLLOW,
    O_DIRECTORY,
    O_CLOEXEC,
    O_NONBLOCK,
    O_NOATIME,
    O_SYNC,
    O_DIRECT,
    O_NOCTTY,
    O_ASYNC,
    O_TMPFILE | O_RDWR};

void prepare_other_owner(transcript& t) {
    t.make_file("open_to_all", "content", 0600);
    t.chmod("open_to_all", 0666);
    t.chown("open_to_all", 0, 0);
}

constexpr conformance_case cases[] = {
    {"open_pair.path_only_with_every_other_flag",
     [](transcript& t) {
         t.make_file("file", "content");
         t.mkdir("dir");
         t.symlink("file", "link");
         for (const char* const it : {"file", "dir", "link", "none"}) {
             for (const int flags : other_flags) {
                 show_opened(t, it, O_PATH | flags);
             }
         }
         t.show_file("file");
         t.list(".");
     }},
    {"open_pair.every_flag_on_every_kind",
     [](transcript& t) {
         t.make_file("file", "content");
         t.mkdir("dir");
         t.symlink("nowhere", "dangling");
         t.mkfifo("fifo");
         for (const char* const it : {"file", "dir", "dangling", "fifo"}) {
             for (const int flags : other_flags) {
                 show_opened(t, it, O_RDWR | O_NONBLOCK | flags, 0640);
                 show_opened(t, it, O_RDONLY | O_NONBLOCK | flags, 0640);
             }
             t.unlink("nowhere");
         }
         t.list(".");
     }},
    {"open_pair.synchronous_kinds_are_told",
     [](transcript& t) {
         t.make_file("a", "");
         for (const int flags : {O_SYNC, O_DSYNC, O_RSYNC, O_SYNC & ~O_DSYNC, O_SYNC | O_APPEND}) {
             const int fd = t.open("a", O_WRONLY | flags);
             t.get_flags(fd);
             t.set_flags(fd, 0);
             t.get_flags(fd);
             t.set_flags(fd, O_SYNC);
             t.get_flags(fd);
             t.write(fd, "x");
         }
         t.show_file("a");
     }},
    {"open_pair.status_flags_come_and_go",
     [](transcript& t) {
         t.make_file("a", "content");
         const int fd = t.open("a", O_RDWR | O_APPEND);
         for (const int flags :
              {O_NONBLOCK,
               O_NOATIME,
               O_NONBLOCK | O_APPEND,
               O_DIRECT,
               O_TRUNC | O_DIRECTORY | O_CLOEXEC,
               O_PATH,
               0x40000000,
               0}) {
             t.set_flags(fd, flags);
             t.get_flags(fd);
         }
         t.show_file("a");
     }},
    {"open_pair.direct_is_told",
     [](transcript& t) {
         show_opened(t, "a", O_CREAT | O_RDWR | O_DIRECT);
         show_opened(t, "a", O_WRONLY | O_DIRECT | O_APPEND);
         t.mkdir("dir");
         show_opened(t, "dir", O_RDONLY | O_DIRECT);
         t.list(".");
     }},
    {"open_pair.directory_and_truncation",
     [](transcript& t) {
         t.mkdir("dir");
         t.make_file("file", "content");
         t.symlink("file", "link");
         for (const char* const it : {"dir", "dir/", "file", "file/", "link", "link/", "none"}) {
             t.open(it, O_RDONLY | O_DIRECTORY | O_TRUNC);
             t.open(it, O_WRONLY | O_TRUNC | O_DIRECTORY);
             t.open(it, O_RDWR | O_DIRECTORY | O_APPEND);
         }
         t.show_file("file");
     }},
    {"open_pair.exclusive_and_following",
     [](transcript& t) {
         t.make_file("file", "content");
         t.symlink("file", "link");
         t.symlink("nowhere", "dangling");
         t.symlink("loop", "loop");
         for (const char* const it : {"file", "link", "dangling", "loop", "link/", "dangling/"}) {
             t.open(it, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR, 0600);
             t.open(it, O_CREAT | O_EXCL | O_TRUNC | O_RDWR, 0600);
             t.open(it, O_CREAT | O_NOFOLLOW | O_TRUNC | O_WRONLY, 0600);
         }
         t.show_file("file");
         t.list(".");
     }},
    {"open_pair.creating_through_chains_of_links",
     [](transcript& t) {
         t.mkdir("dir");
         t.symlink("b", "a");
         t.symlink("dir/c", "b");
         t.symlink("../made", "dir/c");
         const int fd = t.open("a", O_CREAT | O_RDWR | O_TRUNC, 0604);
         t.write(fd, "at the end");
         t.show_file("made");
         t.stat("a");
         t.symlink("slash/", "to_slash");
         t.symlink("dir/.", "to_dot");
         t.symlink("dir/..", "to_dot_dot");
         t.symlink("made/below", "below_a_file");
         t.symlink("loop", "loop");
         for (const char* const it :
              {"to_slash", "to_dot", "to_dot_dot", "below_a_file", "loop", "to_slash/x"}) {
             t.open(it, O_CREAT | O_WRONLY, 0600);
         }
         t.list(".");
         t.list("dir");
     }},
    {"open_pair.refused_creation_leaves_no_file",
     [](transcript& t) {
         t.make_file("file", "");
         t.open("one", O_CREAT | O_DIRECTORY | O_RDWR, 0600);
         t.open("two", O_CREAT | O_DIRECTORY | O_EXCL, 0600);
         t.open("three/", O_CREAT | O_RDWR, 0600);
         t.open("file/four", O_CREAT | O_RDWR, 0600);
         t.open("none/../five", O_CREAT | O_RDWR, 0600);
         t.open(std::string(256, 'n'), O_CREAT | O_RDWR, 0600);
         t.list(".");
     }},
    {"open_pair.rights_of_a_new_file_begin_with_the_next_open",
     [](transcript& t) {
         for (const unsigned mode : {0U, 0200U, 0400U}) {
             const auto file = "mode_" + text::octal(mode);
             const int fd = t.open(file, O_CREAT | O_RDWR | O_TRUNC, mode);
             t.write(fd, "content");
             t.pread(fd, 10, 0);
             t.open(file, O_CREAT | O_RDWR, 0666);
             t.open(file, O_CREAT | O_TRUNC | O_RDONLY, 0666);
             t.open(file, O_CREAT | O_APPEND | O_WRONLY, 0666);
             t.fstat(fd);
         }
     }},
    {"open_pair.no_access_time_is_for_owners",
     [](transcript& t) {
         t.make_file("own", "content", 0600);
         for (const char* const it : {"own", "open_to_all"}) {
             show_opened(t, it, O_RDONLY | O_NOATIME);
             show_opened(t, it, O_WRONLY | O_NOATIME | O_TRUNC);
             const int fd = t.open(it, O_RDWR);
             t.set_flags(fd, O_NOATIME);
             t.get_flags(fd);
             t.set_flags(fd, O_NOATIME | O_APPEND);
             t.get_flags(fd);
             t.show_file(it);
         }
     },
     prepare_other_owner},
    {"open_pair.nameless_files_and_other_flags",
     [](transcript& t) {
         t.mkdir("dir");
         t.symlink("dir", "link");
         for (const int flags :
              {O_RDWR | O_APPEND,
               O_WRONLY | O_SYNC,
               O_RDWR | O_EXCL,
               O_RDWR | O_TRUNC,
               O_RDWR | O_NOFOLLOW,
               O_RDWR | O_NONBLOCK}) {
             show_opened(t, "dir", O_TMPFILE | flags, 0640);
             show_opened(t, "link", O_TMPFILE | flags, 0640);
         }
         t.open("dir/", O_TMPFILE | O_RDWR, 0600);
         t.open("dir/none", O_TMPFILE | O_RDWR, 0600);
         t.list("dir");
     }},
    {"open_pair.nameless_file_is_named_once",
     [](transcript& t) {
         const int fd = t.open(".", O_TMPFILE | O_RDWR, 0640);
         t.write(fd, "content");
         t.note("links " + std::to_string(t.peek(fd).links));
         t.link(in(fd, ""), "one", AT_EMPTY_PATH);
         t.link(in(fd, ""), "one", AT_EMPTY_PATH);
         t.link(in(fd, ""), "two", AT_EMPTY_PATH);
         t.fstat(fd);
         t.unlink("one");
         t.unlink("two");
         t.link(in(fd, ""), "three", AT_EMPTY_PATH);
         t.pread(fd, 10, 0);
         t.list(".");
     }},
    {"open_pair.appending_after_truncation_by_another",
     [](transcript& t) {
         const int writer = t.open("a", O_CREAT | O_WRONLY | O_APPEND, 0644);
         t.write(writer, "0123456789");
         t.close(t.open("a", O_WRONLY | O_TRUNC));
         t.write(writer, "ab");
         t.lseek(writer, 0, SEEK_CUR);
         t.close(t.open("a", O_RDWR | O_TRUNC | O_APPEND));
         t.pwrite(writer, "cd", 100);
         t.lseek(writer, 0, SEEK_CUR);
         t.show_file("a");
     }},
};

}  // namespace

case_family open_pair_cases() {
    return {needs::nothing, cases};
}

}  // namespace farside::conformance
