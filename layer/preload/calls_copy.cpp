// Calls that move bytes between two descriptors: sendfile(2), copy_file_range(2), splice(2).
#include "layer/preload/dispatch.hpp"
#include "layer/preload/remote_call.hpp"

#include <initializer_list>

#include <sys/stat.h>

namespace farside::preload {
namespace {

bool own(long fd) noexcept {
    return is_own_descriptor(fd);
}

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

long put(long fd, std::uint64_t id, const std::byte* data, std::size_t bytes) noexcept {
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
        const long written = put(out, out_id, call.data(), static_cast<std::size_t>(got));
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

outcome on_sendfile(call_frame& frame) noexcept {
    const long out = frame.argument(0);
    const long in = frame.argument(1);
    const std::uint64_t out_id = open_file_of(out);
    const std::uint64_t in_id = open_file_of(in);
    if (out_id == 0 && in_id == 0) {
        return outcome::pass;
    }
    if (own(out) || own(in)) {
        return answer(frame, -EBADF);
    }
    return answer(
        frame,
        send(
            out,
            out_id,
            in,
            in_id,
            frame.argument<std::int64_t*>(2),
            frame.argument<std::uint64_t>(3)
        )
    );
}

namespace {

// What copy_file_range(2) says of a descriptor before it finds that the sides differ.
long judge_for_copy(long fd, std::uint64_t id, bool target) noexcept {
    struct stat found {};

    unsigned flags = 0;
    unsigned mode = 0;
    if (id == 0) {
        const long got = kernel(__NR_fcntl, fd, F_GETFL);
        if (got < 0 || kernel(__NR_fstat, fd, &found) < 0) {
            return -EBADF;
        }
        flags = static_cast<unsigned>(got);
        mode = found.st_mode;
    } else {
        flags = entry_of(id).flags.load(std::memory_order_relaxed);
        mode = entry_of(id).mode.load(std::memory_order_relaxed);
    }
    if ((flags & O_PATH) != 0) {
        return -EBADF;
    }
    if (!S_ISREG(mode)) {
        return S_ISDIR(mode) ? -EISDIR : -EINVAL;
    }
    const bool permitted = target ? (flags & O_ACCMODE) != O_RDONLY && (flags & O_APPEND) == 0
                                  : (flags & O_ACCMODE) != O_WRONLY;
    return permitted ? 0 : -EBADF;
}

// Between the sides there is no copy: callers then read and write.
long refuse_across(long from, std::uint64_t from_id, long to, std::uint64_t to_id) noexcept {
    const long first = judge_for_copy(from, from_id, false);
    const long second = judge_for_copy(to, to_id, true);
    for (const long invalid : {-EBADF, -EISDIR, -EINVAL}) {
        if (first == invalid || second == invalid) {
            return invalid;
        }
    }
    return -EXDEV;
}

}  // namespace

outcome on_copy_file_range(call_frame& frame) noexcept {
    const std::uint64_t from = open_file_of(frame.argument(0));
    const std::uint64_t to = open_file_of(frame.argument(2));
    if (from == 0 && to == 0) {
        return outcome::pass;
    }
    if (own(frame.argument(0)) || own(frame.argument(2))) {
        return answer(frame, -EBADF);
    }
    if (from == 0 || to == 0) {
        return answer(frame, refuse_across(frame.argument(0), from, frame.argument(2), to));
    }
    auto* const from_offset = frame.argument<std::int64_t*>(1);
    auto* const to_offset = frame.argument<std::int64_t*>(3);
    if (path_only(from) || path_only(to)) {
        return answer(frame, -EBADF);
    }
    if (frame.argument(5) != 0) {
        return answer(frame, -EINVAL);
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

// A pipe end is in this kernel, the file is not. Callers of splice fall back on EINVAL, which the
// kernel also says for files that cannot splice.
outcome on_splice(call_frame& frame) noexcept {
    const std::uint64_t from = open_file_of(frame.argument(0));
    const std::uint64_t to = open_file_of(frame.argument(2));
    if (from == 0 && to == 0) {
        return outcome::pass;
    }
    return answer(frame, from == own_descriptor || to == own_descriptor ? -EBADF : -EINVAL);
}

}  // namespace farside::preload
