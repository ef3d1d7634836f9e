// Blocks as they come. Frames are taken apart where they arrive, in their order among the notices
// of ended leases: so what is stored was read while the lease was held.
#include "layer/session/file_data.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace farside::session {
namespace {

// In the background two requests are under way, of half of what the link holds each: a read of
// something else in the file waits behind them.
constexpr std::uint64_t background_min = std::uint64_t{256} * 1024;

std::uint64_t whole_blocks(std::uint64_t bytes) {
    return bytes / file_data::block_bytes * file_data::block_bytes;
}

}  // namespace

file_data::file_data(
    surroundings& around,
    std::uint64_t data,
    protocol::handle_id handle,
    const protocol::attributes& attr
)
    : around_{around}, data_{data}, handle_{handle}, attr_{attr} {}

file_data::~file_data() {
    end();
    around_.unused(*this);
}

void file_data::end() {
    if (!leased_) {
        return;
    }
    leased_ = false;
    around_.shared.remove_data(data_);
    held_.clear();
    held_back_.clear();
    wake_all();
}

std::uint64_t file_data::blocks_end() const {
    // A size that no file has is the agent's affair: reads end where it ends.
    const auto size = std::min(attr_.size, std::uint64_t{INT64_MAX} - 2 * block_bytes);
    return whole_blocks(size) + block_bytes;
}

void file_data::begin_with(std::span<const std::byte> bytes, std::uint64_t asked) {
    std::uint64_t index = 0;
    const bool ends = bytes.size() < asked;
    std::span<const std::byte> rest = bytes;
    while (rest.size() >= block_bytes) {
        store(index, rest.first(block_bytes), ends && rest.size() == block_bytes);
        rest = rest.subspan(block_bytes);
        ++index;
    }
    if (ends) {
        file_end_ = bytes.size();
        if (!rest.empty() || index == 0) {
            store(index, rest, true);
        }
    }
}

std::span<const std::byte> file_data::find(std::uint64_t index) {
    if (!leased_) {
        return {};
    }
    held_back_.erase(index);
    if (const auto held = held_.find(index); held != held_.end()) {
        const auto bytes = std::move(held->second);
        held_.erase(held);
        const bool last = file_end_ && *file_end_ <= index * block_bytes + bytes.size();
        around_.shared.put_block(data_, index, bytes, last);
    }
    return around_.shared.find_block(data_, index);
}

bool file_data::on_its_way(std::uint64_t index) const {
    const auto offset = index * block_bytes;
    return std::any_of(flights_.begin(), flights_.end(), [&](const flight& f) {
        return offset >= f.arrived && offset < f.range.end;
    });
}

void file_data::detach() {
    if (--readers_ != 0) {
        return;
    }
    held_back_.clear();
    while (!held_.empty()) {
        static_cast<void>(find(held_.begin()->first));
    }
}

// ---- asking ----

// What the link carries in a millisecond: of those that wait at the agent the next is chosen anew.
std::uint64_t file_data::request_bytes_max() const {
    return std::clamp<std::uint64_t>(
        whole_blocks(around_.estimate().bytes_per_second / 1000),
        protocol::limits::data_bytes_max,
        protocol::limits::read_bytes_max
    );
}

void file_data::fetch(byte_range blocks, reason why) {
    const auto of =
        why == reason::guess ? protocol::priority::prefetch : protocol::priority::stream;
    const auto longest = request_bytes_max();
    auto waited = why == reason::demand ? session_stats::waited::yes : session_stats::waited::no;
    const auto missing = [this](std::uint64_t offset) {
        const auto index = offset / block_bytes;
        return !held_.contains(index) && !on_its_way(index) &&
               around_.shared.find_block(data_, index).data() == nullptr;
    };
    for (std::uint64_t at = blocks.begin; leased_ && at < blocks.end;) {
        if (!missing(at)) {
            at += block_bytes;
            continue;
        }
        std::uint64_t to = at + block_bytes;
        while (to < blocks.end && to - at < longest && missing(to)) {
            to += block_bytes;
        }
        flights_.emplace_back();
        const auto f = std::prev(flights_.end());
        f->range = {at, to};
        f->arrived = at;
        around_.under_way += f->range.size();
        around_.tasks.spawn(request(shared_from_this(), f, of, waited));
        waited = session_stats::waited::no;
        at = to;
    }
}

