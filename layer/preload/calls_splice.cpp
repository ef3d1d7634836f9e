// splice(2) between a remote file and a pipe of this machine, and tee(2). Bytes go through a slot's
// data area, at most its size for a call: splice may always move less than it was asked to.
#include "layer/preload/dispatch.hpp"
#include "layer/preload/remote_call.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

namespace farside::preload {
namespace {

constexpr unsigned splice_flags = 0xf;  // MOVE, NONBLOCK, MORE, GIFT
constexpr unsigned nonblock = 2;        // SPLICE_F_NONBLOCK
// A pipe that poll(2) says can be written has room for that many.
constexpr std::size_t pipe_atom = 4096;  // PIPE_BUF

constexpr const char* remote_pipe = "a FIFO of the target is no pipe of this kernel";

struct local_end {
    bool is_pipe = false;
    unsigned flags = 0;  // O_*
    long failure = 0;
};

local_end look_at(long fd) noexcept {
    struct stat status;
    const long flags = kernel(__NR_fcntl, fd, F_GETFL);
    if (flags < 0 || (flags & O_PATH) != 0 || kernel(__NR_fstat, fd, &status) != 0) {
        return {false, 0, -EBADF};
    }
    return {S_ISFIFO(status.st_mode), static_cast<unsigned>(flags), 0};
}

bool has_offsets(std::uint64_t id) noexcept {
    const auto mode = entry_of(id).mode.load(std::memory_order_relaxed);
    return S_ISREG(mode) || S_ISBLK(mode);
}

bool is_remote_pipe(std::uint64_t id) noexcept {
    return S_ISFIFO(entry_of(id).mode.load(std::memory_order_relaxed));
}

// 1: there is room. As the kernel does before it looks at the file.
long wait_for_room(long pipe, bool may_wait) noexcept {
    struct pollfd one {
        static_cast<int>(pipe), POLLOUT, 0
    };

    const long ready = kernel(__NR_poll, &one, 1, may_wait ? -1 : 0);
    if (ready < 0) {
        return ready;
    }
    if ((one.revents & POLLERR) != 0) {
        signal_broken_pipe(-EPIPE);
        return -EPIPE;
    }
    return ready == 0 ? -EAGAIN : 1;
}

// Writes what the pipe takes without waiting. What it does not take was only looked at.
long fill_pipe(long pipe, const std::byte* data, std::size_t bytes) noexcept {
    std::size_t done = 0;
    while (done < bytes && (done == 0 || wait_for_room(pipe, false) == 1)) {
        const std::size_t part = bytes - done < pipe_atom ? bytes - done : pipe_atom;
        const long put = kernel(__NR_write, pipe, data + done, part);
        if (put <= 0) {
            return done > 0 ? static_cast<long>(done) : put;
        }
        done += static_cast<std::size_t>(put);
    }
    return static_cast<long>(done);
}

std::size_t room_of(long pipe) noexcept {
    int used = 0;
    const long capacity = kernel(__NR_fcntl, pipe, F_GETPIPE_SZ);
    if (capacity <= 0 || kernel(__NR_ioctl, pipe, FIONREAD, &used) != 0) {
        return pipe_atom;
    }
    const auto room = static_cast<std::size_t>(capacity > used ? capacity - used : 0);
    return room < pipe_atom ? pipe_atom : room;
}

std::size_t least(std::uint64_t a, std::uint64_t b) noexcept {
    const std::uint64_t bytes = a < b ? a : b;
    return static_cast<std::size_t>(bytes < segment::data_room ? bytes : segment::data_room);
}

// The file is read where it is, and its position moves by what went into the pipe.
long file_to_pipe(
    std::uint64_t id, std::int64_t* offset, long pipe, std::uint64_t bytes, bool may_wait
) noexcept {
    if (const long room = wait_for_room(pipe, may_wait); room != 1) {
        return room;
    }
    segment::open_file& entry = entry_of(id);
    const std::int64_t at =
        offset != nullptr ? *offset : entry.position.load(std::memory_order_acquire);
    session_call call{segment::call::read};
    const std::size_t wanted = least(bytes, room_of(pipe));
    const long got =
        call.argument(0, id).argument(1, static_cast<std::uint64_t>(at)).argument(2, wanted).run();
    if (got <= 0) {
        return got;
    }
    const auto read =
        static_cast<std::size_t>(got) < wanted ? static_cast<std::size_t>(got) : wanted;
    const long put = fill_pipe(pipe, call.data(), read);
    if (put > 0 && offset != nullptr) {
        *offset = at + put;
    } else if (put > 0) {
        entry.position.store(at + put, std::memory_order_release);
    }
    return put;
}

// A pipe of our own, for the length of a scope.
class own_pipe {
public:
    own_pipe() noexcept : failure_{kernel(__NR_pipe2, ends_, O_CLOEXEC)} {}

    ~own_pipe() {
        if (failure_ == 0) {
            kernel(__NR_close, ends_[0]);
            kernel(__NR_close, ends_[1]);
        }
    }

    own_pipe(const own_pipe&) = delete;
    own_pipe& operator=(const own_pipe&) = delete;
    own_pipe(own_pipe&&) = delete;
    own_pipe& operator=(own_pipe&&) = delete;

    [[nodiscard]] bool made() const noexcept { return failure_ == 0; }

    [[nodiscard]] int reading() const noexcept { return ends_[0]; }

