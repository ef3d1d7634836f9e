// What calls on files of the target cost when they were made before: in a program that looks at
// the same few files again and again. bench/remote_cost runs it natively and under `farside exec`
// and prints both. FARSIDE_BENCH_ROOT is the directory, made by `farside_workload make`.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

std::string below(const char* name) {
    const char* const root = std::getenv("FARSIDE_BENCH_ROOT");
    return std::string{root == nullptr ? "/nowhere" : root} + '/' + name;
}

void expect(benchmark::State& state, bool good) {
    if (!good) {
        state.SkipWithError("the call did something else");
    }
}

void stat_file(benchmark::State& state) {
    const std::string path = below("small/f0007");

    struct stat st {};

    for (auto _ : state) {
        expect(state, stat(path.c_str(), &st) == 0);
    }
}

void stat_missing(benchmark::State& state) {
    const std::string path = below("small/missing");

    struct stat st {};

    for (auto _ : state) {
        expect(state, stat(path.c_str(), &st) != 0);
    }
}

void access_file(benchmark::State& state) {
    const std::string path = below("small/f0007");
    for (auto _ : state) {
        expect(state, access(path.c_str(), F_OK) == 0);
    }
}

void open_close(benchmark::State& state) {
    const std::string path = below("small/f0007");
    for (auto _ : state) {
        const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
        expect(state, fd >= 0 && close(fd) == 0);
    }
}

void open_read_close(benchmark::State& state) {
    const std::string path = below("small/f0007");
    std::array<char, 4096> room{};
    for (auto _ : state) {
        const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
        expect(state, read(fd, room.data(), room.size()) == 2048 && close(fd) == 0);
    }
}

void pread_bytes(benchmark::State& state) {
    const int fd = open(below("big").c_str(), O_RDONLY | O_CLOEXEC);
    const auto bytes = static_cast<std::size_t>(state.range(0));
    std::vector<char> room(bytes);
    off_t at = 0;
    for (auto _ : state) {
        expect(state, pread(fd, room.data(), bytes, at) == static_cast<ssize_t>(bytes));
        at = (at + state.range(0)) % (off_t{16} << 20U);
    }
    close(fd);
    state.SetBytesProcessed(state.iterations() * state.range(0));
}

void fstat_file(benchmark::State& state) {
    const int fd = open(below("big").c_str(), O_RDONLY | O_CLOEXEC);

    struct stat st {};

    for (auto _ : state) {
        expect(state, fstat(fd, &st) == 0);
    }
    close(fd);
}

void list_100(benchmark::State& state) {
    const std::string path = below("tree/d0003");
    for (auto _ : state) {
        DIR* const directory = opendir(path.c_str());
        int names = 0;
        while (directory != nullptr && readdir(directory) != nullptr) {
            ++names;
        }
        expect(state, names == 102 && closedir(directory) == 0);
    }
}

BENCHMARK(stat_file);
BENCHMARK(stat_missing);
BENCHMARK(access_file);
BENCHMARK(fstat_file);
BENCHMARK(open_close);
BENCHMARK(open_read_close);
BENCHMARK(pread_bytes)->Arg(4096)->Arg(128 << 10);
BENCHMARK(list_100);

}  // namespace

BENCHMARK_MAIN();
