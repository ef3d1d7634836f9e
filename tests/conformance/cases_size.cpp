// Positions, holes and sizes: lseek(2), truncate(2), fallocate(2), files of more than 4 GiB.
#include "tests/conformance/conformance_case.hpp"

#include <linux/falloc.h>

namespace farside::conformance {
namespace {

constexpr std::int64_t five_gib = 5LL << 30U;
constexpr std::int64_t mib = 1LL << 20U;

constexpr conformance_case cases[] = {
    {"seek.from_start_position_and_end",
     [](transcript& t) {
         t.make_file("a", "abcdefghij");
         const int fd = t.open("a", O_RDONLY);
         t.lseek(fd, 4, SEEK_SET);
         t.read(fd, 1);
         t.lseek(fd, 2, SEEK_CUR);
         t.read(fd, 1);
         t.lseek(fd, -3, SEEK_CUR);
         t.read(fd, 1);
         t.lseek(fd, -1, SEEK_END);
         t.read(fd, 1);
         t.lseek(fd, 0, SEEK_END);
         t.lseek(fd, 10, SEEK_END);
         t.read(fd, 1);
         t.lseek(fd, 0, SEEK_CUR);
     }},
    {"seek.refused_leaves_the_position",
     [](transcript& t) {
         t.make_file("a", "abcdefghij");
         const int fd = t.open("a", O_RDONLY);
         t.lseek(fd, 4, SEEK_SET);
         t.lseek(fd, -1, SEEK_SET);
         t.lseek(fd, -5, SEEK_CUR);
         t.lseek(fd, -11, SEEK_END);
         t.lseek(fd, 0, 5);
         t.lseek(fd, 0, -1);
         t.lseek(fd, INT64_MAX, SEEK_CUR);
         t.lseek(fd, INT64_MAX, SEEK_END);
         t.lseek(fd, INT64_MIN, SEEK_SET);
         t.lseek(fd, 0, SEEK_CUR);
         t.read(fd, 1);
     }},
    {"seek.far_beyond_the_end",
     [](transcript& t) {
         t.make_file("a", "abc");
         const int fd = t.open("a", O_RDONLY);
         t.lseek(fd, 1LL << 43U, SEEK_SET);
         t.read(fd, 1);
         t.lseek(fd, 0, SEEK_CUR);
     }},
    {"seek.end_follows_growth",
     [](transcript& t) {
         const int fd = t.open("a", O_CREAT | O_RDWR, 0644);
         const int other = t.open("a", O_WRONLY | O_APPEND);
         t.lseek(fd, 0, SEEK_END);
         t.write(other, "12345");
         t.lseek(fd, 0, SEEK_END);
         t.ftruncate(other, 2);
         t.lseek(fd, 0, SEEK_END);
     }},
    {"seek.data_and_holes_of_a_dense_file",
     [](transcript& t) {
         t.make_file("a", "abcdefghij");
         const int fd = t.open("a", O_RDONLY);
         t.lseek(fd, 0, SEEK_DATA);
         t.lseek(fd, 5, SEEK_DATA);
         t.lseek(fd, 0, SEEK_HOLE);
         t.lseek(fd, 9, SEEK_HOLE);
         t.lseek(fd, 10, SEEK_DATA);
         t.lseek(fd, 10, SEEK_HOLE);
         t.lseek(fd, 1000, SEEK_DATA);
         t.lseek(fd, -1, SEEK_DATA);
         t.lseek(fd, -1, SEEK_HOLE);
         t.lseek(fd, 0, SEEK_CUR);
     }},
    {"seek.data_and_holes_of_a_sparse_file",
     [](transcript& t) {
         const int fd = t.open("a", O_CREAT | O_RDWR, 0644);
         t.pwrite(fd, text::pattern(4096), mib);
         t.pwrite(fd, text::pattern(4096), 3 * mib);
         t.ftruncate(fd, 4 * mib);
         t.fsync(fd);
         t.lseek(fd, 0, SEEK_DATA);
         t.lseek(fd, mib, SEEK_HOLE);
         t.lseek(fd, mib + 4096, SEEK_DATA);
         t.lseek(fd, 0, SEEK_HOLE);
         t.lseek(fd, 3 * mib + 4096, SEEK_DATA);
         t.lseek(fd, 3 * mib + 1, SEEK_HOLE);
         t.read(fd, 16);
         t.lseek(fd, 0, SEEK_CUR);
     }},
    {"seek.empty_file",
     [](transcript& t) {
         t.make_file("a", "");
         const int fd = t.open("a", O_RDONLY);
         t.lseek(fd, 0, SEEK_END);
         t.lseek(fd, 0, SEEK_DATA);
         t.lseek(fd, 0, SEEK_HOLE);
         t.read(fd, 1);
     }},
    {"size.five_gib_sparse",
     [](transcript& t) {
         const int fd = t.open("a", O_CREAT | O_RDWR, 0644);
         t.pwrite(fd, "far away", five_gib);
         t.fstat(fd);
         t.stat("a");
         t.note("sparse", t.peek(fd).blocks < 1024);
         t.pread(fd, 16, five_gib - 4);
         t.pread(fd, 16, (1LL << 32U) - 8);
         t.lseek(fd, -4, SEEK_END);
         t.read(fd, 16);
         t.lseek(fd, five_gib, SEEK_SET);
         t.write(fd, "FAR");
         t.pread(fd, 16, five_gib);
         t.lseek(fd, 0, SEEK_DATA);
         t.lseek(fd, 0, SEEK_CUR);
         t.ftruncate(fd, five_gib + 2);
         t.lseek(fd, 0, SEEK_END);
         t.ftruncate(fd, 0);
     }},
    {"size.append_beyond_four_gib",
     [](transcript& t) {
         const int fd = t.open("a", O_CREAT | O_RDWR | O_APPEND, 0644);
         t.ftruncate(fd, five_gib);
         t.write(fd, "end");
         t.lseek(fd, 0, SEEK_CUR);
         t.pread(fd, 8, five_gib);
         t.ftruncate(fd, 0);
     }},
    {"truncate.shrinks_and_grows_with_zeros",
     [](transcript& t) {
         t.make_file("a", "abcdefghij");
         t.truncate("a", 4);
         t.show_file("a");
         t.truncate("a", 8);
         t.show_file("a");
         t.truncate("a", 8);
         t.truncate("a", 0);
         t.stat("a");
         const int fd = t.open("a", O_RDWR);
         t.write(fd, "abcdef");
         t.ftruncate(fd, 2);
         t.ftruncate(fd, 5);
         t.pread(fd, 10, 0);
     }},
    {"truncate.leaves_positions",
     [](transcript& t) {
         t.make_file("a", "abcdefghij");
         const int fd = t.open("a", O_RDWR);
         t.lseek(fd, 8, SEEK_SET);
         t.ftruncate(fd, 3);
         t.lseek(fd, 0, SEEK_CUR);
         t.read(fd, 10);
         t.write(fd, "X");
         t.show_file("a");
     }},
    {"truncate.refuses",
     [](transcript& t) {
         t.make_file("a", "abc");
         t.mkdir("dir");
         t.mkfifo("fifo");
         t.truncate("a", -1);
         t.truncate("none", 0);
         t.truncate("none", -1);
         t.truncate("dir", 0);
         t.truncate("fifo", 0);
         t.truncate("a/", 0);
         t.truncate("", 0);
         t.truncate("a", INT64_MAX);
         const int reader = t.open("a", O_RDONLY);
         t.ftruncate(reader, 1);
         t.ftruncate(reader, -1);
         t.ftruncate(t.open("dir", O_RDONLY), 0);
         const int writer = t.open("a", O_WRONLY);
         t.ftruncate(writer, -1);
         t.ftruncate(writer, INT64_MAX);
         t.show_file("a");
     }},
    {"truncate.follows_links_and_renews_times",
     [](transcript& t) {
         t.make_file("a", "abcdef");
         t.symlink("a", "link");
         t.symlink("nowhere", "dangling");
         t.make_old("a");
         t.truncate("link", 3);
         t.show_renewed("a");
         t.show_file("a");
         t.truncate("dangling", 0);
         t.list(".");
     }},
    {"truncate.by_name_is_seen_by_descriptors",
     [](transcript& t) {
         t.make_file("a", "abcdef");
         const int fd = t.open("a", O_RDONLY);
         t.read(fd, 2);
         t.truncate("a", 3);
         t.read(fd, 10);
         t.truncate("a", 0);
         t.read(fd, 10);
         t.fstat(fd);
     }},
    {"allocate.grows_unless_told_to_keep",
     [](transcript& t) {
         const int fd = t.open("a", O_CREAT | O_RDWR, 0644);
         t.fallocate(fd, 0, 0, 8192);
         t.fstat(fd);
         t.note("has blocks", t.peek(fd).blocks > 0);
         t.fallocate(fd, FALLOC_FL_KEEP_SIZE, 8192, 65536);
         t.fstat(fd);
         t.fallocate(fd, 0, 10'000, 10);
         t.fstat(fd);
         t.fallocate(fd, 0, 0, 10);
         t.fstat(fd);
     }},
    {"allocate.punches_holes",
     [](transcript& t) {
         t.make_file("a", text::pattern(16384));
         const int fd = t.open("a", O_RDWR);
         t.fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096);
         t.fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 4096);
         t.fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100, 5);
         t.fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100'000, 5);
         t.fstat(fd);
         t.show_file("a");
         t.lseek(fd, 0, SEEK_HOLE);
         t.lseek(fd, 4096, SEEK_DATA);
     }},
    {"allocate.zeroes_collapses_and_inserts",
     [](transcript& t) {
         t.make_file("a", text::pattern(65536));
         const int fd = t.open("a", O_RDWR);
         t.fallocate(fd, FALLOC_FL_ZERO_RANGE, 10, 10);
         t.fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 65530, 100);
         t.fstat(fd);
         t.fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 4096, 4096);
         t.fallocate(fd, FALLOC_FL_INSERT_RANGE, 8192, 4096);
         t.fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 1, 1);
         t.fstat(fd);
         t.show_file("a");
     }},
    {"allocate.refuses",
     [](transcript& t) {
         t.make_file("a", "content");
         t.mkdir("dir");
         const int fd = t.open("a", O_RDWR);
         t.fallocate(fd, 0, 0, 0);
         t.fallocate(fd, 0, -1, 10);
         t.fallocate(fd, 0, 0, -1);
         t.fallocate(fd, 0, INT64_MAX - 1, 10);
         t.fallocate(fd, 0x1000, 0, 10);
         const int reader = t.open("a", O_RDONLY);
         t.fallocate(reader, 0, 0, 10);
         t.fallocate(reader, 0, 0, 0);
         t.fallocate(t.open("dir", O_RDONLY), 0, 0, 10);
         t.fallocate(t.open("a", O_WRONLY | O_APPEND), FALLOC_FL_PUNCH_HOLE, 0, 1);
         t.stat("a");
     }},
};

}  // namespace

case_family size_cases() {
    return {needs::nothing, cases};
}

}  // namespace farside::conformance
