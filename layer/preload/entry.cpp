// Where the library begins: in the resolver of an indirect function, which the loader calls while
// it relocates the library. That is before any constructor of any library and before any code of
// the program, so nothing runs uncovered. Nothing may be imported here: the C library itself may
// not be relocated yet.
#include "layer/preload/patcher.hpp"
#include "layer/preload/process_state.hpp"

namespace {

using namespace farside::preload;

[[noreturn]] void refuse_incomplete(unsigned number) noexcept {
    char digits[4] = {};
    for (int i = 2; i >= 0; --i, number /= 10) {
        digits[i] = static_cast<char>('0' + number % 10);
    }
    report({"this C library makes system call ", digits, " in a way that cannot be hooked"});
    refuse("known to work: glibc 2.31, 2.36, 2.41");
}

void begin() noexcept {
    const char* message = nullptr;
    if (!attach(message)) {
        if (message != nullptr) {
            refuse(message);
        }
        return;  // not part of a session: the library does nothing
    }
    const patch_report patched = patch_process();
    if (!patched.complete) {
        refuse_incomplete(patched.missing_number);
    }
}

}  // namespace

extern "C" {

using entry_function = void (*)();

static void after_begin() {}

static entry_function resolve_entry() {
    begin();
    return after_begin;
}

// The indirect function itself is never called; the reference makes the loader resolve it.
[[gnu::visibility("hidden")]] void farside_entry() __attribute__((ifunc("resolve_entry")));
[[gnu::used,
  gnu::retain,
  gnu::visibility("hidden")]] constinit entry_function farside_entry_reference = farside_entry;
}
