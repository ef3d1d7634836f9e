// Pointers that cannot be followed: EFAULT, or what can be moved before them, never the program's
// end. Bad are NULL, the first page, addresses that no program has, and pages of its own that it
// may not touch.
#include "tests/conformance/conformance_case.hpp"
#include "tests/conformance/told.hpp"

#include <array>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace farside::conformance {
namespace {

constexpr std::size_t page = 4096;

// Two pages: the first can be used, the second not at all.
class fenced_page {
public:
    fenced_page()
        : begin_{static_cast<char*>(
              ::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
          )} {
        ::mprotect(begin_ + page, page, PROT_NONE);
    }

    ~fenced_page() { ::munmap(begin_, 2 * page); }

    fenced_page(const fenced_page&) = delete;
    fenced_page& operator=(const fenced_page&) = delete;

    // The last `bytes` that can be used.
    [[nodiscard]] char* last(std::size_t bytes) const { return begin_ + page - bytes; }

    [[nodiscard]] char* fence() const { return begin_ + page; }

private:
    char* begin_;
};

template <typename Use>
void for_each_bad(Use use) {
    const fenced_page memory;
    void* const read_only = ::mmap(nullptr, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    use("null", static_cast<char*>(nullptr));
    use("low", reinterpret_cast<char*>(8));
    use("high", reinterpret_cast<char*>(~std::uintptr_t{4095}));
    use("kernel", reinterpret_cast<char*>(0xffff800000000000));
    use("hole", reinterpret_cast<char*>(0x0000900000000000));
    use("fenced", memory.fence());
    use("read-only", static_cast<char*>(read_only));
    ::munmap(read_only, page);
}

template <typename... Arguments>
outcome call(long number, Arguments... arguments) {
    return told(::syscall(number, arguments...));
}

constexpr conformance_case cases[] = {
    {"pointer.of_a_path",
     [](transcript& t) {
         t.mkdir("dir");
         const int dir = t.open("dir", O_RDONLY);
         for_each_bad([&](const std::string& what, char* bad) {
             struct stat status {};

             t.note(what);
             t.record("open", call(SYS_open, bad, O_RDONLY));
             t.record("openat", call(SYS_openat, dir, bad, O_RDONLY));
             t.record("stat", call(SYS_stat, bad, &status));
             t.record("access", call(SYS_access, bad, F_OK));
             t.record("unlink", call(SYS_unlink, bad));
             t.record("rename", call(SYS_rename, bad, "x"));
             t.record("rename", call(SYS_rename, "dir", bad));
             t.record("symlink", call(SYS_symlink, bad, "link"));
             t.record("chdir", call(SYS_chdir, bad));
             t.record("truncate", call(SYS_truncate, bad, 1));
         });
         t.list(".");
     }},
    {"pointer.of_a_path_that_ends_at_a_fence",
     [](transcript& t) {
         t.make_file("file", "content");
         const fenced_page memory;
         std::memcpy(memory.last(5), "file", 5);
         t.record("access", call(SYS_access, memory.last(5), F_OK));
         std::memcpy(memory.last(4), "file", 4);
         t.record("access without its end", call(SYS_access, memory.last(4), F_OK));
     }},
    {"pointer.of_a_buffer_to_read_into",
     [](transcript& t) {
         t.make_file("a", text::pattern(10'000));
         t.mkdir("dir");
         t.mkdir("dir/sub");
         t.symlink("a", "link");
         const int dir = t.open("dir", O_RDONLY);
         for_each_bad([&](const std::string& what, char* bad) {
             const int fd = t.open("a", O_RDONLY);
             t.note(what);
             t.record("read", call(SYS_read, fd, bad, 10));
             t.record("pread", call(SYS_pread64, fd, bad, 10, 5));
             t.note("position " + std::to_string(::lseek(fd, 0, SEEK_CUR)));
             t.record("stat", call(SYS_stat, "a", bad));
             t.record("fstat", call(SYS_fstat, fd, bad));
             t.record("statfs", call(SYS_statfs, "a", bad));
             t.record("readlink", call(SYS_readlink, "link", bad, 10));
             t.record("getdents64", call(SYS_getdents64, dir, bad, 1000));
             t.record("FIONREAD", call(SYS_ioctl, fd, FIONREAD, bad));
             t.record("readv", call(SYS_readv, fd, bad, 1));
             ::lseek(dir, 0, SEEK_SET);
             t.close(fd);
         });
     }},
    {"pointer.of_a_buffer_that_ends_at_a_fence",
     [](transcript& t) {
         t.make_file("a", text::pattern(10'000));
         const fenced_page memory;
         const int fd = t.open("a", O_RDWR);
         t.record("read", call(SYS_read, fd, memory.last(100), 1000));
         t.note("position " + std::to_string(::lseek(fd, 0, SEEK_CUR)));
         t.record("the rest", call(SYS_read, fd, memory.last(100), 100));
         ::lseek(fd, 0, SEEK_END);
         t.record("at the end", call(SYS_read, fd, memory.fence(), 10));
         t.record("write nothing", call(SYS_write, fd, memory.fence(), 0));
         t.note("size " + std::to_string(t.peek("a").size));
     }},
    {"pointer.of_a_buffer_to_write_from",
     [](transcript& t) {
         t.make_file("a", "abc");
         const fenced_page memory;
         for (char* const bad : {static_cast<char*>(nullptr), memory.fence()}) {
             const int fd = t.open("a", O_RDWR);
             t.record("write", call(SYS_write, fd, bad, 10));
             t.record("pwrite", call(SYS_pwrite64, fd, bad, 2, 1));
             t.record("writev", call(SYS_writev, fd, bad, 2));
             t.record("utimensat", call(SYS_utimensat, AT_FDCWD, "a", memory.fence(), 0));
             t.record("setxattr", call(SYS_setxattr, "a", bad, "v", 1, 0));
             t.close(fd);
         }
         t.show_file("a");
     }},
    {"pointer.of_an_offset_or_a_set",
     [](transcript& t) {
         t.make_file("a", "abcdef");
         const fenced_page memory;
         const int from = t.open("a", O_RDONLY);
         const int to = t.open("b", O_CREAT | O_RDWR, 0644);
         char* const bad = memory.fence();
         t.record("sendfile", call(SYS_sendfile, to, from, bad, 3));
         t.record("copy_file_range", call(SYS_copy_file_range, from, bad, to, nullptr, 3, 0));
         t.record("poll", call(SYS_poll, bad, 1, 0));
         t.record("openat2", call(SYS_openat2, AT_FDCWD, "a", bad, 24));
         t.record("fcntl", call(SYS_fcntl, from, F_OFD_GETLK, bad));
         t.show_file("b");
     }},
};

}  // namespace

case_family pointer_cases() {
    return {needs::process, cases};
}

}  // namespace farside::conformance
