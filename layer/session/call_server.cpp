// The doorbell's loop, and a call's way through it.
#include "layer/session/call_server.hpp"

#include "layer/session/remote_watches.hpp"

#include <boost/asio/post.hpp>
#include <climits>

#include <bit>
#include <cerrno>
#include <new>
#include <utility>

#include <linux/futex.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace farside::session {
namespace {

void wake(std::atomic<std::uint32_t>& word) {
    ::syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

// Calls whose answer must be known even when nobody waits for it.
bool gives_a_handle(segment::call op) {
    return op == segment::call::open || op == segment::call::enter_directory ||
           op == segment::call::watch_add;
}

}  // namespace

call_server::call_server(
    task_group& tasks,
    segment::segment& shared,
    unique_fd doorbell,
    call_services services,
    session_stats& stats
)
    : tasks_{tasks},
      shared_{shared},
      idle_{shared.head.session_tid},
      doorbell_{tasks.executor(), std::move(doorbell)},
      services_{services},
      stats_{stats},
      processes_{tasks, [this](pid_t pid) { on_death(pid); }} {}

// While doorbell_rung is 1 callers do not ring: the session will look at `posted` again before it
// sleeps. Between storing 0 and sleeping it looks once more, so that a call posted by somebody who
// still read 1 is not missed.
awaitable<> call_server::serve() {
    auto& rung = shared_.head.doorbell_rung;
    for (;;) {
        rung.store(1, std::memory_order_seq_cst);
        while (take_posted()) {
            co_await asio::post(tasks_.executor(), asio::use_awaitable);
        }
        rung.store(0, std::memory_order_seq_cst);
        if (take_posted()) {
            continue;
        }
        const bool rang = co_await doorbell_.wait();
        if (!rang) {
            break;
        }
        if (shared_.head.slot_waiters.load(std::memory_order_acquire) != 0) {
            free_slots_of_the_dead();
        }
    }
}

bool call_server::ended() {
    if (!doorbell_.is_open()) {
        return true;
    }
    const bool goes_on = doorbell_.collect();
    // The bytes may have been the only word of calls that serve() has not seen.
    take_posted();
    return !goes_on;
}

void call_server::stop() {
    processes_.stop();
    doorbell_.close();
    for (auto& under_way : work_) {
        if (under_way) {
            under_way->owner_died = true;
            give_up(*under_way);
        }
    }
}

bool call_server::take_posted() {
    bool any = false;
    for (std::uint32_t word = 0; word < std::size(shared_.head.posted); ++word) {
        auto bits = shared_.head.posted[word].exchange(0, std::memory_order_seq_cst);
        any = any || bits != 0;
        for (; bits != 0; bits &= bits - 1) {
            on_posted(word * 64 + static_cast<std::uint32_t>(std::countr_zero(bits)));
        }
    }
    return any;
}

void call_server::on_posted(std::uint32_t index) {
    auto& slot = shared_.slots[index];
    if (auto& under_way = work_[index]) {
        if (slot.cancelled.load(std::memory_order_acquire) != 0) {
            services_.link.interrupt(under_way->call.caller);
        }
    } else if (slot.state.load(std::memory_order_acquire) == (idle_ | segment::state_posted)) {
        begin(index);
    }
}

void call_server::begin(std::uint32_t index) {
    auto& slot = shared_.slots[index];
    auto& under_way = work_[index];
    under_way = std::make_unique<work>();
    ++under_way_;
    under_way->owner = slot.owner.load(std::memory_order_acquire);
    // An unknown process is one that died since it posted, or lives in another pid namespace: it is
    // answered as any other.
    under_way->call.pid = static_cast<pid_t>(under_way->owner);
    processes_.watch(under_way->call.pid);
    const int malformed = under_way->call.take(slot, shared_.areas[index]);
    if (slot.carries_descriptor != 0) {
        // It was sent before the call was posted, but may not have been read yet.
        doorbell_.collect();
        under_way->call.descriptor = doorbell_.take_descriptor(index);
    }
    if (malformed != 0) {
        finish(index, -malformed);
        return;
    }
    if (slot.cancelled.load(std::memory_order_acquire) != 0) {
        services_.link.interrupt(under_way->call.caller);
    }
    tasks_.spawn(run(index));
}

awaitable<> call_server::run(std::uint32_t index) {
    incoming_call& call = work_[index]->call;
    std::int64_t result = -EIO;
    try {
        result = co_await dispatch(call);
    } catch (const std::bad_alloc&) {
        result = -ENOMEM;
    }
    const bool alone = call.caller.requests() == 0 && services_.link.usable();
    if (alone && call.op != segment::call::close) {
        stats_.hit();
    }
    finish(index, result);
}

call_result call_server::dispatch(incoming_call& call) {
    const call_handler handler = handler_of(call.op);
    if (handler == nullptr) {
        co_return -ENOSYS;
    }
    if (!services_.behind.idle()) {
        const auto refused = co_await settle_before(services_, call);
        if (refused < 0) {
            co_return refused;
        }
    }
    const int failed = co_await own_handles(services_, call);
    if (failed != 0) {
        co_return -failed;
    }
    const auto result = co_await handler(services_, call);
    co_return result;
}

void call_server::finish(std::uint32_t index, std::int64_t result) {
    const std::unique_ptr<work> done = std::exchange(work_[index], nullptr);
    --under_way_;
    auto& slot = shared_.slots[index];
    if (done->owner_died) {
        if (result >= 0 && gives_a_handle(done->call.op)) {
            // Nobody was told: the file is open for no one.
            services_.descriptors.process_died();
        }
        services_.watches.look_for_holders();
        free_slot(index);
        return;
    }
    done->call.answer(result, slot, shared_.areas[index]);
    slot.state.store(idle_, std::memory_order_release);
    wake(slot.state);
}

void call_server::free_slot(std::uint32_t index) {
    auto& slot = shared_.slots[index];
    slot.state.store(idle_, std::memory_order_relaxed);
    slot.cancelled.store(0, std::memory_order_relaxed);
    slot.owner.store(0, std::memory_order_release);
    shared_.head.slot_releases.fetch_add(1, std::memory_order_acq_rel);
    if (shared_.head.slot_waiters.load(std::memory_order_acquire) != 0) {
        wake(shared_.head.slot_releases);
    }
}

// A call that opens is awaited nevertheless: its answer may carry a handle that must be closed.
void call_server::give_up(work& under_way) {
    if (gives_a_handle(under_way.call.op)) {
        services_.link.interrupt(under_way.call.caller);
    } else {
        services_.link.abandon(under_way.call.caller);
    }
}

void call_server::on_death(pid_t pid) {
    const auto owner = static_cast<std::uint32_t>(pid);
    for (std::uint32_t index = 0; index < segment::slot_count; ++index) {
        if (auto& under_way = work_[index]) {
            if (under_way->owner == owner) {
                under_way->owner_died = true;
                give_up(*under_way);
            }
        } else if (shared_.slots[index].owner.load(std::memory_order_acquire) == owner) {
            free_slot(index);
        }
    }
    services_.locks.process_died(pid);
    services_.descriptors.process_died();
    services_.maps.hurry();
    services_.watches.look_for_holders();
}

// Callers wait for a slot, and some may be held by processes that died before their first call came
// here. A slot whose owner is unknown is taken from it: a process of another pid namespace is only
// at this risk while all slots are in use.
void call_server::free_slots_of_the_dead() {
    for (std::uint32_t index = 0; index < segment::slot_count; ++index) {
        const auto owner = shared_.slots[index].owner.load(std::memory_order_acquire);
        if (owner != 0 && !work_[index] &&
            processes_.watch(static_cast<pid_t>(owner)) == process_watch::standing::unknown) {
            free_slot(index);
        }
    }
}

}  // namespace farside::session
