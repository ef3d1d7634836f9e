// Waiting for something that another coroutine of the same thread does: an event, and a mutex that
// is handed over in the order of asking.
#pragma once

#include "layer/session/asio.hpp"

#include <cassert>
#include <deque>
#include <utility>

namespace farside::session {

// notify() lets one wait() pass, the present one or the next; several in between are one. One
// waiter at a time.
class async_event {
public:
    explicit async_event(const asio::any_io_executor& executor)
        : timer_{executor, asio::steady_timer::time_point::max()} {}

    awaitable<> wait() {
        while (!set_) {
            co_await timer_.async_wait(as_result);
        }
        set_ = false;
    }

    // The same, but not beyond `limit`.
    awaitable<> wait_until(asio::steady_timer::time_point limit) {
        if (!set_) {
            timer_.expires_at(limit);
            co_await timer_.async_wait(as_result);
            timer_.expires_at(asio::steady_timer::time_point::max());
        }
        set_ = false;
    }

    void notify() {
        set_ = true;
        timer_.cancel();
    }

private:
    asio::steady_timer timer_;
    bool set_ = false;
};

class async_mutex {
public:
    explicit async_mutex(asio::any_io_executor executor) : executor_{std::move(executor)} {}

    async_mutex(const async_mutex&) = delete;
    async_mutex& operator=(const async_mutex&) = delete;

    ~async_mutex() { assert(!locked_); }

    // Holds the mutex; may hold none.
    class guard {
    public:
        guard() = default;

        explicit guard(async_mutex& mutex) : mutex_{&mutex} {}

        guard(guard&& other) noexcept : mutex_{std::exchange(other.mutex_, nullptr)} {}

        guard(const guard&) = delete;
        guard& operator=(const guard&) = delete;

        guard& operator=(guard&& other) noexcept {
            std::swap(mutex_, other.mutex_);
            return *this;
        }

        ~guard() {
            if (mutex_ != nullptr) {
                mutex_->unlock();
            }
        }

    private:
        async_mutex* mutex_ = nullptr;
    };

    awaitable<guard> lock() {
        if (locked_) {
            async_event turn{executor_};
            waiters_.push_back(&turn);
            co_await turn.wait();
        }
        locked_ = true;
        co_return guard{*this};
    }

private:
    // The next waiter owns the mutex from here on, before it runs.
    void unlock() {
        if (waiters_.empty()) {
            locked_ = false;
            return;
        }
        async_event* next = waiters_.front();
        waiters_.pop_front();
        next->notify();
    }

    asio::any_io_executor executor_;
    bool locked_ = false;
    std::deque<async_event*> waiters_;
};

}  // namespace farside::session
