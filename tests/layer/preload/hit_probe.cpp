// hit_probe DIRECTORY [BYTES]: makes calls on the files of DIRECTORY, natively, and on those of
// /srv, which are said to be the same. Prints each call whose answers differ; the status says
// whether one did. With BYTES it executes itself with no more addresses than that; status 2 where
// this cannot be done.
#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

int differences = 0;

std::string outcome(long result) {
    return result < 0 ? "-" + std::to_string(errno) : std::to_string(result);
}

std::string text_of(const struct stat& s) {
    std::string text;
    for (const std::uint64_t n :
         {std::uint64_t{s.st_dev},
          std::uint64_t{s.st_ino},
          std::uint64_t{s.st_nlink},
          std::uint64_t{s.st_mode},
          std::uint64_t{s.st_uid},
          std::uint64_t{s.st_gid},
          std::uint64_t{s.st_rdev},
          static_cast<std::uint64_t>(s.st_size),
          static_cast<std::uint64_t>(s.st_blksize),
          static_cast<std::uint64_t>(s.st_blocks),
          static_cast<std::uint64_t>(s.st_mtim.tv_sec),
          static_cast<std::uint64_t>(s.st_mtim.tv_nsec),
          static_cast<std::uint64_t>(s.st_ctim.tv_nsec)}) {
        text += " " + std::to_string(n);
    }
    return text;
}

// A call by the name of a file in one of the two directories.
using call = std::function<std::string(const std::string& directory)>;

std::string roots[2];

void compare(const std::string& what, const call& made) {
    const std::string native = made(roots[0]);
    const std::string covered = made(roots[1]);
    if (native != covered) {
        std::printf("%s: %s, natively %s\n", what.c_str(), covered.c_str(), native.c_str());
        ++differences;
    }
}

std::string status(long result, const struct stat& found) {
    return result < 0 ? outcome(result) : text_of(found);
}

// ---- by name ----

std::string ask_statx(int directory, const char* path, int flags, unsigned mask) {
    struct statx found {};

    const long result = ::statx(directory, path, flags, mask, &found);
    if (result < 0) {
        return outcome(result);
    }
    return std::to_string(found.stx_mask & mask) + " " + std::to_string(found.stx_ino) + " " +
           std::to_string(found.stx_mnt_id) + " " + std::to_string(found.stx_btime.tv_nsec) + " " +
           std::to_string(found.stx_attributes) + " " + std::to_string(found.stx_mode);
}

void compare_name(const std::string& name) {
    compare("stat " + name, [&](const std::string& in) {
        struct stat found {};
        return status(::stat((in + name).c_str(), &found), found);
    });
    compare("lstat " + name, [&](const std::string& in) {
        struct stat found {};
        return status(::lstat((in + name).c_str(), &found), found);
    });
    for (const unsigned mask : {STATX_BASIC_STATS, STATX_BASIC_STATS | STATX_BTIME, STATX_MODE}) {
        compare("statx " + name, [&](const std::string& in) {
            return ask_statx(AT_FDCWD, (in + name).c_str(), 0, mask);
        });
    }
    compare("access " + name, [&](const std::string& in) {
        return outcome(::access((in + name).c_str(), F_OK));
    });
    compare("readlink " + name, [&](const std::string& in) {
        std::array<char, 100> text{};
        const long bytes = ::readlink((in + name).c_str(), text.data(), text.size());
        return outcome(bytes) + text.data();
    });
    compare("readlink into little room " + name, [&](const std::string& in) {
        std::array<char, 8> text{};
        const long bytes = ::readlink((in + name).c_str(), text.data(), 3);
        return outcome(bytes) + text.data();
    });
    compare("stat to nowhere " + name, [&](const std::string& in) {
        return outcome(::syscall(SYS_stat, (in + name).c_str(), 1));
    });
}

