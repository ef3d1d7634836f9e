// The C and C++ libraries on top of the calls: streams, directory streams, walks, temporary files.
// Natively and under the layer; each with the case's directory as its working directory.
#include "tests/conformance/conformance_case.hpp"
#include "tests/conformance/told.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include <dirent.h>
#include <ftw.h>
#include <glob.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <unistd.h>
#include <utime.h>

namespace farside::conformance {
namespace {

struct closer {
    void operator()(std::FILE* file) const { std::fclose(file); }

    void operator()(DIR* dir) const { ::closedir(dir); }
};

using stream = std::unique_ptr<std::FILE, closer>;
using directory_stream = std::unique_ptr<DIR, closer>;

stream open_stream(transcript& t, const char* path, const char* mode) {
    stream opened{std::fopen(path, mode)};
    t.record(std::string{"fopen "} + path + ' ' + mode, opened ? outcome{0} : told(-1));
    return opened;
}

std::vector<std::string>& walked() {
    static std::vector<std::string> names;
    return names;
}

int on_walk(const char* path, const struct stat* status, int type, struct FTW* where) {
    walked().push_back(
        std::string{path} + ' ' + std::to_string(type) + " level " + std::to_string(where->level) +
        ' ' + text::of_type(status->st_mode)
    );
    return 0;
}

void note_sorted(transcript& t, std::vector<std::string> names) {
    std::ranges::sort(names);
    for (const auto& it : names) {
        t.note("  " + text::quoted(it));
    }
}

void make_tree(transcript& t) {
    t.mkdir("tree");
    t.mkdir("tree/sub");
    t.mkdir("tree/sub/deep");
    t.make_file("tree/one.txt", "1");
    t.make_file("tree/sub/two.txt", "22");
    t.make_file("tree/sub/deep/three.txt", "333");
    t.symlink("sub/two.txt", "tree/link.txt");
    t.symlink("nowhere", "tree/dangling");
}

constexpr conformance_case cases[] = {
    {"stdio.lines_and_seeks",
     [](transcript& t) {
         t.make_file("a", "one\ntwo\nthree");
         const auto file = open_stream(t, "a", "r+");
         std::array<char, 32> line{};
         t.note(text::quoted(std::fgets(line.data(), line.size(), file.get())));
         t.note("ftell " + std::to_string(std::ftell(file.get())));
         t.note("fseek " + std::to_string(std::fseek(file.get(), -5, SEEK_END)));
         t.note(text::quoted(std::fgets(line.data(), line.size(), file.get())));
         t.note("eof", std::feof(file.get()) != 0);
         std::rewind(file.get());
         t.note("fgetc " + std::to_string(std::fgetc(file.get())));
         std::ungetc('X', file.get());
         t.note("fgetc " + std::to_string(std::fgetc(file.get())));
         std::fseek(file.get(), 4, SEEK_SET);
         std::fputs("TWO", file.get());
         std::fflush(file.get());
         t.show_file("a");
     }},
    {"stdio.modes",
     [](transcript& t) {
         for (const char* const mode : {"r", "r+", "w", "a", "wx", "w+", "a+", "rb", "we"}) {
             if (const auto file = open_stream(t, "a", mode)) {
                 t.note("fputs", std::fputs("x", file.get()) >= 0);
                 t.note("fflush", std::fflush(file.get()) == 0);
                 t.note("ftell " + std::to_string(std::ftell(file.get())));
             }
         }
         t.show_file("a");
         open_stream(t, "none/a", "w");
         open_stream(t, ".", "w");
         open_stream(t, ".", "r");
     }},
    {"stdio.large_and_formatted",
     [](transcript& t) {
         {
             const auto file = open_stream(t, "a", "w");
             for (int i = 0; i < 20'000; ++i) {
                 std::fprintf(file.get(), "line %d\n", i);
             }
         }
         t.show_file("a");
         const auto file = open_stream(t, "a", "r");
         int number = 0;
         int lines = 0;
         while (std::fscanf(file.get(), "line %d\n", &number) == 1) {
             lines += number == lines ? 1 : 0;
         }
         t.note(std::to_string(lines) + " lines");
         char* line = nullptr;
         std::size_t room = 0;
         std::rewind(file.get());
         t.note("getline " + std::to_string(::getline(&line, &room, file.get())));
         std::free(line);
     }},
    {"stdio.descriptors_and_reopening",
     [](transcript& t) {
         t.make_file("a", "content");
         t.make_file("b", "other");
         const int fd = t.open("a", O_RDONLY);
         t.record("fdopen", ::fdopen(fd, "w") == nullptr ? told(-1) : 0);
         stream file{::fdopen(fd, "r")};
         t.note("fgetc " + std::to_string(std::fgetc(file.get())));
         file.reset(std::freopen("b", "r", file.release()));
         t.note("fgetc " + std::to_string(std::fgetc(file.get())));
         t.note("dprintf " + std::to_string(::dprintf(t.open("b", O_WRONLY | O_APPEND), "+%d", 7)));
         t.show_file("b");
     }},
    {"dirent.telldir_and_rewinddir",
     [](transcript& t) {
         for (int i = 0; i < 100; ++i) {
             t.make_file("file" + std::to_string(i), "");
         }
         const directory_stream dir{::opendir(".")};
         std::vector<std::string> names;
         std::vector<long> places;
         for (const dirent* entry = nullptr; (entry = ::readdir(dir.get())) != nullptr;) {
             names.emplace_back(entry->d_name);
             places.push_back(::telldir(dir.get()));
         }
         t.note(std::to_string(names.size()) + " names");
         ::seekdir(dir.get(), places[40]);
         const auto* const next = ::readdir(dir.get());
         t.note("the next one", next != nullptr && names[41] == next->d_name);
         ::rewinddir(dir.get());
         const auto* const first = ::readdir(dir.get());
         t.note("the first one", first != nullptr && names[0] == first->d_name);
         t.note("dirfd", ::dirfd(dir.get()) >= 0);
         t.make_file("zzz", "");
         ::rewinddir(dir.get());
         bool seen = false;
         for (const dirent* entry = nullptr; (entry = ::readdir(dir.get())) != nullptr;) {
             seen = seen || std::string_view{entry->d_name} == "zzz";
         }
         t.note("new one seen", seen);
     }},
    {"dirent.fdopendir_and_scandir",
     [](transcript& t) {
         make_tree(t);
         const directory_stream dir{::fdopendir(::open("tree", O_RDONLY | O_CLOEXEC))};
         std::vector<std::string> names;
         for (const dirent* entry = nullptr; (entry = ::readdir(dir.get())) != nullptr;) {
             names.push_back(std::string{entry->d_name} + ' ' + text::of_entry_type(entry->d_type));
         }
         note_sorted(t, names);
         dirent** list = nullptr;
         const int count = ::scandir("tree", &list, nullptr, ::alphasort);
         for (int i = 0; i < count; ++i) {
             t.note(list[i]->d_name);
             std::free(list[i]);
         }
         std::free(list);
         t.record("opendir none", ::opendir("none") == nullptr ? told(-1) : 0);
         t.record("opendir file", ::opendir("tree/one.txt") == nullptr ? told(-1) : 0);
         const int fd = t.open("tree/one.txt", O_RDONLY);
         t.record("fdopendir file", ::fdopendir(fd) == nullptr ? told(-1) : 0);
     }},
    {"walk.nftw_and_glob",
     [](transcript& t) {
         make_tree(t);
         for (const int flags : {0, int{FTW_PHYS}, FTW_PHYS | FTW_DEPTH | FTW_CHDIR}) {
             walked().clear();
             t.record("nftw " + std::to_string(flags), ::nftw("tree", on_walk, 4, flags));
             note_sorted(t, walked());
         }
         glob_t found{};
         t.record("glob", ::glob("tree/*/*.txt", GLOB_MARK, nullptr, &found));
         t.record("glob", ::glob("tree/[lo]*", GLOB_MARK | GLOB_APPEND, nullptr, &found));
         for (std::size_t i = 0; i < found.gl_pathc; ++i) {
             t.note(found.gl_pathv[i]);
         }
         ::globfree(&found);
     }},
    {"walk.std_filesystem",
     [](transcript& t) {
         namespace fs = std::filesystem;
         make_tree(t);
         std::vector<std::string> names;
         for (const auto& entry : fs::recursive_directory_iterator{"tree"}) {
             names.push_back(
                 entry.path().string() + (entry.is_directory() ? "/" : "") +
                 (entry.is_symlink() ? "@" : "")
             );
         }
         note_sorted(t, names);
         t.note("size " + std::to_string(fs::file_size("tree/sub/two.txt")));
         fs::copy("tree", "copy", fs::copy_options::recursive | fs::copy_options::copy_symlinks);
         t.list("copy");
         t.list("copy/sub");
         fs::rename("copy/one.txt", "copy/moved.txt");
         fs::resize_file("copy/moved.txt", 10);
         fs::permissions("copy/moved.txt", fs::perms::owner_read);
         t.stat("copy/moved.txt");
         t.note("equivalent", fs::equivalent("tree/link.txt", "tree/sub/two.txt"));
         t.note("weakly " + fs::relative(fs::weakly_canonical("tree/sub/../x/y"), ".").string());
         t.note("canonical " + fs::relative(fs::canonical("tree/link.txt")).string());
         t.note("removed " + std::to_string(fs::remove_all("copy")));
         t.note("exists", fs::exists("copy"));
         std::error_code ec;
         fs::create_directory("tree/none/x", ec);
         t.note(ec.message());
         t.note("space", fs::space(".").capacity > 0);
     }},
    {"walk.realpath",
     [](transcript& t) {
         make_tree(t);
         t.symlink("tree/sub", "short");
         std::array<char, 8192> start{};
         static_cast<void>(!::getcwd(start.data(), start.size()));
         for (const char* const it :
              {"tree/../tree/one.txt",
               "tree/link.txt",
               "short/deep",
               "short/../one.txt",
               "none",
               "tree/dangling",
               "tree/one.txt/x"}) {
             std::array<char, 8192> room{};
             const char* const real = ::realpath(it, room.data());
             const auto result = real == nullptr ? told(-1) : 0;
             const std::string shown = real == nullptr ? "" : real;
             t.record(
                 std::string{"realpath "} + it,
                 result,
                 shown.substr(std::min(shown.size(), std::string_view{start.data()}.size()))
             );
         }
     }},
    {"stream.fstream",
     [](transcript& t) {
         {
             std::ofstream out{"a"};
             out << "first line\n" << 42 << '\n' << text::pattern(100'000);
         }
         t.show_file("a");
         std::ifstream in_file{"a"};
         std::string line;
         std::getline(in_file, line);
         int number = 0;
         in_file >> number;
         t.note(line + ' ' + std::to_string(number));
         in_file.seekg(0, std::ios::end);
         t.note("tellg " + std::to_string(static_cast<long>(in_file.tellg())));
         {
             std::fstream both{"a", std::ios::in | std::ios::out | std::ios::ate};
             both << "end";
             both.seekp(0);
             both << "FIRST";
         }
         {
             std::ofstream more{"a", std::ios::app};
             more << "+";
         }
         t.show_file("a");
         t.note("open of none", std::ifstream{"none"}.is_open());
         std::ostringstream copied;
         copied << std::ifstream{"a"}.rdbuf();
         t.note(text::shortened(copied.str()));
     }},
    {"temporary.mkstemp_mkdtemp_tmpfile",
     [](transcript& t) {
         std::string file = "tmpXXXXXX";
         const int fd = ::mkstemp(file.data());
         t.record("mkstemp", told(fd) >= 0 ? 0 : told(fd));
         t.note("write " + std::to_string(::write(fd, "temporary", 9)));
         t.note("size " + std::to_string(t.peek(file).size));
         t.note("mode " + text::octal(t.peek(file).mode & 07777U));
         std::string dir = "dirXXXXXX";
         t.record("mkdtemp", ::mkdtemp(dir.data()) == nullptr ? told(-1) : 0);
         t.note("mode " + text::octal(t.peek(dir).mode & 07777U));
         t.record("remove", told(std::remove(dir.c_str())));
         t.record("remove", told(std::remove(file.c_str())));
         t.list(".");
     }},
    {"times.older_calls",
     [](transcript& t) {
         t.make_file("a", "");
         t.symlink("a", "link");
         const utimbuf old_times{100, 200};
         t.record("utime", told(::utime("a", &old_times)));
         t.show_times("a");
         const std::array<timeval, 2> times{{{300, 123'456}, {400, 999'999}}};
         t.record("utimes", told(::utimes("a", times.data())));
         t.show_times("a");
         t.record("lutimes", told(::lutimes("link", times.data())));
         t.show_times("link", AT_SYMLINK_NOFOLLOW);
         t.record("futimes", told(::futimes(t.open("a", O_RDONLY), times.data())));
         t.record("utime now", told(::utime("a", nullptr)));
         t.note("now", t.peek("a").modified.seconds > 1'500'000'000);
     }},
    {"limits.pathconf_and_statvfs",
     [](transcript& t) {
         t.make_file("a", "");
         const int fd = t.open("a", O_RDONLY);
         t.record("pathconf name", ::pathconf(".", _PC_NAME_MAX));
         t.record("pathconf path", ::pathconf("a", _PC_PATH_MAX));
         t.record("fpathconf links", ::fpathconf(fd, _PC_LINK_MAX));
         struct statvfs status {};

         t.record("statvfs", told(::statvfs(".", &status)));
         t.note("name " + std::to_string(status.f_namemax));
         t.record("fstatvfs", told(::fstatvfs(fd, &status)));
         t.note("name " + std::to_string(status.f_namemax));
         t.record("isatty", ::isatty(fd) == 1 ? 1 : told(-1));
         t.record("ttyname", ::ttyname(fd) == nullptr ? told(-1) : 0);
         t.record("posix_fallocate", ::posix_fallocate(t.open("a", O_RDWR), 0, 100));
         t.stat("a");
         t.record("posix_fadvise", ::posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
         t.record("posix_fadvise", ::posix_fadvise(fd, 0, 0, 99));
         t.record("readahead", told(::readahead(fd, 0, 10)));
     }},
    {"proc.names_of_descriptors",
     [](transcript& t) {
         t.make_file("a", "content");
         t.mkdir("dir");
         t.make_file("dir/file", "in dir");
         const int fd = t.open("a", O_RDWR);
         ::dup2(fd, 90);
         t.show_file("/proc/self/fd/90");
         t.show_file("/dev/fd/90");
         t.stat("/proc/self/fd/90");
         t.chmod("/proc/self/fd/90", 0600);
         t.truncate("/proc/self/fd/90", 3);
         t.stat("a");
         const int again = t.open("/proc/self/fd/90", O_RDWR | O_APPEND);
         t.write(again, "+");
         t.show_file("a");
         ::dup2(t.open("dir", O_PATH), 91);
         t.show_file("/proc/self/fd/91/file");
         t.list("/proc/self/fd/91");
         t.link("/proc/self/fd/90", "linked", AT_SYMLINK_FOLLOW);
         t.stat("linked");
         ::close(90);
         ::close(91);
     }},
    {"stdio.streams_survive_fork",
     [](transcript& t) {
         {
             const auto file = open_stream(t, "a", "w");
             std::fputs("parent ", file.get());
             std::fflush(nullptr);
             t.record("popen", [] {
                 std::FILE* const child = ::popen("cat > from_child", "w");
                 std::fputs("through a pipe", child);
                 return ::pclose(child);
             }());
             std::fputs("again", file.get());
         }
         t.show_file("a");
         t.show_file("from_child");
         t.record("system", std::system("echo child >> a"));
         t.show_file("a");
     }},
};

}  // namespace

case_family library_cases() {
    return {needs::process, cases};
}

}  // namespace farside::conformance
