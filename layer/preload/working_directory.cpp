// Immutable records in a ring: a reader never sees half a path, and nobody holds a lock over fork.
#include "layer/preload/working_directory.hpp"

#include "layer/preload/open_files.hpp"
#include "layer/preload/process_state.hpp"
#include "layer/preload/syscall_x86_64.hpp"

#include <atomic>
#include <cstring>

#include <asm/errno.h>
#include <fcntl.h>
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
    int fd;             // of the remote directory, or -1
    std::uint64_t id;   // of its open file, or 0
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
    taken.remote = false;
    taken.all_local = false;
    taken.fd = -1;
    taken.id = 0;
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

// The record that the calling process has published, or nothing.
record* known() noexcept {
    return children_next.load(std::memory_order_acquire) == 0
               ? current.load(std::memory_order_acquire)
               : &find();
}

// Where descriptors of ours go that programs shall not stumble upon: as high as there is room.
long park(long fd) noexcept {
    constexpr long tries = 8;
    const long ceiling = state.descriptors[0];
    for (long below = 16; below < 16 << tries; below *= 2) {
        const long parked = kernel(__NR_fcntl, fd, F_DUPFD, below < ceiling ? ceiling - below : 0);
        if (parked >= 0 && parked < static_cast<long>(descriptors_max)) {
            return parked;
        }
        if (parked >= 0) {
            kernel(__NR_close, parked);
        }
    }
    return -ENOMEM;
}

void mark_as_own(int fd) noexcept {
    if (!in_vfork_child()) {
        add_descriptor(fd, own_descriptor);
    }
}

// The directory is left. In a vfork child the descriptor is its own copy; the table is not.
void drop(int fd) noexcept {
    if (fd < 0) {
        return;
    }
    if (!in_vfork_child()) {
        state.open_files[fd].store(0, std::memory_order_release);
    }
    // Another thread may be on its way with the id: the session finds out by itself, and later,
    // that nobody holds it any more.
    kernel(__NR_close, fd);
}

void fill(record& made, std::string_view path) noexcept {
    made.remote = true;
    made.bytes = path.size() < PATH_MAX ? path.size() : 0;
    std::memcpy(made.path, path.data(), made.bytes);
}

}  // namespace

void inherit_directory(std::string_view text) noexcept {
    unsigned fd = 0;
    std::size_t digits = 0;
    for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
        fd = fd * 10 + static_cast<unsigned>(text[digits] - '0');
    }
    if (digits == 0 || digits > 9 || digits + 1 >= text.size() || text[digits] != ':' ||
        text[digits + 1] != '/') {
        return;
    }
    record& made = take_record();
    fill(made, text.substr(digits + 1));
    const std::uint64_t id = fd < descriptors_max ? id_behind(fd) : 0;
    if (id != 0) {
        made.fd = static_cast<int>(fd);
        made.id = id;
        add_descriptor(fd, own_descriptor);
    }
    made.pid = 0;
    current.store(&made, std::memory_order_release);
}

long enter_remote_directory(std::string_view path, long fd, std::uint64_t id) noexcept {
    const long parked = park(fd);
    kernel(__NR_close, fd);
    if (parked < 0) {
        return parked;
    }
    const int before = directory_descriptor();
    record& made = take_record();
    fill(made, path);
    made.fd = static_cast<int>(parked);
    made.id = id;
    mark_as_own(made.fd);
    publish(made);
    drop(before);
    return 0;
}

void enter_local_directory() noexcept {
    const int before = directory_descriptor();
    look();
    drop(before);
}

// The common case costs no system call: a directory nobody looked at yet is local.
bool directory_is_remote() noexcept {
    const record* const r = known();
    return r != nullptr && r->remote;
}

std::uint64_t directory_id() noexcept {
    const record* const r = known();
    return r != nullptr ? r->id : 0;
}

int directory_descriptor() noexcept {
    const record* const r = known();
    return r != nullptr ? r->fd : -1;
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
