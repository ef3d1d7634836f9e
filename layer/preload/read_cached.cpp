// Copies first and then asks whether what was copied is the file's: nothing is waited for.
#include "layer/preload/read_cached.hpp"

#include "layer/preload/cached.hpp"
#include "layer/preload/program_memory.hpp"

#include <fcntl.h>
#include <sys/stat.h>

namespace farside::preload {
namespace {

// Somebody else moves the position each time: the session lets readers take turns.
constexpr int attempts_max = 4;

// Stops where the cache knows no more, where the file ends, and at memory that cannot be written.
cached_read copy_from(const transfer& t, std::uint64_t offset, cursor& into) noexcept {
    cached_read done;
    while (done.bytes < t.bytes && !done.over) {
        const auto piece = cached_bytes(t.id, offset + done.bytes);
        if (piece.bytes == nullptr) {
            break;
        }
        const std::uint64_t rest = t.bytes - done.bytes;
        const std::size_t wanted = piece.size < rest ? piece.size : rest;
        const std::size_t good = into.good_bytes(wanted, writable_bytes);
        const cursor before = into;
        into.scatter(piece.bytes, good);
        if (!piece.still_holds()) {
            into = before;
            break;
        }
        note_use(piece);
        done.bytes += good;
        done.over = good == piece.size && piece.ends_file;
        if (good < wanted) {
            done.over = done.bytes != 0;
            break;
        }
    }
    return done;
}

}  // namespace

cached_read read_cached(const transfer& t, cursor& into) noexcept {
    segment::open_file& file = entry_of(t.id);
    if (file.data.load(std::memory_order_relaxed) == 0 || t.bytes == 0 || t.flags != 0 ||
        !S_ISREG(file.mode.load(std::memory_order_relaxed)) ||
        (file.flags.load(std::memory_order_relaxed) & O_DIRECT) != 0) {
        return {};
    }
    const auto begins = [&](std::int64_t at) noexcept {
        return at >= 0 && static_cast<std::uint64_t>(at) <= INT64_MAX - t.bytes;
    };
    if (t.offset != segment::position_current) {
        return begins(t.offset) ? copy_from(t, static_cast<std::uint64_t>(t.offset), into)
                                : cached_read{};
    }
    const cursor before = into;
    std::int64_t position = file.position.load(std::memory_order_acquire);
    for (int attempt = 0; attempt < attempts_max && begins(position); ++attempt) {
        const cached_read done = copy_from(t, static_cast<std::uint64_t>(position), into);
        const std::int64_t moved = position + static_cast<std::int64_t>(done.bytes);
        if ((done.bytes == 0 && !done.over) ||
            file.position.compare_exchange_strong(position, moved, std::memory_order_acq_rel)) {
            return done;
        }
        into = before;
    }
    return {};
}

}  // namespace farside::preload
