// System calls that the C library no longer makes by themselves, and what fcntl(2), ioctl(2) and
// the calls that wait for descriptors say of a file.
#include "tests/conformance/conformance_case.hpp"
#include "tests/conformance/told.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utime.h>

namespace farside::conformance {
namespace {

constexpr long nr_fchmodat2 = 452;

template <typename... Arguments>
outcome call(long number, Arguments... arguments) {
    return told(::syscall(number, arguments...));
}

// Whether an open worked; the number of its descriptor says nothing.
outcome closed(outcome opened) {
    return opened < 0 ? opened : told(::close(static_cast<int>(opened)));
}

void show_modes(transcript& t, const char* path) {
    struct stat status {};

    t.record(std::string{"SYS_stat "} + path, call(SYS_stat, path, &status));
    t.note(text::of_type(status.st_mode) + ' ' + text::octal(status.st_mode & 07777U));
}

// The records of getdents(2): inode, next position, length, name, and the type at the very end.
void show_old_listing(transcript& t, int dir, std::size_t room) {
    std::vector<char> bytes(room);
    std::vector<std::string> seen;
    outcome got = 0;
    while ((got = call(SYS_getdents, dir, bytes.data(), bytes.size())) > 0) {
        for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
            std::uint16_t length = 0;
            std::memcpy(&length, bytes.data() + at + 16, sizeof length);
            const unsigned type = static_cast<unsigned char>(bytes[at + length - 1]);
            seen.push_back(std::string{bytes.data() + at + 18} + ' ' + text::of_entry_type(type));
            at += length;
        }
    }
    std::sort(seen.begin(), seen.end());
    for (const auto& line : seen) {
        t.note(line);
    }
    t.record("getdents", got);
}

struct fcntl_row {
    const char* name;
    int command;
    long argument;
};

constexpr fcntl_row fcntl_rows[] = {
    {"F_GETOWN", F_GETOWN, 0},
    {"F_GETSIG", F_GETSIG, 0},
    {"F_SETSIG", F_SETSIG, 10},
    {"F_GETSIG", F_GETSIG, 0},
    {"F_SETSIG", F_SETSIG, 1000},
    {"F_GETLEASE", F_GETLEASE, 0},
    {"F_GETPIPE_SZ", F_GETPIPE_SZ, 0},
    {"F_SETPIPE_SZ", F_SETPIPE_SZ, 4096},
    {"F_GET_SEALS", F_GET_SEALS, 0},
    {"F_ADD_SEALS", F_ADD_SEALS, 1},
    {"F_NOTIFY", F_NOTIFY, 0},
    {"F_NOTIFY", F_NOTIFY, DN_MODIFY},
    {"unknown", 7777, 0},
};

void show_fcntl(transcript& t, int fd) {
    for (const fcntl_row& row : fcntl_rows) {
        t.record(row.name, told(::fcntl(fd, row.command, row.argument)));
    }
    std::uint64_t hint = 77;
    t.record("F_GET_RW_HINT", told(::fcntl(fd, F_GET_RW_HINT, &hint)), std::to_string(hint));
    t.note("own", ::fcntl(fd, F_SETOWN, ::getpid()) == 0 && ::fcntl(fd, F_GETOWN) == ::getpid());
}

// A descriptor through a socket pair, as another process would send it.
int sent(int fd) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_DGRAM, 0, ends.data()) != 0) {
        return -1;
    }
    char byte = 'x';
    iovec part{&byte, 1};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof fd)> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
    int arrived = -1;
    if (::sendmsg(ends[0], &message, 0) == 1) {
        control.fill(0);
        message.msg_controllen = control.size();
        if (::recvmsg(ends[1], &message, 0) == 1 && CMSG_FIRSTHDR(&message) != nullptr) {
            std::memcpy(&arrived, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof arrived);
        }
    }
    ::close(ends[0]);
    ::close(ends[1]);
    return arrived;
}

