// What a process does with descriptors, directories and children: natively and under the layer.
// Each runs with the case's directory as its working directory.
#include "tests/conformance/conformance_case.hpp"
#include "tests/conformance/told.hpp"

#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <thread>

#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/wait.h>
#include <unistd.h>

namespace farside::conformance {
namespace {

std::string of_status(int status) {
    return WIFEXITED(status) ? "exit " + std::to_string(WEXITSTATUS(status))
                             : "signal " + std::to_string(WTERMSIG(status));
}

// A child that runs `body` and leaves with its answer.
template <typename Body>
void in_child(transcript& t, const char* what, Body body) {
    std::fflush(nullptr);
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::_exit(body());
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    t.note(std::string{what} + ": " + of_status(status));
}

// What `sh -c command` prints; `input` is its standard input, where there is one.
void shell(transcript& t, const std::string& command, int input = -1) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        t.record("pipe", told(-1));
        return;
    }
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    if (input >= 0) {
        ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    }
    const char* const argv[] = {"sh", "-c", command.c_str(), nullptr};
    pid_t pid = -1;
    const int failed =
        ::posix_spawn(&pid, "/bin/sh", &actions, nullptr, const_cast<char* const*>(argv), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    std::string output;
    std::array<char, 4096> part{};
    for (ssize_t got = 0; (got = ::read(ends[0], part.data(), part.size())) > 0;) {
        output.append(part.data(), static_cast<std::size_t>(got));
    }
    ::close(ends[0]);
    int status = failed;
    if (failed == 0) {
        ::waitpid(pid, &status, 0);
    }
    t.note("sh " + text::shortened(command) + " -> " + of_status(status));
    t.note("  " + text::shortened(output));
}

// The working directory, seen from the case's own.
void show_directory(transcript& t, const std::string& start) {
    std::array<char, 8192> room{};
    if (::getcwd(room.data(), room.size()) == nullptr) {
        t.record("getcwd", told(-1));
        return;
    }
    const std::string_view path{room.data()};
    const bool below = path.starts_with(start);
    t.note("getcwd: " + (below ? "." + std::string{path.substr(start.size())} : "elsewhere"));
}

std::string current_directory() {
    std::array<char, 8192> room{};
    return ::getcwd(room.data(), room.size()) != nullptr ? room.data() : "";
}

open_how confined_to_here(unsigned flags, unsigned mode, std::uint64_t resolve) {
    open_how made{};
    made.flags = flags;
    made.mode = mode;
    made.resolve = resolve;
    return made;
}

constexpr conformance_case cases[] = {
    {"dup.shares_the_position",
     [](transcript& t) {
         t.make_file("a", "abcdefghij");
         const int fd = t.open("a", O_RDWR);
         const int copy = ::dup(fd);
         t.read(fd, 3);
         t.note("position " + std::to_string(::lseek(copy, 0, SEEK_CUR)));
         ::lseek(copy, 7, SEEK_SET);
         t.read(fd, 1);
         t.close(fd);
         std::array<char, 8> room{};
         t.record("read of the copy", told(::read(copy, room.data(), room.size())), room.data());
         t.record("close", told(::close(copy)));
         t.record("close again", told(::close(copy)));
     }},
    {"dup.every_way",
     [](transcript& t) {
         t.make_file("a", "abcdefghij");
         const int fd = t.open("a", O_RDONLY);
         t.note("dup2 " + std::to_string(::dup2(fd, 200)));
         t.note("dup3 " + std::to_string(::dup3(fd, 201, O_CLOEXEC)));
         t.note("F_DUPFD " + std::to_string(::fcntl(fd, F_DUPFD, 202)));
         t.note("F_DUPFD_CLOEXEC " + std::to_string(::fcntl(fd, F_DUPFD_CLOEXEC, 203)));
         for (int copy = 200; copy < 204; ++copy) {
             std::array<char, 3> room{};
             t.record("read", told(::read(copy, room.data(), 2)), room.data());
             t.record("F_GETFD", told(::fcntl(copy, F_GETFD)));
         }
         t.record("dup2 to itself", told(::dup2(200, 200)) == 200 ? 0 : -1);
         t.record("dup3 to itself", told(::dup3(200, 200, 0)));
         t.record("dup2 of none", told(::dup2(250, 200)));
         t.record("dup of none", told(::dup(250)));
         for (int copy = 200; copy < 204; ++copy) {
             t.record("close", told(::close(copy)));
         }
         t.read(fd, 10);
     }},
    {"dup.onto_an_open_file_closes_it",
     [](transcript& t) {
         t.make_file("a", "aaaa");
         t.make_file("b", "bbbb");
         const int a = t.open("a", O_RDWR);
         const int b = t.open("b", O_RDWR);
         t.flock(b, LOCK_EX);
         t.record("dup2", told(::dup2(a, b)) == b ? 0 : -1);
         t.read(b, 4);
         t.flock(t.open("b", O_RDONLY), LOCK_EX | LOCK_NB);
         std::array<int, 2> ends{};
         t.record("pipe", told(::pipe(ends.data())));
         t.record("dup2 of a pipe", told(::dup2(ends[1], a)) == a ? 0 : -1);
         t.write(a, "through");
         std::array<char, 16> room{};
         t.record("read", told(::read(ends[0], room.data(), room.size())), room.data());
         ::close(ends[0]);
         ::close(ends[1]);
     }},
    {"dup.flags_are_shared_but_cloexec_is_not",
     [](transcript& t) {
         t.make_file("a", "start");
         const int fd = t.open("a", O_RDWR | O_CLOEXEC);
         const int copy = ::dup(fd);
         t.record("F_GETFD", told(::fcntl(fd, F_GETFD)));
         t.record("F_GETFD of the copy", told(::fcntl(copy, F_GETFD)));
         t.set_flags(fd, O_APPEND);
         t.note("appends", (::fcntl(copy, F_GETFL) & O_APPEND) != 0);
         t.record("F_SETFD", told(::fcntl(copy, F_SETFD, FD_CLOEXEC)));
         t.record("F_GETFD of the copy", told(::fcntl(copy, F_GETFD)));
         ::close(copy);
     }},
    {"dup.shares_the_lock",
     [](transcript& t) {
         t.make_file("a", "");
         const int fd = t.open("a", O_RDWR);
         const int copy = ::dup(fd);
         const int other = t.open("a", O_RDWR);
         t.flock(fd, LOCK_EX);
         t.record("flock of the copy", told(::flock(copy, LOCK_EX | LOCK_NB)));
         t.close(fd);
         t.flock(other, LOCK_EX | LOCK_NB);
         ::close(copy);
         t.flock(other, LOCK_EX | LOCK_NB);
     }},
    {"fork.shares_the_position",
     [](transcript& t) {
         t.make_file("a", "abcdefghij");
         const int fd = t.open("a", O_RDWR);
         t.read(fd, 2);
         in_child(t, "child reads", [&] {
             std::array<char, 3> room{};
             return ::read(fd, room.data(), 3) == 3 && room[0] == 'c' ? 0 : 1;
         });
         t.read(fd, 1);
         in_child(t, "child seeks", [&] { return ::lseek(fd, 8, SEEK_SET) == 8 ? 0 : 1; });
         t.read(fd, 1);
         in_child(t, "child writes", [&] { return ::write(fd, "XYZ", 3) == 3 ? 0 : 1; });
         t.lseek(fd, 0, SEEK_CUR);
         t.show_file("a");
     }},
    {"fork.close_in_the_child_leaves_the_parent",
     [](transcript& t) {
         t.make_file("a", "abcdef");
         const int fd = t.open("a", O_RDWR);
         t.flock(fd, LOCK_EX);
         in_child(t, "child closes", [&] { return ::close(fd) == 0 ? 0 : 1; });
         t.read(fd, 3);
         t.flock(t.open("a", O_RDONLY), LOCK_SH | LOCK_NB);
     }},
    {"fork.child_keeps_what_the_parent_closes",
     [](transcript& t) {
         t.make_file("a", "abcdef");
         std::array<int, 2> ends{};
         t.record("pipe", told(::pipe(ends.data())));
         const int fd = t.open("a", O_RDWR);
         std::fflush(nullptr);
         const pid_t pid = ::fork();
         if (pid == 0) {
             std::array<char, 8> room{};
             ::close(ends[1]);
             const bool told_so = ::read(ends[0], room.data(), 1) == 0;
             const bool read_it = ::read(fd, room.data(), 6) == 6;
             const bool wrote = ::write(fd, "!", 1) == 1;
             ::_exit(told_so && read_it && wrote ? 0 : 1);
         }
         t.close(fd);
         ::close(ends[0]);
         ::close(ends[1]);
         int status = 0;
         ::waitpid(pid, &status, 0);
         t.note("child: " + of_status(status));
         t.show_file("a");
     }},
    {"fork.children_append_without_loss",
     [](transcript& t) {
         t.make_file("a", "");
         const int fd = t.open("a", O_WRONLY | O_APPEND);
         constexpr int children = 4;
         std::fflush(nullptr);
         for (int child = 0; child < children; ++child) {
             if (::fork() == 0) {
                 const std::string line(49, static_cast<char>('a' + child));
                 for (int i = 0; i < 50; ++i) {
                     static_cast<void>(!::write(fd, (line + "\n").data(), 50));
                 }
                 ::_exit(0);
             }
         }
         for (int child = 0; child < children; ++child) {
             int status = 0;
             ::wait(&status);
             t.note("child: " + of_status(status));
         }
         t.fstat(fd);
         t.close(fd);
         shell(t, "sort a | uniq -c; : > a");
     }},
    {"exec.inherits_descriptors_and_positions",
     [](transcript& t) {
         t.make_file("a", "line one\nline two\nline three\n");
         const int fd = t.open("a", O_RDONLY);
         t.read(fd, 9);
         shell(t, "read -r first; echo \"[$first]\"", fd);
         shell(t, "cat", fd);
         t.read(fd, 10);
     }},
    {"exec.closes_what_it_should",
     [](transcript& t) {
         t.make_file("a", "content");
         const int kept = t.open("a", O_RDONLY);
         const int closed = t.open("a", O_RDONLY | O_CLOEXEC);
         ::dup2(kept, 8);
         ::dup3(closed, 9, O_CLOEXEC);
         shell(t, "cat <&8; (cat <&9) 2>/dev/null || echo closed");
         ::close(8);
         ::close(9);
     }},
    {"exec.writes_through_inherited_descriptors",
     [](transcript& t) {
         const int fd = t.open("a", O_CREAT | O_RDWR, 0644);
         t.write(fd, "one\n");
         ::dup2(fd, 7);
         shell(t, "echo two >&7; echo three >&7");
         ::close(7);
         t.write(fd, "four\n");
         t.show_file("a");
     }},
    {"shell.redirections_and_pipes",
     [](transcript& t) {
         shell(t, "echo one > a; echo two >> a; cat < a; wc -c < a");
         shell(t, "printf 'c\\nb\\na\\n' > list; sort list | tee sorted | head -n 2; cat sorted");
         shell(t, "mkdir -p d/e && cd d/e && echo deep > f && cd .. && cat e/f && cat ../d/e/f");
         shell(t, "[ -f a ] && [ -d d ] && [ ! -e none ] && [ -s a ] && echo tests");
         shell(t, "set -C; echo x > a; echo $?");
         shell(t, "cat none; echo $?");
         shell(t, "exec 5<>a; read -r x <&5; echo changed >&5; exec 5>&-; cat a");
         shell(t, "cat <<end\nhere $(cat list | head -n 1)\nend");
         t.list(".");
     }},
    {"umask.is_inherited",
     [](transcript& t) {
         t.umask(027);
         shell(t, "umask; echo x > a; mkdir d");
         in_child(t, "child", [] {
             ::umask(0);
             const int fd = ::open("b", O_CREAT | O_WRONLY, 0666);
             return fd >= 0 ? 0 : 1;
         });
         t.close(t.open("c", O_CREAT | O_WRONLY, 0666));
         t.umask(022);
         t.stat("a");
         t.stat("d");
         t.stat("b");
         t.stat("c");
     }},
    {"chdir.moves_relative_paths",
     [](transcript& t) {
         const auto start = current_directory();
         t.mkdir("a");
         t.mkdir("a/b");
         t.make_file("a/file", "content");
         t.record("chdir a", told(::chdir("a")));
         show_directory(t, start);
         t.show_file("file");
         t.record("chdir b", told(::chdir("b")));
         show_directory(t, start);
         t.show_file("../file");
         t.make_file("made", "");
         t.record("chdir ../..", told(::chdir("../..")));
         show_directory(t, start);
         t.list("a/b");
         t.record("chdir of the path", told(::chdir((start + "/a/b").c_str())));
         show_directory(t, start);
         t.list(".");
     }},
    {"chdir.refuses",
     [](transcript& t) {
         const auto start = current_directory();
         t.make_file("file", "");
         t.mkdir("closed", 0);
         t.symlink("nowhere", "dangling");
         for (const char* const it : {"none", "file", "file/", "", "dangling", "closed"}) {
             t.record(std::string{"chdir "} + it, told(::chdir(it)));
             if (std::string_view{it} == "closed") {
                 t.record("back", told(::chdir(start.c_str())));
             }
             show_directory(t, start);
         }
         t.record("fchdir of a file", told(::fchdir(t.open("file", O_RDONLY))));
         t.record("fchdir of none", told(::fchdir(-1)));
     }},
    {"chdir.through_links_is_physical",
     [](transcript& t) {
         const auto start = current_directory();
         t.mkdir("a");
         t.mkdir("a/b");
         t.symlink("a/b", "link");
         t.make_file("file", "outer");
         t.make_file("a/file", "inner");
         t.record("chdir link", told(::chdir("link")));
         show_directory(t, start);
         t.show_file("../file");
         shell(t, "pwd -P | sed 's|.*/||'; cat ../file; cd ../..; cat file");
         t.record("chdir ..", told(::chdir("..")));
         show_directory(t, start);
     }},
    {"chdir.by_descriptor",
     [](transcript& t) {
         const auto start = current_directory();
         t.mkdir("a");
         t.make_file("a/file", "content");
         const int dir = t.open("a", O_RDONLY);
         const int path = t.open(".", O_PATH);
         t.record("fchdir", told(::fchdir(dir)));
         show_directory(t, start);
         t.show_file("file");
         t.record("fchdir", told(::fchdir(path)));
         show_directory(t, start);
         t.show_file("a/file");
     }},
    {"chdir.is_inherited_and_the_childs_own",
     [](transcript& t) {
         const auto start = current_directory();
         t.mkdir("a");
         t.make_file("a/file", "content");
         ::chdir("a");
         in_child(t, "child", [] {
             return ::access("file", R_OK) == 0 && ::chdir("..") == 0 &&
                            ::access("a/file", R_OK) == 0
                        ? 0
                        : 1;
         });
         show_directory(t, start);
         shell(t, "cat file; cd ..; ls");
         t.show_file("file");
     }},
    {"chdir.into_a_directory_that_moves_or_goes",
     [](transcript& t) {
         const auto start = current_directory();
         t.mkdir("a");
         ::chdir("a");
         t.record("rmdir", told(::rmdir((start + "/a").c_str())));
         t.open("new", O_CREAT | O_WRONLY, 0644);
         t.stat("x");
         t.record("chdir back", told(::chdir(start.c_str())));
         show_directory(t, start);
     }},
    {"getcwd.into_little_room",
     [](transcript& t) {
         std::array<char, 8> room{};
         t.record("getcwd 2", ::getcwd(room.data(), 2) == nullptr ? told(-1) : 0);
         t.record("getcwd 0", ::getcwd(room.data(), 0) == nullptr ? told(-1) : 0);
     }},
    {"openat2.beneath_and_in_root_of_the_working_directory",
     [](transcript& t) {
         t.mkdir("dir");
         t.make_file("file", "content");
         t.symlink("../file", "dir/up");
         t.symlink("../../file", "dir/out");
         t.symlink("/file", "dir/absolute");
         for (const char* const it :
              {"file",
               "./file",
               "dir/../file",
               "dir/up",
               "dir/out",
               "dir/absolute",
               "..",
               "../file",
               ".",
               "none",
               ""}) {
             for (const std::uint64_t resolve : {RESOLVE_BENEATH + 0ULL, RESOLVE_IN_ROOT + 0ULL}) {
                 t.close(t.openat2(it, confined_to_here(O_RDONLY, 0, resolve)));
             }
         }
         t.close(t.openat2("new", confined_to_here(O_CREAT | O_WRONLY, 0640, RESOLVE_BENEATH)));
         t.stat("new");
     }},
    {"descriptor.hundreds_and_ranges",
     [](transcript& t) {
         t.make_file("a", "abcdefghij");
         const int base = t.open("a", O_RDONLY);
         for (int fd = 100; fd < 400; ++fd) {
             ::dup2(base, fd);
         }
         std::array<char, 2> room{};
         t.record("read of 399", told(::read(399, room.data(), 1)), room.data());
         t.record("close_range", told(::close_range(100, 398, 0)));
         t.record("read of 250", told(::read(250, room.data(), 1)));
         t.record("read of 399", told(::read(399, room.data(), 1)), room.data());
         t.record("close_range cloexec", told(::close_range(399, 399, CLOSE_RANGE_CLOEXEC)));
         t.record("F_GETFD", told(::fcntl(399, F_GETFD)));
         ::close(399);
         t.read(base, 1);
     }},
    {"descriptor.limit",
     [](transcript& t) {
         t.make_file("a", "");
         rlimit old_limit{};
         ::getrlimit(RLIMIT_NOFILE, &old_limit);
         rlimit limit = old_limit;
         limit.rlim_cur = 3;  // what is open already is above it: there is no room at all
         ::setrlimit(RLIMIT_NOFILE, &limit);
         t.open("a", O_RDONLY);
         t.open("new", O_CREAT | O_WRONLY, 0644);
         ::setrlimit(RLIMIT_NOFILE, &old_limit);
         t.list(".");
         t.close(t.open("a", O_RDONLY));
     }},
    {"poll.files_are_always_ready",
     [](transcript& t) {
         t.make_file("a", "content");
         std::array<pollfd, 1> set{{{t.open("a", O_RDWR), POLLIN | POLLOUT, 0}}};
         t.record("poll", told(::poll(set.data(), 1, 0)));
         t.note("events " + std::to_string(set[0].revents));
         set[0].fd = t.open("a", O_RDONLY);
         set[0].events = POLLIN;
         t.record("poll", told(::poll(set.data(), 1, 0)));
         t.note("events " + std::to_string(set[0].revents));
     }},
    {"sendfile.between_files_and_pipes",
     [](transcript& t) {
         t.make_file("a", text::pattern(10'000));
         const int from = t.open("a", O_RDONLY);
         std::array<int, 2> ends{};
         t.record("pipe", told(::pipe(ends.data())));
         off_t offset = 100;
         t.record("to a pipe", told(::sendfile(ends[1], from, &offset, 5000)));
         t.note("offset " + std::to_string(offset));
         t.record("to a pipe", told(::sendfile(ends[1], from, nullptr, 50)));
         t.lseek(from, 0, SEEK_CUR);
         std::string got(6000, '\0');
         const auto bytes = ::read(ends[0], got.data(), got.size());
         got.resize(static_cast<std::size_t>(bytes));
         t.note("got " + text::shortened(got));
         const int to = t.open("b", O_CREAT | O_RDWR, 0644);
         offset = 0;
         t.record("to a file", told(::sendfile(to, from, &offset, 100'000)));
         t.show_file("b");
         t.record("to a reader", told(::sendfile(from, from, nullptr, 10)));
         ::close(ends[0]);
         ::close(ends[1]);
     }},
    {"threads.read_and_append_at_once",
     [](transcript& t) {
         t.make_file("a", text::pattern(200'000));
         const int fd = t.open("a", O_RDONLY);
         const int log = t.open("log", O_CREAT | O_WRONLY | O_APPEND, 0644);
         const auto whole = text::pattern(200'000);
         std::array<bool, 4> good{};
         std::vector<std::thread> threads;
         for (std::size_t id = 0; id < good.size(); ++id) {
             threads.emplace_back([&, id] {
                 bool same = true;
                 std::string part(5000, '\0');
                 for (std::size_t at = id * 1000; at + part.size() < whole.size(); at += 9000) {
                     const auto got = ::pread(fd, part.data(), part.size(), static_cast<off_t>(at));
                     same = same && got == 5000 && part == whole.substr(at, part.size());
                     same = same && ::write(log, "0123456789", 10) == 10;
                 }
                 good[id] = same;
             });
         }
         for (auto& thread : threads) {
             thread.join();
         }
         for (const bool same : good) {
             t.note("same", same);
         }
         t.stat("log");
     }},
    {"signal.of_a_broken_fifo",
     [](transcript& t) {
         t.mkfifo("fifo");
         in_child(t, "writer", [] {
             ::signal(SIGPIPE, SIG_DFL);
             const int reader = ::open("fifo", O_RDONLY | O_NONBLOCK);
             const int writer = ::open("fifo", O_WRONLY);
             ::close(reader);
             return ::write(writer, "x", 1) < 0 ? errno : 0;
         });
     }},
};

}  // namespace

case_family process_cases() {
    return {needs::process, cases};
}

}  // namespace farside::conformance
