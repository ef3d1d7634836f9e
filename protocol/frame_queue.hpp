// Encoded frames that wait to be written, at either end, and which of them is next: what is wanted
// first overtakes what is long. After each batch, which holds at most one frame's worth of long
// ones, it is decided anew; so a small answer waits for one such batch, however much is queued.
// Within a class the order is kept. No I/O here.
//
//     control     pushes      one buffer, many frames --+
//     metadata    small ones  one buffer, many frames --+--> batch: both, whole, and then frames of
//     stream      frames                              --+    the first of the others that has any,
//     prefetch    frames                              --+    up to bulk_bytes_max
//     write_back  frames                              --+
//
// A class waits behind better ones, but not for ever: each time it is passed over counts.
#pragma once

#include "protocol/priority.hpp"

#include <array>
#include <cstddef>
#include <deque>
#include <span>
#include <vector>

namespace farside::protocol {

// Bytes that a TCP socket takes beyond what is on its way (TCP_NOTSENT_LOWAT): what is queued there
// is past choosing what goes first.
inline constexpr std::uint32_t unsent_bytes_max = 128 * 1024;

class frame_queue {
public:
    // Bytes of the classes below metadata in one batch, unless a single frame is longer.
    static constexpr std::size_t bulk_bytes_max = limits::data_bytes_max;
    static constexpr std::size_t bulk_frames_max = 14;  // with the two buffers: one writev(2)

    // So many times a frame is passed over by better ones, then it is its turn.
    static constexpr unsigned passed_over_max = 8;

    // What is being written. At most one at a time.
    struct batch {
        buffer control;
        buffer metadata;
        std::vector<buffer> bulk;
        priority of = priority::stream;  // the class of bulk
    };

    // Append frames here. Pushes are to be appended right before take(): their producer bounds
    // them.
    [[nodiscard]] buffer& control() { return control_; }

    [[nodiscard]] buffer& metadata() { return metadata_; }

    // One frame of any class.
    void add(priority of, buffer frame);

    // Queued and being written.
    [[nodiscard]] std::size_t bytes(priority of) const;
    [[nodiscard]] std::size_t bytes() const;

    // Whether take() would give nothing.
    [[nodiscard]] bool empty() const;

    enum class scope : bool { all, control };

    // The next batch to write. It lives until written().
    [[nodiscard]] const batch& take(scope what = scope::all);
    void written();

private:
    struct bulk_class {
        std::deque<buffer> frames;
        std::size_t bytes = 0;  // those being written too
        unsigned passed_over = 0;
    };

    static constexpr std::size_t bulk_classes = 3;  // from stream on

    [[nodiscard]] static std::size_t index_of(priority of);
    [[nodiscard]] std::size_t choose();

    buffer control_;
    buffer metadata_;
    std::array<bulk_class, bulk_classes> bulk_;
    batch writing_;
};

}  // namespace farside::protocol
