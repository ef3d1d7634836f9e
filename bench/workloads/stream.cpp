// How long a stat takes while another thread streams a file: what waits behind bulk data.
#include "bench/workloads/workload.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace farside::bench {
namespace {

std::size_t stream(const std::string& path, const std::atomic<bool>& enough) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        fail("open", path);
    }
    std::vector<std::byte> room(std::size_t{128} << 10U);
    std::size_t bytes = 0;
    ssize_t n = 0;
    while (!enough && (n = ::read(fd, room.data(), room.size())) > 0) {
        bytes += static_cast<std::size_t>(n);
    }
    ::close(fd);
    return bytes;
}

}  // namespace

// Each stat is of a name in a directory of its own: no listing can have brought it.
void stat_during_stream(request& r) {
    std::atomic<bool> enough{false};
    std::size_t streamed = 0;
    const auto begin = std::chrono::steady_clock::now();
    std::thread reader{[&] { streamed = stream(r.directory + "/large", enough); }};
    // Let the stream get up to its speed: what is measured is what waits behind it.
    std::this_thread::sleep_for(std::chrono::milliseconds{200});
    std::vector<double> waits;
    for (int d = 0; d < sizes::tree_directories; ++d) {
        const std::string path = numbered(r.directory + "/tree/d", d) + "/f0001";
        const auto before = std::chrono::steady_clock::now();

        struct stat st {};

        if (::stat(path.c_str(), &st) != 0) {
            fail("stat", path);
        }
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - before;
        waits.push_back(took.count());
        r.seen.count();
    }
    enough = true;
    reader.join();
    const std::chrono::duration<double> all = std::chrono::steady_clock::now() - begin;
    std::ranges::sort(waits);
    r.extra = "\"median_wait\": " + std::to_string(waits[waits.size() / 2]) +
              ", \"worst_wait\": " + std::to_string(waits.back()) + ", \"stream_mb_per_s\": " +
              std::to_string(static_cast<double>(streamed) / 1e6 / all.count());
}

}  // namespace farside::bench
