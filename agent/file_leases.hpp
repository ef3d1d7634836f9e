// The kernel's leases on the bytes of files (fcntl(2) F_SETLEASE, F_RDLCK), of all clients of an
// agent. Who opens such a file for writing, or truncates it, is held by the kernel until the lease
// is given up: so that is the first thing done when a signal tells of him, before anything else is
// thought of. Signals go to the loop thread alone, where they are blocked and read.
#pragma once

#include "agent/asio.hpp"
#include "protocol/types.hpp"

#include <cstdint>
#include <unordered_map>

namespace farside::agent {

// Whose lease it is.
class lease_owner {
public:
    // Somebody waits to write: the lease is given up already.
    virtual void on_broken(protocol::handle_id handle) = 0;

protected:
    ~lease_owner() = default;
};

// Loop thread. The signals it reads are those of the thread that made it.
class file_leases {
public:
    explicit file_leases(const asio::any_io_executor& executor);

    // False where the kernel refuses: the file is open for writing somewhere, a writable mapping is
    // left of it, or it is not ours. REQUIRES: release() comes before `fd` is closed.
    [[nodiscard]] bool take(int fd, lease_owner& owner, protocol::handle_id handle);
    void release(int fd);

    [[nodiscard]] bool any() const { return !holders_.empty(); }

    // Gives up what somebody waits for; false: nothing was.
    bool give_up_broken();

    // Follows the signals until stop().
    [[nodiscard]] awaitable<void> run();
    void stop();

private:
    struct holder {
        lease_owner* owner = nullptr;
        protocol::handle_id handle{};
    };

    void break_one(int fd);
    void break_all_waited_for();

    descriptor signals_;
    int thread_ = 0;
    std::unordered_map<int, holder> holders_;  // by descriptor
};

}  // namespace farside::agent
