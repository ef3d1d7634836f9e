// A read that is put together from several blocks is of one moment as long as the lease is held;
// where it ends meanwhile, all of it is read anew.
#include "layer/session/file_reader.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace farside::session {
namespace {

constexpr std::uint64_t block_bytes = file_data::block_bytes;

byte_range blocks_of(const byte_range& asked) {
    return {
        asked.begin / block_bytes * block_bytes,
        (asked.end + block_bytes - 1) / block_bytes * block_bytes};
}

}  // namespace

file_reader::file_reader(
    file_cache& cache, std::shared_ptr<file_data> data, std::uint64_t inline_bytes
)
    : cache_{cache}, data_{std::move(data)}, ahead_{inline_bytes} {
    data_->attach();
}

file_reader::~file_reader() {
    count();
    data_->detach();
}

awaitable<file_reader::bytes_read> file_reader::read(
    std::uint64_t offset, std::span<std::byte> room, std::uint64_t in_all, link_caller& by
) {
    const auto size = data_->file_end().value_or(data_->blocks_end());
    if (!data_->leased() || room.empty()) {
        co_return std::nullopt;
    }
    if (offset >= size) {
        co_return data_->file_end() ? bytes_read{0} : std::nullopt;
    }
    const byte_range asked{offset, std::min(offset + room.size(), size)};
    const auto how = ask(asked, in_all > room.size());
    if (how == way::agent) {
        co_return std::nullopt;
    }
    const auto since = std::chrono::steady_clock::now();
    const auto blocks = blocks_of(asked);
    bool came = false;
    for (auto at = blocks.begin; at < blocks.end; at += block_bytes) {
        came = came || data_->on_its_way(at / block_bytes);
        co_await data_->wait_for(at / block_bytes);
    }
    if (came) {
        by.count_request();  // another's, but it was waited for
    }
    if (came && how == way::blocks) {
        waited(std::chrono::steady_clock::now() - since);
    }
    const auto done = copy(offset, room);
    if (!done.complete) {
        co_return std::nullopt;
    }
    furthest_ = std::max(furthest_, offset + done.bytes);
    co_return done.bytes;
}

file_reader::copied file_reader::copy(std::uint64_t offset, std::span<std::byte> room) const {
    copied done;
    while (done.bytes < room.size()) {
        const auto at = offset + done.bytes;
        const auto end = data_->file_end();
        if (end && at >= *end) {
            done.complete = data_->leased();
            return done;
        }
        const auto block = data_->find(at / block_bytes);
        const auto inside = at % block_bytes;
        if (block.size() <= inside) {
            return done;
        }
        const auto part = std::min<std::size_t>(block.size() - inside, room.size() - done.bytes);
        std::memcpy(room.data() + done.bytes, block.data() + inside, part);
        done.bytes += part;
    }
    done.complete = true;
    return done;
}

file_reader::way file_reader::ask(byte_range asked, bool hurry) {
    const auto first = asked.begin / block_bytes;
    readahead::surroundings now;
    now.window = cache_.window();
    now.file_end = data_->blocks_end();
    now.hurry = hurry || cache_.hurries();
    now.lost = data_->find(first).data() == nullptr && !data_->on_its_way(first);
    const auto decision = ahead_.on_read(asked, now);
    if (!decision.stream) {
        return ask_scattered(asked);
    }
    if (decision.marker && *decision.marker >= asked.end) {
        data_->hold_back(*decision.marker / block_bytes);
    }
    data_->fetch(blocks_of(asked), file_data::reason::demand);
    if (!decision.ahead.empty()) {
        data_->fetch(decision.ahead, file_data::reason::ahead);
        if (windows_end_ != decision.ahead.begin) {
            count();
            windows_begin_ = std::max(asked.end, decision.ahead.begin);
        }
        windows_end_ = decision.ahead.end;
    }
    return way::stream;
}

file_reader::way file_reader::ask_scattered(byte_range asked) {
    const auto blocks = blocks_of(asked);
    bool missing = false;
    // Of a file that is much too large to be fetched no block is likely to be read again.
    bool whole = cache_.block_is_cheap() && data_->attr().size <= cache_.whole_bytes_max();
    for (auto at = blocks.begin; at < blocks.end; at += block_bytes) {
        const auto index = at / block_bytes;
        if (data_->find(index).data() == nullptr && !data_->on_its_way(index)) {
            missing = true;
            whole = data_->random.touch(index) || whole;
        }
    }
    if (missing && whole) {
        data_->fetch(blocks, file_data::reason::demand);
    }
    return missing && !whole ? way::agent : way::blocks;
}

void file_reader::waited(std::chrono::nanoseconds time) {
    const auto size = data_->attr().size;
    if (data_->leased() && cache_.predicts() && size <= cache_.whole_bytes_max() &&
        data_->random.waited(time, size, cache_.estimate().bytes_per_second) &&
        cache_.score.allows()) {
        data_->fetch_all();
    }
}

void file_reader::closing(std::int64_t position) {
    furthest_ =
        std::max(furthest_, static_cast<std::uint64_t>(std::max<std::int64_t>(position, 0)));
    cache_.note_closed(furthest_ >= data_->attr().size);
}

// Of a stream it is known how far its reader came.
void file_reader::count() {
    if (windows_end_ > windows_begin_) {
        const auto size = std::min(windows_end_, data_->attr().size);
        const auto asked = size > windows_begin_ ? size - windows_begin_ : 0;
        const auto come = std::min(windows_end_, furthest_);
        const auto used = come > windows_begin_ ? std::min(come - windows_begin_, asked) : 0;
        cache_.count_ahead(asked);
        cache_.count_use(used, asked - used);
    }
    windows_begin_ = windows_end_ = 0;
}

}  // namespace farside::session
