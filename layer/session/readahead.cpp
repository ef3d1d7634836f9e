// The growth of windows is that of mm/readahead.c.
#include "layer/session/readahead.hpp"

#include <algorithm>
#include <cassert>

namespace farside::session {
namespace {

// Below this part of the largest window, windows grow fourfold, above it twofold.
constexpr std::uint64_t steep_part = 16;

std::uint64_t down(std::uint64_t offset) {
    return offset / readahead::block_bytes * readahead::block_bytes;
}

std::uint64_t up(std::uint64_t offset) {
    return down(offset + readahead::block_bytes - 1);
}

}  // namespace

std::uint64_t readahead::next_window(const surroundings& now) const {
    const std::uint64_t most = std::max(first_window, down(std::min(now.window, window_max)));
    if (now.hurry) {
        return most;
    }
    return std::min(most, window_ < most / steep_part ? window_ * 4 : window_ * 2);
}

bool readahead::continues(const byte_range& asked) const {
    return streaming_ && asked.begin >= begin_ && asked.begin <= end_;
}

readahead::decision readahead::on_read(byte_range asked, const surroundings& now) {
    assert(!asked.empty());
    const bool contiguous = asked.begin == 0 || asked.begin == expected_;
    expected_ = asked.end;
    decision d;
    if (random_) {
        return d;
    }
    if (!continues(asked) || (now.lost && asked.begin < end_)) {
        collapse();
        if (!contiguous) {
            return d;
        }
        // As if the reader stood at the beginning of a newest window of no bytes.
        streaming_ = true;
        begin_ = marker_ = end_ = down(asked.begin);
    }
    d.stream = true;
    d.ahead.begin = end_;
    while (asked.end > marker_ && end_ < now.file_end) {
        const bool first = begin_ == end_;
        window_ = first && !now.hurry && begin_ == 0 ? first_window : next_window(now);
        marker_ = end_;
        end_ = std::min(std::max(end_ + window_, first ? up(asked.end) : 0), now.file_end);
    }
    d.ahead.end = end_;
    if (end_ < now.file_end) {
        d.marker = marker_;
    }
    return d;
}

void readahead::advise(advice a) {
    random_ = a == advice::random;
    if (random_) {
        collapse();
    }
}

void readahead::collapse() {
    streaming_ = false;
    begin_ = marker_ = end_ = 0;
    window_ = first_window;
}

}  // namespace farside::session
