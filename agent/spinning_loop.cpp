// A look costs a system call that does not wait. What spins is decided by spin_budget alone.
#include "agent/spinning_loop.hpp"

#include "protocol/support/processors.hpp"
#include "protocol/support/spin_budget.hpp"

#include <chrono>

namespace farside::agent {
namespace {

using std::chrono::steady_clock;

// True: something was there to do, and is done.
bool spin(asio::io_context& loop, steady_clock::time_point until) {
    while (!loop.stopped() && steady_clock::now() < until) {
        if (loop.poll() > 0) {
            return true;
        }
    }
    return false;
}

}  // namespace

void run_loop(asio::io_context& loop, spinning allowed) {
    if (allowed == spinning::no || usable_processors() < 2) {
        loop.run();
        return;
    }
    spin_budget budget;
    while (!loop.stopped()) {
        if (loop.poll() > 0) {
            continue;
        }
        const auto began = steady_clock::now();
        if (!spin(loop, began + std::chrono::nanoseconds{budget.next()})) {
            loop.run_one();
        }
        const auto waited = std::chrono::nanoseconds{steady_clock::now() - began};
        budget.waited(static_cast<std::uint64_t>(waited.count()));
    }
}

}  // namespace farside::agent
