// Any server: each of eight requests ends exactly once (reply, abandonment or fail_all), whatever
// frames come. Input: the server's stream; the first byte of a push names a request to abandon.
#include "fuzz/fuzz_target.hpp"
#include "protocol/file_messages.hpp"
#include "protocol/frame_parser.hpp"
#include "protocol/multiplexer.hpp"

namespace farside::protocol {

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) noexcept {
    multiplexer mux;
    buffer sent;
    std::vector<bool> ended(9, false);  // by owner, which is the id
    for (multiplexer::cookie id = 1; id < ended.size(); ++id) {
        mux.start(read{}, id, sent);
    }
    frame_parser parser;
    const auto stream = as_span(data, std::min(size, parser.prepare().size()));
    std::ranges::copy(stream, parser.prepare().begin());
    parser.commit(stream.size());
    for (auto next = parser.next(); next && *next; next = parser.next()) {
        const auto event = mux.on_frame(**next);
        if (!event) {
            break;
        }
        if (event->what == multiplexer::event::kind::reply) {
            require(!ended.at(event->owner));
            ended[event->owner] = !event->more;
        } else if (event->what == multiplexer::event::kind::push && !event->body.empty()) {
            const auto id = std::to_integer<std::uint64_t>(event->body.front()) % ended.size();
            mux.abandon(request_id{id});
            ended[id] = true;
        }
    }
    for (const auto owner : mux.fail_all()) {
        require(!ended.at(owner));
        ended[owner] = true;
    }
    require(mux.unanswered() == 0 && std::ranges::count(ended, false) <= 1);  // nobody is 0
    return 0;
}

}  // namespace farside::protocol
