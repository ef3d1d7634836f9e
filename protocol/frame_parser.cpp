// One flat buffer: a frame is always contiguous, so its payload can be handed out as a view.
#include "protocol/frame_parser.hpp"

#include "protocol/priority.hpp"

#include <cassert>
#include <cstring>

namespace farside::protocol {
namespace {

// Two of the largest frames: a read can fill one while the part of the next one waits behind it.
constexpr std::size_t buffer_bytes = 2 * (frame_header_bytes + limits::frame_payload_bytes_max);

}  // namespace

frame_parser::frame_parser() : buffer_(buffer_bytes) {}

std::span<std::byte> frame_parser::prepare() {
    if (begin_ == end_) {
        begin_ = end_ = 0;
    } else if (buffer_.size() - begin_ < frame_header_bytes + limits::frame_payload_bytes_max) {
        // The frame that is coming may not fit behind what is there: move its beginning to the
        // front.
        std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    assert(end_ < buffer_.size());
    return std::span{buffer_}.subspan(end_);
}

void frame_parser::commit(std::size_t bytes) {
    assert(bytes <= buffer_.size() - end_);
    end_ += bytes;
}

boost::system::error_code frame_parser::check(const frame_header& header) {
    if (header.payload_bytes > limits::frame_payload_bytes_max) {
        return error::length_exceeds_limit;
    }
    if ((header.flags & ~(frame_flags::known | frame_flags::class_mask)) != 0) {
        return error::unknown_flags;
    }
    if ((header.flags & frame_flags::more) != 0 && (header.flags & frame_flags::reply) == 0) {
        return error::unknown_flags;
    }
    const bool request = (header.flags & frame_flags::reply) == 0 && header.id != one_way_id;
    const auto said = said_priority(header.flags);
    if (said > priority_last || (said != priority::control && !request)) {
        return error::unknown_flags;
    }
    return {};
}

result<std::optional<frame>> frame_parser::next() {
    if (failure_) {
        return failure_;
    }
    const auto committed = std::span{buffer_}.subspan(begin_, end_ - begin_);
    if (committed.size() < frame_header_bytes) {
        return std::optional<frame>{};
    }
    const auto header = decode<frame_header>(committed.first(frame_header_bytes)).value();
    failure_ = check(header);
    if (failure_) {
        return failure_;
    }
    if (committed.size() - frame_header_bytes < header.payload_bytes) {
        return std::optional<frame>{};
    }
    begin_ += frame_header_bytes + header.payload_bytes;
    return std::optional{
        frame{header, committed.subspan(frame_header_bytes, header.payload_bytes)}};
}

}  // namespace farside::protocol
