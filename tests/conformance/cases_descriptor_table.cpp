// The table of descriptors of a process: which numbers are given, what a copy shares, what ranges
// close, what programs and children find; and calls that only a process makes on its descriptors.
#include "tests/conformance/conformance_case.hpp"
#include "tests/conformance/told.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include <dirent.h>
#include <fts.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace farside::conformance {
namespace {

template <typename... Arguments>
outcome call(long number, Arguments... arguments) {
    return told(::syscall(number, arguments...));
}

std::string of_exit(int status) {
    return WIFEXITED(status) ? "exit " + std::to_string(WEXITSTATUS(status))
                             : "signal " + std::to_string(WTERMSIG(status));
}

// Runs `command`, with what `actions` set up; what it prints goes where they say.
void run_shell(
    transcript& t, const char* command, const posix_spawn_file_actions_t* actions = nullptr
) {
    const char* const argv[] = {"sh", "-c", command, nullptr};
    pid_t pid = -1;
    const int failed =
        ::posix_spawn(&pid, "/bin/sh", actions, nullptr, const_cast<char* const*>(argv), environ);
    int status = 0;
    if (failed == 0) {
        ::waitpid(pid, &status, 0);
    }
    t.record(std::string{"sh "} + command, -outcome{failed}, of_exit(status));
}

template <typename Body>
void in_child(transcript& t, const char* what, Body body) {
    std::fflush(nullptr);
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::_exit(body());
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    t.note(std::string{what} + ": " + of_exit(status));
}

std::string read_some(int fd, std::size_t bytes) {
    std::string room(bytes, '\0');
    const auto got = ::read(fd, room.data(), room.size());
    room.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text::quoted(room) + (got < 0 ? text::of_outcome(told(got)) : "");
}

constexpr conformance_case cases[] = {
    {"table.gives_the_lowest_number",
     [](transcript& t) {
         t.make_file("a", "content");
         const int first = ::open("a", O_RDONLY);
         const int second = ::open("a", O_RDONLY);
         const int third = ::open("a", O_RDONLY);
         t.note("in a row", second > first && third > second);
         ::close(second);
         ::close(first);
         const int again = ::open("a", O_RDWR);
         t.note("the lowest", again == first);
         t.note("then the next", ::dup(third) == second);
         ::close(second);
         t.note("for a directory", ::open(".", O_RDONLY) == second);
         ::close(again);
         t.note("of a local file", ::open("/dev/null", O_RDONLY) == first);
         for (const int fd : {first, second, third}) {
             t.record("close", told(::close(fd)));
         }
     }},
    {"table.copies_from_a_minimum",
     [](transcript& t) {
         t.make_file("a", "abcdef");
         const int fd = t.open("a", O_RDONLY);
         t.note("300: " + std::to_string(::fcntl(fd, F_DUPFD, 300)));
         t.note("300: " + std::to_string(::fcntl(fd, F_DUPFD_CLOEXEC, 300)));
         t.note("299: " + std::to_string(::fcntl(fd, F_DUPFD, 299)));
         t.note("299: " + std::to_string(::fcntl(fd, F_DUPFD, 299)));
         for (const int copy : {299, 300, 301, 302}) {
             t.record("F_GETFD", told(::fcntl(copy, F_GETFD)));
             t.note(read_some(copy, 1));
             ::close(copy);
         }
         t.record("-1", told(::fcntl(fd, F_DUPFD, -1)));
         t.record("far", told(::fcntl(fd, F_DUPFD, 100'000'000)));
         t.record("far", told(::fcntl(fd, F_DUPFD_CLOEXEC, 100'000'000)));
         t.record("of none", told(::fcntl(290, F_DUPFD, 3)));
     }},
    {"table.dup_refuses",
     [](transcript& t) {
         t.make_file("a", "abcdef");
         const int fd = t.open("a", O_RDONLY);
         t.record("far", told(::dup2(fd, 100'000'000)));
         t.record("negative", told(::dup2(fd, -1)));
         t.record("of none onto it", told(::dup2(290, fd)));
         t.record("of none onto itself", told(::dup2(290, 290)));
         t.record("flags", told(::dup3(fd, 290, O_CLOEXEC | O_NONBLOCK)));
         t.record("onto itself", told(::dup3(fd, fd, O_CLOEXEC)));
         t.record("of none", told(::dup3(291, 290, 0)));
         t.record("far", told(::dup3(fd, 100'000'000, 0)));
         t.record("F_GETFD", told(::fcntl(290, F_GETFD)));
         t.record("F_SETFD", told(::fcntl(290, F_SETFD, 1)));
         t.record("F_GETFL", told(::fcntl(290, F_GETFL)));
         t.read(fd, 3);
     }},
    {"table.append_set_on_one_copy_counts_for_all",
     [](transcript& t) {
         t.make_file("a", "0123456789");
         const int fd = t.open("a", O_RDWR);
         const int copy = ::dup(fd);
         t.write(fd, "a");
         t.record("F_SETFL", told(::fcntl(copy, F_SETFL, O_APPEND)));
         t.get_flags(fd);
         t.write(fd, "b");
         t.record("write", told(::write(copy, "c", 1)));
         t.set_flags(fd, 0);
         t.record("seek", told(::lseek(fd, 1, SEEK_SET)));
         t.record("write", told(::write(copy, "d", 1)));
         in_child(t, "child", [&] { return ::fcntl(fd, F_SETFL, O_APPEND) == 0 ? 0 : 1; });
         t.write(fd, "e");
         t.record("close", told(::close(copy)));
         t.write(fd, "f");
         t.show_file("a");
     }},
    {"table.ranges_are_closed",
     [](transcript& t) {
         t.make_file("a", "abcdef");
         const int fd = t.open("a", O_RDONLY);
         const auto fill = [&] {
             for (const int copy : {200, 201, 205, 210}) {
                 ::dup2(fd, copy);
             }
         };
         const auto show = [&] {
             for (const int copy : {200, 201, 205, 210}) {
                 t.record(std::to_string(copy), told(::fcntl(copy, F_GETFD)));
             }
         };
         fill();
         t.record("backwards", call(SYS_close_range, 205U, 200U, 0U));
         t.record("flags", call(SYS_close_range, 200U, 205U, 0x80U));
         t.record("of none", call(SYS_close_range, 202U, 204U, 0U));
         show();
         t.record("two", call(SYS_close_range, 201U, 205U, 0U));
         show();
         fill();
         t.record("cloexec", call(SYS_close_range, 201U, ~0U, 4U));
         show();
         t.record("apart", call(SYS_close_range, 205U, 209U, 2U));
         show();
         ::closefrom(201);
         show();
         t.note(read_some(200, 3));
         ::close(200);
         t.read(fd, 3);
     }},
    {"table.all_ways_to_close_on_exec",
     [](transcript& t) {
         t.make_file("a", "content\n");
         in_child(t, "program", [] {
             // Out of the way of the numbers that a shell can name.
             const int opened = ::open("a", O_RDONLY);
             const int fd = ::fcntl(opened, F_DUPFD_CLOEXEC, 100);
             const int plain = ::fcntl(opened, F_DUPFD, 100);
             ::dup2(fd, 3);
             ::dup3(fd, 4, O_CLOEXEC);
             ::dup2(plain, 5);
             ::fcntl(5, F_SETFD, FD_CLOEXEC);
             ::dup2(plain, 6);
             ::fcntl(6, F_SETFD, 0);
             ::dup2(plain, 7);
             call(SYS_close_range, 7U, 7U, 4U);
             ::dup2(fd, 8);
             ::fcntl(8, F_SETFD, FD_CLOEXEC);
             ::fcntl(8, F_SETFD, 0);
             const char* const each =
                 "for n in 3 4 5 6 7 8; do eval \"head -c0 <&$n\" 2>/dev/null && echo $n; done > "
                 "open";
             ::execl("/bin/sh", "sh", "-c", each, nullptr);
             return 1;
         });
         t.show_file("open");
     }},
    {"table.standard_streams_of_programs",
     [](transcript& t) {
         t.make_file("in", "first\nsecond\n");
         posix_spawn_file_actions_t actions;
         ::posix_spawn_file_actions_init(&actions);
         ::posix_spawn_file_actions_addopen(&actions, 0, "in", O_RDONLY, 0);
         const int flags = O_CREAT | O_WRONLY | O_TRUNC;
         ::posix_spawn_file_actions_addopen(&actions, 1, "out", flags, 0640);
         ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
         ::posix_spawn_file_actions_addclose(&actions, 7);
         run_shell(t, "read -r x; echo \"[$x]\"; cat; ls none >/dev/null || echo failed", &actions);
         t.show_file("out");
         t.stat("out");
         ::posix_spawn_file_actions_addopen(&actions, 5, "none/x", O_RDONLY, 0);
         run_shell(t, "echo never", &actions);
         ::posix_spawn_file_actions_destroy(&actions);
     }},
    {"table.spawned_in_another_directory",
     [](transcript& t) {
         t.mkdir("dir");
         t.make_file("dir/in", "inside\n");
         posix_spawn_file_actions_t actions;
         ::posix_spawn_file_actions_init(&actions);
         ::posix_spawn_file_actions_addchdir_np(&actions, "dir");
         ::posix_spawn_file_actions_addopen(&actions, 0, "in", O_RDONLY, 0);
         run_shell(t, "cat > out; mkdir sub; cd sub; echo x > y", &actions);
         ::posix_spawn_file_actions_destroy(&actions);
         t.list("dir");
         t.show_file("dir/out");
         t.show_file("dir/sub/y");
         t.stat("out");
     }},
    {"table.several_sent_at_once",
     [](transcript& t) {
         t.make_file("a", "abcdef");
         t.mkdir("dir");
         t.make_file("dir/file", "in dir");
         std::array<int, 2> ends{};
         t.record("pair", told(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data())));
         const std::array<int, 3> sent{
             ::open("a", O_RDWR), ::open("dir", O_RDONLY), ::open("/dev/null", O_RDWR)};
         char byte = 'x';
         iovec part{&byte, 1};
         alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof sent)> control{};
         msghdr message{};
         message.msg_iov = &part;
         message.msg_iovlen = 1;
         message.msg_control = control.data();
         message.msg_controllen = control.size();
         cmsghdr* const header = CMSG_FIRSTHDR(&message);
         header->cmsg_level = SOL_SOCKET;
         header->cmsg_type = SCM_RIGHTS;
         header->cmsg_len = CMSG_LEN(sizeof sent);
         std::memcpy(CMSG_DATA(header), sent.data(), sizeof sent);
         t.record("send", told(::sendmsg(ends[0], &message, 0)));
         for (const int fd : sent) {
             ::close(fd);
         }
         control.fill(0);
         message.msg_controllen = control.size();
         t.record("receive", told(::recvmsg(ends[1], &message, MSG_CMSG_CLOEXEC)));
         std::array<int, 3> got{-1, -1, -1};
         if (CMSG_FIRSTHDR(&message) != nullptr) {
             std::memcpy(got.data(), CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof got);
         }
         for (const int fd : got) {
             t.record("F_GETFD", told(::fcntl(fd, F_GETFD)));
         }
         t.note(read_some(got[0], 3));
         t.record("write", told(::write(got[0], "X", 1)));
         t.show_file(in(got[1], "file"));
         t.note(read_some(got[2], 3));
         for (const int fd : {got[0], got[1], got[2], ends[0], ends[1]}) {
             ::close(fd);
         }
         t.show_file("a");
     }},
    {"table.is_full",
     [](transcript& t) {
         t.make_file("a", "abcdef");
         const int fd = t.open("a", O_RDONLY);
         rlimit old_limit{};
         ::getrlimit(RLIMIT_NOFILE, &old_limit);
         rlimit limit = old_limit;
         limit.rlim_cur = static_cast<rlim_t>(fd) + 3;
         ::setrlimit(RLIMIT_NOFILE, &limit);
         std::vector<int> opened;
         for (int one = 0; one >= 0;) {
             one = ::open("a", O_RDONLY);
             opened.push_back(one);
         }
         t.record("open", told(-1));
         t.note(std::to_string(opened.size()) + " tried");
         t.record("create", told(::open("new", O_CREAT | O_WRONLY, 0600)));
         t.record("dup", told(::dup(fd)));
         t.record("pipe", told(::pipe(opened.data())));
         t.record("beyond", told(::dup2(fd, fd + 3)));
         t.record("onto one", told(::dup2(fd, fd + 1)) == fd + 1 ? 0 : -1);
         t.record("opendir", ::opendir(".") == nullptr ? told(-1) : 0);
         t.stat("a");
         ::setrlimit(RLIMIT_NOFILE, &old_limit);
         ::closefrom(fd + 1);
         t.list(".");
         t.read(fd, 3);
     }},
    {"table.named_by_the_kernel",
     [](transcript& t) {
         t.mkdir("dir");
         ::dup2(t.open("dir", O_TMPFILE | O_RDWR, 0640), 90);
         t.write(90, "content");
         t.link("/proc/self/fd/90", "named", AT_SYMLINK_FOLLOW);
         t.link("/proc/self/fd/90", "named", AT_SYMLINK_FOLLOW);
         t.show_file("named");
         ::dup2(t.open("dir", O_TMPFILE | O_EXCL | O_RDWR, 0640), 91);
         t.link("/proc/self/fd/91", "never", AT_SYMLINK_FOLLOW);
         t.make_file("gone", "gone");
         ::dup2(t.open("gone", O_RDWR), 92);
         t.unlink("gone");
         t.link("/proc/self/fd/92", "again", AT_SYMLINK_FOLLOW);
         t.show_file("/proc/self/fd/92");
         ::dup2(t.open("named", O_PATH), 93);
         t.show_file("/proc/self/fd/93");
         t.close(t.open("/proc/self/fd/93", O_WRONLY | O_TRUNC));
         t.chmod("/proc/self/fd/93", 0600);
         t.stat("named");
         t.list(".");
         ::closefrom(90);
     }},
    {"vectored.flags_of_preadv2",
     [](transcript& t) {
         t.make_file("a", "abcdefghij");
         const int fd = t.open("a", O_RDWR);
         std::array<char, 4> room{};
         iovec part{room.data(), room.size()};
         for (const int flags : {0, RWF_HIPRI, RWF_DSYNC, RWF_SYNC, RWF_APPEND, 0x40000000}) {
             t.record("at 2", told(::preadv2(fd, &part, 1, 2, flags)));
             t.record("at -1", told(::preadv2(fd, &part, 1, -1, flags)));
             t.record("at -2", told(::preadv2(fd, &part, 1, -2, flags)));
             t.lseek(fd, 0, SEEK_CUR);
         }
         t.record("of none", told(::preadv2(-1, &part, 1, 0, 0)));
         t.record("not readable", told(::preadv2(t.open("a", O_WRONLY), &part, 1, 0, 0)));
     }},
    {"vectored.sizes_that_cannot_be",
     [](transcript& t) {
         t.make_file("a", "abcdefghij");
         const int fd = t.open("a", O_RDWR);
         std::array<char, 4> room{};
         std::array<iovec, 2> parts{{{room.data(), 4}, {room.data(), SIZE_MAX / 2}}};
         t.record("readv", told(::readv(fd, parts.data(), 2)));
         parts[1].iov_len = SIZE_MAX;
         t.record("readv", told(::readv(fd, parts.data(), 2)));
         t.record("writev", told(::writev(fd, parts.data(), 2)));
         t.record("preadv", told(::preadv(fd, parts.data(), 2, 0)));
         t.record("count", call(SYS_readv, fd, parts.data(), -1L));
         t.record("count", told(::writev(fd, parts.data(), 1025)));
         t.record("count", call(SYS_preadv2, fd, parts.data(), -5L, 0L, 0L, 0L));
         t.record("none", told(::readv(fd, nullptr, 0)));
         t.lseek(fd, 0, SEEK_CUR);
         t.show_file("a");
     }},
    {"openat2.sizes_of_its_argument",
     [](transcript& t) {
         t.make_file("a", "content");
         std::array<std::uint64_t, 8> how{};
         for (const std::size_t size : {0UL, 8UL, 16UL, 23UL, 24UL, 32UL, 64UL}) {
             const auto opened = call(SYS_openat2, AT_FDCWD, "a", how.data(), size);
             t.record("size " + std::to_string(size), opened >= 0 ? 0 : opened);
             ::close(static_cast<int>(opened));
         }
         how[4] = 1;
         t.record("more", call(SYS_openat2, AT_FDCWD, "a", how.data(), 64UL));
         t.record("huge", call(SYS_openat2, AT_FDCWD, "a", how.data(), 1UL << 20U));
     }},
    {"copy_range.flags_are_refused",
     [](transcript& t) {
         t.make_file("a", "content");
         const int from = t.open("a", O_RDONLY);
         const int to = t.open("b", O_CREAT | O_RDWR, 0644);
         const auto copy = [&](int one, int other, unsigned flags) {
             return call(SYS_copy_file_range, one, nullptr, other, nullptr, 100UL, flags);
         };
         t.record("flags", copy(from, to, 1));
         t.record("to a reader", copy(from, from, 0));
         t.record("from none", copy(-1, to, 0));
         t.record("to a path", copy(from, t.open("b", O_PATH), 0));
         t.record("all", copy(from, to, 0));
         t.record("at the end", copy(from, to, 0));
         t.show_file("b");
     }},
    {"fts.walks_in_order",
     [](transcript& t) {
         t.mkdir("tree");
         t.mkdir("tree/sub");
         t.mkdir("tree/sub/deep");
         t.make_file("tree/sub/deep/file", "12345");
         t.make_file("tree/a", "1");
         t.symlink("a", "tree/link");
         t.symlink("nowhere", "tree/dangling");
         t.symlink("..", "tree/sub/cycle");
         std::string root = "tree";
         for (const int flags : {FTS_PHYSICAL, FTS_LOGICAL, FTS_PHYSICAL | FTS_NOCHDIR}) {
             std::array<char*, 2> roots{root.data(), nullptr};
             FTS* const walk =
                 ::fts_open(roots.data(), flags, [](const FTSENT** a, const FTSENT** b) {
                     return std::strcmp((*a)->fts_name, (*b)->fts_name);
                 });
             while (const FTSENT* const entry = ::fts_read(walk)) {
                 t.note(
                     std::string{entry->fts_path} + ' ' + std::to_string(entry->fts_info) +
                     " level " + std::to_string(entry->fts_level)
                 );
             }
             t.record("fts_close", told(::fts_close(walk)));
         }
     }},
    {"dirent.every_place_is_found_again",
     [](transcript& t) {
         for (int i = 0; i < 300; ++i) {
             t.api().mknod("file" + std::to_string(i), S_IFREG | 0644, 0, 0);
         }
         DIR* const dir = ::opendir(".");
         std::vector<std::string> names;
         std::vector<long> places{::telldir(dir)};
         while (const dirent* const entry = ::readdir(dir)) {
             names.emplace_back(entry->d_name);
             places.push_back(::telldir(dir));
         }
         bool all = true;
         for (std::size_t i = names.size(); i-- > 0;) {
             ::seekdir(dir, places[i]);
             const dirent* const entry = ::readdir(dir);
             all = all && entry != nullptr && names[i] == entry->d_name;
         }
         t.note(std::to_string(names.size()) + " names, all again", all);
         ::seekdir(dir, places.back());
         t.note("the end", ::readdir(dir) == nullptr);
         t.note("of its own descriptor", (::fcntl(::dirfd(dir), F_GETFD) & FD_CLOEXEC) != 0);
         t.record("closedir", told(::closedir(dir)));
     }},
};

}  // namespace

case_family descriptor_table_cases() {
    return {needs::process, cases};
}

}  // namespace farside::conformance
