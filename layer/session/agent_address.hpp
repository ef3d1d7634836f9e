// Connecting to an agent that listens: "unix:PATH" or "HOST:PORT" ("[::1]:7000" for IPv6).
#pragma once

#include "layer/session/asio.hpp"

#include <string>

namespace farside::session {

struct connected_stream {
    stream_socket stream;
    std::string failure;  // one line; empty: connected
};

// Within protocol::limits::handshake_timeout_ms. TCP connections do not delay small writes.
awaitable<connected_stream> connect_to(asio::any_io_executor executor, std::string address);

}  // namespace farside::session
