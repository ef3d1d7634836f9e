// The working directory as a place, not a path: it is moved, removed, inherited, and named under
// /proc. Natively and under the layer.
#include "tests/conformance/conformance_case.hpp"
#include "tests/conformance/told.hpp"

#include <array>
#include <string>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace farside::conformance {
namespace {

std::string directory_now() {
    std::array<char, 8192> room{};
    return ::getcwd(room.data(), room.size()) != nullptr ? room.data() : "";
}

std::string below(const std::string& path, const std::string& start) {
    return path.starts_with(start) ? "." + path.substr(start.size()) : "elsewhere: " + path;
}

void show_directory(transcript& t, const std::string& start) {
    errno = 0;
    const auto now = directory_now();
    t.record("getcwd", now.empty() ? told(-1) : 0);
    t.note(now.empty() ? "no name" : below(now, start));
}

void show_link(transcript& t, const std::string& link, const std::string& start) {
    std::array<char, 4096> room{};
    const auto got = ::readlink(link.c_str(), room.data(), room.size());
    t.record("readlink", told(got < 0 ? -1 : 0));
    if (got > 0) {
        t.note(below({room.data(), static_cast<std::size_t>(got)}, start));
    }
}

std::string descriptor_name(const char* folder, int fd) {
    return folder + std::to_string(fd);
}

int run_shell(const char* command) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::execl("/bin/sh", "sh", "-c", command, nullptr);
        ::_exit(127);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

constexpr conformance_case cases[] = {
    {"directory.that_is_renamed_stays_the_directory",
     [](transcript& t) {
         const auto start = directory_now();
         t.mkdir("a");
         t.make_file("a/file", "content");
         ::chdir("a");
         t.record("rename", told(::rename((start + "/a").c_str(), (start + "/b").c_str())));
         show_directory(t, start);
         t.show_file("file");
         t.open("new", O_CREAT | O_WRONLY, 0644);
         t.list("..");
         t.list(".");
     }},
    {"directory.whose_parent_moves",
     [](transcript& t) {
         const auto start = directory_now();
         t.mkdir("a");
         t.mkdir("a/deep");
         t.mkdir("b");
         t.make_file("b/beside", "beside");
         ::chdir("a/deep");
         t.record("rename", told(::rename((start + "/a").c_str(), (start + "/b/moved").c_str())));
         show_directory(t, start);
         t.show_file("../../beside");
         t.record("chdir ..", told(::chdir("..")));
         show_directory(t, start);
     }},
    {"directory.that_is_removed",
     [](transcript& t) {
         const auto start = directory_now();
         t.mkdir("a");
         ::chdir("a");
         t.record("rmdir", told(::rmdir((start + "/a").c_str())));
         show_directory(t, start);
         t.list(".");
         t.mkdir("x");
         t.record("symlink", told(::symlink("x", "y")));
         show_link(t, "/proc/self/cwd", start);
         t.record("mkdir", told(::mkdir((start + "/a").c_str(), 0755)));
         show_directory(t, start);
         t.stat("x");
         t.record("chdir back", told(::chdir(start.c_str())));
         show_directory(t, start);
     }},
    {"directory.by_a_descriptor_that_is_closed",
     [](transcript& t) {
         const auto start = directory_now();
         t.mkdir("a");
         t.make_file("a/file", "content");
         const int dir = t.open("a", O_RDONLY | O_DIRECTORY);
         t.record("fchdir", told(::fchdir(dir)));
         t.close(dir);
         t.show_file("file");
         show_directory(t, start);
         ::closefrom(3);
         t.show_file("file");
         t.record("close_range", told(::close_range(3, ~0U, 0)));
         show_directory(t, start);
         t.close(t.open("file", O_RDONLY));
     }},
    {"directory.is_inherited_by_programs",
     [](transcript& t) {
         const auto start = directory_now();
         t.mkdir("a");
         t.mkdir("a/inner");
         t.make_file("a/file", "content");
         ::chdir("a");
         const auto renaming = "mv " + start + "/a " + start + "/b && cat file >copy";
         t.note("sh: " + std::to_string(run_shell(renaming.c_str())));
         t.note("sh: " + std::to_string(run_shell("cd inner && pwd -P >../where")));
         const int where = ::open("where", O_RDONLY);
         std::array<char, 4096> room{};
         const auto got = ::read(where, room.data(), room.size());
         t.note(below({room.data(), static_cast<std::size_t>(got < 1 ? 0 : got - 1)}, start));
         t.close(where);
         t.unlink("where");
         t.list(".");
     }},
    {"directory.of_a_child_is_its_own",
     [](transcript& t) {
         const auto start = directory_now();
         t.mkdir("a");
         ::chdir("a");
         const pid_t child = ::fork();
         if (child == 0) {
             const bool good = ::chdir("..") == 0 && directory_now() == start &&
                               ::access("a", F_OK) == 0 && ::chdir("/") == 0;
             ::_exit(good ? 0 : 1);
         }
         int status = 0;
         ::waitpid(child, &status, 0);
         t.note("child: " + std::to_string(status));
         show_directory(t, start);
     }},
    {"directory.between_the_sides",
     [](transcript& t) {
         const auto start = directory_now();
         t.make_file("file", "content");
         for (int i = 0; i < 40; ++i) {
             t.note("local", ::chdir("/") == 0 && directory_now() == "/");
             t.note("back", ::chdir(start.c_str()) == 0 && directory_now() == start);
         }
         t.show_file("file");
         const int lowest = t.open("file", O_RDONLY);
         t.note("descriptors are left alone", lowest < 20);
     }},
    {"directory.names_under_proc",
     [](transcript& t) {
         const auto start = directory_now();
         t.mkdir("a");
         t.make_file("a/file", "content");
         t.make_file("other", "other");
         ::chdir("a");
         show_link(t, "/proc/self/cwd", start);
         show_link(t, "/proc/thread-self/cwd", start);
         t.show_file("/proc/self/cwd/file");
         t.show_file("/proc/self/cwd/../other");
         t.list("/proc/self/cwd");
         t.list("/proc/self/cwd/");
         t.stat("/proc/self/cwd/none");
         t.record("chdir", told(::chdir("/proc/self/cwd/..")));
         show_directory(t, start);
     }},
    {"descriptor.names_under_proc",
     [](transcript& t) {
         const auto start = directory_now();
         t.mkdir("a");
         t.make_file("a/file", "content");
         const int fd = t.open("a/file", O_RDONLY);
         const int dir = t.open("a", O_PATH);
         for (const char* const folder : {"/proc/self/fd/", "/dev/fd/", "/proc/thread-self/fd/"}) {
             show_link(t, descriptor_name(folder, fd), start);
             show_link(t, descriptor_name(folder, dir), start);
             t.show_file((descriptor_name(folder, dir) + "/file").c_str());
         }
         t.rename("a", "b");
         show_link(t, descriptor_name("/proc/self/fd/", fd), start);
         t.unlink("b/file");
         show_link(t, descriptor_name("/proc/self/fd/", fd), start);
         t.show_file(descriptor_name("/proc/self/fd/", fd).c_str());
         t.make_file("b/file (deleted)", "odd");
         const int odd = t.open("b/file (deleted)", O_RDONLY);
         show_link(t, descriptor_name("/proc/self/fd/", odd), start);
         std::array<char, 3> room{};
         t.record(
             "readlink into little room",
             told(::readlink(descriptor_name("/proc/self/fd/", dir).c_str(), room.data(), 3))
         );
     }},
    {"descriptor.of_another_process_under_proc",
     [](transcript& t) {
         t.make_file("file", "content");
         const int fd = t.open("file", O_RDONLY);
         ::prctl(PR_SET_DUMPABLE, 1);  // others look only at processes that did not change users
         const auto name = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd);
         t.note("sh: " + std::to_string(run_shell(("cat " + name + " >copy").c_str())));
         t.show_file("copy");
     }},
};

}  // namespace

case_family working_directory_cases() {
    return {needs::process, cases};
}

}  // namespace farside::conformance
