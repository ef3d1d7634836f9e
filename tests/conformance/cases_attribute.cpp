// What an inode says, and changing it: modes, owners, times, access, statx, statfs.
#include "tests/conformance/conformance_case.hpp"

namespace farside::conformance {
namespace {

constexpr moment now{0, UTIME_NOW};
constexpr moment omit{0, UTIME_OMIT};

constexpr conformance_case cases[] = {
    {"stat.of_every_type",
     [](transcript& t) {
         t.make_file("file", "12345");
         t.mkdir("dir");
         t.symlink("file", "link");
         t.mkfifo("fifo");
         t.mknod("socket", S_IFSOCK | 0644);
         for (const char* const it : {"file", "dir", "link", "fifo", "socket", "."}) {
             t.lstat(it);
             t.stat(it);
         }
     }},
    {"stat.agrees_with_fstat",
     [](transcript& t) {
         t.make_file("a", text::pattern(10'000));
         const int fd = t.open("a", O_RDONLY);
         const auto by_name = t.stat("a");
         const auto by_descriptor = t.fstat(fd);
         t.note("same inode", by_name.inode == by_descriptor.inode);
         t.note(
             "same device",
             by_name.device_major == by_descriptor.device_major &&
                 by_name.device_minor == by_descriptor.device_minor
         );
         t.note("same blocks", by_name.blocks == by_descriptor.blocks);
         t.note("same modified", by_name.modified == by_descriptor.modified);
         t.note("same changed", by_name.changed == by_descriptor.changed);
         t.note("block size " + std::to_string(by_name.block_bytes));
         t.note("modified is nothing special", by_name.modified.seconds > 1'500'000'000);
     }},
    {"stat.refuses",
     [](transcript& t) {
         t.make_file("a", "");
         t.stat("none");
         t.stat("");
         t.stat("a/");
         t.stat("a/b");
         t.stat("a", 0x10000000);
         t.stat(in(-1, "a"));
         t.fstat(-1);
         t.stat("", AT_EMPTY_PATH);
         t.statx("a", 0x10000000, STATX_BASIC_STATS);
         t.statx("none", 0, STATX_BASIC_STATS);
     }},
    {"statx.tells_what_is_asked",
     [](transcript& t) {
         t.make_file("a", "content", 0640);
         t.symlink("a", "link");
         t.statx("a", 0, STATX_BASIC_STATS);
         t.statx("a", 0, STATX_TYPE);
         t.statx("a", 0, STATX_SIZE | STATX_MTIME);
         t.statx("link", AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS);
         t.statx("link", 0, STATX_BASIC_STATS);
         const auto born = t.statx("a", 0, STATX_BASIC_STATS | STATX_BTIME);
         t.note("has a birth time", born.stx_btime.tv_sec > 0);
         t.statx("a", AT_STATX_FORCE_SYNC, STATX_BASIC_STATS);
         t.statx("a", AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_BASIC_STATS);
         t.statx(in(t.open("a", O_RDONLY), ""), AT_EMPTY_PATH, STATX_BASIC_STATS);
     }},
    {"chmod.every_bit",
     [](transcript& t) {
         t.make_file("a", "");
         for (const unsigned mode : {0U, 0111U, 0222U, 0444U, 0777U, 01000U, 04755U, 07777U}) {
             t.chmod("a", mode);
             t.stat("a");
         }
         t.chmod("a", 0100644U | 0170000U);
         t.stat("a");
         t.mkdir("dir");
         t.chmod("dir", 03770);
         t.stat("dir");
     }},
    {"chmod.ignores_the_umask_and_works_by_descriptor",
     [](transcript& t) {
         t.make_file("a", "", 0600);
         t.umask(077);
         t.chmod("a", 0666);
         t.umask(022);
         t.stat("a");
         const int fd = t.open("a", O_RDONLY);
         t.fchmod(fd, 0640);
         t.fstat(fd);
         t.fchmod(t.open(".", O_RDONLY), 0750);
         t.stat(".");
     }},
    {"chmod.refuses",
     [](transcript& t) {
         t.make_file("a", "");
         t.chmod("none", 0600);
         t.chmod("a/", 0600);
         t.chmod("", 0600);
         t.chmod("a/b", 0600);
         t.chmod("a", 0600, AT_SYMLINK_FOLLOW);
         t.stat("a");
     }},
    {"chown.to_oneself_or_nobody",
     [](transcript& t) {
         t.make_file("a", "", 0755);
         const auto own = t.peek("a");
         t.chown("a", own.uid, own.gid);
         t.chown("a", ~0U, ~0U);
         t.chown("a", own.uid, ~0U);
         t.chown("a", ~0U, own.gid);
         t.stat("a");
         t.fchown(t.open("a", O_RDONLY), own.uid, own.gid);
         t.chown("none", own.uid, own.gid);
     }},
    {"chown.to_others",
     [](transcript& t) {
         t.make_file("a", "");
         t.symlink("a", "link");
         t.chown("a", 1234, 5678);
         t.stat("a");
         t.chown("link", 77, 88);
         t.chown("link", 99, 111, AT_SYMLINK_NOFOLLOW);
         t.stat("a");
         t.lstat("link");
         t.fchown(t.open("a", O_RDONLY), 3, 4);
         t.stat("a");
         t.chown("a", 5, ~0U);
         t.chown("a", ~0U, 6);
         t.stat("a");
         t.chown("a", 1, 1, 0x1);
     }},
    {"chown.takes_special_bits_away",
     [](transcript& t) {
         t.make_file("a", "");
         t.chmod("a", 06755);
         const auto own = t.peek("a");
         t.chown("a", own.uid, own.gid);
         t.stat("a");
         t.make_file("b", "");
         t.chmod("b", 06755);
         t.chown("b", 1000, 1000);
         t.stat("b");
     }},
    {"times.to_the_nanosecond",
     [](transcript& t) {
         t.make_file("a", "");
         t.utimens("a", {1'234'567'890, 123'456'789}, {987'654'321, 999'999'999});
         t.show_times("a");
         const int fd = t.open("a", O_RDONLY);
         t.futimens(fd, {5, 6}, {7, 8});
         t.show_times("a");
         t.utimens("a", {0, 0}, {0, 0});
         t.show_times("a");
         t.utimens("a", {-5, 500}, {-1'000'000, 1});
         t.show_times("a");
         t.utimens("a", {4'000'000'000, 0}, {10'000'000'000, 0});
         t.show_times("a");
     }},
    {"times.now_and_omit",
     [](transcript& t) {
         t.make_file("a", "");
         t.make_old("a");
         t.utimens("a", omit, {77, 7});
         t.show_times("a");
         t.utimens("a", {55, 5}, omit);
         t.show_times("a");
         t.utimens("a", omit, omit);
         t.show_times("a");
         t.utimens("a", now, omit);
         t.note("accessed now", t.peek("a").accessed.seconds > 1'500'000'000);
         t.utimens("a", omit, now);
         t.note("modified now", t.peek("a").modified.seconds > 1'500'000'000);
         t.make_old("a");
         t.utimens("a", now, now);
         t.show_renewed("a");
         t.futimens(t.open("a", O_RDONLY), omit, {3, 3});
         t.note("modified " + text::of_moment(t.peek("a").modified));
     }},
    {"times.refuse",
     [](transcript& t) {
         t.make_file("a", "");
         t.utimens("a", {1, 1'000'000'000}, {1, 1});
         t.utimens("a", {1, 1}, {1, -1});
         t.utimens("none", {1, 1}, {1, 1});
         t.utimens("none", omit, omit);
         t.utimens("", {1, 1}, {1, 1});
         t.utimens("a/", {1, 1}, {1, 1});
         t.utimens("a", {1, 1}, {1, 1}, 0x1);
         t.futimens(-1, {1, 1}, {1, 1});
         t.utimens(in(-1, "a"), {1, 1}, {1, 1});
     }},
    {"times.of_directories",
     [](transcript& t) {
         t.mkdir("dir");
         t.make_file("dir/a", "");
         t.utimens("dir", {11, 1}, {22, 2});
         t.show_times("dir");
         t.make_old("dir");
         const int fd = t.open("dir/a", O_WRONLY);
         t.write(fd, "content does not touch the directory");
         t.show_renewed("dir");
         t.chmod("dir/a", 0600);
         t.show_renewed("dir");
         t.unlink("dir/a");
         t.show_renewed("dir");
     }},
    {"times.change_time_moves_with_every_change",
     [](transcript& t) {
         t.make_file("a", "content");
         auto before = t.peek("a").changed;
         const auto moved = [&](const char* what) {
             const auto after = t.peek("a").changed;
             t.note(std::string{what} + " does not turn it back", after >= before);
             before = after;
         };
         t.chmod("a", 0600);
         moved("chmod");
         t.link("a", "b");
         moved("link");
         t.utimens("a", {1, 1}, {2, 2});
         moved("utimens");
         t.note("changed is not modified", before > t.peek("a").modified);
         t.rename("b", "c");
         moved("rename");
     }},
    {"access.asks_for_each_right",
     [](transcript& t) {
         t.make_file("plain", "", 0644);
         t.make_file("program", "", 0755);
         t.make_file("sealed", "", 0);
         t.make_file("read_only", "", 0444);
         t.mkdir("dir");
         t.mkdir("closed", 0);
         for (const char* const it : {"plain", "program", "sealed", "read_only", "dir", "closed"}) {
             for (const int mode : {F_OK, R_OK, W_OK, X_OK, R_OK | W_OK, R_OK | X_OK}) {
                 t.access(it, mode);
             }
         }
     }},
    {"access.flags_and_refusals",
     [](transcript& t) {
         t.make_file("a", "");
         t.symlink("none", "dangling");
         t.access("none", F_OK);
         t.access("a/", F_OK);
         t.access("", F_OK);
         t.access("a", 8);
         t.access("a", R_OK | 16);
         t.access("a", W_OK, AT_EACCESS);
         t.access("a", X_OK, AT_EACCESS);
         t.access("dangling", F_OK, AT_SYMLINK_NOFOLLOW);
         t.access("dangling", R_OK, AT_SYMLINK_NOFOLLOW | AT_EACCESS);
         t.access("a", F_OK, 0x1);
         const int fd = t.open("a", O_RDONLY);
         t.access(in(fd, ""), R_OK, AT_EMPTY_PATH);
         t.access(in(fd, ""), R_OK);
         t.access(in(fd, "x"), R_OK);
     }},
    {"statfs.by_name_and_descriptor",
     [](transcript& t) {
         t.make_file("a", "");
         t.symlink("a", "link");
         t.statfs(".");
         t.statfs("a");
         t.statfs("link");
         t.statfs("none");
         t.statfs("a/");
         t.statfs("");
         t.fstatfs(t.open("a", O_RDONLY));
         t.fstatfs(t.open("a", O_WRONLY));
         t.fstatfs(t.open(".", O_RDONLY));
         t.fstatfs(-1);
     }},
    {"write.takes_special_bits_away",
     [](transcript& t) {
         t.make_file("a", "content");
         t.chmod("a", 06755);
         const int fd = t.open("a", O_WRONLY);
         t.stat("a");
         t.write(fd, "x");
         t.stat("a");
         t.chmod("a", 06755);
         t.truncate("a", 1);
         t.stat("a");
     }},
};

}  // namespace

case_family attribute_cases() {
    return {needs::nothing, cases};
}

}  // namespace farside::conformance
