// The memory of a vectored call: how much of it there is, which of it is good, moving bytes between
// it and one place. And what is to be moved.
#pragma once

#include <cstddef>
#include <cstdint>

#include <asm/errno.h>
#include <sys/uio.h>

namespace farside::preload {

inline constexpr std::uint64_t transfer_max =
    0x7ffff000;                                 // MAX_RW_COUNT: the kernel moves no more at once
inline constexpr std::uint64_t iov_max = 1024;  // UIO_MAXIOV
inline constexpr std::uint64_t program_end =
    0x7ffffffff000;  // TASK_SIZE_MAX, above which is the kernel

// Goes through the buffers of a vectored call.
class cursor {
public:
    cursor(const iovec* vectors, std::size_t count) noexcept : vectors_{vectors}, count_{count} {}

    // What is moved at most, or -errno: the kernel looks at all lengths before it looks at memory.
    [[nodiscard]] std::int64_t total() const noexcept {
        for (std::size_t i = 0; i < count_; ++i) {
            if (static_cast<std::int64_t>(vectors_[i].iov_len) < 0) {
                return -EINVAL;
            }
        }
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < count_; ++i) {
            const std::uint64_t bytes = vectors_[i].iov_len;
            const std::uint64_t rest = transfer_max - sum;
            const std::uint64_t moved = bytes < rest ? bytes : rest;
            const auto begin = reinterpret_cast<std::uint64_t>(vectors_[i].iov_base);
            // A buffer that is alone is cut before it is looked at.
            if (begin > program_end || (count_ == 1 ? moved : bytes) > program_end - begin) {
                return -EFAULT;
            }
            sum += moved;
        }
        return static_cast<std::int64_t>(sum);
    }

    // How many of the next bytes lie in memory that `touch` (readable_bytes, writable_bytes) finds
    // good, from the first on.
    template <typename Touch>
    [[nodiscard]] std::size_t good_bytes(std::size_t bytes, Touch touch) const noexcept {
        std::size_t good = 0;
        std::size_t inside = inside_;
        for (std::size_t i = at_; i < count_ && good < bytes; ++i, inside = 0) {
            const std::size_t rest = vectors_[i].iov_len - inside;
            const std::size_t part = rest < bytes - good ? rest : bytes - good;
            const std::size_t found =
                touch(static_cast<char*>(vectors_[i].iov_base) + inside, part);
            good += found;
            if (found < part) {
                break;
            }
        }
        return good;
    }

    void scatter(const std::byte* from, std::size_t bytes) noexcept {
        move(bytes, [&](void* memory, std::size_t part) noexcept {
            __builtin_memcpy(memory, from, part);
            from += part;
        });
    }

    void gather(std::byte* to, std::size_t bytes) noexcept {
        move(bytes, [&](void* memory, std::size_t part) noexcept {
            __builtin_memcpy(to, memory, part);
            to += part;
        });
    }

private:
    template <typename Copy>
    void move(std::size_t bytes, Copy copy) noexcept {
        while (bytes > 0 && at_ < count_) {
            const iovec& v = vectors_[at_];
            const std::size_t rest = v.iov_len - inside_;
            const std::size_t part = rest < bytes ? rest : bytes;
            copy(static_cast<char*>(v.iov_base) + inside_, part);
            bytes -= part;
            inside_ += part;
            if (inside_ == v.iov_len) {
                ++at_;
                inside_ = 0;
            }
        }
    }

    const iovec* vectors_;
    std::size_t count_;
    std::size_t at_ = 0;
    std::size_t inside_ = 0;
};

struct transfer {
    std::uint64_t id;
    std::int64_t offset;  // or segment::position_current
    std::uint64_t bytes;
    std::uint64_t flags;  // RWF_*
};

}  // namespace farside::preload
