// What a call through a slot of the segment costs at least: one thread posts it as the layer does,
// another answers it as the session does, with nothing in between. By waking each other through
// the kernel at once, and by looking for a while first: the difference is what spinning can save.
#include "layer/segment/segment.hpp"

#include <benchmark/benchmark.h>

#include <atomic>
#include <memory>
#include <thread>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace farside::segment {
namespace {

constexpr std::uint32_t session = 1;  // stands for its thread id
constexpr std::uint32_t ended = state_owner_died;

enum class waiting { in_the_kernel, spinning };

constexpr int looks_max = 2000;  // some tens of microseconds

// Until the word is another one.
std::uint32_t wait_while(std::atomic<std::uint32_t>& word, std::uint32_t value, waiting how) {
    int looks = how == waiting::spinning ? looks_max : 0;
    std::uint32_t now = word.load(std::memory_order_acquire);
    for (; now == value; now = word.load(std::memory_order_acquire)) {
        if (looks > 0) {
            --looks;
            __builtin_ia32_pause();
        } else {
            ::syscall(SYS_futex, &word, FUTEX_WAIT, value, nullptr, nullptr, 0);
        }
    }
    return now;
}

void change(std::atomic<std::uint32_t>& word, std::uint32_t value) {
    word.store(value, std::memory_order_release);
    ::syscall(SYS_futex, &word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

void slot_round_trip(benchmark::State& state, waiting how) {
    const auto slot = std::make_unique<call_slot>();
    slot->state = session;
    std::thread server{[&slot, how] {
        while (wait_while(slot->state, session, how) != ended) {
            slot->result = slot->arguments[0] + 1;
            change(slot->state, session);
        }
    }};
    std::int64_t sum = 0;
    for (auto _ : state) {
        slot->arguments[0] = sum;
        change(slot->state, session | state_posted);
        wait_while(slot->state, session | state_posted, how);
        sum = slot->result;
    }
    change(slot->state, ended);
    server.join();
    if (sum != state.iterations()) {
        state.SkipWithError("an answer was lost");
    }
}

void slot_blocking(benchmark::State& state) {
    slot_round_trip(state, waiting::in_the_kernel);
}

void slot_spinning(benchmark::State& state) {
    slot_round_trip(state, waiting::spinning);
}

BENCHMARK(slot_blocking)->UseRealTime();
BENCHMARK(slot_spinning)->UseRealTime();

}  // namespace
}  // namespace farside::segment

BENCHMARK_MAIN();
