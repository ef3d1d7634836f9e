// workload NAME DIRECTORY [--passes N] [--steps] [--thorough] [-- COMMAND...]: does the workload N
// times in this process and prints a line of JSON for each pass: its time, and what it saw. With
// --steps it says so when it is ready, does one pass for each line it reads, and ends with its
// input: whoever measures can look around in between.
#include "bench/workloads/workload.hpp"

#include <array>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <sys/resource.h>
#include <unistd.h>

namespace farside::bench {
namespace {

struct entry {
    std::string_view name;
    void (*run)(request&);
};

constexpr std::array workloads{
    entry{"make", make},
    entry{"read_4k", read_4k},
    entry{"read_128k", read_128k},
    entry{"random_read", random_read},
    entry{"small_files", small_files},
    entry{"stat_existing", stat_existing},
    entry{"stat_missing", stat_missing},
    entry{"resolve", resolve},
    entry{"write_close", write_close},
    entry{"write_fsync", write_fsync},
    entry{"check_written", check_written},
    entry{"tool", tool},
    entry{"short_lived", short_lived},
    entry{"probe", probe},
    entry{"stat_during_stream", stat_during_stream},
};

bool told_to_go_on() {
    char byte = 0;
    return ::read(STDIN_FILENO, &byte, 1) == 1;
}

double seconds_of(const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
}

// Of this process and of the children it waited for.
double processor_seconds() {
    double sum = 0;
    for (const auto whose : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
        rusage used{};
        ::getrusage(whose, &used);
        sum += seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
    }
    return sum;
}

void run_pass(const entry& chosen, request& r) {
    const double processor = processor_seconds();
    const auto begin = std::chrono::steady_clock::now();
    chosen.run(r);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::printf(
        "{\"pass\": %d, \"seconds\": %.7f, \"cpu\": %.6f, \"count\": %" PRIu64
        ", \"check\": \"%016" PRIx64 "\"%s%s}\n",
        r.pass,
        took.count(),
        processor_seconds() - processor,
        r.seen.counted(),
        r.seen.value(),
        r.extra.empty() ? "" : ", ",
        r.extra.c_str()
    );
    std::fflush(stdout);
}

}  // namespace
}  // namespace farside::bench

int main(int argc, char** argv) {
    using namespace farside::bench;
    int passes = 1;
    bool steps = false;
    bool thorough = false;
    request r;
    for (int i = 3; i < argc && r.command.empty(); ++i) {
        if (std::strcmp(argv[i], "--passes") == 0 && i + 1 < argc) {
            passes = std::atoi(argv[++i]);
        } else if (std::strcmp(argv[i], "--steps") == 0) {
            steps = true;
        } else if (std::strcmp(argv[i], "--thorough") == 0) {
            thorough = true;
        } else if (std::strcmp(argv[i], "--") == 0) {
            r.command.assign(argv + i + 1, argv + argc);
        }
    }
    for (const auto& candidate : workloads) {
        if (argc >= 3 && candidate.name == argv[1]) {
            r.directory = argv[2];
            if (steps) {
                std::puts("{\"ready\": true}");
                std::fflush(stdout);
            }
            for (r.pass = 1; r.pass <= passes && (!steps || told_to_go_on()); ++r.pass) {
                r.seen = digest{thorough};
                run_pass(candidate, r);
            }
            // The session stays until it was looked at.
            while (steps && told_to_go_on()) {
            }
            return 0;
        }
    }
    std::fputs(
        "workload NAME DIRECTORY [--passes N] [--steps] [--thorough] [-- COMMAND...]\n", stderr
    );
    return 2;
}
