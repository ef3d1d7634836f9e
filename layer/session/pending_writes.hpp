// The bytes of one open file that programs wrote and the target has not confirmed: pieces in the
// order of writing, each at most one request. State only; write_behind sends them.
//
//     waiting --> sent --> settled --> gone, when all before it are
//        ^         |
//        +--- cut short: the target took a part. All that is under way is waited for, then the rest
//             is sent, and after it whatever it would cover of later pieces
//
// Contiguous bytes go into one piece until it is sent. A piece is sent at once where none is under
// way; else when it is full or followed by another, when somebody waits for it, or when it is old.
#pragma once

#include "protocol/limits.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

namespace farside::session {

namespace limits {

// Of a piece. Larger requests gain nothing, and keep others waiting.
inline constexpr std::size_t piece_bytes_max = protocol::limits::data_bytes_max;
// What a piece costs beside its bytes: many small ones must not take memory without bound.
inline constexpr std::uint64_t piece_overhead_bytes = 256;
// A piece that could grow is not kept longer than this.
inline constexpr std::chrono::milliseconds piece_age_max{1};

}  // namespace limits

class pending_writes {
public:
    using time_point = std::chrono::steady_clock::time_point;

    struct piece {
        enum class state : std::uint8_t { waiting, sent, cut_short, settled };

        std::uint64_t offset = 0;  // in the file
        std::vector<std::byte> bytes;
        std::size_t done = 0;     // of them, the target has
        std::uint64_t begin = 0;  // bytes that were written before it
        time_point written;       // its first byte
        state now = state::waiting;
        bool failed = false;

        [[nodiscard]] std::span<const std::byte> rest() const {
            return std::span{bytes}.subspan(done);
        }

        [[nodiscard]] std::uint64_t rest_offset() const { return offset + done; }
    };

    [[nodiscard]] bool empty() const { return pieces_.empty(); }

    // Bytes and overhead of what is not settled.
    [[nodiscard]] std::uint64_t charge() const { return charge_; }

    // Bytes that were ever added; those of them about which nothing is open any more.
    [[nodiscard]] std::uint64_t added() const { return added_; }

    [[nodiscard]] std::uint64_t settled() const { return settled_; }

    void add(std::uint64_t offset, std::span<const std::byte> bytes, time_point now);

    // What was added so far is not to be kept back.
    void hurry() { hurry_to_ = added_; }

    // The piece to send now, if any. It stays where it is until it is settled.
    [[nodiscard]] piece* next(time_point now);

    // When next() will have one although nothing happens.
    [[nodiscard]] time_point next_time() const;

    void sent(piece& p);

    // Whether what is sent now comes behind all of the first `bytes` that were added.
    [[nodiscard]] bool sent_to(std::uint64_t bytes) const;

    // How often the target took a part of a piece only: what was sent behind it came too early.
    [[nodiscard]] std::uint64_t times_cut_short() const { return times_cut_short_; }

    // The answer to a piece: how many bytes the target took, or -errno. Returns the errno of a
    // failure: then what was left of the piece is lost.
    int answered(piece& p, std::int64_t result);

    // The connection is lost. Returns how many bytes are not confirmed.
    std::uint64_t give_up();

private:
    using state = piece::state;

    [[nodiscard]] bool extends_last(std::uint64_t offset) const;
    void retire();
    void resend();

    std::deque<std::unique_ptr<piece>> pieces_;
    std::size_t next_ = 0;  // none before it waits
    std::size_t under_way_ = 0;
    std::size_t cut_short_ = 0;
    std::uint64_t times_cut_short_ = 0;
    std::uint64_t charge_ = 0;
    std::uint64_t added_ = 0;
    std::uint64_t settled_ = 0;
    std::uint64_t hurry_to_ = 0;
};

}  // namespace farside::session
