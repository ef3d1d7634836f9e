// Calls that move bytes between two descriptors: sendfile(2), copy_file_range(2).
#include "layer/preload/dispatch.hpp"
#include "layer/preload/remote_call.hpp"

#include <initializer_list>

#include <sys/stat.h>

namespace farside::preload {
namespace {

// One piece of a sendfile: from either side into the call's data area, or -errno.
long take(
    session_call& call, long fd, std::uint64_t id, std::int64_t offset, std::size_t bytes
) noexcept {
    if (id == 0) {
        return offset < 0 ? kernel(__NR_read, fd, call.data(), bytes)
                          : kernel(__NR_pread64, fd, call.data(), bytes, offset);
    }
    if (!readable(id)) {
        return -EBADF;
    }
    const std::int64_t from = offset < 0 ? segment::position_current : offset;
    return call.argument(0, id)
        .argument(1, static_cast<std::uint64_t>(from))
        .argument(2, bytes)
        .run();
}

long put(
    long fd, std::uint64_t id, const std::byte* data, std::size_t bytes, bool goes_on
) noexcept {
    if (id == 0) {
        return kernel(__NR_write, fd, data, bytes);
    }
    if (!writable(id)) {
        return -EBADF;
    }
    session_call call{segment::call::write};
    __builtin_memcpy(call.data(), data, bytes);
    const long written = call.argument(0, id)
                             .argument(1, static_cast<std::uint64_t>(segment::position_current))
                             .argument(3, goes_on ? 1 : 0)
                             .data_bytes(bytes)
                             .run();
    signal_broken_pipe(written);
    return written;
}

// Bytes that were read and could not be written go back: the source's position moves by what
// arrived.
void give_back(long fd, std::uint64_t id, std::int64_t bytes) noexcept {
    if (id == 0) {
        kernel(__NR_lseek, fd, -bytes, SEEK_CUR);
    } else {
        entry_of(id).position.fetch_sub(bytes, std::memory_order_acq_rel);
    }
}

long send(
    long out,
    std::uint64_t out_id,
    long in,
    std::uint64_t in_id,
    std::int64_t* offset,
    std::uint64_t count
) noexcept {
    std::uint64_t done = 0;
    while (done < count) {
        const std::size_t wanted =
            count - done < segment::data_room ? count - done : segment::data_room;
        session_call call{segment::call::read};
        const std::int64_t at = offset == nullptr ? -1 : *offset;
        const long got = take(call, in, in_id, at, wanted);
        if (got <= 0) {
            return done > 0 ? static_cast<long>(done) : got;
        }
        const long written = put(out, out_id, call.data(), static_cast<std::size_t>(got), done > 0);
        const long arrived = written < 0 ? 0 : written;
        if (offset != nullptr) {
            *offset += arrived;
        } else if (arrived < got) {
            give_back(in, in_id, got - arrived);
        }
        done += static_cast<std::uint64_t>(arrived);
        if (written < 0) {
            return done > 0 ? static_cast<long>(done) : written;
        }
        if (arrived < static_cast<long>(wanted)) {
            break;
        }
    }
    return static_cast<long>(done);
}

}  // namespace

namespace {

// One end of a copy: a remote open file or a descriptor of this kernel.
struct end {
    long fd;
    std::uint64_t id;  // 0: local
    unsigned flags;    // O_*, as fcntl(2) tells
    unsigned mode;     // st_mode
    long failure;      // it is no open file

    [[nodiscard]] bool reads() const noexcept { return (flags & O_ACCMODE) != O_WRONLY; }

    [[nodiscard]] bool writes() const noexcept { return (flags & O_ACCMODE) != O_RDONLY; }

