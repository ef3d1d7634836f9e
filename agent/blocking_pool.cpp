// Workers are started when there is a job and nobody idle: most sessions never need one.
#include "agent/blocking_pool.hpp"

#include <cassert>
#include <csignal>
#include <system_error>

#include <pthread.h>

namespace farside::agent {
namespace {

// Nobody else sends it to this process, and its default would end the process.
constexpr int interrupt_signal = SIGUSR1;

extern "C" void ignore_signal(int /*number*/) {}

// Workers take no other signal: the loop thread handles those.
void block_other_signals() {
    sigset_t all{};
    sigfillset(&all);
    sigdelset(&all, interrupt_signal);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

}  // namespace

void blocking_pool::install_interrupt_handler() {
    struct sigaction action {};

    action.sa_handler = ignore_signal;
    sigemptyset(&action.sa_mask);
    sigaction(interrupt_signal, &action, nullptr);
}

blocking_pool::blocking_pool(const limits& bounds, const creation_mask& mask)
    : limits_{bounds}, mask_{mask} {
    assert(bounds.workers_max > 0);
}

blocking_pool::~blocking_pool() {
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
    }
    work_came_.notify_all();
    for (const auto& w : workers_) {
        if (w->thread.joinable()) {
            w->thread.join();
        }
    }
}

bool blocking_pool::add_worker() {
    if (workers_.size() >= limits_.workers_max) {
        return false;
    }
    auto added = std::make_unique<worker>();
    try {
        added->thread = std::thread{[this, self = added.get()] { work(*self); }};
    } catch (const std::system_error&) {
        return false;  // a limit on threads: those that exist have to do
    }
    workers_.push_back(std::move(added));
    return true;
}

bool blocking_pool::submit(std::shared_ptr<job> submitted) {
    const std::lock_guard lock{mutex_};
    const auto unfinished = queue_.size() + running_;
    if (unfinished >= std::size_t{limits_.workers_max} + limits_.queue_max) {
        return false;
    }
    const bool worker_waits = idle_ > queue_.size();
    if (!worker_waits && !add_worker() && unfinished >= workers_.size() + limits_.queue_max) {
        return false;
    }
    if (workers_.empty()) {
        return false;
    }
    queue_.push_back(std::move(submitted));
    work_came_.notify_one();
    return true;
}

void blocking_pool::interrupt(const job& running) {
    const std::lock_guard lock{mutex_};
    for (const auto& w : workers_) {
        if (w->current == &running) {
            pthread_kill(w->thread.native_handle(), interrupt_signal);
        }
    }
}

void blocking_pool::work(worker& self) {
    block_other_signals();
    mask_.enter_thread();
    std::unique_lock lock{mutex_};
    for (;;) {
        ++idle_;
        work_came_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        --idle_;
        if (queue_.empty()) {
            return;
        }
        const auto current = std::move(queue_.front());
        queue_.pop_front();
        self.current = current.get();
        ++running_;
        lock.unlock();
        current->run();
        current->run = nullptr;  // what it holds is not held a moment longer than the call
        lock.lock();
        --running_;
        self.current = nullptr;
        lock.unlock();
        current->done();
        lock.lock();
    }
}

}  // namespace farside::agent
