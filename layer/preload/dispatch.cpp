// The way from the gate to a handler: one look-up by number. A number without a row is the
// kernel's, untouched, and so is one whose row leaves it to the kernel alone.
#include "layer/preload/dispatch.hpp"

#include "layer/preload/process_state.hpp"
#include "layer/preload/syscall_x86_64.hpp"
#include "layer/preload/system_calls.hpp"

#include <array>

namespace farside::preload {
namespace {

constexpr std::size_t numbers_max = 512;
constexpr handler kernel_alone = nullptr;

constexpr auto handlers = [] {
    std::array<handler, numbers_max> table{};
#define ROW(name, handler, kinds, stands, special, test) table[__NR_##name] = handler;
#include "layer/preload/system_calls.inc"
#undef ROW
    return table;
}();

// Rows by number, 1 and up; 0: none.
constexpr auto row_numbers = [] {
    std::array<std::uint8_t, numbers_max> table{};
    static_assert(system_calls.size() < 256);
    for (std::size_t i = 0; i < system_calls.size(); ++i) {
        table[system_calls[i].number] = static_cast<std::uint8_t>(i + 1);
    }
    return table;
}();

}  // namespace

bool is_dispatched(unsigned number) noexcept {
    return number < numbers_max && handlers[number] != nullptr;
}

const system_call& row_of(const call_frame& frame) noexcept {
    return system_calls[row_numbers[static_cast<std::size_t>(frame.number)] - std::size_t{1}];
}

}  // namespace farside::preload

// From the gate: 1 where the call is answered.
extern "C" long farside_dispatch(farside::preload::call_frame* frame) {
    using namespace farside::preload;
    const auto number = static_cast<unsigned long>(frame->number);
    if (number >= numbers_max || handlers[number] == nullptr) {
        return static_cast<long>(outcome::pass);
    }
    if (__builtin_expect(state.tracing.load(std::memory_order_relaxed), 0)) {
        return static_cast<long>(run_traced(*frame, handlers[number]));
    }
    return static_cast<long>(handlers[number](*frame));
}