    [[nodiscard]] bool has_position() const noexcept { return S_ISREG(mode) || S_ISBLK(mode); }
};

end look_at(long fd) noexcept {
    const std::uint64_t id = open_file_of(fd);
    if (id == own_descriptor || (id != 0 && path_only(id))) {
        return {fd, id, 0, 0, -EBADF};
    }
    if (id != 0) {
        const segment::open_file& entry = entry_of(id);
        return {
            fd,
            id,
            entry.flags.load(std::memory_order_relaxed),
            entry.mode.load(std::memory_order_relaxed),
            0};
    }
    struct stat status;
    const long flags = kernel(__NR_fcntl, fd, F_GETFL);
    if (flags < 0 || (flags & O_PATH) != 0 || kernel(__NR_fstat, fd, &status) != 0) {
        return {fd, 0, 0, 0, -EBADF};
    }
    return {fd, 0, static_cast<unsigned>(flags), status.st_mode, 0};
}

constexpr std::uint64_t transfer_max = 0x7ffff000;  // MAX_RW_COUNT

}  // namespace

outcome on_sendfile(call_frame& frame) noexcept {
    const long out_fd = frame.argument(0);
    const long in_fd = frame.argument(1);
    if (open_file_of(out_fd) == 0 && open_file_of(in_fd) == 0) {
        return outcome::pass;
    }
    const end in = look_at(in_fd);
    const end out = look_at(out_fd);
    auto* const offset = frame.argument<std::int64_t*>(2);
    const auto count = frame.argument<std::int64_t>(3);
    // In the order of the kernel's own checks.
    if (offset != nullptr && !can_write(offset)) {
        return answer(frame, -EFAULT);
    }
    if (in.failure != 0 || !in.reads()) {
        return answer(frame, -EBADF);
    }
    if (offset != nullptr && !in.has_position() && !S_ISDIR(in.mode)) {
        return answer(frame, -ESPIPE);
    }
    const std::int64_t begin = offset != nullptr ? *offset
                               : in.id != 0
                                   ? entry_of(in.id).position.load(std::memory_order_relaxed)
                                   : 0;
    if (count < 0 || begin < 0 || count > INT64_MAX - begin) {
        return answer(frame, -EINVAL);
    }
    if (out.failure != 0 || !out.writes()) {
        return answer(frame, -EBADF);
    }
    if ((out.flags & O_APPEND) != 0 && !S_ISFIFO(out.mode)) {
        return answer(frame, -EINVAL);
    }
    if (!in.has_position()) {
        return answer(frame, S_ISDIR(in.mode) && count == 0 ? 0 : -long{EINVAL});
    }
    const auto bytes = static_cast<std::uint64_t>(count);
    return answer(
        frame,
        send(out.fd, out.id, in.fd, in.id, offset, bytes < transfer_max ? bytes : transfer_max)
    );
}

namespace {

// Between the sides there is no copy: callers then read and write. What is wrong with the
// descriptors themselves comes first, in the order of the kernel's own checks.
long refuse_across(const end& in, const end& out) noexcept {
    if (S_ISDIR(in.mode) || S_ISDIR(out.mode)) {
        return -EISDIR;
    }
    if (!S_ISREG(in.mode) || !S_ISREG(out.mode)) {
        return -EINVAL;
    }
    return in.reads() && out.writes() && (out.flags & O_APPEND) == 0 ? -EXDEV : -EBADF;
}

}  // namespace

outcome on_copy_file_range(call_frame& frame) noexcept {
    const std::uint64_t from = open_file_of(frame.argument(0));
    const std::uint64_t to = open_file_of(frame.argument(2));
    if (from == 0 && to == 0) {
        return outcome::pass;
    }
    const end in = look_at(frame.argument(0));
    const end out = look_at(frame.argument(2));
    if (in.failure != 0 || out.failure != 0) {
        return answer(frame, -EBADF);
    }
    if (frame.argument(5) != 0) {
        return answer(frame, -EINVAL);
    }
    if (from == 0 || to == 0) {
        return refuse(frame, refuse_across(in, out), row_of(frame).special);
    }
    auto* const from_offset = frame.argument<std::int64_t*>(1);
    auto* const to_offset = frame.argument<std::int64_t*>(3);
    for (std::int64_t* const given : {from_offset, to_offset}) {
        if (given != nullptr && !can_write(given)) {
            return answer(frame, -EFAULT);
        }
    }
    const auto offset = [](const std::int64_t* given) noexcept {
        return static_cast<std::uint64_t>(given == nullptr ? segment::position_current : *given);
    };
    session_call call{segment::call::copy_range};
    const long copied = call.argument(0, from)
                            .argument(1, offset(from_offset))
                            .argument(2, to)
                            .argument(3, offset(to_offset))
                            .argument(4, frame.argument<std::uint64_t>(4))
                            .run();
    if (copied > 0) {
        if (from_offset != nullptr) {
            *from_offset += copied;
        }
        if (to_offset != nullptr) {
            *to_offset += copied;
        }
    }
    return answer(frame, copied);
}

}  // namespace farside::preload