// Names that lead nowhere: also what would ask the session for what is there.
void compare_failing(const std::string& name) {
    compare_name(name);
    compare("open " + name, [&](const std::string& in) {
        return outcome(::open((in + name).c_str(), O_RDONLY));
    });
    compare("open to write " + name, [&](const std::string& in) {
        return outcome(::open((in + name).c_str(), O_WRONLY | O_TRUNC));
    });
    compare("access to execute " + name, [&](const std::string& in) {
        return outcome(::access((in + name).c_str(), X_OK));
    });
}

void compare_in_vfork_child(const std::string& name) {
    compare("stat in a vfork child " + name, [&](const std::string& in) {
        const std::string path = in + name;
        struct stat found {};
        const pid_t child = ::vfork();
        if (child == 0) {
            ::_exit(::stat(path.c_str(), &found) == 0 ? 0 : errno);
        }
        int ended = 0;
        ::waitpid(child, &ended, 0);
        return std::to_string(ended) + text_of(found);
    });
}

// ---- by descriptor ----

std::string bytes_of(long got, const char* buffer) {
    if (got < 0) {
        return outcome(got);
    }
    std::uint64_t sum = 0;
    for (long i = 0; i < got; ++i) {
        sum = sum * 31 + static_cast<unsigned char>(buffer[i]);
    }
    return std::to_string(got) + ":" + std::to_string(sum);
}

std::string read_in_parts(int fd, std::size_t part) {
    std::vector<char> buffer(part);
    std::string told;
    long got = 0;
    do {
        got = ::read(fd, buffer.data(), part);
        told += bytes_of(got, buffer.data()) + "@" + std::to_string(::lseek(fd, 0, SEEK_CUR)) + " ";
    } while (got > 0);
    return told;
}

