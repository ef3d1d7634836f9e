// What an agent's connection has to write: the frames in their order (frame_queue), and when there
// is room for more. Small replies hold back the reading of requests; long ones are announced before
// they are read from disk, each class within its own bound, so that no class locks another out.
#pragma once

#include "protocol/frame_queue.hpp"

#include <array>
#include <cstddef>
#include <utility>

namespace farside::agent {

class outgoing_queue {
public:
    using priority = protocol::priority;
    using scope = protocol::frame_queue::scope;
    using batch = protocol::frame_queue::batch;

    // Of small replies. The other half is for the classes of long ones.
    static constexpr std::size_t bytes_max = protocol::limits::outgoing_bytes_max / 2;

    // Of replies that are announced.
    [[nodiscard]] static constexpr std::size_t bulk_bytes_max(priority of) {
        if (of <= priority::metadata) {
            return bytes_max;
        }
        return of == priority::stream ? bytes_max / 2 : bytes_max / 4;
    }

    // Append small frames here.
    [[nodiscard]] protocol::buffer& urgent() { return frames_.metadata(); }

    // Append pushes here, right before take(): their producer bounds them.
    [[nodiscard]] protocol::buffer& pushes() { return frames_.control(); }

    // While there is no room, no further request is to be read.
    [[nodiscard]] bool has_room() const {
        return frames_.bytes(priority::metadata) < bytes_max &&
               frames_.bytes() < protocol::limits::outgoing_bytes_max;
    }

    // What urgent() has behind `start` goes among the long replies, where it is one.
    void sort_out(std::size_t start) {
        auto& all = frames_.metadata();
        if (all.size() - start > protocol::small_bytes_max + protocol::frame_header_bytes) {
            const auto first = all.begin() + static_cast<std::ptrdiff_t>(start);
            frames_.add(priority::stream, {first, all.end()});
            all.resize(start);
        }
    }

    // Whether a long reply may be prepared. One that is alone always may.
    [[nodiscard]] bool has_bulk_room(priority of, std::size_t bytes) const {
        const auto taken = frames_.bytes(of) + reserved_[index_of(of)];
        return taken == 0 || taken + bytes <= bulk_bytes_max(of);
    }

    void reserve_bulk(priority of, std::size_t bytes) { reserved_[index_of(of)] += bytes; }

    void release_bulk(priority of, std::size_t bytes) { reserved_[index_of(of)] -= bytes; }

    void add(priority of, protocol::buffer frame) { frames_.add(of, std::move(frame)); }

    [[nodiscard]] bool empty() const { return frames_.empty(); }

    // The next batch to write. It lives until written().
    [[nodiscard]] const batch& take(scope what = scope::all) { return frames_.take(what); }

    void written() { frames_.written(); }

private:
    [[nodiscard]] static std::size_t index_of(priority of) { return static_cast<std::size_t>(of); }

    protocol::frame_queue frames_;
    std::array<std::size_t, static_cast<std::size_t>(protocol::priority_last) + 1> reserved_{};
};

}  // namespace farside::agent
