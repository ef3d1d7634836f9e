// Record locks that belong to the process (fcntl(2)), of one process: against itself they exclude
// nothing, so they are looked at through locks of open files.
#include "tests/conformance/conformance_case.hpp"
#include "tests/conformance/lock_of.hpp"

#include <limits>

namespace farside::conformance {
namespace {

constexpr auto most = std::numeric_limits<std::int64_t>::max();

// Every range that the process has locked, as another open file meets them.
void show_ranges(transcript& t, int other) {
    for (const std::int64_t from : {0, 2, 4, 6, 8, 10, 20}) {
        t.lock_record(other, F_OFD_GETLK, lock_of(F_WRLCK, from, 0));
    }
}

constexpr conformance_case cases[] = {
    {"record_lock.belongs_to_the_process",
     [](transcript& t) {
         t.make_file("a", "0123456789");
         const int first = t.open("a", O_RDWR);
         const int second = t.open("a", O_RDWR);
         t.lock_record(first, F_SETLK, lock_of(F_WRLCK, 2, 4));
         t.lock_record(second, F_SETLK, lock_of(F_WRLCK, 0, 0));
         t.lock_record(second, F_SETLKW, lock_of(F_RDLCK, 1, 3));
         t.lock_record(first, F_GETLK, lock_of(F_WRLCK, 0, 0));
         show_ranges(t, second);
         t.lock_record(second, F_SETLK, lock_of(F_UNLCK, 0, 0));
         show_ranges(t, second);
     }},
    {"record_lock.splits_and_joins",
     [](transcript& t) {
         t.make_file("a", "0123456789");
         const int fd = t.open("a", O_RDWR);
         t.lock_record(fd, F_SETLK, lock_of(F_WRLCK, 0, 10));
         t.lock_record(fd, F_SETLK, lock_of(F_UNLCK, 4, 2));
         show_ranges(t, fd);
         t.lock_record(fd, F_SETLK, lock_of(F_RDLCK, 2, 5));
         show_ranges(t, fd);
         t.lock_record(fd, F_SETLK, lock_of(F_WRLCK, 3, 4));
         show_ranges(t, fd);
         t.lock_record(fd, F_SETLK, lock_of(F_RDLCK, 0, 0));
         show_ranges(t, fd);
         t.lock_record(fd, F_SETLK, lock_of(F_UNLCK, 10, 0));
         show_ranges(t, fd);
     }},
    {"record_lock.from_position_and_end",
     [](transcript& t) {
         t.make_file("a", "0123456789");
         const int fd = t.open("a", O_RDWR);
         t.lseek(fd, 4, SEEK_SET);
         t.lock_record(fd, F_SETLK, lock_of(F_WRLCK, 1, 2, SEEK_CUR));
         show_ranges(t, fd);
         t.lock_record(fd, F_SETLK, lock_of(F_UNLCK, 0, 0));
         t.lock_record(fd, F_SETLK, lock_of(F_RDLCK, -3, 2, SEEK_END));
         show_ranges(t, fd);
         t.lock_record(fd, F_SETLK, lock_of(F_WRLCK, 0, -4, SEEK_CUR));
         show_ranges(t, fd);
         t.lock_record(fd, F_SETLK, lock_of(F_WRLCK, 0, 0, SEEK_END));
         t.write(fd, "more bytes at the end");
         show_ranges(t, fd);
     }},
    {"record_lock.is_not_told_to_its_process",
     [](transcript& t) {
         t.make_file("a", "0123456789");
         const int fd = t.open("a", O_RDWR);
         t.lseek(fd, 3, SEEK_SET);
         t.lock_record(fd, F_SETLK, lock_of(F_WRLCK, 0, 0));
         t.lock_record(fd, F_GETLK, lock_of(F_WRLCK, 1, 2, SEEK_CUR));
         t.lock_record(fd, F_GETLK, lock_of(F_RDLCK, -2, -1, SEEK_END));
         auto with_pid = lock_of(F_WRLCK, 5, 6);
         with_pid.l_pid = 7;
         t.lock_record(fd, F_GETLK, with_pid);
         t.lock_record(fd, F_SETLK, with_pid);
     }},
    {"record_lock.excludes_locks_of_open_files",
     [](transcript& t) {
         t.make_file("a", "0123456789");
         const int fd = t.open("a", O_RDWR);
         t.lock_record(fd, F_OFD_SETLK, lock_of(F_WRLCK, 2, 3));
         t.lock_record(fd, F_SETLK, lock_of(F_WRLCK, 0, 3));
         t.lock_record(fd, F_GETLK, lock_of(F_RDLCK, 0, 0));
         t.lock_record(fd, F_SETLK, lock_of(F_WRLCK, 6, 2));
         t.lock_record(fd, F_GETLK, lock_of(F_RDLCK, 0, 0));
         t.lock_record(fd, F_OFD_SETLK, lock_of(F_WRLCK, 5, 3));
         t.lock_record(fd, F_OFD_SETLK, lock_of(F_UNLCK, 0, 0));
         t.lock_record(fd, F_SETLK, lock_of(F_WRLCK, 0, 3));
     }},
    {"record_lock.ends_with_any_close",
     [](transcript& t) {
         t.make_file("a", "0123456789");
         t.make_file("b", "");
         t.link("a", "name");
         const int fd = t.open("a", O_RDWR);
         const int other = t.open("b", O_RDWR);
         t.lock_record(fd, F_SETLK, lock_of(F_WRLCK, 0, 0));
         t.lock_record(other, F_SETLK, lock_of(F_WRLCK, 0, 0));
         t.close(t.open("b", O_PATH));
         t.lock_record(other, F_OFD_GETLK, lock_of(F_WRLCK, 0, 0));
         t.close(t.open("name", O_RDONLY));
         t.lock_record(fd, F_OFD_GETLK, lock_of(F_WRLCK, 0, 0));
         t.lock_record(other, F_OFD_GETLK, lock_of(F_WRLCK, 0, 0));
         t.lock_record(fd, F_SETLK, lock_of(F_RDLCK, 5, 1));
         t.lock_record(fd, F_OFD_GETLK, lock_of(F_WRLCK, 0, 0));
     }},
    {"record_lock.outlives_names",
     [](transcript& t) {
         t.make_file("a", "0123456789");
         const int fd = t.open("a", O_RDWR);
         const int other = t.open("a", O_RDWR);
         t.lock_record(fd, F_SETLK, lock_of(F_WRLCK, 0, 0));
         t.rename("a", "b");
         t.lock_record(other, F_OFD_SETLK, lock_of(F_RDLCK, 0, 0));
         t.unlink("b");
         t.lock_record(other, F_OFD_SETLK, lock_of(F_RDLCK, 0, 0));
         t.make_file("a", "");
         t.lock_record(t.open("a", O_RDWR), F_OFD_SETLK, lock_of(F_RDLCK, 0, 0));
     }},
    {"record_lock.of_a_reader_and_a_writer",
     [](transcript& t) {
         t.make_file("a", "0123456789");
         const int reader = t.open("a", O_RDONLY);
         const int writer = t.open("a", O_WRONLY);
         t.lock_record(reader, F_SETLK, lock_of(F_WRLCK, 0, 0));
         t.lock_record(writer, F_SETLK, lock_of(F_RDLCK, 0, 0));
         t.lock_record(reader, F_SETLK, lock_of(F_RDLCK, 0, 5));
         t.lock_record(writer, F_SETLK, lock_of(F_WRLCK, 3, 5));
         show_ranges(t, reader);
         t.lock_record(reader, F_SETLK, lock_of(F_RDLCK, 4, 1));
         show_ranges(t, writer);
         t.lock_record(writer, F_GETLK, lock_of(F_RDLCK, 0, 0));
         t.lock_record(reader, F_SETLK, lock_of(F_UNLCK, 0, 0));
         show_ranges(t, writer);
     }},
    {"record_lock.of_a_directory",
     [](transcript& t) {
         t.mkdir("dir");
         const int fd = t.open("dir", O_RDONLY);
         t.lock_record(fd, F_SETLK, lock_of(F_WRLCK, 0, 0));
         t.lock_record(fd, F_SETLK, lock_of(F_RDLCK, 0, 0));
         t.lock_record(t.open("dir", O_RDONLY), F_OFD_GETLK, lock_of(F_WRLCK, 0, 0));
     }},
    {"record_lock.refuses",
     [](transcript& t) {
         t.make_file("a", "0123456789");
         const int fd = t.open("a", O_RDWR);
         for (const int command : {F_SETLK, F_SETLKW, F_GETLK}) {
             t.lock_record(fd, command, lock_of(7, 0, 0));
             t.lock_record(fd, command, lock_of(F_RDLCK, -1, 0));
             t.lock_record(fd, command, lock_of(F_RDLCK, 2, -3));
             t.lock_record(fd, command, lock_of(F_RDLCK, -11, 1, SEEK_END));
             t.lock_record(fd, command, lock_of(F_RDLCK, 0, 0, 9));
             t.lock_record(fd, command, lock_of(F_RDLCK, 2, most));
             t.lock_record(fd, command, lock_of(F_RDLCK, most, 0, SEEK_END));
             t.lock_record(fd, command, lock_of(F_UNLCK, 0, 0));
             t.lock_record(-1, command, lock_of(F_RDLCK, 0, 0));
             t.lock_record(t.open("a", O_PATH), command, lock_of(F_RDLCK, 0, 0));
         }
         t.lock_record(fd, F_SETLK, lock_of(F_RDLCK, most, 1));
         t.lock_record(fd, F_SETLK, lock_of(F_RDLCK, 1, most));
         show_ranges(t, fd);
     }},
};

}  // namespace

case_family record_lock_cases() {
    return {needs::nothing, cases};
}

}  // namespace farside::conformance
