// Both ends of FIFOs, several of each: who sees the end, what fits, what names and modes change.
// Nothing waits here.
#include "tests/conformance/conformance_case.hpp"

#include <sys/ioctl.h>

namespace farside::conformance {
namespace {

constexpr int nonblocking_reader = O_RDONLY | O_NONBLOCK;
constexpr int nonblocking_writer = O_WRONLY | O_NONBLOCK;

void prepare_other_owner(transcript& t) {
    t.mkfifo("fifo");
    t.chown("fifo", 0, 0);
    t.chmod("fifo", 0644);
}

constexpr conformance_case cases[] = {
    {"fifo_end.is_seen_when_the_last_writer_goes",
     [](transcript& t) {
         t.mkfifo("fifo");
         const int reader = t.open("fifo", nonblocking_reader);
         const int one = t.open("fifo", nonblocking_writer);
         const int two = t.open("fifo", nonblocking_writer);
         t.write(one, "one");
         t.write(two, "two");
         t.close(one);
         t.read(reader, 100);
         t.read(reader, 100);
         t.close(two);
         t.read(reader, 100);
         const int three = t.open("fifo", nonblocking_writer);
         t.read(reader, 100);
         t.write(three, "three");
         t.read(reader, 2);
         t.read(reader, 100);
     }},
    {"fifo_end.two_readers_share_the_bytes",
     [](transcript& t) {
         t.mkfifo("fifo");
         const int one = t.open("fifo", nonblocking_reader);
         const int two = t.open("fifo", nonblocking_reader);
         const int writer = t.open("fifo", nonblocking_writer);
         t.write(writer, "abcdef");
         t.read(one, 2);
         t.read(two, 2);
         t.close(one);
         t.write(writer, "gh");
         t.read(two, 10);
         t.close(two);
         t.write(writer, "lost");
         const int three = t.open("fifo", nonblocking_reader);
         t.read(three, 10);
         t.write(writer, "found");
         t.read(three, 10);
     }},
    {"fifo_end.forgets_when_nobody_holds_it",
     [](transcript& t) {
         t.mkfifo("fifo");
         const int both = t.open("fifo", O_RDWR | O_NONBLOCK);
         t.write(both, "forgotten");
         t.stat("fifo");
         t.close(both);
         const int reader = t.open("fifo", nonblocking_reader);
         t.read(reader, 10);
         t.ioctl(reader, FIONREAD, "FIONREAD");
     }},
    {"fifo_end.small_writes_are_whole_or_nothing",
     [](transcript& t) {
         t.mkfifo("fifo");
         const int reader = t.open("fifo", nonblocking_reader);
         const int writer = t.open("fifo", nonblocking_writer);
         t.write(writer, text::pattern(65'536 - 4096));
         t.write(writer, text::pattern(4096));
         t.write(writer, "x");
         t.writev(writer, {"x", "y"});
         t.read(reader, 4095);
         t.write(writer, text::pattern(4096));
         t.write(writer, text::pattern(4097));
         t.read(reader, 1);
         t.write(writer, text::pattern(4096));
         t.ioctl(reader, FIONREAD, "FIONREAD");
         t.ioctl(writer, FIONREAD, "FIONREAD");
     }},
    {"fifo_end.vectors_and_nothing",
     [](transcript& t) {
         t.mkfifo("fifo");
         const int fd = t.open("fifo", O_RDWR | O_NONBLOCK);
         t.read(fd, 0);
         t.write(fd, "");
         t.readv(fd, {0, 0});
         t.writev(fd, {"", "ab", "", "cde", ""});
         t.readv(fd, {0, 1, 0, 2});
         t.read(fd, 0);
         t.readv(fd, {10, 10});
         t.readv(fd, {10, 10});
     }},
    {"fifo_end.two_names_are_one",
     [](transcript& t) {
         t.mkfifo("fifo");
         t.link("fifo", "other");
         t.symlink("fifo", "link");
         const int reader = t.open("fifo", nonblocking_reader);
         const int by_other = t.open("other", nonblocking_writer);
         const int by_link = t.open("link", nonblocking_writer);
         t.write(by_other, "other ");
         t.write(by_link, "link ");
         t.rename("fifo", "renamed");
         const int renamed = t.open("renamed", nonblocking_writer);
         t.write(renamed, "renamed");
         t.read(reader, 100);
         t.unlink("renamed");
         t.unlink("other");
         t.mkfifo("fifo");
         t.open("fifo", nonblocking_writer);
         t.write(by_link, "!");
         t.read(reader, 100);
     }},
    {"fifo_end.flags_of_opening",
     [](transcript& t) {
         t.mkfifo("fifo");
         const int hold = t.open("fifo", O_RDWR | O_NONBLOCK);
         for (const int flags :
              {O_TRUNC | O_RDWR,
               O_APPEND | O_RDWR,
               O_CREAT | O_RDONLY,
               O_CREAT | O_EXCL | O_RDWR,
               O_DIRECTORY | O_RDONLY,
               O_NOFOLLOW | O_WRONLY,
               O_SYNC | O_WRONLY,
               O_NOATIME | O_RDONLY,
               O_PATH | O_RDWR,
               O_ACCMODE | 0}) {
             const int fd = t.open("fifo", flags | O_NONBLOCK, 0600);
             t.get_flags(fd);
             t.close(fd);
         }
         t.open("fifo/", nonblocking_reader);
         t.write(hold, "kept");
         t.close(t.open("fifo", O_TRUNC | O_RDWR | O_NONBLOCK));
         t.read(hold, 10);
     }},
    {"fifo_end.times_move_with_use",
     [](transcript& t) {
         t.mkfifo("fifo");
         const int fd = t.open("fifo", O_RDWR | O_NONBLOCK);
         t.make_old("fifo");
         t.write(fd, "x");
         t.note("modified", t.peek("fifo").modified.seconds > 1'500'000'000);
         t.read(fd, 1);
         t.futimens(fd, {1, 2}, {3, 4});
         t.show_times("fifo");
         t.fchmod(fd, 0600);
         t.fchown(fd, ~0U, ~0U);
         t.fstat(fd);
         t.flock(fd, LOCK_EX | LOCK_NB);
         t.fstatfs(fd);
     }},
    {"fifo_end.rights_to_each_end",
     [](transcript& t) {
         t.open("fifo", nonblocking_writer);
         const int reader = t.open("fifo", nonblocking_reader);
         t.open("fifo", O_RDWR | O_NONBLOCK);
         t.write(t.open("fifo", nonblocking_writer), "x");
         t.read(reader, 10);
         t.access("fifo", R_OK);
         t.access("fifo", W_OK);
         t.mkfifo("own", 0400);
         t.open("own", O_RDWR | O_NONBLOCK);
         t.close(t.open("own", nonblocking_reader));
         t.mkfifo("sealed", 0);
         t.open("sealed", nonblocking_reader);
     },
     prepare_other_owner},
};

}  // namespace

case_family fifo_end_cases() {
    return {needs::nothing, cases};
}

}  // namespace farside::conformance
