// What a file occupies: truncation on each side of the end, every mode of fallocate(2) at every
// place, data and holes as lseek(2) finds them.
#include "tests/conformance/conformance_case.hpp"

#include <initializer_list>

#include <linux/falloc.h>

namespace farside::conformance {
namespace {

constexpr std::int64_t block = 4096;

struct range {
    std::int64_t offset;
    std::int64_t bytes;
};

using ranges = std::initializer_list<range>;

constexpr int hole = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

// Every change from data to hole and back, from the beginning.
void walk_extents(transcript& t, int fd) {
    outcome at = 0;
    for (int steps = 0; steps < 24 && at >= 0; ++steps) {
        at = t.lseek(fd, at, steps % 2 == 0 ? SEEK_DATA : SEEK_HOLE);
    }
}

constexpr conformance_case cases[] = {
    {"extent.truncation_on_each_side_of_the_end",
     [](transcript& t) {
         const int fd = t.open("a", O_CREAT | O_RDWR, 0644);
         for (const std::int64_t size : {1L, 100L, 4095L, 4096L, 4097L, 131'072L}) {
             t.ftruncate(fd, 0);
             t.pwrite(fd, text::pattern(static_cast<std::size_t>(size)), 0);
             for (const std::int64_t to : {size, size + 1, size, size - 1, size + 5000}) {
                 t.ftruncate(fd, to);
                 t.pread(fd, 10'000, size - 5 < 0 ? 0 : size - 5);
                 t.lseek(fd, 0, SEEK_END);
             }
         }
     }},
    {"extent.times_of_truncation",
     [](transcript& t) {
         t.make_file("a", "content");
         const int fd = t.open("a", O_RDWR);
         for (const std::int64_t size : {7, 8, 3, 3, 0, 0}) {
             t.make_old("a");
             t.truncate("a", size);
             t.show_renewed("a");
             t.make_old("a");
             t.ftruncate(fd, size);
             t.show_renewed("a");
         }
         t.make_old("a");
         t.close(t.open("a", O_WRONLY | O_TRUNC));
         t.show_renewed("a");
     }},
    {"extent.truncation_of_what_is_no_file",
     [](transcript& t) {
         t.make_file("file", "content");
         t.mkdir("dir");
         t.mkfifo("fifo");
         t.mknod("socket", S_IFSOCK | 0644);
         t.symlink("loop", "loop");
         t.symlink("dir", "link_to_dir");
         t.symlink("fifo", "link_to_fifo");
         for (const char* const it :
              {"dir", "fifo", "socket", "loop", "link_to_dir", "link_to_fifo", "none", "none/x"}) {
             t.truncate(it, 0);
             t.truncate(it, 5);
             t.truncate(it, -5);
         }
         for (const int fd :
              {t.open("file", O_RDONLY),
               t.open("file", O_PATH),
               t.open("dir", O_RDONLY),
               t.open("fifo", O_RDWR | O_NONBLOCK)}) {
             t.ftruncate(fd, 3);
             t.ftruncate(fd, -3);
         }
         t.show_file("file");
     }},
    {"extent.allocation_on_each_side_of_the_end",
     [](transcript& t) {
         for (const int mode : {0, int{FALLOC_FL_KEEP_SIZE}}) {
             const int fd = t.open("a", O_CREAT | O_RDWR | O_TRUNC, 0644);
             t.write(fd, text::pattern(6000));
             for (const auto& [offset, bytes] : ranges{
                      {0L, 100L},
                      {5000L, 1000L},
                      {5000L, 1001L},
                      {6001L, 1L},
                      {10'000L, 1L},
                      {100'000L, 50'000L}}) {
                 t.fallocate(fd, mode, offset, bytes);
                 t.fstat(fd);
                 t.note("blocks " + std::to_string(t.peek(fd).blocks));
             }
             t.show_file("a");
             t.lseek(fd, 0, SEEK_HOLE);
         }
     }},
    {"extent.times_of_allocation",
     [](transcript& t) {
         t.make_file("a", text::pattern(20'000));
         const int fd = t.open("a", O_RDWR);
         for (const int mode : {0, int{FALLOC_FL_KEEP_SIZE}, hole, int{FALLOC_FL_ZERO_RANGE}}) {
             t.make_old("a");
             t.fallocate(fd, mode, 4096, 30'000);
             t.show_renewed("a");
         }
     }},
    {"extent.collapsing_takes_blocks_out",
     [](transcript& t) {
         t.make_file("a", text::pattern(10 * block + 100));
         const int fd = t.open("a", O_RDWR);
         for (const auto& [offset, bytes] : ranges{
                  {0L, block},
                  {block, 2 * block},
                  {block, 1L},
                  {1L, block},
                  {6 * block, block},
                  {6 * block, 2 * block},
                  {20 * block, block},
                  {0L, 0L}}) {
             t.fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, offset, bytes);
             t.fstat(fd);
         }
         t.show_file("a");
     }},
    {"extent.inserting_makes_room",
     [](transcript& t) {
         t.make_file("a", text::pattern(4 * block + 100));
         const int fd = t.open("a", O_RDWR);
         for (const auto& [offset, bytes] : ranges{
                  {0L, block},
                  {2 * block, 3 * block},
                  {block, 1L},
                  {1L, block},
                  {8 * block, block},
                  {9 * block, block},
                  {30 * block, block}}) {
             t.fallocate(fd, FALLOC_FL_INSERT_RANGE, offset, bytes);
             t.fstat(fd);
         }
         walk_extents(t, fd);
         t.show_file("a");
     }},
    {"extent.zeroing_over_the_end",
     [](transcript& t) {
         t.make_file("a", text::pattern(3 * block));
         const int fd = t.open("a", O_RDWR);
         t.fallocate(fd, FALLOC_FL_ZERO_RANGE, 10, 20);
         t.fallocate(fd, FALLOC_FL_ZERO_RANGE, block - 5, 10);
         t.fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 3 * block - 5, 100);
         t.fstat(fd);
         t.fallocate(fd, FALLOC_FL_ZERO_RANGE, 3 * block - 50, 100);
         t.fstat(fd);
         t.fallocate(fd, FALLOC_FL_ZERO_RANGE, 5 * block, 7);
         t.fstat(fd);
         t.show_file("a");
     }},
    {"extent.modes_that_do_not_go_together",
     [](transcript& t) {
         t.make_file("a", text::pattern(4 * block));
         const int fd = t.open("a", O_RDWR);
         for (const int mode :
              {FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_KEEP_SIZE,
               FALLOC_FL_INSERT_RANGE | FALLOC_FL_KEEP_SIZE,
               FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE,
               FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE,
               hole | FALLOC_FL_ZERO_RANGE,
               int{FALLOC_FL_UNSHARE_RANGE},
               FALLOC_FL_UNSHARE_RANGE | FALLOC_FL_KEEP_SIZE,
               int{FALLOC_FL_NO_HIDE_STALE},
               0x100,
               -1}) {
             t.fallocate(fd, mode, 0, block);
         }
         t.show_file("a");
     }},
    {"extent.allocation_of_what_is_no_file",
     [](transcript& t) {
         t.make_file("file", "content");
         t.mkdir("dir");
         t.mkfifo("fifo");
         for (const int fd :
              {t.open("fifo", O_RDWR | O_NONBLOCK),
               t.open("dir", O_RDONLY),
               t.open("file", O_RDONLY),
               t.open("file", O_PATH),
               -1}) {
             for (const int mode : {0, hole, 0x1000}) {
                 t.fallocate(fd, mode, 0, 10);
                 t.fallocate(fd, mode, 0, 0);
                 t.fallocate(fd, mode, -1, 10);
             }
         }
         t.show_file("file");
     }},
    {"extent.data_and_holes_in_turn",
     [](transcript& t) {
         const int fd = t.open("a", O_CREAT | O_RDWR, 0644);
         for (int i = 0; i < 8; ++i) {
             t.pwrite(fd, text::pattern(65'536, static_cast<unsigned>(i)), i * 200'704);
         }
         t.ftruncate(fd, 2'000'000);
         t.fsync(fd);
         walk_extents(t, fd);
         t.lseek(fd, 100, SEEK_DATA);
         t.lseek(fd, 100, SEEK_HOLE);
         t.lseek(fd, 1'999'999, SEEK_DATA);
         t.lseek(fd, 1'999'999, SEEK_HOLE);
         t.lseek(fd, 2'000'000, SEEK_HOLE);
     }},
    {"extent.holes_by_punching_and_by_truncating",
     [](transcript& t) {
         t.make_file("a", text::pattern(32 * block));
         const int fd = t.open("a", O_RDWR);
         const auto before = t.peek(fd).blocks;
         t.fallocate(fd, hole, 4 * block, 8 * block);
         t.fallocate(fd, hole, 20 * block + 1, block);
         t.fsync(fd);
         t.note("fewer blocks", t.peek(fd).blocks < before);
         walk_extents(t, fd);
         t.ftruncate(fd, 10 * block);
         t.ftruncate(fd, 32 * block);
         walk_extents(t, fd);
         t.fallocate(fd, hole, 0, 100 * block);
         t.fstat(fd);
         t.note("no blocks", t.peek(fd).blocks == 0);
         walk_extents(t, fd);
         t.read(fd, 10);
     }},
    {"extent.blocks_of_sparse_and_dense_files",
     [](transcript& t) {
         t.make_file("dense", text::pattern(256 * block));
         const int sparse = t.open("sparse", O_CREAT | O_RDWR, 0644);
         t.ftruncate(sparse, 256 * block);
         t.note("sparse has fewer", t.peek("sparse").blocks < t.peek("dense").blocks);
         t.note("none at all", t.peek("sparse").blocks == 0);
         t.pwrite(sparse, "x", 100 * block);
         t.fsync(sparse);
         t.note("blocks " + std::to_string(t.peek("sparse").blocks));
         t.statx("sparse", 0, STATX_BLOCKS);
         t.make_file("empty", "");
         t.note("empty has none", t.peek("empty").blocks == 0);
     }},
    {"extent.ranges_to_be_synced",
     [](transcript& t) {
         t.make_file("a", text::pattern(20'000));
         t.mkdir("dir");
         t.mkfifo("fifo");
         const int fd = t.open("a", O_RDWR);
         for (unsigned flags = 0; flags < 9; ++flags) {
             t.sync_file_range(fd, 0, 0, flags);
         }
         t.sync_file_range(fd, -1, 10, 2);
         t.sync_file_range(fd, 10, -1, 2);
         t.sync_file_range(fd, INT64_MAX, 1, 2);
         t.sync_file_range(fd, 100'000, 10, 7);
         t.sync_file_range(t.open("a", O_RDONLY), 0, 10, 2);
         t.sync_file_range(t.open("a", O_PATH), 0, 10, 2);
         t.sync_file_range(t.open("dir", O_RDONLY), 0, 10, 2);
         t.sync_file_range(t.open("fifo", O_RDWR | O_NONBLOCK), 0, 10, 2);
     }},
};

}  // namespace

case_family extent_cases() {
    return {needs::nothing, cases};
}

}  // namespace farside::conformance
