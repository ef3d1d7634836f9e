// The session's end of the doorbell: a byte wakes the session, its end says that no covered process
// is left. A byte that carries a descriptor (SCM_RIGHTS) is the number of the call slot that the
// descriptor belongs to.
#pragma once

#include "layer/segment/segment.hpp"
#include "layer/session/asio.hpp"
#include "protocol/support/unique_fd.hpp"

#include <array>
#include <cstdint>

namespace farside::session {

class doorbell {
public:
    doorbell(const asio::any_io_executor& executor, unique_fd end)
        : socket_{executor, end.release()} {}

    // Waits for a ring. False at the end, and after close().
    awaitable<bool> wait();

    // Takes what has arrived, without waiting. False at the end.
    bool collect();

    // What the last caller in slot `index` handed over, if anything. REQUIRES: index < slot_count.
    [[nodiscard]] unique_fd take_descriptor(std::uint32_t index) {
        return std::move(descriptors_[index]);
    }

    void close();

    [[nodiscard]] bool is_open() const { return socket_.is_open(); }

private:
    async_descriptor socket_;
    std::array<unique_fd, segment::slot_count> descriptors_;
};

}  // namespace farside::session
