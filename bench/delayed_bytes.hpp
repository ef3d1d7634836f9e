// The bytes of one direction of a slow link: each chunk with the time at which it comes out. One
// ring, so that a long link costs memory only for what is on it. No sockets and no clock here.
#pragma once

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <span>

namespace farside::bench {

using link_clock = std::chrono::steady_clock;

struct link_shape {
    std::chrono::nanoseconds delay{0};  // of one direction
    double bytes_per_second = 0;        // 0: unlimited

    // What one direction holds: the wire, and before it a queue of a round trip's bytes and
    // 256 KiB. An unlimited link holds what 2 GB/s put on 100 ms of it.
    [[nodiscard]] std::size_t capacity() const {
        constexpr std::size_t unlimited = std::size_t{256} << 20U;
        constexpr double extra = 256 * 1024;
        const double seconds = std::chrono::duration<double>(delay).count();
        return bytes_per_second == 0
                   ? unlimited
                   : static_cast<std::size_t>(bytes_per_second * seconds * 3 + extra);
    }

    // The time that `bytes` take to get onto the wire.
    [[nodiscard]] std::chrono::nanoseconds transmission(std::size_t bytes) const {
        return std::chrono::nanoseconds{
            bytes_per_second == 0
                ? 0
                : static_cast<std::int64_t>(static_cast<double>(bytes) * 1e9 / bytes_per_second)};
    }
};

class delayed_bytes {
public:
    explicit delayed_bytes(const link_shape& shape)
        : shape_{shape}, room_{shape.capacity()}, ring_{new std::byte[room_]} {}

    [[nodiscard]] bool empty() const { return chunks_.empty(); }

    // Where the next bytes can be put, at most `most`; empty while the link is full. Stays valid
    // until put().
    [[nodiscard]] std::span<std::byte> free_space(std::size_t most) {
        // An empty ring begins anew: what is used stays small and in the processor's cache.
        first_ = held_ == 0 ? 0 : first_;
        const std::size_t at = (first_ + held_) % room_;
        return {ring_.get() + at, std::min({most, room_ - held_, room_ - at})};
    }

    void put(std::size_t bytes, link_clock::time_point now) {
        assert(bytes <= room_ - held_);
        departure_ = std::max(departure_, now) + shape_.transmission(bytes);
        chunks_.push_back({bytes, departure_ + shape_.delay});
        held_ += bytes;
    }

    // REQUIRES: not empty.
    [[nodiscard]] link_clock::time_point next_due() const { return chunks_.front().due; }

    // What has arrived by now, as far as it lies in one piece.
    [[nodiscard]] std::span<const std::byte> arrived(link_clock::time_point now) const {
        std::size_t bytes = 0;
        for (const auto& piece : chunks_) {
            if (piece.due > now || bytes >= room_ - first_) {
                break;
            }
            bytes += piece.bytes;
        }
        return {ring_.get() + first_, std::min(bytes, room_ - first_)};
    }

    void take(std::size_t bytes) {
        assert(bytes <= held_);
        held_ -= bytes;
        first_ = (first_ + bytes) % room_;
        while (bytes != 0) {
            const std::size_t part = std::min(bytes, chunks_.front().bytes);
            chunks_.front().bytes -= part;
            bytes -= part;
            if (chunks_.front().bytes == 0) {
                chunks_.pop_front();
            }
        }
    }

private:
    struct chunk {
        std::size_t bytes;
        link_clock::time_point due;
    };

    link_shape shape_;
    std::size_t room_;
    std::unique_ptr<std::byte[]> ring_;
    std::size_t first_ = 0;
    std::size_t held_ = 0;
    link_clock::time_point departure_{};
    std::deque<chunk> chunks_;
};

}  // namespace farside::bench