    [[nodiscard]] int writing() const noexcept { return ends_[1]; }

private:
    int ends_[2] = {-1, -1};
    long failure_;
};

// What is in the pipe is copied (tee), written to the file, and only then taken out: a write that
// fails loses nothing.
long pipe_to_file(
    long pipe, std::uint64_t id, std::int64_t* offset, std::uint64_t bytes, unsigned flags
) noexcept {
    const own_pipe between;
    if (!between.made()) {
        return -ENOMEM;
    }
    long got = kernel(
        __NR_tee, pipe, between.writing(), least(bytes, segment::data_room), flags & nonblock
    );
    if (got <= 0) {
        return got;
    }
    session_call call{segment::call::write};
    got = kernel(__NR_read, between.reading(), call.data(), segment::data_room);
    if (got <= 0) {
        return got;
    }
    const std::int64_t at = offset != nullptr ? *offset : segment::position_current;
    const long put = call.argument(0, id)
                         .argument(1, static_cast<std::uint64_t>(at))
                         .data_bytes(static_cast<std::size_t>(got))
                         .run();
    if (put <= 0) {
        return put;
    }
    if (offset != nullptr) {
        *offset += put;
    }
    kernel(__NR_read, pipe, call.data(), put < got ? put : got);
    return put;
}

// In the order of the kernel's own checks.
outcome splice_out(call_frame& frame, std::uint64_t from) noexcept {
    const auto* const out_offset = frame.argument<const std::int64_t*>(3);
    auto* const offset = frame.argument<std::int64_t*>(1);
    const long pipe = frame.argument(2);
    const local_end out = look_at(pipe);
    if (out.failure != 0) {
        return answer(frame, out.failure);
    }
    if (out.is_pipe && out_offset != nullptr) {
        return answer(frame, -ESPIPE);
    }
    if (!readable(from) || (out.flags & O_ACCMODE) == O_RDONLY) {
        return answer(frame, -EBADF);
    }
    if (is_remote_pipe(from)) {
        return refuse(frame, offset != nullptr ? -ESPIPE : -EINVAL, remote_pipe);
    }
    if (!out.is_pipe || !has_offsets(from) || (offset != nullptr && *offset < 0)) {
        return answer(frame, -EINVAL);
    }
    const bool may_wait = (frame.argument(5) & nonblock) == 0 && (out.flags & O_NONBLOCK) == 0;
    return answer(
        frame, file_to_pipe(from, offset, pipe, frame.argument<std::uint64_t>(4), may_wait)
    );
}

outcome splice_in(call_frame& frame, std::uint64_t to) noexcept {
    const auto* const in_offset = frame.argument<const std::int64_t*>(1);
    auto* const offset = frame.argument<std::int64_t*>(3);
    const long pipe = frame.argument(0);
    const local_end in = look_at(pipe);
    if (in.failure != 0) {
        return answer(frame, in.failure);
    }
    if (in.is_pipe && in_offset != nullptr) {
        return answer(frame, -ESPIPE);
    }
    if ((in.flags & O_ACCMODE) == O_WRONLY || !writable(to)) {
        return answer(frame, -EBADF);
    }
    if (is_remote_pipe(to)) {
        return refuse(frame, offset != nullptr ? -ESPIPE : -EINVAL, remote_pipe);
    }
    const auto flags = entry_of(to).flags.load(std::memory_order_relaxed);
    if (!in.is_pipe || !has_offsets(to) || (flags & O_APPEND) != 0 ||
        (offset != nullptr && *offset < 0)) {
        return answer(frame, -EINVAL);
    }
    return answer(
        frame,
        pipe_to_file(
            pipe, to, offset, frame.argument<std::uint64_t>(4), frame.argument<unsigned>(5)
        )
    );
}

}  // namespace

outcome on_splice(call_frame& frame) noexcept {
    const std::uint64_t from = open_file_of(frame.argument(0));
    const std::uint64_t to = open_file_of(frame.argument(2));
    if (from == 0 && to == 0) {
        return outcome::pass;
    }
    if (frame.argument(4) == 0) {
        return answer(frame, 0);
    }
    if ((frame.argument<unsigned>(5) & ~splice_flags) != 0) {
        return answer(frame, -EINVAL);
    }
    for (const std::uint64_t id : {from, to}) {
        if (id == own_descriptor || (id != 0 && path_only(id))) {
            return answer(frame, -EBADF);
        }
    }
    for (const std::size_t i : {1U, 3U}) {
        auto* const offset = frame.argument<std::int64_t*>(i);
        if (offset != nullptr && !can_write(offset)) {
            return answer(frame, -EFAULT);
        }
    }
    if (from != 0 && to != 0) {
        const bool allowed = readable(from) && writable(to);
        return answer(frame, allowed ? -EINVAL : -EBADF);
    }
    return from != 0 ? splice_out(frame, from) : splice_in(frame, to);
}

// tee(2) is for pipes of this kernel alone.
outcome on_tee(call_frame& frame) noexcept {
    const std::uint64_t from = open_file_of(frame.argument(0));
    const std::uint64_t to = open_file_of(frame.argument(1));
    if (from == 0 && to == 0) {
        return outcome::pass;
    }
    if ((frame.argument<unsigned>(3) & ~splice_flags) != 0) {
        return answer(frame, -EINVAL);
    }
    if (frame.argument(2) == 0) {
        return answer(frame, 0);
    }
    if (from == own_descriptor || to == own_descriptor || (from != 0 && !readable(from)) ||
        (to != 0 && !writable(to))) {
        return answer(frame, -EBADF);
    }
    const local_end other = from == 0 ? look_at(frame.argument(0)) : look_at(frame.argument(1));
    if ((from == 0 || to == 0) && other.failure != 0) {
        return answer(frame, other.failure);
    }
    return refuse(frame, -EINVAL, row_of(frame).special);
}

}  // namespace farside::preload
