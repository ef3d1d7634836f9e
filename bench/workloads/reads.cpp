// Reading: a whole file in order, single blocks of a large one, many small files.
#include "bench/workloads/workload.hpp"

#include <array>
#include <memory>
#include <random>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace farside::bench {
namespace {

void read_in_order(request& r, std::size_t at_once) {
    const std::string path = r.directory + "/big";
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        fail("open", path);
    }
    const std::unique_ptr<std::byte[]> room{new std::byte[at_once]};
    ssize_t n = 0;
    while ((n = ::read(fd, room.get(), at_once)) > 0) {
        r.seen.add({room.get(), static_cast<std::size_t>(n)});
    }
    if (n < 0 || ::close(fd) != 0) {
        fail("read", path);
    }
}

}  // namespace

void read_4k(request& r) {
    read_in_order(r, sizes::block_bytes);
}

void read_128k(request& r) {
    read_in_order(r, std::size_t{128} << 10U);
}

void random_read(request& r) {
    const std::string path = r.directory + "/large";
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        fail("open", path);
    }
    std::array<std::byte, sizes::block_bytes> block{};
    std::minstd_rand random{12345};
    constexpr auto blocks = sizes::large_bytes / sizes::block_bytes;
    for (int i = 0; i < sizes::random_reads; ++i) {
        const auto number = static_cast<off_t>(random() % blocks);
        const auto at = number * static_cast<off_t>(block.size());
        if (::pread(fd, block.data(), block.size(), at) != ssize_t{block.size()}) {
            fail("pread", path);
        }
        r.seen.add(block);
    }
    ::close(fd);
}

void small_files(request& r) {
    std::array<std::byte, 2 * sizes::small_bytes> room{};
    for (int i = 0; i < sizes::small_files; ++i) {
        const std::string path = numbered(r.directory + "/small/f", i);
        const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);

        struct stat st {};

        if (fd < 0 || ::fstat(fd, &st) != 0) {
            fail("open", path);
        }
        const ssize_t n = ::read(fd, room.data(), room.size());
        if (n != st.st_size || ::close(fd) != 0) {
            fail("read", path);
        }
        r.seen.add({room.data(), static_cast<std::size_t>(n)});
    }
}

}  // namespace farside::bench
