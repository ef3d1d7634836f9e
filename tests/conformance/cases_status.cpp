// What is told of a file in every form: statx(2) bit by bit, link counts, times to the nanosecond,
// and what access(2) says with each of its flags.
#include "tests/conformance/conformance_case.hpp"

#include <sys/sysmacros.h>
#include <unistd.h>

namespace farside::conformance {
namespace {

constexpr moment now{0, UTIME_NOW};
constexpr moment omit{0, UTIME_OMIT};

void make_kinds(transcript& t) {
    t.make_file("file", "content", 0640);
    t.mkdir("dir");
    t.symlink("file", "link");
    t.mkfifo("fifo");
    t.mknod("socket", S_IFSOCK | 0644);
}

constexpr const char* kinds[] = {"file", "dir", "link", "fifo", "socket"};

void compare(transcript& t, const file_status& by_stat, const struct statx& by_statx) {
    t.note("mode", by_stat.mode == by_statx.stx_mode);
    t.note("links", by_stat.links == by_statx.stx_nlink);
    t.note("owner", by_stat.uid == by_statx.stx_uid && by_stat.gid == by_statx.stx_gid);
    t.note("inode", by_stat.inode == by_statx.stx_ino);
    t.note("size", by_stat.size == static_cast<std::int64_t>(by_statx.stx_size));
    t.note("blocks", by_stat.blocks == static_cast<std::int64_t>(by_statx.stx_blocks));
    t.note("block size", by_stat.block_bytes == by_statx.stx_blksize);
    t.note(
        "device",
        by_stat.device_major == by_statx.stx_dev_major &&
            by_stat.device_minor == by_statx.stx_dev_minor
    );
    const auto same = [](const moment& one, const statx_timestamp& other) {
        return one == moment{other.tv_sec, other.tv_nsec};
    };
    t.note("accessed", same(by_stat.accessed, by_statx.stx_atime));
    t.note("modified", same(by_stat.modified, by_statx.stx_mtime));
    t.note("changed", same(by_stat.changed, by_statx.stx_ctime));
}

moment born(transcript& t, const name& at) {
    const auto status = t.statx(at, AT_SYMLINK_NOFOLLOW, STATX_BTIME);
    return {status.stx_btime.tv_sec, status.stx_btime.tv_nsec};
}

constexpr conformance_case cases[] = {
    {"status.statx_bit_by_bit",
     [](transcript& t) {
         make_kinds(t);
         for (const char* const it : kinds) {
             for (unsigned bit = 0; bit < 12; ++bit) {
                 t.statx(it, AT_SYMLINK_NOFOLLOW, 1U << bit);
             }
             t.statx(it, AT_SYMLINK_NOFOLLOW, 0);
             t.statx(it, AT_SYMLINK_NOFOLLOW, 0x80000000U);
             t.statx(it, 0, STATX_ALL);
         }
     }},
    {"status.statx_flags",
     [](transcript& t) {
         make_kinds(t);
         for (const int flags :
              {AT_STATX_FORCE_SYNC,
               AT_STATX_DONT_SYNC,
               AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC,
               AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW,
               AT_SYMLINK_FOLLOW,
               AT_EMPTY_PATH,
               AT_EACCESS,
               0x8000}) {
             t.statx("link", flags, STATX_BASIC_STATS);
             t.statx("none", flags, STATX_BASIC_STATS);
             t.stat("link", flags);
         }
         const int fd = t.open("file", O_RDONLY);
         t.statx(in(fd, ""), AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS);
         t.statx(in(fd, ""), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS);
         t.statx(in(fd, "x"), AT_EMPTY_PATH, STATX_BASIC_STATS);
         t.statx(in(-1, ""), AT_EMPTY_PATH, STATX_BASIC_STATS);
     }},
    {"status.statx_agrees_with_stat",
     [](transcript& t) {
         make_kinds(t);
         for (const char* const it : kinds) {
             t.utimens(it, {11, 111'111'111}, {22, 222'222'222}, AT_SYMLINK_NOFOLLOW);
             compare(t, t.lstat(it), t.statx(it, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS));
         }
         const int fd = t.open("file", O_RDONLY);
         compare(t, t.fstat(fd), t.statx(in(fd, ""), AT_EMPTY_PATH, STATX_BASIC_STATS));
     }},
    {"status.attributes_of_statx",
     [](transcript& t) {
         make_kinds(t);
         for (const char* const it : kinds) {
             const auto status = t.statx(it, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS);
             t.note("attributes " + std::to_string(status.stx_attributes));
             t.note("known " + std::to_string(status.stx_attributes_mask));
             t.note("device " + std::to_string(status.stx_rdev_major));
         }
         const auto file = t.statx("file", 0, STATX_MNT_ID);
         const auto dir = t.statx("dir", 0, STATX_MNT_ID);
         t.note("told of the mount", (file.stx_mask & STATX_MNT_ID) != 0);
         t.note("the same mount", file.stx_mnt_id == dir.stx_mnt_id);
     }},
    {"status.birth_stays",
     [](transcript& t) {
         t.make_file("a", "content");
         const auto first = born(t, "a");
         t.note("told", first.seconds > 1'500'000'000);
         t.note("not after its change", first <= t.peek("a").changed);
         t.make_old("a");
         t.chmod("a", 0600);
         t.truncate("a", 3);
         t.link("a", "b");
         t.rename("a", "c");
         t.note("the same", born(t, "b") == first && born(t, "c") == first);
         t.make_file("d", "");
         t.note("not before", born(t, "d") >= first);
     }},
    {"status.links_of_directories",
     [](transcript& t) {
         t.mkdir("a");
         t.mkdir("b");
         t.mkdir("a/x");
         t.make_file("a/file", "");
         t.symlink("x", "a/link");
         t.stat("a");
         t.rename("a/x", "b/x");
         t.stat("a");
         t.stat("b");
         t.mkdir("b/x/y");
         t.rename("b/x", "a", RENAME_EXCHANGE);
         t.stat("a");
         t.stat("b");
         t.stat("b/x");
         t.mkdir("b/empty");
         t.rename("b/x", "b/empty");
         t.stat("b");
         t.stat("b/empty");
     }},
    {"status.links_of_open_files_that_lose_names",
     [](transcript& t) {
         t.make_file("a", "a");
         t.make_file("b", "b");
         t.mkdir("dir");
         const int a = t.open("a", O_RDONLY);
         const int b = t.open("b", O_RDONLY);
         const int dir = t.open("dir", O_RDONLY);
         t.link("a", "a2");
         t.fstat(a);
         t.unlink("a");
         t.fstat(a);
         t.rename("a2", "b");
         t.fstat(a);
         t.fstat(b);
         t.unlink("b");
         t.fstat(a);
         t.rmdir("dir");
         t.fstat(dir);
         t.statx(in(a, ""), AT_EMPTY_PATH, STATX_BASIC_STATS);
     }},
    {"status.numbers_of_devices",
     [](transcript& t) {
         for (const auto& [major, minor] :
              {std::pair{1U, 3U},
               std::pair{0U, 0U},
               std::pair{4095U, 1U},
               std::pair{259U, 70'000U},
               std::pair{7U, 1'048'575U}}) {
             const auto file = "device" + std::to_string(major);
             t.mknod(file, S_IFCHR | 0600, major, minor);
             t.mknod(file + "b", S_IFBLK | 0600, major, minor);
             t.stat(file);
             t.stat(file + "b");
         }
         t.list(".");
     }},
    {"status.size_of_links_is_that_of_the_target",
     [](transcript& t) {
         for (const std::size_t size : {1U, 59U, 60U, 61U, 255U, 1000U, 4094U, 4095U, 4096U}) {
             t.symlink(std::string(size, 'x'), "link");
             t.lstat("link");
             t.readlink("link", size);
             t.readlink("link", size + 1);
             t.unlink("link");
         }
     }},
    {"status.times_in_every_pair",
     [](transcript& t) {
         make_kinds(t);
         constexpr moment given{1'111'111'111, 987'654'321};
         for (const char* const it : {"file", "dir", "fifo", "socket"}) {
             const int fd = t.open(it, O_RDONLY | O_NONBLOCK);
             for (const moment& accessed : {omit, now, given}) {
                 for (const moment& modified : {omit, now, given}) {
                     t.make_old(it);
                     t.utimens(it, accessed, modified);
                     t.show_renewed(it);
                     t.make_old(it);
                     t.futimens(fd, accessed, modified);
                     t.show_renewed(it);
                 }
             }
             t.show_times(it);
         }
     }},
    {"status.times_by_descriptors_of_every_kind",
     [](transcript& t) {
         make_kinds(t);
         for (const char* const it : kinds) {
             const int path = t.open(it, O_PATH | O_NOFOLLOW);
             t.utimens(in(path, ""), {1, 2}, {3, 4}, AT_EMPTY_PATH);
             t.utimens(in(path, ""), {5, 6}, {7, 8});
             t.futimens(path, {9, 10}, {11, 12});
             t.show_times(it, AT_SYMLINK_NOFOLLOW);
         }
         const int reader = t.open("file", O_RDONLY);
         t.utimens(in(reader, ""), {1, 2}, {3, 4}, AT_EMPTY_PATH);
         t.futimens(reader, omit, omit);
         t.futimens(reader, {1, 1'000'000'000}, omit);
         t.futimens(reader, omit, {1, 999'999'999});
         t.show_times("file");
     }},
    {"status.times_of_links_alone",
     [](transcript& t) {
         t.make_file("file", "");
         t.symlink("file", "link");
         t.symlink("nowhere", "dangling");
         t.make_old("file");
         for (const char* const it : {"link", "dangling"}) {
             t.utimens(it, {1, 1}, {2, 2}, AT_SYMLINK_NOFOLLOW);
             t.utimens(it, omit, {3, 3}, AT_SYMLINK_NOFOLLOW);
             t.show_times(it, AT_SYMLINK_NOFOLLOW);
             t.utimens(it, omit, now, AT_SYMLINK_NOFOLLOW);
             t.utimens(it, omit, omit);
             t.note("now", t.peek(it, AT_SYMLINK_NOFOLLOW).modified.seconds > 1'500'000'000);
         }
         t.show_renewed("file");
     }},
    {"status.what_renews_which_time",
     [](transcript& t) {
         t.make_file("a", "content");
         const int fd = t.open("a", O_RDWR);
         const auto after = [&](const char* what) {
             t.note(what);
             t.show_renewed("a");
             t.make_old("a");
         };
         t.make_old("a");
         t.pread(fd, 0, 0);
         t.lseek(fd, 3, SEEK_SET);
         after("nothing");
         t.pwrite(fd, "C", 0);
         after("writing");
         t.link("a", "b");
         t.rename("b", "c");
         t.chmod("a", 0600);
         t.set_xattr("a", "user.a", "1");
         after("names and attributes");
         t.copy_file_range(fd, 0, fd, 100, 3);
         after("copying");
         t.pwritev2(fd, {"x"}, 5, RWF_APPEND);
         after("appending");
     }},
    {"status.access_with_every_flag",
     [](transcript& t) {
         make_kinds(t);
         t.symlink("nowhere", "dangling");
         for (const char* const it : {"file", "dir", "link", "fifo", "dangling", "none"}) {
             for (const int flags :
                  {AT_EACCESS,
                   AT_SYMLINK_NOFOLLOW,
                   AT_EACCESS | AT_SYMLINK_NOFOLLOW,
                   AT_SYMLINK_FOLLOW,
                   0x8000}) {
                 t.access(it, R_OK | W_OK, flags);
                 t.access(it, X_OK, flags);
                 t.access(it, F_OK, flags);
             }
         }
         const int path = t.open("file", O_PATH);
         t.access(in(path, ""), R_OK | W_OK, AT_EMPTY_PATH);
         t.access(in(path, ""), X_OK, AT_EMPTY_PATH | AT_EACCESS);
         t.access(in(path, ""), R_OK, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
         t.access(in(-1, ""), R_OK, AT_EMPTY_PATH);
     }},
};

}  // namespace

case_family status_cases() {
    return {needs::nothing, cases};
}

}  // namespace farside::conformance
