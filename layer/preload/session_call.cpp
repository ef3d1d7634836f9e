// Claims, posts and waits with compare-and-swap and futexes only, so that a process that is killed
// at any point leaves nothing behind that others would wait for.
#include "layer/preload/session_call.hpp"

#include "layer/preload/descriptor_passing.hpp"
#include "layer/preload/process_state.hpp"
#include "layer/preload/syscall_x86_64.hpp"

#include <cstring>

#include <asm/errno.h>
#include <linux/futex.h>
#include <linux/time_types.h>

namespace farside::preload {
namespace {

constexpr int msg_dontwait = 0x40;
constexpr int msg_nosignal = 0x4000;
// How long a thread without a slot sleeps before it looks again by itself: the process that was to
// wake it may have been killed.
constexpr long slot_wait_ns = 100'000'000;
// glibc's SIGCANCEL. A cancelled thread is unwound from wherever it is, and stubs cannot be
// unwound: the signal stays pending until the answer came (remote waits are no cancellation
// points).
constexpr std::uint64_t cancel_signal = std::uint64_t{1} << (32 - 1);

segment::header& head() noexcept {
    return state.segment->head;
}

bool session_died(const segment::call_slot& slot) noexcept {
    return (slot.state.load(std::memory_order_acquire) & segment::state_owner_died) != 0;
}

// Only the session writes `doorbell_rung`: 1 while it will look at `posted` again by itself.
void ring() noexcept {
    if (head().doorbell_rung.load(std::memory_order_seq_cst) == 0) {
        const char byte = 0;
        kernel(__NR_sendto, state.descriptors[3], &byte, 1, msg_dontwait | msg_nosignal);
    }
}

// Where a thread begins to look, so that threads do not all fight for the first slot.
std::uint32_t first_guess() noexcept {
    const auto stack = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    return static_cast<std::uint32_t>((stack >> 16U) * 0x9e3779b1U) % segment::slot_count;
}

}  // namespace

session_call::session_call(segment::call op) noexcept {
    const auto pid = static_cast<std::uint32_t>(kernel(__NR_getpid));
    const std::uint32_t start = first_guess();
    while (true) {
        const auto releases = head().slot_releases.load(std::memory_order_acquire);
        for (std::uint32_t i = 0; i < segment::slot_count; ++i) {
            const std::uint32_t index = (start + i) % segment::slot_count;
            segment::call_slot& slot = state.segment->slots[index];
            std::uint32_t free = 0;
            if (slot.owner.load(std::memory_order_relaxed) == 0 &&
                slot.owner.compare_exchange_strong(free, pid, std::memory_order_acquire)) {
                slot_ = &slot;
                area_ = &state.segment->areas[index];
                index_ = index;
                slot.op = op;
                slot.cancelled.store(0, std::memory_order_relaxed);
                slot.path_bytes[0] = slot.path_bytes[1] = 0;
                slot.data_bytes = 0;
                slot.carries_descriptor = 0;
                slot.side = static_cast<std::uint32_t>(side::remote);
                std::memset(slot.arguments, 0, sizeof slot.arguments);
                return;
            }
        }
        if (session_died(state.segment->slots[0])) {
            return;  // nobody will ever free one
        }
        head().slot_waiters.fetch_add(1, std::memory_order_acq_rel);
        ring();  // slots of dead owners are for the session to find
        const __kernel_timespec timeout{0, slot_wait_ns};
        kernel(__NR_futex, &head().slot_releases, FUTEX_WAIT, releases, &timeout);
        head().slot_waiters.fetch_sub(1, std::memory_order_acq_rel);
    }
}

session_call::~session_call() {
    if (slot_ == nullptr) {
        return;
    }
    slot_->owner.store(0, std::memory_order_release);
    if (head().slot_waiters.load(std::memory_order_acquire) != 0) {
        head().slot_releases.fetch_add(1, std::memory_order_acq_rel);
        kernel(__NR_futex, &head().slot_releases, FUTEX_WAKE, 1);
    }
}

session_call& session_call::argument(std::size_t index, std::uint64_t value) noexcept {
    if (slot_ != nullptr) {
        slot_->arguments[index] = static_cast<std::int64_t>(value);
    }
    return *this;
}

session_call& session_call::location(
    std::size_t index, std::uint64_t base, std::string_view path
) noexcept {
    if (slot_ != nullptr) {
        slot_->arguments[index == 0 ? segment::base0 : segment::base1] =
            static_cast<std::int64_t>(base);
        slot_->path_bytes[index] = static_cast<std::uint32_t>(path.size());
        std::memcpy(area_->path[index], path.data(), path.size());
        area_->path[index][path.size()] = '\0';
    }
    return *this;
}

session_call& session_call::data_bytes(std::size_t bytes) noexcept {
    if (slot_ != nullptr) {
        slot_->data_bytes = static_cast<std::uint32_t>(bytes);
    }
    return *this;
}

session_call& session_call::attach(long fd) noexcept {
    if (slot_ != nullptr) {
        const auto index = static_cast<unsigned char>(index_);
        static_assert(segment::slot_count == 256, "a byte names a slot");
        failure_ = send_descriptor(state.descriptors[3], index, fd);
        slot_->carries_descriptor = failure_ == 0 ? 1 : 0;
    }
    return *this;
}

std::byte* session_call::data() const noexcept {
    // Without a slot the session is dead and run() fails, but callers fill the data first.
    static std::byte nowhere[segment::data_room];
    return area_ != nullptr ? area_->data : nowhere;
}

void session_call::post() noexcept {
    head().posted[index_ / 64].fetch_or(
        std::uint64_t{1} << (index_ % 64), std::memory_order_seq_cst
    );
    ring();
}

void session_call::wait() noexcept {
    const std::uint32_t posted = head().session_tid | segment::state_posted;
    while (slot_->state.load(std::memory_order_acquire) == posted) {
        // Without a timeout, so that the kernel itself restarts the wait after a SA_RESTART
        // handler; EINTR is left for the handlers without, which ask for the call to be
        // interrupted.
        const long woken = kernel(__NR_futex, &slot_->state, FUTEX_WAIT, posted);
        if (woken == -EINTR && slot_->cancelled.exchange(1, std::memory_order_acq_rel) == 0) {
            post();
        }
    }
}

long session_call::run() noexcept {
    if (slot_ == nullptr) {
        return -EIO;
    }
    if (failure_ != 0) {
        return failure_;
    }
    const std::uint32_t idle = head().session_tid;
    std::uint32_t expected = idle;
    const std::uint64_t blocked = cancel_signal;
    std::uint64_t before = 0;
    kernel(__NR_rt_sigprocmask, 0 /* SIG_BLOCK */, &blocked, &before, sizeof blocked);
    long result = -EIO;
    if (slot_->state.compare_exchange_strong(
            expected, idle | segment::state_posted, std::memory_order_acq_rel
        )) {
        post();
        wait();
        if (!session_died(*slot_)) {
            result = slot_->result;
            if (state.tracing.load(std::memory_order_relaxed)) {
                note_session_call(*slot_);
            }
        }
    }
    kernel(__NR_rt_sigprocmask, 2 /* SIG_SETMASK */, &before, nullptr, sizeof before);
    return result;
}

side session_call::decided_side() const noexcept {
    return slot_ == nullptr ? side::remote : static_cast<side>(slot_->side);
}

std::string_view session_call::path(std::size_t index) const noexcept {
    if (slot_ == nullptr || slot_->path_bytes[index] >= segment::path_room) {
        return {};
    }
    area_->path[index][slot_->path_bytes[index]] = '\0';
    return {area_->path[index], slot_->path_bytes[index]};
}

std::int64_t session_call::answered(std::size_t index) const noexcept {
    return slot_ == nullptr ? 0 : slot_->arguments[index];
}

}  // namespace farside::preload
