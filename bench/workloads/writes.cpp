// Writing a file by small blocks, to the close or to the fsync; and whether all of it arrived.
#include "bench/workloads/workload.hpp"

#include <array>
#include <cerrno>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace farside::bench {
namespace {

// A few blocks made beforehand: what is timed is the writing.
constexpr std::uint64_t patterns = 16;
using block = std::array<std::byte, sizes::block_bytes>;

std::vector<block> make_patterns() {
    std::vector<block> all(patterns);
    for (std::uint64_t i = 0; i < patterns; ++i) {
        fill_block(all[i], i);
    }
    return all;
}

enum class until { close, fsync };

void write_file(request& r, until end) {
    const auto blocks = make_patterns();
    const std::string path = numbered(r.directory + "/out/w", r.pass);
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        fail("open", path);
    }
    for (std::size_t i = 0; i < sizes::big_bytes / sizes::block_bytes; ++i) {
        const auto& bytes = blocks[i % patterns];
        if (::write(fd, bytes.data(), bytes.size()) != ssize_t{sizes::block_bytes}) {
            fail("write", path);
        }
        r.seen.count(bytes.size());
    }
    if ((end == until::fsync && ::fsync(fd) != 0) || ::close(fd) != 0) {
        fail("close", path);
    }
}

}  // namespace

void write_close(request& r) {
    write_file(r, until::close);
}

void write_fsync(request& r) {
    write_file(r, until::fsync);
}

// Run natively on the other side's directory.
void check_written(request& r) {
    const auto blocks = make_patterns();
    const std::string path = numbered(r.directory + "/out/w", r.pass);
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        fail("open", path);
    }
    block room{};
    std::size_t at = 0;
    while (::read(fd, room.data(), room.size()) == ssize_t{sizes::block_bytes}) {
        if (room != blocks[at % patterns]) {
            errno = EILSEQ;
            fail("other bytes than were written", path);
        }
        ++at;
    }
    ::close(fd);
    r.seen.count(at * room.size());
}

}  // namespace farside::bench
