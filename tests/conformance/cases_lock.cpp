// flock(2) and open-file-description locks (fcntl(2)); nothing here waits.
#include "tests/conformance/conformance_case.hpp"
#include "tests/conformance/lock_of.hpp"

namespace farside::conformance {
namespace {

constexpr conformance_case cases[] = {
    {"flock.shared_and_exclusive",
     [](transcript& t) {
         t.make_file("a", "");
         const int first = t.open("a", O_RDONLY);
         const int second = t.open("a", O_RDONLY);
         t.flock(first, LOCK_SH);
         t.flock(second, LOCK_SH | LOCK_NB);
         t.flock(second, LOCK_EX | LOCK_NB);
         t.flock(first, LOCK_UN);
         t.flock(second, LOCK_EX | LOCK_NB);
         t.flock(first, LOCK_SH | LOCK_NB);
         t.flock(first, LOCK_EX | LOCK_NB);
         t.flock(second, LOCK_UN);
         t.flock(first, LOCK_EX | LOCK_NB);
     }},
    {"flock.again_on_the_same_descriptor",
     [](transcript& t) {
         t.make_file("a", "");
         const int fd = t.open("a", O_RDWR);
         t.flock(fd, LOCK_UN);
         t.flock(fd, LOCK_EX);
         t.flock(fd, LOCK_EX | LOCK_NB);
         t.flock(fd, LOCK_SH);
         t.flock(fd, LOCK_UN);
         t.flock(fd, LOCK_UN);
     }},
    {"flock.ends_with_its_descriptor",
     [](transcript& t) {
         t.make_file("a", "");
         const int first = t.open("a", O_RDONLY);
         const int second = t.open("a", O_WRONLY);
         t.flock(first, LOCK_EX);
         t.flock(second, LOCK_EX | LOCK_NB);
         t.close(first);
         t.flock(second, LOCK_EX | LOCK_NB);
     }},
    {"flock.belongs_to_the_file_not_the_name",
     [](transcript& t) {
         t.make_file("a", "");
         t.link("a", "b");
         const int first = t.open("a", O_RDONLY);
         t.flock(first, LOCK_EX);
         t.flock(t.open("b", O_RDONLY), LOCK_SH | LOCK_NB);
         t.rename("a", "c");
         t.flock(t.open("c", O_RDONLY), LOCK_SH | LOCK_NB);
         t.make_file("a", "");
         t.flock(t.open("a", O_RDONLY), LOCK_EX | LOCK_NB);
     }},
    {"flock.of_directories_and_nodes",
     [](transcript& t) {
         t.mkdir("dir");
         t.mkfifo("fifo");
         const int first = t.open("dir", O_RDONLY);
         t.flock(first, LOCK_EX);
         t.flock(t.open("dir", O_RDONLY), LOCK_EX | LOCK_NB);
         t.flock(t.open("fifo", O_RDWR), LOCK_EX | LOCK_NB);
     }},
    {"flock.refuses",
     [](transcript& t) {
         t.make_file("a", "");
         const int fd = t.open("a", O_RDONLY);
         t.flock(fd, 0);
         t.flock(fd, LOCK_NB);
         t.flock(fd, LOCK_SH | LOCK_EX);
         t.flock(fd, 0x100);
         t.flock(-1, LOCK_SH);
         t.flock(t.open("a", O_PATH), LOCK_SH);
     }},
    {"lock.ranges_of_two_descriptors",
     [](transcript& t) {
         t.make_file("a", "0123456789");
         const int first = t.open("a", O_RDWR);
         const int second = t.open("a", O_RDWR);
         t.lock_record(first, F_OFD_SETLK, lock_of(F_WRLCK, 2, 4));
         t.lock_record(second, F_OFD_SETLK, lock_of(F_WRLCK, 0, 2));
         t.lock_record(second, F_OFD_SETLK, lock_of(F_WRLCK, 5, 1));
         t.lock_record(second, F_OFD_SETLK, lock_of(F_RDLCK, 0, 0));
         t.lock_record(second, F_OFD_SETLK, lock_of(F_RDLCK, 6, 0));
         t.lock_record(second, F_OFD_GETLK, lock_of(F_WRLCK, 0, 0));
         t.lock_record(first, F_OFD_GETLK, lock_of(F_WRLCK, 0, 0));
         t.lock_record(first, F_OFD_SETLK, lock_of(F_UNLCK, 3, 1));
         t.lock_record(second, F_OFD_SETLK, lock_of(F_WRLCK, 3, 1));
         t.lock_record(second, F_OFD_GETLK, lock_of(F_RDLCK, 3, 1));
     }},
    {"lock.shared_ranges",
     [](transcript& t) {
         t.make_file("a", "0123456789");
         const int first = t.open("a", O_RDWR);
         const int second = t.open("a", O_RDONLY);
         t.lock_record(first, F_OFD_SETLK, lock_of(F_RDLCK, 0, 5));
         t.lock_record(second, F_OFD_SETLK, lock_of(F_RDLCK, 0, 5));
         t.lock_record(first, F_OFD_SETLK, lock_of(F_WRLCK, 0, 5));
         t.lock_record(second, F_OFD_SETLK, lock_of(F_UNLCK, 0, 0));
         t.lock_record(first, F_OFD_SETLK, lock_of(F_WRLCK, 0, 5));
         t.close(first);
         t.lock_record(second, F_OFD_SETLK, lock_of(F_RDLCK, 0, 5));
     }},
    {"lock.from_position_and_end",
     [](transcript& t) {
         t.make_file("a", "0123456789");
         const int first = t.open("a", O_RDWR);
         const int second = t.open("a", O_RDWR);
         t.lseek(first, 4, SEEK_SET);
         t.lock_record(first, F_OFD_SETLK, lock_of(F_WRLCK, 1, 2, SEEK_CUR));
         t.lock_record(second, F_OFD_GETLK, lock_of(F_WRLCK, 0, 0));
         t.lock_record(first, F_OFD_SETLK, lock_of(F_UNLCK, 0, 0));
         t.lock_record(first, F_OFD_SETLK, lock_of(F_WRLCK, -3, 2, SEEK_END));
         t.lock_record(second, F_OFD_GETLK, lock_of(F_WRLCK, 0, 0));
         t.lock_record(first, F_OFD_SETLK, lock_of(F_WRLCK, 0, -1, SEEK_CUR));
         t.lock_record(second, F_OFD_GETLK, lock_of(F_WRLCK, 0, 5));
     }},
    {"lock.refuses",
     [](transcript& t) {
         t.make_file("a", "0123456789");
         const int reader = t.open("a", O_RDONLY);
         const int writer = t.open("a", O_WRONLY);
         t.lock_record(reader, F_OFD_SETLK, lock_of(F_WRLCK, 0, 0));
         t.lock_record(writer, F_OFD_SETLK, lock_of(F_RDLCK, 0, 0));
         t.lock_record(writer, F_OFD_SETLK, lock_of(7, 0, 0));
         t.lock_record(writer, F_OFD_SETLK, lock_of(F_WRLCK, -1, 0));
         t.lock_record(writer, F_OFD_SETLK, lock_of(F_WRLCK, 0, 0, 9));
         t.lock_record(writer, F_OFD_GETLK, lock_of(F_UNLCK, 0, 0));
         auto with_pid = lock_of(F_WRLCK, 0, 0);
         with_pid.l_pid = 1;
         t.lock_record(writer, F_OFD_SETLK, with_pid);
         t.lock_record(-1, F_OFD_SETLK, lock_of(F_WRLCK, 0, 0));
         t.lock_record(t.open("a", O_PATH), F_OFD_SETLK, lock_of(F_WRLCK, 0, 0));
     }},
};

}  // namespace

case_family lock_cases() {
    return {needs::nothing, cases};
}

}  // namespace farside::conformance
