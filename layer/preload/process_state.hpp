// What the library knows about the process it lives in: the mapped segment, which descriptors stand
// for remote files, the virtual working directory, the umask. One global object, the one exception
// to "no globals": a patched system call carries no context.
//
// Rules that everything here keeps:
//   - No locks. Tables are atomics; a thread may be stopped or killed between any two instructions,
//     and a signal handler may run the same code.
//   - A child of vfork(2) or posix_spawn(3) runs in its parent's memory with descriptors and a
//   working
//     directory of its own. It is told by its pid, and must not change what describes the parent.
#pragma once

#include "layer/preload/descriptor_path.hpp"
#include "layer/preload/holder.hpp"
#include "layer/preload/mapped_ranges.hpp"
#include "layer/preload/trace.hpp"
#include "layer/segment/cache_reader.hpp"
#include "layer/segment/segment.hpp"
#include "layer/segment/view.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include <linux/limits.h>

namespace farside::preload {

// Descriptors at and above this number cannot stand for remote files: opening one is EMFILE.
inline constexpr unsigned descriptors_max = 65536;

// In place of an open file's id: the library's own descriptors, which the program cannot touch.
inline constexpr std::uint64_t own_descriptor = ~std::uint64_t{0};

// What is remembered of a local descriptor until it is closed, so that it needs no second look.
enum class descriptor_hint : std::uint8_t {
    unknown,
    no_arrival,  // looked at since descriptors may have arrived: it is local
    all_local,   // a directory with local names only, as long as they do not climb out with ".."
};

// Path buffers. The program's stack may be a small signal stack, so paths are put together in here.
inline constexpr std::size_t scratch_bytes = 2 * std::size_t{PATH_MAX};
inline constexpr unsigned scratch_count = 64;

// Zeroed by the kernel in the child of a fork (MADV_WIPEONFORK), which tells a fork from a vfork.
struct wiped_on_fork {
    std::atomic<int> pid;
    std::atomic<std::uint64_t> scratch_taken;  // bit per buffer
    traced_thread traced[traced_threads_max];
    holder scratch_holders[scratch_count];
    holder slot_holders[segment::slot_count];  // of the slots that this process owns
};

// The last of the descriptors that a process inherits, where there is one.
inline constexpr unsigned own_trace = 4;

struct process_state {
    std::atomic<bool> tracing;
    segment::segment* segment;
    const segment::view* view;
    segment::cache_reader cache;
    wiped_on_fork* wiped;

    int descriptors[own_trace + 1];  // segment, view, template, doorbell, trace or -1
    std::uint64_t template_device;
    std::uint64_t template_inode;
    char template_path[descriptor_path_room];  // "/proc/self/fd/<template>"
    char session_variable[160];                // "FARSIDE_SESSION=..." as this process got it

    std::atomic<std::uint64_t> open_files[descriptors_max];  // id by descriptor, 0: not ours
    std::atomic<descriptor_hint> hints[descriptors_max];

    // Set when this process may have got descriptors from another one: from then on one that the
    // table does not know is looked at, once.
    std::atomic<bool> arrivals;
    std::atomic<int> umask_cache;  // -1: not known yet

    mapped_ranges maps;
};

extern process_state state;  // hidden, zero at start

[[nodiscard]] inline bool attached() noexcept {
    return state.segment != nullptr;
}

// The id in the kernel's own keeping, where the descriptor stands for a remote file, or 0.
[[nodiscard]] std::uint64_t id_behind(unsigned fd) noexcept;

// The id of a descriptor that the table does not know, where it came over a socket.
[[nodiscard]] std::uint64_t find_arrival(unsigned fd) noexcept;

// The id of the remote file behind a descriptor, own_descriptor, or 0.
[[nodiscard]] inline std::uint64_t open_file_of(long fd) noexcept {
    const auto index = static_cast<unsigned>(fd);
    if (index >= descriptors_max) {
        return 0;
    }
    const std::uint64_t id = state.open_files[index].load(std::memory_order_relaxed);
    if (id == 0 && state.arrivals.load(std::memory_order_relaxed)) {
        return find_arrival(index);
    }
    return id;
}

[[nodiscard]] inline bool is_own_descriptor(long fd) noexcept {
    return open_file_of(fd) == own_descriptor;
}

// The shared entry of an open file. A stale id gives an entry with another id in it.
[[nodiscard]] inline segment::open_file& entry_of(std::uint64_t id) noexcept {
    return state.segment->open_files[id % segment::open_file_count];
}

// True in a child that shares its parent's memory. One getpid(2).
[[nodiscard]] bool in_vfork_child() noexcept;

// The caller's umask, without changing it.
[[nodiscard]] unsigned current_umask() noexcept;

// Maps the segment, finds inherited remote descriptors. False: this process is not (or cannot be)
// part of a session; `message` then says why, unless there is simply none.
[[nodiscard]] bool attach(const char*& message) noexcept;

// Ends the process: nothing may run on files of the wrong side.
[[noreturn]] void refuse(std::string_view reason) noexcept;

// Writes "farside: ...\n" to standard error.
void report(std::initializer_list<std::string_view> parts) noexcept;

// A path buffer for the length of a scope. Empty (data() == nullptr) never: when all are taken, one
// is mapped.
class scratch {
public:
    scratch() noexcept;
    ~scratch();
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;
    scratch(scratch&&) = delete;
    scratch& operator=(scratch&&) = delete;

    // nullptr where even mapping one failed: the call answers ENOMEM.
    [[nodiscard]] char* data() const noexcept { return data_; }

private:
    char* data_ = nullptr;
    int index_ = -1;
};

}  // namespace farside::preload