awaitable<> file_data::request(
    std::shared_ptr<file_data> self,
    flights::iterator f,
    protocol::priority of,
    session_stats::waited w
) {
    link_caller by{w};
    protocol::read message;
    message.handle = self->handle_;
    message.offset = static_cast<std::int64_t>(f->range.begin);
    message.bytes = static_cast<std::uint32_t>(f->range.size());
    reply_collector<protocol::read> reply;
    reply.bytes_max = f->range.size();
    reply.arrived = [&self, f](std::span<const std::byte> bytes) { self->take(*f, bytes); };
    const wish said{of};
    const auto ec = co_await self->around_.link.call(message, reply, by, said);
    self->landed(f, ec.failed());
}

void file_data::fetch_all() {
    if (leased_ && !fetching_all_) {
        fetching_all_ = true;
        around_.tasks.spawn(request_all(shared_from_this()));
    }
}

awaitable<> file_data::request_all(std::shared_ptr<file_data> self) {
    std::uint64_t before = 0;  // the last byte of the request before
    for (std::uint64_t at = 0; self->leased_ && at < self->blocks_end();) {
        const auto part = std::clamp<std::uint64_t>(
            whole_blocks(self->around_.estimate().bdp() / 2),
            background_min,
            protocol::limits::read_bytes_max
        );
        const auto to = std::min(at + part, self->blocks_end());
        self->fetch({at, to}, reason::guess);
        if (at > 0) {
            co_await self->wait_for(before / block_bytes);
        }
        if (self->readers_ == 0 || !self->around_.link.usable()) {
            break;
        }
        before = to - 1;
        at = to;
    }
    self->fetching_all_ = false;
}

// ---- what comes ----

void file_data::take(flight& f, std::span<const std::byte> bytes) {
    while (leased_ && !bytes.empty()) {
        if (f.staged.empty() && bytes.size() >= block_bytes) {
            store(f.arrived / block_bytes, bytes.first(block_bytes), false);
            f.arrived += block_bytes;
            bytes = bytes.subspan(block_bytes);
            continue;
        }
        const auto part = std::min<std::size_t>(block_bytes - f.staged.size(), bytes.size());
        f.staged.insert(f.staged.end(), bytes.begin(), bytes.begin() + static_cast<long>(part));
        bytes = bytes.subspan(part);
        if (f.staged.size() == block_bytes) {
            const auto index = f.arrived / block_bytes;
            f.arrived += block_bytes;
            store(index, f.staged, false);
            f.staged.clear();
        }
    }
}

void file_data::landed(flights::iterator f, bool failed) {
    around_.under_way -= f->range.size();
    const flight done = std::move(*f);
    flights_.erase(f);
    const auto end = done.arrived + done.staged.size();
    if (leased_ && !failed && end < done.range.end) {
        ends_at(end);
        if (!done.staged.empty() || end == 0) {
            store(done.arrived / block_bytes, done.staged, true);
        }
    }
    wake_all();
}

// Where the last block is full, it is there already and must say so.
void file_data::ends_at(std::uint64_t offset) {
    file_end_ = std::min(offset, file_end_.value_or(offset));
    if (offset == 0 || offset % block_bytes != 0) {
        return;
    }
    const auto last = offset / block_bytes - 1;
    if (const auto found = around_.shared.find_block(data_, last); found.data() != nullptr) {
        const std::vector<std::byte> bytes{found.begin(), found.end()};
        around_.shared.put_block(data_, last, bytes, true);
    }
}

void file_data::store(std::uint64_t index, std::span<const std::byte> bytes, bool ends) {
    if (held_back_.contains(index)) {
        held_[index].assign(bytes.begin(), bytes.end());
    } else {
        around_.shared.put_block(data_, index, bytes, ends);
    }
    wake(index);
}

// ---- waiting ----

awaitable<> file_data::wait_for(std::uint64_t index) {
    async_event woken{around_.tasks.executor()};
    const auto w = waiters_.insert(waiters_.end(), {index, &woken});
    while (leased_ && on_its_way(index)) {
        co_await woken.wait();
    }
    waiters_.erase(w);
}

void file_data::wake(std::uint64_t index) {
    for (const auto& w : waiters_) {
        if (w.index == index) {
            w.woken->notify();
        }
    }
}

void file_data::wake_all() {
    for (const auto& w : waiters_) {
        w.woken->notify();
    }
}

}  // namespace farside::session
