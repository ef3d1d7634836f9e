// The umask of a request, so that the kernel applies it, and a directory's default ACL in its place
// where there is one. A umask belongs to the whole process unless a thread has unshared it.
#pragma once

#include <cstdint>

namespace farside::agent {

class creation_mask {
public:
    // Whether threads may have umasks of their own: a sandbox may forbid unshare(2). Where they may
    // not, the umask of the process becomes 0 and masks are applied here; then default ACLs are
    // ignored. REQUIRES: one thread.
    [[nodiscard]] static creation_mask of_process();

    // At the start of every other thread that creates files.
    void enter_thread() const;

    // The mode to give to the system call that creates a file on this thread.
    [[nodiscard]] std::uint32_t apply(std::uint32_t mode, std::uint32_t umask) const;

private:
    explicit creation_mask(bool per_thread) : per_thread_{per_thread} {}

    bool per_thread_;
};

}  // namespace farside::agent
