// One request, one answer, bounded in size and time. Whatever goes wrong becomes one line that says
// what the user can do about it.
#include "agent/target/engine.hpp"

#include "agent/limits.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <simdjson.h>

#include <cstdlib>

namespace farside::agent {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

using engine_socket = token::as_default_on_t<asio::local::stream_protocol::socket>;
using exchange_error = boost::system::error_code;

// A name may hold anything on the command line; in the request it is one segment of a path.
std::string percent_encoded(std::string_view name) {
    constexpr std::string_view plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string encoded;
    for (const char c : name) {
        if (plain.find(c) != std::string_view::npos) {
            encoded += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        encoded += '%';
        encoded += digits[byte >> 4U];
        encoded += digits[byte & 0xfU];
    }
    return encoded;
}

failure connect_failure(
    const target_name& target, const std::string& socket, const boost::system::error_code& ec
) {
    if (ec == boost::system::errc::permission_denied) {
        return {
            target.text + ": no permission to use " + socket +
            "; run as root or as a member of the socket's group"};
    }
    return {
        target.text + ": no Docker Engine answers at " + socket + " (" + ec.message() +
        "); is it running, is DOCKER_HOST right?"};
}

failure unexpected(const target_name& target, std::string_view what) {
    return {target.text + ": unexpected answer of the Docker Engine: " + std::string{what}};
}

// A peer's text in a line of ours: short and printable.
std::string excerpt(std::string_view text) {
    constexpr std::size_t bytes_max = 200;
    std::string line{text.substr(0, bytes_max)};
    for (char& c : line) {
        const auto byte = static_cast<unsigned char>(c);
        c = byte < 0x20 || byte == 0x7f ? ' ' : c;
    }
    return line;
}

// The engine explains failures as {"message": "..."}.
std::string message_of(std::string_view body) {
    simdjson::dom::parser parser;
    std::string_view message;
    const simdjson::padded_string padded{body};
    if (parser.parse(padded)["message"].get(message) != simdjson::SUCCESS) {
        return {};
    }
    return ": " + excerpt(message);
}

awaitable<exchange_error> exchange(
    engine_socket& socket,
    const http::request<http::empty_body>& request,
    http::response_parser<http::string_body>& answer
) {
    const auto [not_sent, sent] = co_await http::async_write(socket, request);
    if (not_sent) {
        co_return not_sent;
    }
    constexpr std::size_t buffer_bytes_max = 64UL * 1024;
    beast::flat_buffer buffer{buffer_bytes_max};
    const auto [not_read, got] = co_await http::async_read(socket, buffer, answer);
    co_return not_read;
}

awaitable<exchange_error> expire(timer& limit) {
    [[maybe_unused]] const auto [ec] = co_await limit.async_wait();
    co_return asio::error::timed_out;
}

}  // namespace

or_failure<engine_options> engine_options::from_environment(const char* docker_host) {
    constexpr std::string_view scheme = "unix://";
    engine_options options;
    options.timeout = std::chrono::milliseconds{limits::engine_timeout_ms};
    const std::string_view host = docker_host == nullptr ? "" : docker_host;
    if (host.empty()) {
        return options;
    }
    if (!host.starts_with(scheme) || host.size() == scheme.size()) {
        return failure{
            "DOCKER_HOST=" + excerpt(host) + ": only unix:///path/to/docker.sock is supported"};
    }
    options.socket = host.substr(scheme.size());
    return options;
}

awaitable<or_failure<int>> find_container(
    const target_name& target, const engine_options& options
) {
    using namespace asio::experimental::awaitable_operators;
    constexpr std::size_t socket_path_max = 107;
    if (options.socket.size() > socket_path_max) {
        co_return failure{target.text + ": the path of the Docker Engine's socket is too long"};
    }
    const auto executor = co_await asio::this_coro::executor;
    engine_socket socket{executor};
    const asio::local::stream_protocol::endpoint endpoint{options.socket};
    const auto [not_connected] = co_await socket.async_connect(endpoint);
    if (not_connected) {
        co_return connect_failure(target, options.socket, not_connected);
    }

    http::request<http::empty_body> request{
        http::verb::get, "/containers/" + percent_encoded(target.id) + "/json", 11};
    request.set(http::field::host, "docker");
    request.set(http::field::user_agent, "farside-agent");
    request.set(http::field::connection, "close");
    http::response_parser<http::string_body> answer;
    answer.body_limit(limits::engine_answer_bytes_max);
    timer limit{executor, options.timeout};
    auto either = exchange(socket, request, answer) || expire(limit);
    const auto finished = co_await std::move(either);
    const auto ec = std::visit([](const exchange_error& e) { return e; }, finished);
    if (ec == asio::error::timed_out) {
        co_return failure{
            target.text + ": the Docker Engine at " + options.socket + " does not answer"};
    }
    if (ec) {
        co_return unexpected(target, ec.message());
    }
    co_return read_inspection(target, answer.get().result_int(), answer.get().body());
}

or_failure<int> read_inspection(const target_name& target, unsigned status, std::string_view body) {
    if (status == static_cast<unsigned>(http::status::not_found)) {
        return failure{target.text + ": no such container"};
    }
    if (status != static_cast<unsigned>(http::status::ok)) {
        return unexpected(target, "HTTP " + std::to_string(status) + message_of(body));
    }
    simdjson::dom::parser parser;
    const simdjson::padded_string padded{body};
    const auto state = parser.parse(padded)["State"];
    bool running = false;
    std::int64_t pid = 0;
    std::string_view name;
    if (state["Running"].get(running) != simdjson::SUCCESS ||
        state["Pid"].get(pid) != simdjson::SUCCESS) {
        return unexpected(target, "no state of a container");
    }
    if (!running) {
        const bool named = state["Status"].get(name) == simdjson::SUCCESS;
        return failure{
            target.text + ": the container is not running" +
            (named ? " (" + excerpt(name) + ")" : std::string{})};
    }
    if (pid <= 0 || pid > INT32_MAX) {
        return unexpected(target, "a container that runs without a process");
    }
    return static_cast<int>(pid);
}

}  // namespace farside::agent
