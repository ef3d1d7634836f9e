// The table of request_order.hpp as code, and the queue that keeps to it.
#include "agent/request_order.hpp"

#include <utility>
#include <vector>

namespace farside::agent {

bool request_order::conflict(order_class earlier, order_class later) {
    if (later == order_class::close) {
        return true;
    }
    switch (earlier) {
        case order_class::change:
        case order_class::close:
            return true;
        case order_class::observe:
            return later == order_class::change;
        case order_class::take:
        case order_class::put:
            return later == earlier;
        case order_class::finish:
        case order_class::none:
            return false;
    }
    return true;
}

bool request_order::blocked(std::list<entry>::const_iterator end, order_class what) const {
    for (auto it = entries_.begin(); it != end; ++it) {
        if (conflict(it->what, what)) {
            return true;
        }
    }
    return false;
}

bool request_order::idle_for(order_class what) const {
    return entries_.empty() || !blocked(entries_.end(), what);
}

request_order::ticket request_order::enter(order_class what, std::function<void()> start) {
    const bool waits = blocked(entries_.end(), what);
    entries_.push_back({what, waits ? std::move(start) : nullptr});
    return std::prev(entries_.end());
}

void request_order::leave(ticket t) {
    entries_.erase(t);
    // Those that may go are marked first: what `start` does may come back here.
    std::vector<std::function<void()>> turns;
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
        if (it->start && !blocked(it, it->what)) {
            turns.push_back(std::exchange(it->start, nullptr));
        }
    }
    for (const auto& start : turns) {
        start();
    }
}

}  // namespace farside::agent
