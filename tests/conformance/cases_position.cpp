// Where bytes go: positions of two descriptors, offsets around the powers of two at which a number
// could be cut, holes, and files that grow and shrink while they are open.
#include "tests/conformance/conformance_case.hpp"

#include <sys/ioctl.h>

namespace farside::conformance {
namespace {

constexpr std::int64_t two_to(unsigned power) {
    return std::int64_t{1} << power;
}

constexpr conformance_case cases[] = {
    {"position.around_powers_of_two",
     [](transcript& t) {
         const int fd = t.open("a", O_CREAT | O_RDWR, 0644);
         for (const unsigned power : {12U, 16U, 20U, 31U, 32U, 33U, 40U}) {
             const auto middle = two_to(power);
             t.pwrite(fd, "across", middle - 3);
             t.pread(fd, 10, middle - 5);
             t.pread(fd, 1, middle - 1);
             t.pread(fd, 1, middle);
             t.fstat(fd);
         }
         t.ftruncate(fd, 0);
     }},
    {"position.walks_across_powers_of_two",
     [](transcript& t) {
         const int fd = t.open("a", O_CREAT | O_RDWR, 0644);
         for (const unsigned power : {31U, 32U, 40U}) {
             t.lseek(fd, two_to(power) - 2, SEEK_SET);
             t.write(fd, "ab");
             t.write(fd, "cd");
             t.lseek(fd, 0, SEEK_CUR);
             t.lseek(fd, -4, SEEK_CUR);
             t.read(fd, 3);
             t.read(fd, 3);
             t.lseek(fd, -two_to(power), SEEK_CUR);
             t.lseek(fd, -1, SEEK_END);
             t.readv(fd, {1, 1});
         }
         t.ftruncate(fd, two_to(32) + 1);
         t.lseek(fd, 0, SEEK_END);
         t.ftruncate(fd, 0);
     }},
    {"position.reads_over_holes",
     [](transcript& t) {
         const int fd = t.open("a", O_CREAT | O_RDWR, 0644);
         for (int block = 0; block < 10; block += 2) {
             t.pwrite(fd, text::pattern(5000, static_cast<unsigned>(block)), block * 20'000);
         }
         t.ftruncate(fd, 250'000);
         t.read(fd, 4999);
         t.read(fd, 2);
         t.read(fd, 60'000);
         t.pread(fd, 15'000, 5000);
         t.pread(fd, 300'000, 0);
         t.preadv(fd, {1, 39'999, 5000, 1}, 5000);
         t.pread(fd, 100, 249'950);
         t.show_file("a");
     }},
    {"position.two_descriptors_interleaved",
     [](transcript& t) {
         t.make_file("a", "................");
         const int one = t.open("a", O_RDWR);
         const int two = t.open("a", O_RDWR);
         t.write(one, "11");
         t.read(two, 3);
         t.write(two, "22");
         t.read(one, 4);
         t.write(one, "33");
         t.lseek(two, -2, SEEK_END);
         t.write(two, "4444");
         t.lseek(one, 0, SEEK_END);
         t.lseek(two, 0, SEEK_CUR);
         t.show_file("a");
     }},
    {"position.file_grows_under_a_reader",
     [](transcript& t) {
         t.make_file("a", "one");
         const int reader = t.open("a", O_RDONLY);
         t.read(reader, 100);
         t.read(reader, 100);
         const int writer = t.open("a", O_WRONLY | O_APPEND);
         t.write(writer, text::pattern(5000));
         t.read(reader, 100);
         t.ioctl(reader, FIONREAD, "FIONREAD");
         t.truncate("a", 100'000);
         t.read(reader, 200'000);
         t.read(reader, 1);
         t.write(writer, "x");
         t.read(reader, 10);
         t.lseek(reader, 0, SEEK_CUR);
     }},
    {"position.file_shrinks_under_reader_and_writer",
     [](transcript& t) {
         t.make_file("a", text::pattern(10'000));
         const int fd = t.open("a", O_RDWR);
         t.read(fd, 8000);
         t.truncate("a", 5000);
         t.read(fd, 10);
         t.pread(fd, 10, 4995);
         t.write(fd, "behind the end");
         t.fstat(fd);
         t.pread(fd, 20, 4990);
         t.pread(fd, 20, 7990);
         t.lseek(fd, 0, SEEK_CUR);
         t.show_file("a");
     }},
    {"position.read_ahead_sees_later_writes",
     [](transcript& t) {
         t.make_file("a", text::pattern(1'000'000));
         const int reader = t.open("a", O_RDONLY);
         t.read(reader, 10'000);
         t.read(reader, 10'000);
         t.read(reader, 10'000);
         const int writer = t.open("a", O_RDWR);
         t.pwrite(writer, "changed", 31'000);
         t.pwrite(writer, "changed", 500'000);
         t.read(reader, 10'000);
         t.ftruncate(writer, 35'000);
         t.read(reader, 10'000);
         t.ftruncate(writer, 60'000);
         t.read(reader, 100'000);
     }},
    {"position.nothing_is_written",
     [](transcript& t) {
         t.make_file("a", "content");
         t.make_old("a");
         const int fd = t.open("a", O_WRONLY);
         t.lseek(fd, 100, SEEK_SET);
         t.write(fd, "");
         t.pwrite(fd, "", 50);
         t.writev(fd, {"", ""});
         t.pwritev2(fd, {}, 5, 0);
         t.pwritev2(fd, {""}, -1, RWF_APPEND);
         t.pwrite(fd, "", -1);
         t.write(t.open("a", O_RDONLY), "");
         t.write(t.open("a", O_WRONLY | O_APPEND), "");
         t.lseek(fd, 0, SEEK_CUR);
         t.stat("a");
         t.show_renewed("a");
     }},
    {"position.appending_moves_to_the_end",
     [](transcript& t) {
         t.make_file("a", "0123456789");
         const int fd = t.open("a", O_RDWR | O_APPEND);
         t.read(fd, 3);
         t.write(fd, "ab");
         t.lseek(fd, 0, SEEK_CUR);
         t.read(fd, 3);
         t.lseek(fd, 2, SEEK_SET);
         t.read(fd, 2);
         t.writev(fd, {"c", "", "d"});
         t.lseek(fd, 0, SEEK_CUR);
         t.lseek(fd, 1, SEEK_SET);
         t.pwrite(fd, "ef", 0);
         t.lseek(fd, 0, SEEK_CUR);
         t.set_flags(fd, 0);
         t.write(fd, "XY");
         t.lseek(fd, 0, SEEK_CUR);
         t.show_file("a");
     }},
    {"position.append_flag_of_one_of_two",
     [](transcript& t) {
         t.make_file("a", "start");
         const int appends = t.open("a", O_RDWR | O_APPEND);
         const int writes = t.open("a", O_RDWR);
         t.write(appends, "+1");
         t.write(writes, "S");
         t.write(appends, "+2");
         t.set_flags(writes, O_APPEND);
         t.write(writes, "+3");
         t.set_flags(appends, 0);
         t.write(appends, "?");
         t.lseek(appends, 0, SEEK_CUR);
         t.lseek(writes, 0, SEEK_CUR);
         t.show_file("a");
     }},
    {"position.empty_parts_at_every_place",
     [](transcript& t) {
         t.make_file("a", text::pattern(100));
         const int fd = t.open("a", O_RDWR);
         for (const auto& sizes :
              {std::vector<std::size_t>{0, 3},
               std::vector<std::size_t>{3, 0},
               std::vector<std::size_t>{0, 0, 1, 0, 2, 0, 0},
               std::vector<std::size_t>{90, 0, 90},
               std::vector<std::size_t>{0, 0, 10}}) {
             t.readv(fd, sizes);
             t.preadv(fd, sizes, 7);
             t.preadv(fd, sizes, 99);
             t.preadv(fd, sizes, 100);
         }
         t.lseek(fd, 0, SEEK_SET);
         t.writev(fd, {"", "ab", "", "", "c", ""});
         t.pwritev2(fd, {"", "", "xyz"}, 98, 0);
         t.show_file("a");
     }},
    {"position.many_sizes_at_many_offsets",
     [](transcript& t) {
         t.make_file("a", text::pattern(300'000));
         const int fd = t.open("a", O_RDONLY);
         for (const std::int64_t offset :
              {0L, 1L, 4095L, 4096L, 65'535L, 131'071L, 131'072L, 262'143L, 299'999L, 300'000L}) {
             for (const std::size_t size : {1UL, 4096UL, 65'536UL, 131'073UL, 400'000UL}) {
                 t.pread(fd, size, offset);
             }
         }
         t.lseek(fd, 0, SEEK_CUR);
     }},
    {"position.overwrites_at_odd_places",
     [](transcript& t) {
         t.make_file("a", text::pattern(200'000));
         const int fd = t.open("a", O_RDWR);
         unsigned seed = 1;
         for (const std::int64_t offset :
              {0L, 4090L, 65'530L, 131'070L, 199'990L, 199'999L, 250'000L}) {
             for (const std::size_t size : {1UL, 10UL, 5000UL, 70'000UL}) {
                 t.pwrite(fd, text::pattern(size, seed++), offset);
             }
         }
         t.fstat(fd);
         t.show_file("a");
     }},
    {"position.copies_within_and_between",
     [](transcript& t) {
         t.make_file("a", text::pattern(20'000));
         t.mkdir("dir");
         const int fd = t.open("a", O_RDWR);
         const int other = t.open("b", O_CREAT | O_RDWR, 0644);
         t.copy_file_range(fd, 0, fd, 10'000, 5000);
         t.copy_file_range(fd, 0, fd, 100, 5000);
         t.copy_file_range(fd, 19'990, other, 3, 100);
         t.copy_file_range(fd, 20'000, other, 0, 100);
         t.copy_file_range(fd, 50'000, other, 0, 100);
         t.copy_file_range(fd, {}, other, {}, 0);
         t.copy_file_range(fd, 5, other, two_to(32) + 5, 10);
         t.copy_file_range(fd, -1, other, 0, 10);
         t.copy_file_range(fd, 0, t.open("b", O_WRONLY | O_APPEND), 0, 10);
         t.copy_file_range(t.open("dir", O_RDONLY), 0, other, 0, 10);
         t.pread(other, 20, two_to(32));
         t.fstat(other);
         t.ftruncate(other, 0);
         t.show_file("a");
     }},
};

}  // namespace

case_family position_cases() {
    return {needs::nothing, cases};
}

}  // namespace farside::conformance
