// Immutable records in a ring: a reader never sees half a path, and nobody holds a lock over fork.
#include "layer/preload/working_directory.hpp"

#include "layer/preload/process_state.hpp"
#include "layer/preload/syscall_x86_64.hpp"

#include <atomic>
#include <cstring>

#include <linux/limits.h>

namespace farside::preload {
namespace {

// Records are published by a pointer and not changed while they are. The ring is long enough that
// one is not taken again while somebody still copies from it: a reader checks `version` after
// copying.
constexpr unsigned ring_count = 16;

struct record {
    std::atomic<unsigned> version;  // grows when the record is taken again
    int pid;                        // of the process it describes; 0: the process itself
    bool remote;
    bool all_local;
    std::size_t bytes;  // 0: unknown
    char path[PATH_MAX];
};

constinit record ring[ring_count]{};
constinit std::atomic<unsigned> ring_next{0};
constinit std::atomic<record*> current{nullptr};  // of the process; nullptr: not looked at yet
constinit std::atomic<record*> children[ring_count]{};  // of vfork children that changed theirs
constinit std::atomic<unsigned> children_next{0};

record& take_record() noexcept {
    record& taken = ring[ring_next.fetch_add(1, std::memory_order_relaxed) % ring_count];
    taken.version.fetch_add(1, std::memory_order_acq_rel);
    return taken;
}

void publish(record& made) noexcept {
    if (in_vfork_child()) {
        made.pid = static_cast<int>(kernel(__NR_getpid));
        const unsigned slot = children_next.fetch_add(1, std::memory_order_relaxed) % ring_count;
        children[slot].store(&made, std::memory_order_release);
        return;
    }
    made.pid = 0;
    current.store(&made, std::memory_order_release);
}

// What the kernel says, for a process whose directory is local.
record& look() noexcept {
    record& made = take_record();
    made.remote = false;
    made.all_local = false;
    const long got = kernel(__NR_getcwd, made.path, sizeof made.path);
    made.bytes = got > 1 && made.path[0] == '/' ? static_cast<std::size_t>(got) - 1 : 0;
    if (made.bytes != 0) {
        made.all_local = subtree_is_local(state.view->policy, {made.path, made.bytes});
    }
    publish(made);
    return made;
}

// The record that counts for the calling process.
record& find() noexcept {
    // Nobody pays for a getpid() who never had a vfork child change its directory.
    if (children_next.load(std::memory_order_acquire) != 0 && in_vfork_child()) {
        const int pid = static_cast<int>(kernel(__NR_getpid));
        const unsigned newest = children_next.load(std::memory_order_acquire);
        for (unsigned back = 1; back <= ring_count; ++back) {
            record* const r =
                children[(newest - back) % ring_count].load(std::memory_order_acquire);
            if (r != nullptr && r->pid == pid) {
                return *r;
            }
        }
    }
    record* const r = current.load(std::memory_order_acquire);
    return r != nullptr ? *r : look();
}

}  // namespace

void inherit_directory(std::string_view path) noexcept {
    if (path.empty() || path.size() >= PATH_MAX || path[0] != '/') {
        return;
    }
    record& made = take_record();
    made.remote = true;
    made.all_local = false;
    made.bytes = path.size();
    std::memcpy(made.path, path.data(), path.size());
    made.pid = 0;
    current.store(&made, std::memory_order_release);
}

void enter_remote_directory(std::string_view path) noexcept {
    record& made = take_record();
    made.remote = true;
    made.all_local = false;
    made.bytes = path.size() < PATH_MAX ? path.size() : 0;
    std::memcpy(made.path, path.data(), made.bytes);
    publish(made);
}

void enter_local_directory() noexcept {
    look();
}

bool directory_is_remote() noexcept {
    if (children_next.load(std::memory_order_acquire) == 0) {
        // The common case costs no system call: a directory nobody looked at yet is local.
        record* const r = current.load(std::memory_order_acquire);
        return r != nullptr && r->remote;
    }
    return find().remote;
}

bool directory_is_all_local() noexcept {
    return find().all_local;
}

std::size_t copy_directory(char* out, std::size_t room) noexcept {
    while (true) {
        record& r = find();
        const unsigned version = r.version.load(std::memory_order_acquire);
        const std::size_t bytes = r.bytes <= room ? r.bytes : 0;
        std::memcpy(out, r.path, bytes);
        if (r.version.load(std::memory_order_acquire) == version) {
            return bytes;
        }
    }
}

}  // namespace farside::preload
