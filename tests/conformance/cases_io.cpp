// Reading and writing with positions and offsets, appending, copying.
#include "tests/conformance/conformance_case.hpp"

#include <sys/ioctl.h>

namespace farside::conformance {
namespace {

constexpr std::int64_t offset_max = INT64_MAX;

// Around the sizes of blocks, frames and slots, where a split could go wrong.
constexpr std::size_t awkward_sizes[] = {
    1,
    4095,
    4096,
    4097,
    65535,
    65536,
    65537,
    131071,
    131072,
    131073,
    262144 - 1,
    262144 + 1,
    1048576 + 3};

constexpr conformance_case cases[] = {
    {"read.in_parts_up_to_the_end",
     [](transcript& t) {
         t.make_file("a", "abcdefghij");
         const int fd = t.open("a", O_RDONLY);
         t.read(fd, 4);
         t.lseek(fd, 0, SEEK_CUR);
         t.read(fd, 4);
         t.read(fd, 4);
         t.read(fd, 4);
         t.read(fd, 4);
         t.lseek(fd, 0, SEEK_CUR);
     }},
    {"read.nothing",
     [](transcript& t) {
         t.make_file("a", "abc");
         const int fd = t.open("a", O_RDONLY);
         t.read(fd, 0);
         t.pread(fd, 0, 0);
         t.pread(fd, 0, 100);
         t.read(fd, 1);
         t.mkdir("dir");
         t.read(t.open("dir", O_RDONLY), 0);
         t.read(t.open("a", O_WRONLY), 0);
     }},
    {"read.past_the_end",
     [](transcript& t) {
         t.make_file("a", "abc");
         const int fd = t.open("a", O_RDONLY);
         t.lseek(fd, 1000, SEEK_SET);
         t.read(fd, 10);
         t.lseek(fd, 0, SEEK_CUR);
         t.pread(fd, 10, 3);
         t.pread(fd, 10, 1000);
         t.pread(fd, 10, offset_max - 10);
         t.pread(fd, 10, offset_max);
     }},
    {"read.at_an_offset_leaves_the_position",
     [](transcript& t) {
         t.make_file("a", "abcdefghij");
         const int fd = t.open("a", O_RDONLY);
         t.read(fd, 2);
         t.pread(fd, 3, 6);
         t.pread(fd, 30, 8);
         t.read(fd, 2);
     }},
    {"read.negative_offset_is_invalid",
     [](transcript& t) {
         t.make_file("a", "abc");
         const int fd = t.open("a", O_RDWR);
         t.pread(fd, 3, -1);
         t.pread(fd, 3, -100);
         t.pwrite(fd, "x", -1);
         t.pwrite(fd, "x", INT64_MIN);
         t.pread(fd, 0, -1);
         t.show_file("a");
     }},
    {"read.needs_a_readable_descriptor",
     [](transcript& t) {
         t.make_file("a", "abc");
         const int fd = t.open("a", O_WRONLY);
         t.read(fd, 3);
         t.pread(fd, 3, 0);
         t.readv(fd, {1, 2});
         t.preadv(fd, {1, 2}, 0);
     }},
    {"read.of_a_directory_is_refused",
     [](transcript& t) {
         t.mkdir("dir");
         const int fd = t.open("dir", O_RDONLY);
         t.read(fd, 10);
         t.pread(fd, 10, 0);
         t.readv(fd, {10});
         t.write(fd, "x");
         t.ftruncate(fd, 0);
     }},
    {"read.sees_what_another_descriptor_wrote",
     [](transcript& t) {
         const int writer = t.open("a", O_CREAT | O_WRONLY, 0644);
         const int reader = t.open("a", O_RDONLY);
         t.read(reader, 10);
         t.write(writer, "one");
         t.read(reader, 10);
         t.read(reader, 10);
         t.write(writer, "two");
         t.fstat(reader);
         t.read(reader, 10);
         t.pwrite(writer, "ONE", 0);
         t.pread(reader, 10, 0);
     }},
    {"read.large_files_come_whole",
     [](transcript& t) {
         for (const auto size : awkward_sizes) {
             const auto file = "size" + std::to_string(size);
             const auto content = text::pattern(size, static_cast<unsigned>(size));
             const int fd = t.open(file, O_CREAT | O_RDWR, 0644);
             t.write(fd, content);
             t.fstat(fd);
             t.note("same", t.pread(fd, size + 10, 0) == content);
             t.lseek(fd, 0, SEEK_SET);
             t.note("same", t.read(fd, size) == content);
             t.read(fd, 1);
             t.close(fd);
         }
     }},
    {"read.many_small_parts_of_a_large_file",
     [](transcript& t) {
         t.make_file("a", text::pattern(300'000));
         const int fd = t.open("a", O_RDONLY);
         std::string all;
         for (std::string part; !(part = t.read(fd, 7001)).empty();) {
             all += part;
         }
         t.note("same", all == text::pattern(300'000));
     }},
    {"write.needs_a_writable_descriptor",
     [](transcript& t) {
         t.make_file("a", "abc");
         const int fd = t.open("a", O_RDONLY);
         t.write(fd, "x");
         t.write(fd, "");
         t.pwrite(fd, "x", 0);
         t.writev(fd, {"x", "y"});
         t.ftruncate(fd, 1);
         t.show_file("a");
     }},
    {"write.nothing_changes_nothing",
     [](transcript& t) {
         t.make_file("a", "abc");
         t.make_old("a");
         const int fd = t.open("a", O_WRONLY);
         t.write(fd, "");
         t.pwrite(fd, "", 100);
         t.lseek(fd, 100, SEEK_SET);
         t.write(fd, "");
         t.stat("a");
         t.show_renewed("a");
     }},
    {"write.in_the_middle_replaces",
     [](transcript& t) {
         t.make_file("a", "abcdefghij");
         const int fd = t.open("a", O_RDWR);
         t.lseek(fd, 3, SEEK_SET);
         t.write(fd, "DEF");
         t.read(fd, 2);
         t.write(fd, "IJKL");
         t.lseek(fd, 0, SEEK_CUR);
         t.show_file("a");
     }},
    {"write.at_an_offset_leaves_the_position",
     [](transcript& t) {
         t.make_file("a", "abcdef");
         const int fd = t.open("a", O_RDWR);
         t.pwrite(fd, "XY", 4);
         t.read(fd, 2);
         t.pwrite(fd, "Z", 9);
         t.lseek(fd, 0, SEEK_CUR);
         t.show_file("a");
     }},
    {"write.past_the_end_leaves_zeros",
     [](transcript& t) {
         const int fd = t.open("a", O_CREAT | O_RDWR, 0644);
         t.lseek(fd, 5, SEEK_SET);
         t.write(fd, "five");
         t.pwrite(fd, "twenty", 20);
         t.fstat(fd);
         t.show_file("a");
     }},
    {"write.renews_the_times",
     [](transcript& t) {
         t.make_file("a", "abc");
         t.make_old("a");
         const int fd = t.open("a", O_WRONLY);
         t.show_renewed("a");
         t.write(fd, "x");
         t.show_renewed("a");
     }},
    {"write.beyond_the_largest_offset",
     [](transcript& t) {
         const int fd = t.open("a", O_CREAT | O_RDWR, 0644);
         t.pwrite(fd, "xy", offset_max - 1);
         t.pwrite(fd, "x", offset_max);
         t.fstat(fd);
     }},
    {"append.goes_to_the_end",
     [](transcript& t) {
         t.make_file("a", "start");
         const int fd = t.open("a", O_RDWR | O_APPEND);
         t.lseek(fd, 0, SEEK_CUR);
         t.write(fd, "+one");
         t.lseek(fd, 0, SEEK_CUR);
         t.lseek(fd, 2, SEEK_SET);
         t.read(fd, 3);
         t.write(fd, "+two");
         t.lseek(fd, 0, SEEK_CUR);
         t.show_file("a");
     }},
    {"append.from_two_descriptors_loses_nothing",
     [](transcript& t) {
         t.make_file("a", "");
         const int first = t.open("a", O_WRONLY | O_APPEND);
         const int second = t.open("a", O_WRONLY | O_APPEND);
         for (int i = 0; i < 5; ++i) {
             t.write(first, "first" + std::to_string(i) + ' ');
             t.write(second, "second" + std::to_string(i) + ' ');
         }
         t.lseek(first, 0, SEEK_CUR);
         t.lseek(second, 0, SEEK_CUR);
         t.show_file("a");
     }},
    {"append.ignores_the_offset_of_pwrite",
     [](transcript& t) {
         t.make_file("a", "start");
         const int fd = t.open("a", O_RDWR | O_APPEND);
         t.pwrite(fd, "X", 0);
         t.lseek(fd, 0, SEEK_CUR);
         t.show_file("a");
     }},
    {"append.with_truncation_starts_empty",
     [](transcript& t) {
         t.make_file("a", "start");
         const int fd = t.open("a", O_WRONLY | O_APPEND | O_TRUNC);
         t.write(fd, "one");
         t.ftruncate(fd, 1);
         t.write(fd, "two");
         t.show_file("a");
     }},
    {"append.large",
     [](transcript& t) {
         t.make_file("a", "start");
         const int fd = t.open("a", O_WRONLY | O_APPEND);
         t.write(fd, text::pattern(400'000));
         t.lseek(fd, 0, SEEK_CUR);
         t.show_file("a");
     }},
    {"copy_range.moves_both_positions",
     [](transcript& t) {
         t.make_file("from", "abcdefghij");
         const int from = t.open("from", O_RDONLY);
         const int to = t.open("to", O_CREAT | O_RDWR, 0644);
         t.read(from, 2);
         t.copy_file_range(from, {}, to, {}, 3);
         t.copy_file_range(from, {}, to, {}, 100);
         t.copy_file_range(from, {}, to, {}, 100);
         t.lseek(from, 0, SEEK_CUR);
         t.lseek(to, 0, SEEK_CUR);
         t.show_file("to");
     }},
    {"copy_range.at_offsets_moves_none",
     [](transcript& t) {
         t.make_file("from", "abcdefghij");
         const int from = t.open("from", O_RDONLY);
         const int to = t.open("to", O_CREAT | O_RDWR, 0644);
         t.copy_file_range(from, 4, to, 2, 3);
         t.lseek(from, 0, SEEK_CUR);
         t.lseek(to, 0, SEEK_CUR);
         t.copy_file_range(from, 8, to, {}, 10);
         t.copy_file_range(from, {}, to, 20, 1);
         t.show_file("to");
     }},
    {"copy_range.refuses",
     [](transcript& t) {
         t.make_file("from", "abcdefghij");
         t.make_file("to", "");
         t.mkdir("dir");
         const int from = t.open("from", O_RDWR);
         const int to = t.open("to", O_RDWR);
         t.copy_file_range(from, 0, to, 0, 0);
         t.copy_file_range(from, 100, to, 0, 5);
         t.copy_file_range(from, -1, to, 0, 5);
         t.copy_file_range(from, 0, to, -1, 5);
         t.copy_file_range(from, 0, from, 2, 5);
         t.copy_file_range(from, 0, from, 20, 5);
         t.copy_file_range(from, 0, t.open("to", O_RDONLY), 0, 5);
         t.copy_file_range(t.open("from", O_WRONLY), 0, to, 0, 5);
         t.copy_file_range(from, 0, t.open("to", O_WRONLY | O_APPEND), 0, 5);
         t.copy_file_range(from, 0, t.open("dir", O_RDONLY), 0, 5);
         t.copy_file_range(t.open("dir", O_RDONLY), 0, to, 0, 5);
         t.copy_file_range(t.open("from", O_PATH), 0, to, 0, 5);
         t.show_file("to");
     }},
    {"copy_range.between_directories_is_refused",
     [](transcript& t) {
         for (const char* const name : {"one", "other"}) {
             t.mkdir(name);
             t.list(name);
         }
         const int one = t.open("one", O_RDONLY | O_DIRECTORY);
         const int other = t.open("other", O_RDONLY | O_DIRECTORY);
         t.copy_file_range(one, {}, other, {}, 5);
         t.copy_file_range(one, 0, other, 0, 5);
     }},
    {"copy_range.large",
     [](transcript& t) {
         t.make_file("from", text::pattern(3'000'000));
         const int from = t.open("from", O_RDONLY);
         const int to = t.open("to", O_CREAT | O_RDWR, 0644);
         outcome total = 0;
         for (outcome got = 1; got > 0; total += got > 0 ? got : 0) {
             got = t.api().copy_file_range(from, nullptr, to, nullptr, 10'000'000);
         }
         t.record("copied", total);
         t.show_file("to");
     }},
    {"sync.of_everything",
     [](transcript& t) {
         t.make_file("a", "content");
         const int fd = t.open("a", O_RDWR);
         t.write(fd, "X");
         t.fsync(fd);
         t.fdatasync(fd);
         t.syncfs(fd);
         t.sync_file_range(fd, 0, 0, 0);
         t.sync_file_range(fd, -1, 0, 0);
         t.sync_file_range(fd, 0, -1, 0);
         t.sync_file_range(fd, 0, 0, 0xff);
         t.fsync(t.open("a", O_RDONLY));
         t.fsync(t.open(".", O_RDONLY));
     }},
    {"ioctl.tells_what_is_left_to_read",
     [](transcript& t) {
         t.make_file("a", "content");
         const int fd = t.open("a", O_RDWR);
         t.ioctl(fd, FIONREAD, "FIONREAD");
         t.read(fd, 3);
         t.ioctl(fd, FIONREAD, "FIONREAD");
         t.write(fd, "123456");
         t.ioctl(fd, FIONREAD, "FIONREAD");
         t.lseek(fd, 100, SEEK_SET);
         t.ioctl(fd, FIONREAD, "FIONREAD");
     }},
    {"ioctl.of_a_terminal_is_refused",
     [](transcript& t) {
         t.make_file("a", "content");
         const int fd = t.open("a", O_RDWR);
         t.ioctl(fd, TIOCGWINSZ, "TIOCGWINSZ");
         t.ioctl(fd, TCGETS, "TCGETS");
         t.ioctl(t.open(".", O_RDONLY), TCGETS, "TCGETS");
         t.ioctl(t.open("a", O_PATH), TCGETS, "TCGETS");
     }},
};

}  // namespace

case_family io_cases() {
    return {needs::nothing, cases};
}

}  // namespace farside::conformance
