// FIFOs, without ever waiting: what is not ready is EAGAIN or ENXIO.
#include "tests/conformance/conformance_case.hpp"

#include <sys/ioctl.h>

namespace farside::conformance {
namespace {

constexpr conformance_case cases[] = {
    {"fifo.writer_needs_a_reader",
     [](transcript& t) {
         t.mkfifo("fifo");
         t.open("fifo", O_WRONLY | O_NONBLOCK);
         const int reader = t.open("fifo", O_RDONLY | O_NONBLOCK);
         const int writer = t.open("fifo", O_WRONLY | O_NONBLOCK);
         t.write(writer, "through");
         t.read(reader, 3);
         t.read(reader, 10);
     }},
    {"fifo.ends_when_writers_are_gone",
     [](transcript& t) {
         t.mkfifo("fifo");
         const int reader = t.open("fifo", O_RDONLY | O_NONBLOCK);
         t.read(reader, 10);
         const int writer = t.open("fifo", O_WRONLY | O_NONBLOCK);
         t.read(reader, 10);
         t.write(writer, "last words");
         t.close(writer);
         t.read(reader, 4);
         t.read(reader, 100);
         t.read(reader, 100);
     }},
    {"fifo.breaks_when_readers_are_gone",
     [](transcript& t) {
         t.mkfifo("fifo");
         const int reader = t.open("fifo", O_RDONLY | O_NONBLOCK);
         const int writer = t.open("fifo", O_WRONLY | O_NONBLOCK);
         t.close(reader);
         t.write(writer, "nobody listens");
         t.write(writer, "");
         t.writev(writer, {"no", "body"});
     }},
    {"fifo.open_for_both",
     [](transcript& t) {
         t.mkfifo("fifo");
         const int fd = t.open("fifo", O_RDWR | O_NONBLOCK);
         t.read(fd, 10);
         t.write(fd, "to ");
         t.writev(fd, {"one", "self"});
         t.ioctl(fd, FIONREAD, "FIONREAD");
         t.readv(fd, {3, 3, 100});
         t.read(fd, 10);
         t.get_flags(fd);
         t.fstat(fd);
     }},
    {"fifo.has_no_position",
     [](transcript& t) {
         t.mkfifo("fifo");
         const int fd = t.open("fifo", O_RDWR | O_NONBLOCK);
         t.write(fd, "content");
         t.lseek(fd, 0, SEEK_SET);
         t.lseek(fd, 0, SEEK_CUR);
         t.lseek(fd, 0, SEEK_END);
         t.lseek(fd, 0, SEEK_DATA);
         t.lseek(fd, 0, 9);
         t.pread(fd, 3, 0);
         t.pwrite(fd, "x", 0);
         t.preadv(fd, {1, 1}, 0);
         t.pwritev2(fd, {"x"}, 0, 0);
         t.pwritev2(fd, {"x"}, -1, 0);
         t.read(fd, 20);
     }},
    {"fifo.is_no_file",
     [](transcript& t) {
         t.mkfifo("fifo");
         const int fd = t.open("fifo", O_RDWR | O_NONBLOCK);
         t.ftruncate(fd, 0);
         t.fallocate(fd, 0, 0, 10);
         t.fsync(fd);
         t.fdatasync(fd);
         t.sync_file_range(fd, 0, 0, 0);
         t.copy_file_range(fd, {}, fd, {}, 1);
         std::vector<directory_entry> entries;
         t.getdents(fd, entries);
         t.fchmod(fd, 0600);
         t.fstat(fd);
         t.open("fifo", O_RDONLY | O_DIRECTORY);
         t.open("fifo/", O_RDWR | O_NONBLOCK);
         t.close(t.open("fifo", O_RDWR | O_NONBLOCK | O_TRUNC | O_CREAT, 0644));
     }},
    {"fifo.takes_what_fits",
     [](transcript& t) {
         t.mkfifo("fifo");
         const int fd = t.open("fifo", O_RDWR | O_NONBLOCK);
         t.write(fd, text::pattern(70'000));
         t.write(fd, "more");
         t.ioctl(fd, FIONREAD, "FIONREAD");
         t.read(fd, 4096);
         t.write(fd, text::pattern(5000));
         t.write(fd, text::pattern(4096));
         std::string rest;
         while (t.ioctl(fd, FIONREAD, "FIONREAD") >= 0 && rest.size() < 60'000) {
             rest += t.read(fd, 30'000);
         }
         t.read(fd, 100'000);
         t.read(fd, 1);
     }},
    {"fifo.large_read_takes_what_is_there",
     [](transcript& t) {
         t.mkfifo("fifo");
         const int fd = t.open("fifo", O_RDWR);
         t.write(fd, "little");
         t.read(fd, 1'000'000);
         t.write(fd, text::pattern(65'536));
         t.read(fd, 1'000'000);
     }},
    {"fifo.unlinked_while_open",
     [](transcript& t) {
         t.mkfifo("fifo");
         const int fd = t.open("fifo", O_RDWR);
         t.unlink("fifo");
         t.write(fd, "still");
         t.read(fd, 10);
         t.fstat(fd);
     }},
    {"fifo.nonblocking_by_fcntl",
     [](transcript& t) {
         t.mkfifo("fifo");
         const int fd = t.open("fifo", O_RDWR);
         t.get_flags(fd);
         t.set_flags(fd, O_NONBLOCK);
         t.get_flags(fd);
         t.read(fd, 1);
         t.set_flags(fd, 0);
         t.write(fd, "x");
         t.read(fd, 1);
     }},
    {"fifo.access_modes",
     [](transcript& t) {
         t.mkfifo("fifo");
         const int reader = t.open("fifo", O_RDONLY | O_NONBLOCK);
         const int writer = t.open("fifo", O_WRONLY | O_NONBLOCK);
         t.write(reader, "x");
         t.read(writer, 1);
         t.pread(writer, 1, 0);
         t.pwrite(reader, "x", 0);
     }},
    {"socket.cannot_be_opened",
     [](transcript& t) {
         t.mknod("socket", S_IFSOCK | 0666);
         t.open("socket", O_RDONLY);
         t.open("socket", O_RDWR | O_NONBLOCK);
         t.close(t.open("socket", O_PATH));
         t.stat("socket");
     }},
};

}  // namespace

case_family fifo_cases() {
    return {needs::nothing, cases};
}

}  // namespace farside::conformance
