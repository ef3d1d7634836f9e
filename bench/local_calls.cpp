// What the layer costs a program that stays on local files: the same calls, run natively and under
// `farside exec`, and the start of a process. bench/local_cost runs both and prints the difference.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdlib>

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

// A file in a temporary directory, which every policy keeps local.
class local_file {
public:
    local_file() : fd_{mkstemp(path_.data())} {
        std::array<char, 8192> bytes{};
        if (fd_ < 0 || write(fd_, bytes.data(), bytes.size()) < 0 || chdir("/tmp") != 0) {
            std::abort();
        }
    }

    local_file(const local_file&) = delete;
    local_file& operator=(const local_file&) = delete;

    ~local_file() {
        close(fd_);
        unlink(path_.data());
    }

    [[nodiscard]] int fd() const { return fd_; }

    [[nodiscard]] const char* path() const { return path_.data(); }

    [[nodiscard]] const char* name() const { return path_.data() + sizeof "/tmp/" - 1; }

private:
    std::array<char, 32> path_{"/tmp/local_calls.XXXXXX"};
    int fd_;
};

void pread_one_byte(benchmark::State& state) {
    const local_file file;
    char byte = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(pread(file.fd(), &byte, 1, 0));
    }
}

void lseek_set(benchmark::State& state) {
    const local_file file;
    for (auto _ : state) {
        benchmark::DoNotOptimize(lseek(file.fd(), 0, SEEK_SET));
    }
}

void fstat_file(benchmark::State& state) {
    const local_file file;

    struct stat st {};

    for (auto _ : state) {
        benchmark::DoNotOptimize(fstat(file.fd(), &st));
    }
}

void stat_absolute(benchmark::State& state) {
    const local_file file;

    struct stat st {};

    for (auto _ : state) {
        benchmark::DoNotOptimize(stat(file.path(), &st));
    }
}

void stat_relative(benchmark::State& state) {
    const local_file file;

    struct stat st {};

    for (auto _ : state) {
        benchmark::DoNotOptimize(stat(file.name(), &st));
    }
}

void stat_below_descriptor(benchmark::State& state) {
    const local_file file;
    const int directory = open("/tmp", O_RDONLY | O_DIRECTORY);

    struct stat st {};

    for (auto _ : state) {
        benchmark::DoNotOptimize(fstatat(directory, file.name(), &st, 0));
    }
    close(directory);
}

void open_and_close(benchmark::State& state) {
    const local_file file;
    for (auto _ : state) {
        close(open(file.path(), O_RDONLY));
    }
}

void spawn_true(benchmark::State& state) {
    std::array<char, 10> program{"/bin/true"};
    char* const arguments[] = {program.data(), nullptr};
    for (auto _ : state) {
        pid_t child = 0;
        if (posix_spawn(&child, "/bin/true", nullptr, nullptr, arguments, environ) != 0) {
            state.SkipWithError("posix_spawn failed");
            break;
        }
        waitpid(child, nullptr, 0);
    }
}

BENCHMARK(pread_one_byte);
BENCHMARK(lseek_set);
BENCHMARK(fstat_file);
BENCHMARK(stat_absolute);
BENCHMARK(stat_relative);
BENCHMARK(stat_below_descriptor);
BENCHMARK(open_and_close);
BENCHMARK(spawn_true)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
