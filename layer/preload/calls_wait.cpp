// Waiting for descriptors: poll(2), select(2), epoll_ctl(2); and kernel AIO. A remote regular file
// or directory is always ready, which the kernel says by itself of the descriptor that stands for
// it. When a FIFO or device of the target will be ready nobody here can tell: those are refused.
#include "layer/preload/dispatch.hpp"
#include "layer/preload/remote_call.hpp"

#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/stat.h>

namespace farside::preload {
namespace {

enum class readiness : std::uint8_t { as_kernel_says, none_to_ask, unknown };

readiness readiness_of(long fd) noexcept {
    const std::uint64_t id = open_file_of(fd);
    if (id == 0) {
        return readiness::as_kernel_says;
    }
    if (id == own_descriptor || path_only(id)) {
        return readiness::none_to_ask;
    }
    const auto mode = entry_of(id).mode.load(std::memory_order_relaxed);
    return S_ISFIFO(mode) || S_ISSOCK(mode) || S_ISCHR(mode) ? readiness::unknown
                                                             : readiness::as_kernel_says;
}

constexpr const char* cannot_wait = "cannot wait for a FIFO, socket or device of the target";

// Some descriptor is none that can be polled, which poll(2) says at once.
long poll_at_once(struct pollfd* set, std::uint64_t count) noexcept {
    const long ready = kernel(__NR_poll, set, count, 0);
    if (ready < 0) {
        return ready;
    }
    long found = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
        if (set[i].fd >= 0 && readiness_of(set[i].fd) == readiness::none_to_ask) {
            set[i].revents = POLLNVAL;
        }
        found += set[i].revents != 0 ? 1 : 0;
    }
    return found;
}

}  // namespace

// poll(2) and ppoll(2).
outcome on_poll(call_frame& frame) noexcept {
    auto* const set = frame.argument<struct pollfd*>(0);
    const auto count = frame.argument<std::uint64_t>(1);
    if (count > descriptors_max || !can_write(set, count * sizeof *set)) {
        return outcome::pass;
    }
    bool at_once = false;
    for (std::uint64_t i = 0; i < count; ++i) {
        const readiness ready = set[i].fd < 0 ? readiness::as_kernel_says : readiness_of(set[i].fd);
        if (ready == readiness::unknown) {
            return refuse(frame, -EINVAL, cannot_wait);
        }
        at_once = at_once || ready == readiness::none_to_ask;
    }
    return at_once ? answer(frame, poll_at_once(set, count)) : outcome::pass;
}

// select(2) and pselect6(2).
outcome on_select(call_frame& frame) noexcept {
    constexpr long word_bits = 64;
    const long count = static_cast<int>(frame.argument(0));
    for (long first = 0; first < count && first < long{descriptors_max}; first += word_bits) {
        std::uint64_t bits = 0;
        for (const std::size_t set : {1U, 2U, 3U}) {
            const auto* const words = frame.argument<const std::uint64_t*>(set);
            if (words != nullptr && can_read(words + first / word_bits)) {
                bits |= words[first / word_bits];
            }
        }
        for (; bits != 0; bits &= bits - 1) {
            const long fd = first + __builtin_ctzll(bits);
            if (fd < count && is_own_descriptor(fd)) {
                return answer(frame, -EBADF);
            }
            const readiness ready = fd < count ? readiness_of(fd) : readiness::as_kernel_says;
            if (ready == readiness::unknown) {
                return refuse(frame, -EINVAL, cannot_wait);
            }
        }
    }
    return outcome::pass;
}

// The descriptor that stands for a remote file is refused by the kernel, as regular files are.
outcome on_epoll_ctl(call_frame& frame) noexcept {
    for (const std::size_t i : {0U, 2U}) {
        const std::uint64_t id = open_file_of(frame.argument(i));
        if (id != 0 && (id == own_descriptor || path_only(id))) {
            return answer(frame, -EBADF);
        }
    }
    FARSIDE_REMOTE_DESCRIPTOR(id, frame.argument(2))
    return refuse(frame, repeat(frame), row_of(frame).special);
}

// Kernel AIO of remote files. Requests before the first of one are submitted, as the kernel does
// before one that it does not take.
outcome on_io_submit(call_frame& frame) noexcept {
    const long count = frame.argument(1);
    auto* const* const requests = frame.argument<struct iocb* const*>(2);
    for (long i = 0; i < count && i < long{descriptors_max}; ++i) {
        if (!can_read(requests + i) || !can_read(requests[i])) {
            return outcome::pass;
        }
        const std::uint64_t id = open_file_of(requests[i]->aio_fildes);
        if (id == 0) {
            continue;
        }
        if (i > 0) {
            return answer(frame, kernel(__NR_io_submit, frame.argument(0), i, requests));
        }
        return id == own_descriptor || path_only(id)
                   ? answer(frame, -EBADF)
                   : refuse(frame, -EINVAL, row_of(frame).special);
    }
    return outcome::pass;
}

}  // namespace farside::preload
