// Reading, writing, seeking and listing through a descriptor.
//
// A transfer larger than a slot's data area is several calls. One that may be short for its own
// reasons (a pipe, a device, a terminal) is never followed by another: that could block although
// the program's call has something to return.
#include "layer/preload/dispatch.hpp"
#include "layer/preload/read_cached.hpp"
#include "layer/preload/remote_call.hpp"
#include "layer/preload/transfer.hpp"

#include <sys/stat.h>
#include <sys/uio.h>

namespace farside::preload {
namespace {

bool continues(std::uint64_t id) noexcept {
    return S_ISREG(entry_of(id).mode.load(std::memory_order_relaxed));
}

std::size_t chunk_of(std::uint64_t bytes) noexcept {
    return bytes < segment::data_room ? static_cast<std::size_t>(bytes) : segment::data_room;
}

void advance(transfer& t, std::uint64_t bytes) noexcept {
    t.bytes -= bytes;
    if (t.offset != segment::position_current) {
        t.offset += static_cast<std::int64_t>(bytes);
    }
}

// Nothing of what is there can be handed over: EFAULT, or 0 where there is nothing.
long read_nowhere(const transfer& t) noexcept {
    if (!continues(t.id)) {
        return -EFAULT;
    }
    const std::int64_t at = t.offset != segment::position_current
                                ? t.offset
                                : entry_of(t.id).position.load(std::memory_order_acquire);
    session_call call{segment::call::read};
    const long got =
        call.argument(0, t.id).argument(1, static_cast<std::uint64_t>(at)).argument(2, 1).run();
    return got > 0 ? -EFAULT : got;
}

long read_remote(transfer t, cursor& into) noexcept {
    if (!readable(t.id)) {
        return -EBADF;
    }
    long done = 0;
    bool asked = false;
    do {
        const cached_read here = read_cached(t, into);
        done += static_cast<long>(here.bytes);
        advance(t, here.bytes);
        if (here.over) {
            break;
        }
        if (here.bytes != 0) {
            continue;
        }
        asked = true;
        const std::size_t room = chunk_of(t.bytes);
        const std::size_t wanted = into.good_bytes(room, writable_bytes);
        if (wanted == 0 && room != 0) {
            return done > 0 ? done : read_nowhere(t);
        }
        session_call call{segment::call::read};
        const long got = call.argument(0, t.id)
                             .argument(1, static_cast<std::uint64_t>(t.offset))
                             .argument(2, wanted)
                             .run();
        if (got < 0) {
            return done > 0 ? done : got;
        }
        const auto bytes =
            static_cast<std::size_t>(got) < wanted ? static_cast<std::size_t>(got) : wanted;
        into.scatter(call.data(), bytes);
        done += static_cast<long>(bytes);
        advance(t, bytes);
        if (bytes < wanted || wanted < room) {
            break;
        }
    } while (t.bytes > 0 && continues(t.id));
    if (!asked) {
        count_hit();
    }
    return done;
}

// A position means nothing to these, whatever a descriptor may do with them.
bool has_no_position(std::uint64_t id) noexcept {
    const auto mode = entry_of(id).mode.load(std::memory_order_relaxed);
    return !path_only(id) && (S_ISFIFO(mode) || S_ISSOCK(mode));
}

long write_remote(transfer t, cursor& from) noexcept {
    if (!writable(t.id)) {
        return -EBADF;
    }
    long done = 0;
    do {
        const std::size_t offered = chunk_of(t.bytes);
        const std::size_t wanted = from.good_bytes(offered, readable_bytes);
        if (wanted == 0 && offered != 0) {
            return done > 0 ? done : -EFAULT;
        }
        session_call call{segment::call::write};
        from.gather(call.data(), wanted);
        const long put = call.argument(0, t.id)
                             .argument(1, static_cast<std::uint64_t>(t.offset))
                             .argument(2, t.flags)
                             .argument(3, done > 0 ? 1 : 0)
                             .data_bytes(wanted)
                             .run();
        if (put < 0) {
            signal_broken_pipe(put);
            return done > 0 ? done : put;
        }
        done += put;
        advance(t, static_cast<std::uint64_t>(put));
        if (static_cast<std::size_t>(put) < wanted || wanted < offered) {
            break;
        }
    } while (t.bytes > 0);
    return done;
}

outcome transfer_plain(call_frame& frame, bool writing, bool positioned) noexcept {
    FARSIDE_REMOTE_DESCRIPTOR(id, frame.argument(0))
    const auto given = frame.argument<std::uint64_t>(2);
    const std::int64_t offset = positioned ? frame.argument(3) : segment::position_current;
    if (positioned && offset < 0) {
        return answer(frame, -EINVAL);
    }
    if (positioned && has_no_position(id)) {
        return answer(frame, -ESPIPE);
    }
    const iovec vector{frame.argument<void*>(1), given < transfer_max ? given : transfer_max};
    cursor memory{&vector, 1};
    const transfer t{id, offset, vector.iov_len, 0};
    return answer(frame, writing ? write_remote(t, memory) : read_remote(t, memory));
}

outcome transfer_vectored(call_frame& frame, bool writing, bool positioned) noexcept {
    FARSIDE_REMOTE_DESCRIPTOR(id, frame.argument(0))
    const bool flagged = frame.number == __NR_preadv2 || frame.number == __NR_pwritev2;
    const auto* const vectors = frame.argument<const iovec*>(1);
    const auto count = frame.argument<std::uint64_t>(2);
    std::int64_t offset = positioned ? frame.argument(3) : segment::position_current;
    if (flagged && offset == -1) {
        offset = segment::position_current;
    }
    if (count > iov_max || (offset < 0 && offset != segment::position_current)) {
        return answer(frame, -EINVAL);
    }
    if (offset != segment::position_current && has_no_position(id)) {
        return answer(frame, -ESPIPE);
    }
    if (!can_read(vectors, count * sizeof *vectors)) {
        return answer(frame, -EFAULT);
    }
    cursor memory{vectors, count};
    const std::int64_t total = memory.total();
    if (total < 0) {
        return answer(frame, total);
    }
    if (total == 0) {  // the kernel asks no file, whatever kind it is
        return answer(frame, (writing ? writable(id) : readable(id)) ? 0 : -EBADF);
    }
    // RWF_HIPRI is a hint; RWF_NOWAIT cannot be promised over a link.
    constexpr std::uint64_t known = RWF_DSYNC | RWF_SYNC | RWF_APPEND | RWF_HIPRI;
    const std::uint64_t flags = flagged ? frame.argument<std::uint64_t>(5) : 0;
    if ((flags & ~known) != 0) {
        return answer(frame, -EOPNOTSUPP);
    }
    const transfer t{
        id,
        offset,
        static_cast<std::uint64_t>(total),
        flags & ~static_cast<std::uint64_t>(RWF_HIPRI)};
    return answer(frame, writing ? write_remote(t, memory) : read_remote(t, memory));
}

}  // namespace

outcome on_read(call_frame& frame) noexcept {
    return transfer_plain(frame, false, false);
}

outcome on_pread64(call_frame& frame) noexcept {
    return transfer_plain(frame, false, true);
}

outcome on_write(call_frame& frame) noexcept {
    return transfer_plain(frame, true, false);
}

outcome on_pwrite64(call_frame& frame) noexcept {
    return transfer_plain(frame, true, true);
}

outcome on_readv(call_frame& frame) noexcept {
    return transfer_vectored(frame, false, false);
}

outcome on_preadv(call_frame& frame) noexcept {
    return transfer_vectored(frame, false, true);
}

outcome on_writev(call_frame& frame) noexcept {
    return transfer_vectored(frame, true, false);
}

outcome on_pwritev(call_frame& frame) noexcept {
    return transfer_vectored(frame, true, true);
}

outcome on_lseek(call_frame& frame) noexcept {
    FARSIDE_REMOTE_DESCRIPTOR(id, frame.argument(0))
    segment::open_file& entry = entry_of(id);
    const auto mode = entry.mode.load(std::memory_order_relaxed);
    const std::int64_t offset = frame.argument(1);
    const auto whence = frame.argument<unsigned>(2);
    if (path_only(id)) {
        return answer(frame, -EBADF);
    }
    if (S_ISREG(mode) && whence == SEEK_SET) {
        if (offset < 0) {
            return answer(frame, -EINVAL);
        }
        entry.position.store(offset, std::memory_order_release);
        count_hit();
        return answer(frame, offset);
    }
    if (S_ISREG(mode) && whence == SEEK_CUR) {
        std::int64_t position = entry.position.load(std::memory_order_acquire);
        std::int64_t moved = 0;
        do {
            if (__builtin_add_overflow(position, offset, &moved) || moved < 0) {
                return answer(frame, -EINVAL);
            }
        } while (!entry.position.compare_exchange_weak(position, moved, std::memory_order_acq_rel));
        count_hit();
        return answer(frame, moved);
    }
    session_call call{segment::call::seek};
    return answer(
        frame,
        call.argument(0, id)
            .argument(1, static_cast<std::uint64_t>(offset))
            .argument(2, whence)
            .run()
    );
}

namespace {

struct listing_entry {  // struct linux_dirent64, up to its name
    std::uint64_t inode;
    std::int64_t next;
    std::uint16_t bytes;
    std::uint8_t type;
};

constexpr std::size_t name_at = 19;      // of struct linux_dirent64
constexpr std::size_t old_name_at = 18;  // of struct linux_dirent, whose type is its last byte

// The records of getdents64(2) as those of getdents(2). Both are of the same length.
void to_old_form(char* to, const char* from, std::size_t bytes) noexcept {
    for (std::size_t at = 0; at + name_at < bytes;) {
        listing_entry entry;
        __builtin_memcpy(&entry, from + at, name_at);
        if (entry.bytes <= name_at || at + entry.bytes > bytes) {
            return;
        }
        __builtin_memcpy(to + at, from + at, old_name_at);
        __builtin_memcpy(to + at + old_name_at, from + at + name_at, entry.bytes - name_at);
        to[at + entry.bytes - 1] = static_cast<char>(entry.type);
        at += entry.bytes;
    }
}

outcome read_directory(call_frame& frame) noexcept {
    FARSIDE_REMOTE_DESCRIPTOR(id, frame.argument(0))
    if (path_only(id)) {
        return answer(frame, -EBADF);
    }
    auto* const to = frame.argument<char*>(1);
    const std::size_t given = chunk_of(frame.argument<std::uint32_t>(2));
    const std::size_t room = writable_bytes(to, given);
    if (room == 0 && given != 0) {
        return answer(frame, -EFAULT);
    }
    session_call call{segment::call::read_directory};
    const long got = call.argument(0, id).argument(1, room).run();
    if (got > static_cast<long>(room)) {
        return answer(frame, -EIO);
    }
    if (got > 0) {
        const auto* const from = reinterpret_cast<const char*>(call.data());
        if (frame.number == __NR_getdents) {
            to_old_form(to, from, static_cast<std::size_t>(got));
        } else {
            __builtin_memcpy(to, from, static_cast<std::size_t>(got));
        }
    }
    return answer(frame, got);
}

}  // namespace

outcome on_getdents64(call_frame& frame) noexcept {
    return read_directory(frame);
}

outcome on_getdents(call_frame& frame) noexcept {
    return read_directory(frame);
}

}  // namespace farside::preload
