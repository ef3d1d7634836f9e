// Before the handler runs: does the call concern the target? Its arguments say. After it: the line,
// in one write to a descriptor that appends, so that lines of many threads never mix.
#include "layer/preload/trace.hpp"

#include "layer/common/side.hpp"
#include "layer/preload/dispatch.hpp"
#include "layer/preload/place.hpp"
#include "layer/preload/process_state.hpp"
#include "layer/preload/program_memory.hpp"
#include "layer/preload/syscall_x86_64.hpp"
#include "layer/preload/trace_text.hpp"

#include <fcntl.h>
#include <linux/time_types.h>
#include <linux/un.h>
#include <signal.h>

namespace farside::preload {
namespace {

constexpr int af_unix = 1;

int thread_id() noexcept {
    return static_cast<int>(kernel(__NR_gettid));
}

traced_thread* find_thread(int tid) noexcept {
    for (traced_thread& thread : state.wiped->traced) {
        if (thread.tid.load(std::memory_order_relaxed) == tid) {
            return &thread;
        }
    }
    return nullptr;
}

bool is_gone(int tid) noexcept {
    return kernel(__NR_tkill, tid, 0) == -ESRCH;
}

// A thread that was cancelled in a call, or jumped out of one, leaves its entry behind: it finds it
// the next time, and others may take it once the thread is gone.
traced_thread* claim_thread(int tid) noexcept {
    if (traced_thread* const known = find_thread(tid)) {
        return known;
    }
    for (const bool from_the_dead : {false, true}) {
        for (traced_thread& thread : state.wiped->traced) {
            int owner = from_the_dead ? thread.tid.load(std::memory_order_relaxed) : 0;
            if ((owner == 0 || is_gone(owner)) &&
                thread.tid.compare_exchange_strong(owner, tid, std::memory_order_acq_rel)) {
                thread.call.store(nullptr, std::memory_order_relaxed);
                return &thread;
            }
        }
    }
    return nullptr;
}

// The call is this thread's for the length of a scope.
class under_way {
public:
    under_way() noexcept : thread_{claim_thread(thread_id())} {
        if (thread_ != nullptr) {
            call.outer = thread_->call.load(std::memory_order_relaxed);
            thread_->call.store(&call, std::memory_order_relaxed);
        }
    }

    ~under_way() {
        if (thread_ != nullptr) {
            thread_->call.store(call.outer, std::memory_order_relaxed);
            if (call.outer == nullptr) {
                thread_->tid.store(0, std::memory_order_release);
            }
        }
    }

    under_way(const under_way&) = delete;
    under_way& operator=(const under_way&) = delete;
    under_way(under_way&&) = delete;
    under_way& operator=(under_way&&) = delete;

