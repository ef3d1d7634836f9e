// `farside exec --trace`: one line for each call that concerns a remote file, written by the
// process that makes it. Off, it costs the look at a flag that is never set.
//
// What a call cost is known to the session calls made for it. They find the call by the thread's id
// in a small table, since nothing else in here belongs to a thread.
#pragma once

#include "layer/preload/call_frame.hpp"
#include "layer/segment/segment.hpp"

#include <atomic>
#include <cstdint>

namespace farside::preload {

// A call that is being traced, on its thread's stack.
struct traced_call {
    traced_call* outer;  // interrupted by a signal whose handler makes this call
    unsigned session_calls;
    unsigned round_trips;
    std::uint32_t side;  // farside::side, as the session decided it
};

struct traced_thread {
    std::atomic<int> tid;  // 0: free
    std::atomic<traced_call*> call;
};

// Threads that are traced at once; of others the lines say less.
inline constexpr unsigned traced_threads_max = 128;

// Runs the handler and writes the line.
outcome run_traced(call_frame& frame, handler handle) noexcept;

// The session answered a call of this thread.
void note_session_call(const segment::call_slot& slot) noexcept;

}  // namespace farside::preload
