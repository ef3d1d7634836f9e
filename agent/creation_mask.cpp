// unshare(CLONE_FS) gives a thread its own umask, and its own working directory, which nothing here
// changes later.
#include "agent/creation_mask.hpp"

#include <exception>

#include <sched.h>
#include <sys/stat.h>

namespace farside::agent {

creation_mask creation_mask::of_process() {
    const bool allowed = ::unshare(CLONE_FS) == 0;
    ::umask(0);
    return creation_mask{allowed};
}

void creation_mask::enter_thread() const {
    // It was allowed before, so what fails now is memory.
    if (per_thread_ && ::unshare(CLONE_FS) != 0) {
        std::terminate();
    }
}

std::uint32_t creation_mask::apply(std::uint32_t mode, std::uint32_t umask) const {
    if (!per_thread_) {
        return mode & ~(umask & 0777U);
    }
    ::umask(static_cast<mode_t>(umask & 0777U));
    return mode;
}

}  // namespace farside::agent
