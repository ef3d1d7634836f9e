// Claiming an id, and asking the kernel whether one lives. The lock on the template is the only
// count there is: the kernel keeps it through fork, exec and kill.
#include "layer/preload/open_files.hpp"

#include "layer/preload/process_state.hpp"
#include "layer/preload/session_call.hpp"
#include "layer/preload/syscall_x86_64.hpp"

#include <asm/errno.h>
#include <fcntl.h>
#include <unistd.h>

namespace farside::preload {
namespace {

constinit std::atomic<unsigned> bound{segment::descriptor_ceiling};

// Entries that are tried before the session is asked to look for dead ones, and after.
constexpr unsigned claims_max = 4096;

void give_back(std::uint64_t id) noexcept {
    std::uint64_t expected = id;
    entry_of(id).id.compare_exchange_strong(expected, 0, std::memory_order_acq_rel);
}

struct flock byte_of(std::uint64_t id) noexcept {
    struct flock lock {};

    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = static_cast<off_t>(id);
    lock.l_len = 1;
    return lock;
}

// Claims the entry of a new id for the descriptor. The lock comes before the claim: an entry
// without a lock belongs to nobody, and the session may free it at any time.
bool claim(long fd, std::uint64_t id) noexcept {
    segment::open_file& entry = entry_of(id);
    if (entry.id.load(std::memory_order_relaxed) != 0) {
        return false;
    }
    struct flock lock = byte_of(id);
    if (kernel(__NR_fcntl, fd, F_OFD_SETLK, &lock) < 0) {
        return false;
    }
    std::uint64_t free = 0;
    if (entry.id.compare_exchange_strong(free, id, std::memory_order_acq_rel)) {
        return true;
    }
    lock.l_type = F_UNLCK;
    kernel(__NR_fcntl, fd, F_OFD_SETLK, &lock);
    return false;
}

std::uint64_t claim_id(long fd) noexcept {
    for (const bool reclaimed : {false, true}) {
        for (unsigned tries = 0; tries < claims_max; ++tries) {
            const std::uint64_t id =
                state.segment->head.last_open_file_id.fetch_add(1, std::memory_order_relaxed) + 1;
            if (claim(fd, id)) {
                return id;
            }
        }
        if (!reclaimed) {
            session_call call{segment::call::reclaim};
            if (call.run() < 0) {
                return 0;
            }
        }
    }
    return 0;
}

}  // namespace

placeholder make_placeholder(unsigned open_flags) noexcept {
    const long fd =
        kernel(__NR_openat, AT_FDCWD, state.template_path, O_WRONLY | (open_flags & O_CLOEXEC));
    if (fd < 0) {
        return {fd == -EMFILE || fd == -ENFILE ? fd : -EIO, 0};
    }
    if (fd >= static_cast<long>(descriptors_max)) {
        kernel(__NR_close, fd);
        return {-EMFILE, 0};
    }
    const std::uint64_t id = claim_id(fd);
    if (id == 0 || kernel(__NR_lseek, fd, id, SEEK_SET) < 0) {
        kernel(__NR_close, fd);
        if (id != 0) {
            give_back(id);
        }
        return {-ENFILE, 0};
    }
    return {fd, id};
}

void discard(const placeholder& made) noexcept {
    kernel(__NR_close, made.fd);
    give_back(made.id);
}

void publish(const placeholder& made) noexcept {
    if (!in_vfork_child()) {
        add_descriptor(made.fd, made.id);
    }
}

void add_descriptor(long fd, std::uint64_t id) noexcept {
    const auto index = static_cast<unsigned>(fd);
    unsigned known = bound.load(std::memory_order_relaxed);
    while (index >= known &&
           !bound.compare_exchange_weak(known, index + 1, std::memory_order_relaxed)) {
    }
    state.hints[index].store(descriptor_hint::unknown, std::memory_order_relaxed);
    state.open_files[index].store(id, std::memory_order_release);
}

std::uint64_t find_arrival(unsigned fd) noexcept {
    if (state.hints[fd].load(std::memory_order_relaxed) != descriptor_hint::unknown) {
        return 0;
    }
    const std::uint64_t id = id_behind(fd);
    if (in_vfork_child()) {
        return id;
    }
    if (id != 0) {
        add_descriptor(fd, id);
    } else {
        state.hints[fd].store(descriptor_hint::no_arrival, std::memory_order_relaxed);
    }
    return id;
}

unsigned descriptor_bound() noexcept {
    return bound.load(std::memory_order_relaxed);
}

long closed_descriptor(std::uint64_t id) noexcept {
    struct flock lock = byte_of(id);
    if (kernel(__NR_fcntl, state.descriptors[2], F_OFD_GETLK, &lock) == 0 &&
        lock.l_type != F_UNLCK) {
        return 0;  // another descriptor of it lives, here or elsewhere
    }
    session_call call{segment::call::close};
    return call.argument(0, id).run();
}

}  // namespace farside::preload