constexpr conformance_case cases[] = {
    {"calls.by_their_old_numbers",
     [](transcript& t) {
         t.umask(022);
         t.record("mkdir", call(SYS_mkdir, "dir", 0777));
         t.record("creat", closed(call(SYS_creat, "dir/a", 0666)));
         t.record("open", closed(call(SYS_open, "dir/b", O_CREAT | O_WRONLY, 0640)));
         t.record("open again", call(SYS_open, "dir/b", O_CREAT | O_EXCL | O_WRONLY, 0640));
         t.record("symlink", call(SYS_symlink, "a", "dir/link"));
         t.record("link", call(SYS_link, "dir/a", "dir/c"));
         t.record("mknod", call(SYS_mknod, "dir/fifo", S_IFIFO | 0666, 0));
         t.record("chmod", call(SYS_chmod, "dir/a", 0604));
         t.record("access", call(SYS_access, "dir/a", R_OK | W_OK));
         t.record("access", call(SYS_access, "dir/none", F_OK));
         const auto uid = ::getuid();
         const auto gid = ::getgid();
         t.record("chown", call(SYS_chown, "dir/link", uid, gid));
         t.record("lchown", call(SYS_lchown, "dir/link", uid, gid));
         std::array<char, 16> room{};
         t.record("readlink", call(SYS_readlink, "dir/link", room.data(), room.size()));
         for (const char* const path : {"dir", "dir/a", "dir/b", "dir/link", "dir/c", "dir/fifo"}) {
             show_modes(t, path);
         }
         struct stat status {};

         t.record("lstat", call(SYS_lstat, "dir/link", &status));
         t.note(text::of_type(status.st_mode));
         t.record("rename", call(SYS_rename, "dir/c", "dir/d"));
         t.record("unlink", call(SYS_unlink, "dir/d"));
         t.record("unlink", call(SYS_unlink, "dir/d"));
         t.record("rmdir", call(SYS_rmdir, "dir"));
         t.record("rmdir", call(SYS_rmdir, "none"));
         const auto child = ::syscall(SYS_fork);
         if (child == 0) {
             ::_exit(::access("dir/a", F_OK) == 0 ? 3 : 4);
         }
         int ended = 0;
         ::waitpid(static_cast<pid_t>(child), &ended, 0);
         t.note("child " + std::to_string(WEXITSTATUS(ended)));
     }},
    {"chmod.by_its_newest_call",
     [](transcript& t) {
         t.make_file("a", "");
         t.symlink("a", "link");
         t.record("fchmodat2", call(nr_fchmodat2, AT_FDCWD, "a", 0640, 0));
         show_modes(t, "a");
         t.record("of a link", call(nr_fchmodat2, AT_FDCWD, "link", 0600, AT_SYMLINK_NOFOLLOW));
         const int fd = t.open("a", O_PATH);
         t.record("by descriptor", call(nr_fchmodat2, fd, "", 0604, AT_EMPTY_PATH));
         show_modes(t, "a");
         t.record("flags", call(nr_fchmodat2, AT_FDCWD, "a", 0640, 0x10));
     }},
    {"exec.by_descriptor",
     [](transcript& t) {
         t.make_file("script", "#!/bin/sh\nexit 7\n", 0755);
         const pid_t child = ::fork();
         if (child == 0) {
             const std::array<const char*, 2> arguments{"script", nullptr};
             ::syscall(SYS_execveat, AT_FDCWD, "script", arguments.data(), environ, 0);
             ::_exit(1);
         }
         int ended = 0;
         ::waitpid(child, &ended, 0);
         t.note("child " + std::to_string(WEXITSTATUS(ended)));
         t.record("flags", call(SYS_execveat, AT_FDCWD, "none", nullptr, nullptr, 0));
     }},
    {"getdents.in_the_old_form",
     [](transcript& t) {
         t.mkdir("dir");
         t.make_file("dir/file", "");
         t.mkdir("dir/sub");
         t.symlink("x", "dir/link");
         t.mkfifo("dir/fifo");
         t.make_file("dir/" + std::string(200, 'n'), "");
         const int dir = t.open("dir", O_RDONLY);
         show_old_listing(t, dir, 32768);
         t.lseek(dir, 0, SEEK_SET);
         show_old_listing(t, dir, 300);
         t.lseek(dir, 0, SEEK_SET);
         std::array<char, 10> little{};
         t.record("too little", call(SYS_getdents, dir, little.data(), little.size()));
         const int file = t.open("dir/file", O_RDONLY);
         t.record("of a file", call(SYS_getdents, file, little.data(), little.size()));
     }},
    {"fcntl.commands_of_a_file",
     [](transcript& t) {
         t.make_file("a", "abc");
         show_fcntl(t, t.open("a", O_RDWR));
     }},
    {"fcntl.commands_of_a_path",
     [](transcript& t) {
         t.make_file("a", "abc");
         const int fd = t.open("a", O_PATH);
         for (const fcntl_row& row : fcntl_rows) {
             t.record(row.name, told(::fcntl(fd, row.command, row.argument)));
         }
         t.record("F_SETFL", told(::fcntl(fd, F_SETFL, O_APPEND)));
         t.record("F_GETFD", told(::fcntl(fd, F_GETFD)));
         t.record("F_DUPFD", closed(::fcntl(fd, F_DUPFD, 100)));
     }},
    {"ioctl.requests_of_files",
     [](transcript& t) {
         t.make_file("a", "abcdef");
         t.mkdir("dir");
         for (const char* const path : {"a", "dir"}) {
             const int fd = t.open(path, O_RDONLY);
             t.ioctl(fd, FIONREAD, "FIONREAD");
             t.ioctl(fd, FIONBIO, "FIONBIO", 1);
             t.note("nonblocking", (::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
             t.ioctl(fd, FIONBIO, "FIONBIO", 0);
             t.note("nonblocking", (::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
             t.ioctl(fd, FIOASYNC, "FIOASYNC", 0);
             t.ioctl(fd, FIOASYNC, "FIOASYNC", 1);
             t.ioctl(fd, FIGETBSZ, "FIGETBSZ");
             t.ioctl(fd, TIOCGWINSZ, "TIOCGWINSZ");
             t.ioctl(fd, TIOCGPGRP, "TIOCGPGRP");
             t.record("FIOCLEX", told(::ioctl(fd, FIOCLEX)));
             t.note("cloexec " + std::to_string(::fcntl(fd, F_GETFD)));
             t.record("FIONCLEX", told(::ioctl(fd, FIONCLEX)));
             t.note("cloexec " + std::to_string(::fcntl(fd, F_GETFD)));
             t.record("FICLONE of none", told(::ioctl(fd, FICLONE, -1)));
         }
         const int path = t.open("a", O_PATH);
         t.ioctl(path, FIONREAD, "FIONREAD");
         t.record("FIOCLEX", told(::ioctl(path, FIOCLEX)));
     }},
    {"select.files_are_always_ready",
     [](transcript& t) {
         t.make_file("a", "abc");
         t.mkdir("dir");
         const int file = t.open("a", O_RDWR);
         const int dir = t.open("dir", O_RDONLY);
         const int path = t.open("a", O_PATH);
         for (const int fd : {file, dir, path}) {
             fd_set reading;
             fd_set writing;
             FD_ZERO(&reading);
             FD_ZERO(&writing);
             FD_SET(fd, &reading);
             FD_SET(fd, &writing);
             timeval at_once{};
             t.record("select", told(::select(fd + 1, &reading, &writing, nullptr, &at_once)));
             t.note("reading", FD_ISSET(fd, &reading));
             const timespec no_wait{};
             t.record(
                 "pselect", told(::pselect(fd + 1, &reading, nullptr, nullptr, &no_wait, nullptr))
             );
         }
     }},
    {"poll.of_descriptors_for_paths",
     [](transcript& t) {
         t.make_file("a", "abc");
         std::array<pollfd, 3> set{
             {{t.open("a", O_PATH), POLLIN, 0},
              {t.open("a", O_RDONLY), POLLIN, 0},
              {-1, POLLIN, 0}}};
         t.record("poll", told(::poll(set.data(), set.size(), -1)));
         for (const pollfd& one : set) {
             t.note("events " + std::to_string(one.revents));
         }
     }},
    {"epoll.takes_no_files",
     [](transcript& t) {
         t.make_file("a", "abc");
         t.mkdir("dir");
         const int set = ::epoll_create1(EPOLL_CLOEXEC);
         const int file = t.open("a", O_RDWR);
         const int path = t.open("a", O_PATH);
         const int dir = t.open("dir", O_RDONLY);
         epoll_event event{};
         for (const int fd : {file, dir, path}) {
             for (const int what : {EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL}) {
                 t.record("epoll_ctl", told(::epoll_ctl(set, what, fd, &event)));
             }
         }
         t.record("into a file", told(::epoll_ctl(file, EPOLL_CTL_ADD, set, &event)));
         t.record("into none", told(::epoll_ctl(-1, EPOLL_CTL_ADD, file, &event)));
         t.record("wait", told(::epoll_wait(set, &event, 1, 0)));
         ::close(set);
     }},
    {"advice.is_taken",
     [](transcript& t) {
         t.make_file("a", text::pattern(10'000));
         const int fd = t.open("a", O_RDONLY);
         for (int advice = 0; advice < 8; ++advice) {
             t.record("fadvise", -outcome{::posix_fadvise(fd, 0, 0, advice)});
         }
         t.record("negative", -outcome{::posix_fadvise(fd, 0, -1, POSIX_FADV_NORMAL)});
         t.record("readahead", told(::readahead(fd, 0, 4096)));
         t.record("of a path", -outcome{::posix_fadvise(t.open("a", O_PATH), 0, 0, 0)});
         t.record("of none", told(::readahead(-1, 0, 4096)));
         t.record("not readable", told(::readahead(t.open("a", O_WRONLY), 0, 4096)));
         t.mkdir("dir");
         t.record("of a directory", told(::readahead(t.open("dir", O_RDONLY), 0, 4096)));
     }},
    {"descriptor.sent_over_a_socket",
     [](transcript& t) {
         t.make_file("a", "abcdefghij");
         const int fd = t.open("a", O_RDWR);
         const int arrived = sent(fd);
         std::array<char, 8> room{};
         t.record("read", told(::read(arrived, room.data(), 3)), room.data());
         t.read(fd, 3);
         t.close(fd);
         t.record("write", told(::write(arrived, "XYZ", 3)));
         t.note("position " + std::to_string(::lseek(arrived, 0, SEEK_CUR)));
         t.record("close", told(::close(arrived)));
         t.show_file("a");
     }},
};

}  // namespace

case_family call_cases() {
    return {needs::process, cases};
}

}  // namespace farside::conformance
