// A rate is bytes delivered since the request was sent, over the time since the delivery before
// that: of requests in a row each spans one round trip, whatever they overlap with. Deliveries that
// were held up somewhere and come all at once would look like a fast link; so the time is at least
// that in which what was delivered was sent.
#include "layer/session/link_estimate.hpp"

#include <algorithm>
#include <cassert>

namespace farside::session {
namespace {

// A long answer that takes this much longer than a round trip found the link, or the disk behind
// it, busy.
constexpr std::chrono::milliseconds busy_margin{1};

}  // namespace

link_estimate::sending link_estimate::sent(
    time_point now, std::uint64_t out_bytes, std::uint64_t in_bytes
) {
    sending request;
    request.sent = now;
    const auto known = this->now();
    const std::array<std::uint64_t, 2> bytes{in_bytes, out_bytes};
    const std::array<std::uint64_t, 2> full{known.bdp(), known.sent_bdp()};
    for (const auto way : {in, out}) {
        auto& state = ways_[way];
        // After a pause the time begins with the request, not with the delivery before the pause.
        if (state.under_way == 0) {
            state.last_delivery = state.last_delivered_sent = now;
        }
        state.under_way += bytes[way];
        request.ways[way] = {
            bytes[way],
            state.delivered,
            state.last_delivery,
            state.last_delivered_sent,
            state.under_way >= full[way]};
    }
    return request;
}

void link_estimate::received(time_point now, sending& request, std::uint64_t bytes) {
    if (!request.measured_rtt && (bytes <= small_bytes || !rtt_.best())) {
        rtt_.add(now, std::max(duration{1}, duration{now - request.sent}));
    }
    request.measured_rtt = true;
    request.received += bytes;
    delivered(now, request, in, bytes);
}

void link_estimate::answered(time_point now, const sending& request) {
    delivered(now, request, out, request.ways[out].bytes);
    measure(now, request, in, request.received);
    measure(now, request, out, request.ways[out].bytes);
    forget(request);
}

void link_estimate::delivered(
    time_point now, const sending& request, std::size_t way, std::uint64_t bytes
) {
    auto& state = ways_[way];
    state.delivered += bytes;
    state.last_delivery = now;
    state.last_delivered_sent = std::max(state.last_delivered_sent, request.sent);
}

void link_estimate::forget(const sending& request) {
    for (const auto way : {in, out}) {
        assert(ways_[way].under_way >= request.ways[way].bytes);
        ways_[way].under_way -= request.ways[way].bytes;
    }
}

// `bytes` are those of this request: one that moved few says nothing, whatever it asked for.
void link_estimate::measure(
    time_point now, const sending& request, std::size_t way, std::uint64_t bytes
) {
    const auto& begun = request.ways[way];
    auto& state = ways_[way];
    const auto longest = std::max(now - begun.since, request.sent - begun.since_sent);
    const auto took = std::chrono::duration<double>{longest}.count();
    if (bytes < long_bytes || took <= 0) {
        return;
    }
    const auto moved = static_cast<double>(state.delivered - begun.delivered);
    const auto rate = static_cast<std::uint64_t>(moved / took);
    const bool slow = now - request.sent > 2 * rtt_.best().value_or(rtt_default) + busy_margin;
    if (begun.fills || slow || rate > rate_of(way)) {
        state.rate.add(now, std::max<std::uint64_t>(rate, 1));
    }
}

link_estimate::values link_estimate::now() const {
    values known;
    known.rtt = rtt_.best().value_or(rtt_default);
    known.bytes_per_second = rate_of(in);
    known.sent_bytes_per_second = rate_of(out);
    return known;
}

}  // namespace farside::session
