// Threads for system calls that block. A job runs on one worker to its end; it can be interrupted
// as a signal interrupts a system call. No Asio here: a job's `done` tells its owner's loop.
#pragma once

#include "agent/creation_mask.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace farside::agent {

class blocking_pool {
public:
    struct limits {
        std::uint32_t workers_max = 0;
        std::uint32_t queue_max = 0;  // 0: a job is taken only where a worker is free for it
    };

    struct job {
        std::function<void()> run;   // on the worker; destroyed there before done()
        std::function<void()> done;  // on the worker, after
    };

    // Before the first pool: installs the handler of the signal that interrupts workers, which does
    // nothing and restarts no system call.
    static void install_interrupt_handler();

    blocking_pool(const limits& bounds, const creation_mask& mask);
    blocking_pool(const blocking_pool&) = delete;
    blocking_pool(blocking_pool&&) = delete;
    blocking_pool& operator=(const blocking_pool&) = delete;
    blocking_pool& operator=(blocking_pool&&) = delete;

    // Waits for the jobs that run. REQUIRES: nobody submits any more.
    ~blocking_pool();

    // False, and nothing done: there is no room, or no thread to be had.
    [[nodiscard]] bool submit(std::shared_ptr<job> submitted);

    // Makes a blocking system call of the job return EINTR, if one is under way. The worker may be
    // just before the call: so this is to be repeated until the job is done.
    void interrupt(const job& running);

private:
    struct worker {
        std::thread thread;
        const job* current = nullptr;
    };

    void work(worker& self);
    [[nodiscard]] bool add_worker();

    limits limits_;
    creation_mask mask_;
    std::mutex mutex_;
    std::condition_variable work_came_;
    std::deque<std::shared_ptr<job>> queue_;
    std::vector<std::unique_ptr<worker>> workers_;
    std::size_t idle_ = 0;     // workers that wait for a job
    std::size_t running_ = 0;  // jobs on a worker
    bool stopping_ = false;
};

}  // namespace farside::agent
