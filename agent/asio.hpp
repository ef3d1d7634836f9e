// Asio as the agent uses it: every operation answers with a tuple of values, errors included, and
// nothing throws. Also the one thing Asio lacks: a condition that coroutines of one thread wait
// for.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace farside::agent {

namespace asio = boost::asio;

template <typename T>
using awaitable = asio::awaitable<T>;

using token = asio::as_tuple_t<asio::use_awaitable_t<>>;
using timer = token::as_default_on_t<asio::steady_timer>;
using descriptor = token::as_default_on_t<asio::posix::stream_descriptor>;
using signal_set = token::as_default_on_t<asio::signal_set>;

// Wakes the coroutines that wait for a change of some state. As with a condition variable, a waiter
// looks at the state in a loop; as all run on one thread, no change is missed between look and
// wait.
class notification {
public:
    explicit notification(const asio::any_io_executor& executor)
        : timer_{executor, asio::steady_timer::time_point::max()} {}

    [[nodiscard]] awaitable<void> wait() {
        [[maybe_unused]] const auto [ec] = co_await timer_.async_wait();
    }

    void notify() { timer_.cancel(); }

private:
    timer timer_;
};

}  // namespace farside::agent