void compare_reads(const std::string& name) {
    for (const std::size_t part : {1000UL, 4096UL, 65536UL, 100'000UL, 1'000'000UL}) {
        compare("read " + name, [&](const std::string& in) {
            const int fd = ::open((in + name).c_str(), O_RDONLY);
            std::string told = read_in_parts(fd, part);
            ::close(fd);
            return told;
        });
    }
    compare("reads of " + name, [&](const std::string& in) {
        const int fd = ::open((in + name).c_str(), O_RDONLY);
        const int twin = ::dup(fd);
        std::array<char, 5000> buffer{};
        std::string told;
        struct stat found {};

        ::fstat(fd, &found);
        for (const off_t at : {0L, 1L, 65'530L, 65'536L, 131'000L, found.st_size, -1L}) {
            if (at > found.st_size) {
                continue;  // the session knows that the file does not reach there
            }
            told += bytes_of(::pread(fd, buffer.data(), buffer.size(), at), buffer.data()) + " ";
        }
        const std::array<iovec, 3> parts{
            iovec{buffer.data(), 10},
            iovec{buffer.data() + 10, 0},
            iovec{buffer.data() + 10, 3000}};
        told += bytes_of(::readv(twin, parts.data(), 3), buffer.data()) + " ";
        told += bytes_of(::preadv(fd, parts.data(), 3, 7), buffer.data()) + " ";
        told += bytes_of(::read(fd, buffer.data(), 100), buffer.data()) + " ";
        told += outcome(::lseek(twin, 0, SEEK_CUR));
        ::close(fd);
        ::close(twin);
        return told;
    });
    // The page behind the buffer cannot be written.
    compare("read across the end of memory " + name, [&](const std::string& in) {
        auto* const memory = static_cast<char*>(
            ::mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        );
        ::munmap(memory + 4096, 4096);
        const int fd = ::open((in + name).c_str(), O_RDONLY);
        const std::string told = bytes_of(::read(fd, memory + 96, 8000), memory + 96);
        ::close(fd);
        ::munmap(memory, 4096);
        return told;
    });
    compare("fstat " + name, [&](const std::string& in) {
        const int fd = ::open((in + name).c_str(), O_RDONLY);
        struct stat found {};
        std::string told = status(::fstat(fd, &found), found);
        told += outcome(::syscall(SYS_fstat, fd, 1));
        told += ask_statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS);
        ::close(fd);
        return told;
    });
    compare("read without the right to " + name, [&](const std::string& in) {
        const int fd = ::open((in + name).c_str(), O_WRONLY);
        char byte = 0;
        const std::string told = outcome(::read(fd, &byte, 1)) + outcome(::pread(fd, &byte, 1, 0));
        ::close(fd);
        return told;
    });
}

// Readers that share a position get every byte once.
void compare_shared_position(const std::string& name) {
    compare("threads read " + name, [&](const std::string& in) {
        const int fd = ::open((in + name).c_str(), O_RDONLY);
        std::atomic<long> bytes{0};
        std::atomic<std::uint64_t> sum{0};
        std::vector<std::jthread> readers;
        for (int i = 0; i < 4; ++i) {
            readers.emplace_back([&] {
                std::array<unsigned char, 777> buffer;
                long got = 0;
                while ((got = ::read(fd, buffer.data(), buffer.size())) > 0) {
                    bytes += got;
                    for (long at = 0; at < got; ++at) {
                        sum += buffer[static_cast<std::size_t>(at)];
                    }
                }
            });
        }
        readers.clear();
        ::close(fd);
        return std::to_string(bytes) + ":" + std::to_string(sum);
    });
}

void compare_in_directory() {
    for (const char* const name : {"file", "missing", "file/x", "deep/x", "link", "deep/up", "."}) {
        compare(std::string{"below a descriptor: "} + name, [&](const std::string& in) {
            const int fd = ::open((in + "/dir").c_str(), O_RDONLY | O_DIRECTORY);
            struct stat found {};
            std::string told = status(::fstatat(fd, name, &found, 0), found);
            told += status(::fstatat(fd, name, &found, AT_SYMLINK_NOFOLLOW), found);
            told += outcome(::faccessat(fd, name, F_OK, 0));
            told += status(::fstatat(fd, "", &found, AT_EMPTY_PATH), found);
            ::close(fd);
            return told;
        });
    }
}

// The stacks of the threads must fit beside everything else, whatever this machine gives them.
int execute_limited(char* const* arguments, std::uint64_t bytes) {
    constexpr std::uint64_t stack_bytes = std::uint64_t{8} << 20U;
    rlimit stack{};
    ::getrlimit(RLIMIT_STACK, &stack);
    stack.rlim_cur = std::min<rlim_t>(stack.rlim_cur, stack_bytes);
    const rlimit addresses{bytes, bytes};
    if (::setrlimit(RLIMIT_STACK, &stack) == 0 && ::setrlimit(RLIMIT_AS, &addresses) == 0) {
        char* const again[] = {arguments[0], arguments[1], nullptr};
        ::execv(again[0], again);
    }
    std::printf("not limited to %s bytes: %s\n", arguments[2], std::strerror(errno));
    return 2;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        return 2;
    }
    if (argc > 2) {
        return execute_limited(argv, std::strtoull(argv[2], nullptr, 10));
    }
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);  // what it said is known even where it dies
    roots[0] = argv[1];
    roots[1] = "/srv";
    for (const char* const name :
         {"",
          "/",
          "/dir",
          "/dir/",
          "/dir/.",
          "/dir/file",
          "/link",
          "/todir",
          "/todir/",
          "/todir/file",
          "/dir/deep/../file",
          "//dir//file",
          "/todir/../link",
          "/dir/deep/up/file"}) {
        compare_name(name);
    }
    for (const char* const name :
         {"/missing",
          "/missing/x",
          "/broken",
          "/loop",
          "/loop/x",
          "/dir/file/",
          "/dir/file/x",
          "/dir/file/..",
          "/link/",
          "/todir/none",
          "/dir/missing/../file"}) {
        compare_failing(name);
    }
    compare_in_vfork_child("/dir/file");
    compare_in_vfork_child("/missing");
    for (const char* const name : {"/dir/file", "/large", "/even", "/empty"}) {
        compare_reads(name);
    }
    compare_shared_position("/large");
    compare_in_directory();
    return differences == 0 ? 0 : 1;
}
