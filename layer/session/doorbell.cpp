// The kernel ends a read from a stream socket with the byte that carries descriptors (unix(7)), so
// they belong to the last byte of what one recvmsg(2) gave.
#include "layer/session/doorbell.hpp"

#include "layer/session/descriptor_passing.hpp"

#include <cerrno>

namespace farside::session {

awaitable<bool> doorbell::wait() {
    const auto [ec] = co_await socket_.async_wait(async_descriptor::wait_read, as_result);
    if (ec) {
        co_return false;
    }
    co_return collect();
}

bool doorbell::collect() {
    std::array<std::byte, 256> bytes{};
    for (;;) {
        auto [received, descriptor] = receive(socket_.native_handle(), bytes);
        if (received <= 0) {
            return received < 0 && (errno == EAGAIN || errno == EINTR);
        }
        if (descriptor) {
            const auto index =
                std::to_integer<std::size_t>(bytes[static_cast<std::size_t>(received) - 1]);
            static_assert(segment::slot_count == 256, "a byte names a slot");
            descriptors_[index] = std::move(descriptor);
        }
    }
}

void doorbell::close() {
    boost::system::error_code ignored;
    socket_.close(ignored);
}

}  // namespace farside::session
