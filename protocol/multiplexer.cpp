// What a received frame means: every rule of the README about replies and one-way messages that a
// client can check is checked here, before anybody sees the frame.
#include "protocol/multiplexer.hpp"

#include <algorithm>
#include <cassert>
#include <map>

namespace farside::protocol {

void multiplexer::allow(std::uint32_t requests_max) {
    requests_max_ = std::min(requests_max, limits::requests_in_flight_max);
}

request_id multiplexer::add(opcode op, cookie owner) {
    assert(has_room());
    ++last_id_;
    waiting_.emplace(last_id_, entry{op, owner});
    return request_id{last_id_};
}

void multiplexer::abandon(request_id id) {
    const auto found = waiting_.find(static_cast<std::uint64_t>(id));
    if (found != waiting_.end()) {
        found->second.owner.reset();
    }
}

result<multiplexer::event> multiplexer::on_frame(const frame& received) {
    const auto& header = received.header;
    const bool reply = (header.flags & frame_flags::reply) != 0;
    if (header.id == one_way_id) {
        if (reply) {
            return error::unexpected_frame;
        }
        return event{event::kind::push, 0, header.op, no_error, false, received.payload};
    }
    const auto found = waiting_.find(static_cast<std::uint64_t>(header.id));
    if (!reply || found == waiting_.end() || found->second.op != header.op) {
        return error::unexpected_frame;
    }

    event e{event::kind::reply, 0, header.op, no_error, false, {}};
    if (received.payload.size() < sizeof e.failure) {
        return error::truncated;
    }
    e.failure = decode<wire_errno>(received.payload.first(sizeof e.failure)).value();
    e.body = received.payload.subspan(sizeof e.failure);
    e.more = (header.flags & frame_flags::more) != 0;
    if (e.more && !reply_may_split(header.op)) {
        return error::unexpected_frame;
    }
    if (e.failure < no_error || e.failure > errno_max) {
        return error::bad_value;
    }
    if (e.failure != no_error && (e.more || !e.body.empty())) {
        return error::trailing_bytes;
    }

    const auto owner = found->second.owner;
    if (!e.more) {
        waiting_.erase(found);
    }
    if (!owner) {
        return event{event::kind::nothing, 0, header.op, no_error, e.more, {}};
    }
    e.owner = *owner;
    return e;
}

std::vector<multiplexer::cookie> multiplexer::fail_all() {
    const std::map<std::uint64_t, entry> by_age{waiting_.begin(), waiting_.end()};
    waiting_.clear();
    std::vector<cookie> owners;
    for (const auto& [id, waiting] : by_age) {
        if (waiting.owner) {
            owners.push_back(*waiting.owner);
        }
    }
    return owners;
}

}  // namespace farside::protocol
