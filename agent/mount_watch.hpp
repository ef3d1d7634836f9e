// Whether path resolution in the target may hang: kept up to date with the target's mounts.
#pragma once

#include "agent/asio.hpp"
#include "agent/root_dir.hpp"
#include "agent/work.hpp"

#include <cstdint>
#include <string>

namespace farside::agent {

class mount_watch {
public:
    // REQUIRES: the target is entered; `root` outlives the watch.
    mount_watch(const asio::any_io_executor& executor, const root_dir& root);

    // Where a request with a path runs when its handle does not say.
    [[nodiscard]] lane path_lane() const { return may_hang_ ? lane::foreign : lane::here; }

    // A number that grows when the target's mounts have changed. Asks the kernel.
    [[nodiscard]] std::uint64_t changes();

    // Follows the mounts until stop().
    [[nodiscard]] awaitable<void> run();
    void stop();

private:
    void look();

    const root_dir& root_;
    descriptor table_;
    std::string mounts_;  // those of the target
    std::uint64_t changes_ = 0;
    bool may_hang_ = false;
    bool stopping_ = false;
};

}  // namespace farside::agent
