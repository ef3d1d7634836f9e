// Names are resolved synchronously: it happens once, before anything is served, and Asio's own
// asynchronous resolver would start a thread.
#include "layer/session/agent_address.hpp"

#include "layer/session/deadline.hpp"
#include "protocol/frame_queue.hpp"
#include "protocol/limits.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <chrono>
#include <string_view>
#include <vector>

#include <netinet/tcp.h>

namespace farside::session {
namespace {

using endpoint = asio::generic::stream_protocol::endpoint;

constexpr std::string_view unix_prefix = "unix:";

using unsent_limit = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_NOTSENT_LOWAT>;

struct resolved {
    std::vector<endpoint> endpoints;
    std::string failure;
};

resolved resolve_unix(const std::string& path) {
    resolved answer;
    // sockaddr_un's path with its NUL
    constexpr std::size_t room = 108;
    if (path.empty() || path.size() >= room) {
        answer.failure = "not a socket path of 1 to 107 bytes: '" + path + "'";
        return answer;
    }
    answer.endpoints.emplace_back(asio::local::stream_protocol::endpoint{path});
    return answer;
}

resolved resolve_tcp(const asio::any_io_executor& executor, const std::string& address) {
    resolved answer;
    const auto colon = address.rfind(':');
    if (colon == std::string::npos || colon == 0 || colon + 1 == address.size()) {
        answer.failure = "not an agent's address: '" + address + "' (unix:PATH or HOST:PORT)";
        return answer;
    }
    std::string host = address.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    }
    boost::system::error_code ec;
    asio::ip::tcp::resolver resolver{executor};
    for (const auto& entry : resolver.resolve(host, address.substr(colon + 1), ec)) {
        answer.endpoints.emplace_back(entry.endpoint());
    }
    if (ec) {
        answer.failure = "cannot find the agent's host '" + host + "': " + ec.message();
    }
    return answer;
}

}  // namespace

awaitable<connected_stream> connect_to(asio::any_io_executor executor, std::string address) {
    const bool local = address.starts_with(unix_prefix);
    const auto found =
        local ? resolve_unix(address.substr(unix_prefix.size())) : resolve_tcp(executor, address);
    connected_stream answer{stream_socket{executor}, found.failure};
    const deadline limit{
        executor, std::chrono::milliseconds{protocol::limits::handshake_timeout_ms}, [&answer] {
            answer.stream.close();
        }};
    boost::system::error_code failure;
    for (const auto& there : found.endpoints) {
        answer.stream = stream_socket{executor};
        const auto [ec] = co_await answer.stream.async_connect(there, as_result);
        failure = limit.expired() ? asio::error::timed_out : ec;
        if (!ec || limit.expired()) {
            break;
        }
    }
    if (failure) {
        answer.failure = "cannot connect to the agent at " + address + ": " + failure.message();
    } else if (answer.failure.empty() && !local) {
        boost::system::error_code ignored;
        answer.stream.set_option(asio::ip::tcp::no_delay{true}, ignored);
        answer.stream.set_option(unsent_limit{protocol::unsent_bytes_max}, ignored);
    }
    co_return answer;
}

}  // namespace farside::session
