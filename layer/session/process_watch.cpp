// One small coroutine per process.
#include "layer/session/process_watch.hpp"

#include "layer/session/pidfd.hpp"

#include <cerrno>
#include <utility>

namespace farside::session {

process_watch::process_watch(task_group& tasks, std::function<void(pid_t)> died)
    : tasks_{tasks}, died_{std::move(died)} {}

process_watch::standing process_watch::watch(pid_t pid) {
    if (watched_.contains(pid)) {
        return standing::watched;
    }
    const int fd = pid > 0 ? open_pidfd(pid) : -1;
    if (fd < 0) {
        return pid <= 0 || errno == ESRCH || errno == EINVAL ? standing::unknown
                                                             : standing::unwatched;
    }
    auto pidfd = std::make_shared<async_descriptor>(tasks_.executor(), fd);
    watched_.emplace(pid, pidfd);
    tasks_.spawn(await_end(pid, std::move(pidfd)));
    return standing::watched;
}

awaitable<> process_watch::await_end(pid_t pid, std::shared_ptr<async_descriptor> pidfd) {
    const auto [ec] = co_await pidfd->async_wait(async_descriptor::wait_read, as_result);
    if (!stopped_ && !ec) {
        watched_.erase(pid);
        died_(pid);
    }
}

void process_watch::stop() {
    stopped_ = true;
    for (auto& [pid, pidfd] : std::exchange(watched_, {})) {
        boost::system::error_code ignored;
        pidfd->close(ignored);
    }
}

}  // namespace farside::session
