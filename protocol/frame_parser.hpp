// Cuts a byte stream into frames. No I/O: the owner reads into prepare(), tells commit() how much
// came, and takes frames with next() until there is none.
//
//     | consumed | committed: whole frames, then a part | prepared: room |
//     0          begin_                                 end_             buffer end
//
// Bytes move only in prepare(), and only the part of one frame: nothing unparsed is ever moved
// twice.
#pragma once

#include "protocol/frame.hpp"

#include <optional>
#include <span>

namespace farside::protocol {

class frame_parser {
public:
    frame_parser();

    // Room for the next read; never empty. Ends the life of the frames taken so far.
    [[nodiscard]] std::span<std::byte> prepare();

    // REQUIRES: bytes <= size of the last prepare().
    void commit(std::size_t bytes);

    // The next whole frame, nothing where more bytes are needed, or an error: then the stream
    // cannot be understood any more and every further call returns the same error.
    [[nodiscard]] result<std::optional<frame>> next();

    // Bytes committed and not yet taken.
    [[nodiscard]] std::size_t buffered_bytes() const { return end_ - begin_; }

private:
    [[nodiscard]] static boost::system::error_code check(const frame_header& header);

    buffer buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    boost::system::error_code failure_;
};

}  // namespace farside::protocol
