// Coroutines with a common end: each is registered when it starts, and join() waits for them all,
// so that nothing outlives what it uses. The only place that calls co_spawn.
//
// A task is told to end by whoever owns what it waits for (a descriptor closed, a notification),
// not by the group: a task that waits for a worker thread must not be torn away from it.
#pragma once

#include "agent/asio.hpp"
#include "agent/log.hpp"

#include <boost/asio/co_spawn.hpp>

#include <cassert>
#include <cstddef>
#include <exception>
#include <string>
#include <utility>

namespace farside::agent {

class task_group {
public:
    // REQUIRES: `log` outlives the group, and the group its tasks: join() before the destructor.
    task_group(const asio::any_io_executor& executor, const logger& log)
        : executor_{executor}, ended_{executor}, log_{&log} {}

    task_group(const task_group&) = delete;
    task_group(task_group&&) = delete;
    task_group& operator=(const task_group&) = delete;
    task_group& operator=(task_group&&) = delete;

    ~task_group() { assert(running_ == 0); }

    void spawn(awaitable<void> task) {
        ++running_;
        asio::co_spawn(executor_, std::move(task), [this](const std::exception_ptr& thrown) {
            report(thrown);
            --running_;
            ended_.notify();
        });
    }

    [[nodiscard]] std::size_t running() const { return running_; }

    [[nodiscard]] awaitable<void> join() {
        while (running_ > 0) {
            co_await ended_.wait();
        }
    }

private:
    void report(const std::exception_ptr& thrown) const {
        if (!thrown) {
            return;
        }
        try {
            std::rethrow_exception(thrown);
        } catch (const std::exception& e) {
            log_->error(std::string{"a task ended with an exception: "} + e.what());
        }
    }

    asio::any_io_executor executor_;
    notification ended_;
    const logger* log_;
    std::size_t running_ = 0;
};

}  // namespace farside::agent
