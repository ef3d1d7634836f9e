// The part of Asio that the session uses, under its own names. The default completion token makes
// an I/O error a value: `auto [ec, n] = co_await stream.async_read_some(room, as_result);`
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace farside::session {

namespace asio = boost::asio;

template <typename T = void>
using awaitable = asio::awaitable<T>;

inline constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

// Any connected stream socket: socketpair, unix, TCP.
using stream_socket = asio::generic::stream_protocol::socket;

using async_descriptor = asio::posix::stream_descriptor;

}  // namespace farside::session
