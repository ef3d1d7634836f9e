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
// A cancelled thread ends wherever it is: the signal stays pending until the slot is given back.
// tgkill(2) sees to it that a wait which it would have ended is over soon (cancel_those_of).
constexpr std::uint64_t cancel_signal = std::uint64_t{1} << (signal_of_cancellation - 1);
constexpr std::size_t mask_bytes = sizeof cancel_signal;

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

bool session_call::claim(std::uint32_t index, std::uint32_t pid, looks_at whose) noexcept {
    segment::call_slot& slot = state.segment->slots[index];
    std::uint32_t owner = slot.owner.load(std::memory_order_relaxed);
    if (owner == 0) {
        return slot.owner.compare_exchange_strong(owner, pid, std::memory_order_acquire);
    }
    if (owner != pid ||
        !(whose == looks_at::all_threads ? state.wiped->slot_holders[index].is_gone(at_)
                                         : state.wiped->slot_holders[index].was_left_by(at_))) {
        return false;
    }
    // Somebody left by a jump. What he asked for must not happen any more, where it still can.
    if (slot.state.load(std::memory_order_acquire) != head().session_tid) {
        cancel(index);
        return false;
    }
    return state.wiped->slot_holders[index].take_over(at_);
}

bool session_call::claim_any(looks_at whose) noexcept {
    const auto pid = static_cast<std::uint32_t>(kernel(__NR_getpid));
    const std::uint32_t start = first_guess();
    for (std::uint32_t i = 0; i < segment::slot_count; ++i) {
        const std::uint32_t index = (start + i) % segment::slot_count;
        if (claim(index, pid, whose)) {
            state.wiped->slot_holders[index].set(at_);
            slot_ = &state.segment->slots[index];
            area_ = &state.segment->areas[index];
            index_ = index;
            return true;
        }
    }
    return false;
}

session_call::session_call(segment::call op) noexcept : at_(scope_of(this)) {
    while (true) {
        const auto releases = head().slot_releases.load(std::memory_order_acquire);
        if (claim_any(looks_at::own_thread) || claim_any(looks_at::all_threads)) {
            slot_->op = op;
            slot_->cancelled.store(0, std::memory_order_relaxed);
            slot_->path_bytes[0] = slot_->path_bytes[1] = 0;
            slot_->data_bytes = 0;
            slot_->carries_descriptor = 0;
            slot_->side = static_cast<std::uint32_t>(side::remote);
            std::memset(slot_->arguments, 0, sizeof slot_->arguments);
            return;
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
    state.wiped->slot_holders[index_].clear();
    slot_->owner.store(0, std::memory_order_release);
    if (head().slot_waiters.load(std::memory_order_acquire) != 0) {
        head().slot_releases.fetch_add(1, std::memory_order_acq_rel);
        kernel(__NR_futex, &head().slot_releases, FUTEX_WAKE, 1);
    }
    if (blocked_cancel_) {
        // Here the thread may end: it has nothing to give back any more.
        kernel(__NR_rt_sigprocmask, 2 /* SIG_SETMASK */, &signals_before_, nullptr, mask_bytes);
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

void session_call::post(std::uint32_t index) noexcept {
    head().posted[index / 64].fetch_or(std::uint64_t{1} << (index % 64), std::memory_order_seq_cst);
    ring();
}

void session_call::cancel(std::uint32_t index) noexcept {
    if (state.segment->slots[index].cancelled.exchange(1, std::memory_order_acq_rel) == 0) {
        post(index);
    }
}

void session_call::cancel_those_of(std::uint32_t tid) noexcept {
    const auto pid = static_cast<std::uint32_t>(kernel(__NR_getpid));
    for (std::uint32_t index = 0; index < segment::slot_count; ++index) {
        const segment::call_slot& slot = state.segment->slots[index];
        if (state.wiped->slot_holders[index].is_thread(tid) &&
            slot.owner.load(std::memory_order_acquire) == pid) {
            cancel(index);
        }
    }
}

void session_call::wait() noexcept {
    const std::uint32_t posted = head().session_tid | segment::state_posted;
    while (slot_->state.load(std::memory_order_acquire) == posted) {
        // Without a timeout, so that the kernel itself restarts the wait after a SA_RESTART
        // handler; EINTR is left for the handlers without, which ask for the call to be
        // interrupted.
        const long woken = kernel(__NR_futex, &slot_->state, FUTEX_WAIT, posted);
        if (woken == -EINTR) {
            cancel(index_);
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
    if (!blocked_cancel_) {
        kernel(
            __NR_rt_sigprocmask, 0 /* SIG_BLOCK */, &cancel_signal, &signals_before_, mask_bytes
        );
        blocked_cancel_ = true;
    }
    if (!slot_->state.compare_exchange_strong(
            expected, idle | segment::state_posted, std::memory_order_acq_rel
        )) {
        return -EIO;
    }
    post(index_);
    wait();
    if (!state.wiped->slot_holders[index_].is(at_)) {
        slot_ = nullptr;  // taken over: we were away on another stack
        return -EIO;
    }
    if (session_died(*slot_)) {
        return -EIO;
    }
    if (state.tracing.load(std::memory_order_relaxed)) {
        note_session_call(*slot_);
    }
    return slot_->result;
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