    traced_call call{};

private:
    traced_thread* thread_;
};

// ---- what a call concerns ----

struct concern {
    bool remote = false;
    bool hidden = false;
};

bool is_remote_descriptor(long fd) noexcept {
    const std::uint64_t id = open_file_of(fd);
    return id != 0 && id != own_descriptor;
}

void look_at_path(concern& found, long fd, const char* path) noexcept {
    const place where{fd, path, last_link::keep, empty_path::is_descriptor};
    found.remote = found.remote || where.remote();
    found.hidden =
        found.hidden || (where.what() == place::kind::failed && where.failure() == -ENOENT);
}

// The path in a socket's address; its length follows among the arguments.
std::string_view socket_path(const call_frame& frame, std::size_t index) noexcept {
    constexpr std::size_t offset = offsetof(sockaddr_un, sun_path);
    const auto* const name = frame.argument<const sockaddr_un*>(index);
    const auto bytes = frame.argument<std::uint32_t>(index + 1);
    if (bytes <= offset || bytes > sizeof(sockaddr_un) || !can_read(name, bytes) ||
        name->sun_family != af_unix || name->sun_path[0] == '\0') {
        return {};
    }
    std::size_t length = 0;
    while (length < bytes - offset && name->sun_path[length] != '\0') {
        ++length;
    }
    return {name->sun_path, length};
}

concern look_at(const call_frame& frame, const system_call& row) noexcept {
    concern found;
    for (std::size_t i = 0; i < 6; ++i) {
        const bool has_base = i > 0 && row.arguments[i - 1] == argument_kind::at;
        switch (row.arguments[i]) {
            case argument_kind::fd:
                found.remote = found.remote || is_remote_descriptor(frame.argument(i));
                break;
            case argument_kind::path:
                look_at_path(
                    found,
                    has_base ? frame.argument(i - 1) : AT_FDCWD,
                    frame.argument<const char*>(i)
                );
                break;
            default:
                break;
        }
    }
    return found;
}

// ---- the line ----

void put_text(trace_text& line, const char* text) noexcept {
    const long bytes = text_length(text, PATH_MAX);
    if (bytes < 0) {
        line.put_argument(argument_kind::pointer, reinterpret_cast<long>(text));
    } else {
        line.put_quoted({text, static_cast<std::size_t>(bytes)});
    }
}

void put_call(trace_text& line, const call_frame& frame, const system_call& row) noexcept {
    line.put(row.name).put("(");
    for (std::size_t i = 0; i < 6 && row.arguments[i] != argument_kind::none; ++i) {
        line.put(i == 0 ? "" : ", ");
        const bool text =
            row.arguments[i] == argument_kind::path || row.arguments[i] == argument_kind::text;
        const std::string_view address = row.arguments[i] == argument_kind::socket_address
                                             ? socket_path(frame, i)
                                             : std::string_view{};
        if (text && frame.argument(i) != 0) {
            put_text(line, frame.argument<const char*>(i));
        } else if (!address.empty()) {
            line.put_quoted(address);
        } else {
            line.put_argument(row.arguments[i], frame.argument(i));
        }
    }
    line.put(")");
}

std::string_view side_text(const traced_call& call, const concern& found) noexcept {
    if (call.session_calls == 0 && found.hidden && !found.remote) {
        return "hidden";
    }
    switch (static_cast<side>(call.side)) {
        case side::local:
            return "local";
        case side::remote_read_only:
            return "remote read-only";
        case side::hidden:
            return "hidden";
        default:
            return "remote";
    }
}

void put_cost(trace_text& line, const traced_call& call, bool refused, bool passed) noexcept {
    if (call.round_trips != 0) {
        line.put_unsigned(call.round_trips);
        line.put(call.round_trips == 1 ? " round trip" : " round trips");
    } else if (call.session_calls != 0) {
        line.put("session call");
    } else {
        line.put(passed ? "kernel" : refused ? "refused" : "hit");
    }
}

void put_time(trace_text& line) noexcept {
    __kernel_timespec now{};
    kernel(__NR_clock_gettime, 0 /* CLOCK_REALTIME */, &now);
    line.put_unsigned(static_cast<std::uint64_t>(now.tv_sec)).put(".");
    line.put_unsigned(static_cast<std::uint64_t>(now.tv_nsec / 1000), 10, 6);
}

// SIGPIPE and SIGXFSZ would be the program's, for something it did not write.
void write_line(std::string_view line) noexcept {
    constexpr std::uint64_t ours = std::uint64_t{1} << (SIGPIPE - 1) | std::uint64_t{1}
                                                                           << (SIGXFSZ - 1);
    std::uint64_t before = 0;
    kernel(__NR_rt_sigprocmask, SIG_BLOCK, &ours, &before, sizeof before);
    std::uint64_t pending = 0;
    kernel(__NR_rt_sigpending, &pending, sizeof pending);
    long written = 0;
    do {
        written = kernel(__NR_write, state.descriptors[own_trace], line.data(), line.size());
    } while (written == -EINTR);
    const std::uint64_t raised = ours & ~pending;
    if (written < 0 && raised != 0) {
        const __kernel_timespec at_once{};
        kernel(__NR_rt_sigtimedwait, &raised, nullptr, &at_once, sizeof raised);
    }
    kernel(__NR_rt_sigprocmask, SIG_SETMASK, &before, nullptr, sizeof before);
    if (written < 0 && state.tracing.exchange(false, std::memory_order_relaxed)) {
        report({"the trace cannot be written; this process goes on without"});
    }
}

struct ending {
    std::string_view result;  // empty: the frame's
    bool passed;
};

void write_call(
    const call_frame& frame,
    const system_call& row,
    const traced_call& call,
    const concern& found,
    const ending& end
) noexcept {
    const scratch memory;
    if (memory.data() == nullptr) {
        return;
    }
    trace_text line{memory.data()};
    put_time(line);
    line.put(" ").put_number(kernel(__NR_getpid)).put(" ");
    put_call(line, frame, row);
    line.put(" = ");
    if (end.result.empty()) {
        line.put_result(frame.result);
    } else {
        line.put(end.result);
    }
    line.put(" | ").put(side_text(call, found)).put(" | ");
    put_cost(line, call, frame.why != nullptr, end.passed);
    if (frame.why != nullptr && frame.why[0] != '\0') {
        line.put(" | ").put(frame.why);
    }
    write_line(line.finish());
}

bool executes(const call_frame& frame) noexcept {
    return frame.number == __NR_execve || frame.number == __NR_execveat;
}

}  // namespace

outcome run_traced(call_frame& frame, handler handle) noexcept {
    const system_call& row = row_of(frame);
    const concern found = look_at(frame, row);
    under_way now;
    now.call.side = static_cast<std::uint32_t>(side::remote);
    frame.why = nullptr;
    if (executes(frame) && found.remote) {
        // Where it works nobody comes back to tell.
        write_call(frame, row, now.call, found, {"?", true});
    }
    const outcome result = handle(frame);
    const bool passed = result == outcome::pass;
    const bool concerns_target = found.remote || frame.why != nullptr ||
                                 now.call.session_calls != 0 || (found.hidden && !passed);
    if (concerns_target) {
        write_call(frame, row, now.call, found, {passed ? "?" : "", passed});
    }
    return result;
}

void note_session_call(const segment::call_slot& slot) noexcept {
    traced_thread* const thread = find_thread(thread_id());
    traced_call* const call =
        thread == nullptr ? nullptr : thread->call.load(std::memory_order_relaxed);
    // Which side a path is on is asked for local ones, too.
    if (call != nullptr && slot.op != segment::call::classify) {
        ++call->session_calls;
        call->round_trips += slot.round_trips;
        call->side = slot.side;
    }
}

}  // namespace farside::preload
