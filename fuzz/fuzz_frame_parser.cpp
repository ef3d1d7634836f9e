// Any stream, cut in any way: the frames are the stream's bytes, whatever the cuts, and there is
// always room for the next read. Input: a byte that chooses the cuts, then the stream.
#include "fuzz/fuzz_target.hpp"
#include "protocol/frame_parser.hpp"

namespace farside::protocol {

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) noexcept {
    if (size == 0) {
        return 0;
    }
    unsigned cut = data[0];
    const auto stream = as_span(data, size).subspan(1);
    auto rest = stream;
    buffer seen;
    frame_parser parser;
    while (!rest.empty()) {
        const auto room = parser.prepare();
        cut = cut * 31 + 7;
        const auto part =
            rest.first(std::min({rest.size(), room.size(), std::size_t{1 + cut % 97}}));
        std::ranges::copy(part, room.begin());
        parser.commit(part.size());
        rest = rest.subspan(part.size());
        auto next = parser.next();
        for (; next && *next; next = parser.next()) {
            encode((*next)->header, seen);
            seen.insert(seen.end(), (*next)->payload.begin(), (*next)->payload.end());
        }
        require(std::ranges::equal(seen, stream.first(seen.size())));
        if (!next) {
            require(parser.next().error() == next.error());
            return 0;
        }
    }
    require(!parser.prepare().empty());
    require(seen.size() + parser.buffered_bytes() == stream.size());
    return 0;
}

}  // namespace farside::protocol
