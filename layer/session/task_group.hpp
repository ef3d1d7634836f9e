// The coroutines that run beside each other in one component. Every one is registered and is
// awaited by join(): nothing is detached. The only place that calls co_spawn.
//
// A task ends by itself, or because what it waits for was closed (a socket, a descriptor, an
// event): stopping a component is closing those, then join(). One thread.
#pragma once

#include "layer/session/async_event.hpp"

#include <boost/asio/co_spawn.hpp>

#include <cassert>
#include <cstddef>
#include <exception>
#include <utility>

namespace farside::session {

class task_group {
public:
    explicit task_group(asio::any_io_executor executor)
        : executor_{std::move(executor)}, changed_{executor_} {}

    task_group(const task_group&) = delete;
    task_group& operator=(const task_group&) = delete;

    ~task_group() { assert(running_ == 0); }

    // An exception that leaves a task leaves io_context::run() too: the session cannot go on.
    void spawn(awaitable<> task) {
        ++running_;
        asio::co_spawn(executor_, std::move(task), [this](const std::exception_ptr& failure) {
            --running_;
            changed_.notify();
            if (failure) {
                std::rethrow_exception(failure);
            }
        });
    }

    // Until no task runs. One joiner at a time.
    awaitable<> join() {
        while (running_ != 0) {
            co_await changed_.wait();
        }
    }

    [[nodiscard]] std::size_t running() const { return running_; }

    [[nodiscard]] const asio::any_io_executor& executor() const { return executor_; }

private:
    asio::any_io_executor executor_;
    std::size_t running_ = 0;
    async_event changed_;
};

}  // namespace farside::session
