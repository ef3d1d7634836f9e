// Encoded frames that wait to be written, bounded. Small replies overtake bulk data: a stat never
// waits behind more than the one bulk frame that is being written. Pushes overtake them all: a
// reply comes after what it may be seen to follow. No I/O here.
//
//     pushes   change notices               --+
//     urgent   one buffer, many frames      --+--> batch: all pushes, all of urgent, one bulk frame
//     bulk     frames of long reads, FIFO   --+
#pragma once

#include "protocol/codec.hpp"
#include "protocol/limits.hpp"

#include <array>
#include <cstddef>
#include <deque>
#include <utility>

namespace farside::agent {

class outgoing_queue {
public:
    // Half of the bound for each kind, so that neither can lock the other out.
    static constexpr std::size_t bytes_max = protocol::limits::outgoing_bytes_max / 2;

    // What is being written. At most one at a time.
    struct batch {
        protocol::buffer pushes;
        protocol::buffer urgent;
        protocol::buffer bulk;
    };

    // Append small frames here.
    [[nodiscard]] protocol::buffer& urgent() { return urgent_; }

    // Append pushes here, right before take(): their producer bounds them.
    [[nodiscard]] protocol::buffer& pushes() { return pushes_; }

    // While there is no room, no further request is to be started.
    [[nodiscard]] bool has_room() const {
        return urgent_.size() + writing_.urgent.size() < bytes_max;
    }

    // Bulk data is announced before it is read from disk, so that what is read always finds room.
    [[nodiscard]] bool has_bulk_room(std::size_t bytes) const {
        return bulk_bytes_ == 0 || bulk_bytes_ + bytes <= bytes_max;
    }

    void reserve_bulk(std::size_t bytes) { bulk_bytes_ += bytes; }

    void release_bulk(std::size_t bytes) { bulk_bytes_ -= bytes; }

    void add_bulk(protocol::buffer frame) {
        bulk_bytes_ += frame.size();
        bulk_.push_back(std::move(frame));
    }

    [[nodiscard]] bool empty() const { return pushes_.empty() && urgent_.empty() && bulk_.empty(); }

    enum class scope : bool { all, pushes };

    // The next batch to write. It lives until written().
    [[nodiscard]] const batch& take(scope what = scope::all) {
        std::swap(writing_.pushes, pushes_);
        if (what == scope::pushes) {
            return writing_;
        }
        std::swap(writing_.urgent, urgent_);
        if (!bulk_.empty()) {
            writing_.bulk = std::move(bulk_.front());
            bulk_.pop_front();
        }
        return writing_;
    }

    void written() {
        bulk_bytes_ -= writing_.bulk.size();
        writing_.pushes.clear();
        writing_.urgent.clear();
        writing_.bulk.clear();
    }

private:
    protocol::buffer pushes_;
    protocol::buffer urgent_;
    std::deque<protocol::buffer> bulk_;
    batch writing_;
    std::size_t bulk_bytes_ = 0;  // reserved, queued and being written
};

}  // namespace farside::agent
