// The processes that call: each is watched through a pidfd from its first call on, so that its
// death, however it comes, is noticed and what it held is released.
#pragma once

#include "layer/session/asio.hpp"
#include "layer/session/task_group.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <unordered_map>

#include <sys/types.h>

namespace farside::session {

class process_watch {
public:
    // `died` is called once for each watched process that ended; all its descriptors are closed
    // then.
    process_watch(task_group& tasks, std::function<void(pid_t)> died);

    process_watch(const process_watch&) = delete;
    process_watch& operator=(const process_watch&) = delete;

    // What is known of a process at this moment.
    enum class standing {
        watched,
        unknown,    // no such process here: dead already, or in another pid namespace
        unwatched,  // no descriptor is left to watch it with
    };

    // Watches `pid` from now on.
    standing watch(pid_t pid);

    [[nodiscard]] bool watches(pid_t pid) const { return watched_.contains(pid); }

    [[nodiscard]] std::size_t size() const { return watched_.size(); }

    // `died` is not called any more.
    void stop();

private:
    awaitable<> await_end(pid_t pid, std::shared_ptr<async_descriptor> pidfd);

    task_group& tasks_;
    std::function<void(pid_t)> died_;
    bool stopped_ = false;
    std::unordered_map<pid_t, std::shared_ptr<async_descriptor>> watched_;
};

}  // namespace farside::session
