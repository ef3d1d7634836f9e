// delay_link LISTEN CONNECT [--delay-us N] [--bytes-per-second N]: relays connections between unix
// sockets or loopback TCP ("unix:PATH", "127.0.0.1:PORT") as a link with that delay in each
// direction would. Prints the port it listens on, ends when its standard input does.
//
// The kernel's own means (tc netem) need rights and a kernel option; this needs nothing. One
// thread; it sleeps until the next byte is due and never spins.
#include "bench/delayed_bytes.hpp"
#include "layer/session/agent_address.hpp"
#include "layer/session/task_group.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <unistd.h>

namespace farside::bench {
namespace {

using namespace session;

struct options {
    std::string listen;
    std::string connect;
    link_shape shape;
};

// One direction: `from` into the link, out of it to `to`.
class half_link {
public:
    half_link(stream_socket& from, stream_socket& to, const link_shape& shape)
        : from_{from},
          to_{to},
          // A chunk arrives as a whole: small ones keep the pace of a limited link even.
          chunk_max_{
              shape.bytes_per_second == 0 ? std::size_t{256} << 10U : std::size_t{16} << 10U},
          bytes_{shape},
          filled_{from.get_executor()},
          emptied_{from.get_executor()},
          due_{from.get_executor()} {}

    awaitable<> fill() {
        while (!failed_) {
            const auto space = bytes_.free_space(chunk_max_);
            if (space.empty()) {
                co_await emptied_.wait();
                continue;
            }
            const auto room = asio::buffer(space.data(), space.size());
            const auto [ec, n] = co_await from_.async_read_some(room, as_result);
            if (ec) {
                break;
            }
            bytes_.put(n, link_clock::now());
            filled_.notify();
        }
        ended_ = true;
        filled_.notify();
    }

    awaitable<> drain() {
        while (!ended_ || !bytes_.empty()) {
            if (bytes_.empty()) {
                co_await filled_.wait();
                continue;
            }
            const auto now = link_clock::now();
            if (bytes_.next_due() > now) {
                due_.expires_at(bytes_.next_due());
                co_await due_.async_wait(as_result);
                continue;
            }
            const auto piece = bytes_.arrived(now);
            const auto ready = asio::buffer(piece.data(), piece.size());
            const auto [ec, n] = co_await to_.async_write_some(ready, as_result);
            if (ec) {
                fail();
                co_return;
            }
            bytes_.take(n);
            emptied_.notify();
        }
        boost::system::error_code ignored;
        to_.shutdown(stream_socket::shutdown_send, ignored);
    }

private:
    // Nobody reads any more: let the other side know.
    void fail() {
        failed_ = true;
        boost::system::error_code ignored;
        from_.shutdown(stream_socket::shutdown_both, ignored);
        emptied_.notify();
    }

    stream_socket& from_;
    stream_socket& to_;
    std::size_t chunk_max_;
    delayed_bytes bytes_;
    async_event filled_;
    async_event emptied_;
    asio::steady_timer due_;
    bool ended_ = false;
    bool failed_ = false;
};

awaitable<> relay(stream_socket client, const options& asked) {
    const auto executor = client.get_executor();
    connected_stream server = co_await connect_to(executor, asked.connect);
    if (!server.failure.empty()) {
        std::fprintf(stderr, "delay_link: %s\n", server.failure.c_str());
        co_return;
    }
    half_link there{client, server.stream, asked.shape};
    half_link back{server.stream, client, asked.shape};
    task_group halves{executor};
    halves.spawn(there.fill());
    halves.spawn(there.drain());
    halves.spawn(back.fill());
    halves.spawn(back.drain());
    co_await halves.join();
}

template <typename Protocol>
awaitable<> serve(typename Protocol::acceptor& acceptor, task_group& relays, const options& asked) {
    while (acceptor.is_open()) {
        auto [ec, client] = co_await acceptor.async_accept(as_result);
        if (ec) {
            break;
        }
        if constexpr (std::is_same_v<Protocol, asio::ip::tcp>) {
            boost::system::error_code ignored;
            client.set_option(asio::ip::tcp::no_delay{true}, ignored);
        }
        stream_socket any{std::move(client)};
        relays.spawn(relay(std::move(any), asked));
    }
}

awaitable<> stop_with_input(asio::io_context& io) {
    async_descriptor input{io, ::dup(STDIN_FILENO)};
    char byte = 0;
    const auto room = asio::buffer(&byte, 1);
    for (boost::system::error_code ec; !ec;) {
        const auto [failure, n] = co_await input.async_read_some(room, as_result);
        ec = failure;
    }
    std::_Exit(0);
}

template <typename Protocol>
int run(asio::io_context& io, const typename Protocol::endpoint& at, const options& asked) {
    typename Protocol::acceptor acceptor{io, at};
    if constexpr (std::is_same_v<Protocol, asio::ip::tcp>) {
        std::printf("%u\n", unsigned{acceptor.local_endpoint().port()});
    } else {
        std::puts("0");
    }
    std::fflush(stdout);
    task_group relays{io.get_executor()};
    task_group mains{io.get_executor()};
    mains.spawn(serve<Protocol>(acceptor, relays, asked));
    mains.spawn(stop_with_input(io));
    io.run();
    return 0;
}

int serve_at(const options& asked) {
    asio::io_context io{1};
    constexpr std::string_view unix_prefix = "unix:";
    if (asked.listen.starts_with(unix_prefix)) {
        using local = asio::local::stream_protocol;
        const local::endpoint at{asked.listen.substr(unix_prefix.size())};
        return run<local>(io, at, asked);
    }
    const auto colon = asked.listen.rfind(':');
    const auto port = static_cast<unsigned short>(std::stoul(asked.listen.substr(colon + 1)));
    const auto host = asio::ip::make_address(asked.listen.substr(0, colon));
    if (!host.is_loopback()) {
        std::fputs("delay_link: loopback only\n", stderr);
        return 2;
    }
    return run<asio::ip::tcp>(io, asio::ip::tcp::endpoint{host, port}, asked);
}

}  // namespace
}  // namespace farside::bench

int main(int argc, char** argv) {
    farside::bench::options asked;
    const int usage = 2;
    if (argc < 3 || argc % 2 == 0) {
        std::fputs("delay_link LISTEN CONNECT [--delay-us N] [--bytes-per-second N]\n", stderr);
        return usage;
    }
    asked.listen = argv[1];
    asked.connect = argv[2];
    for (int i = 3; i + 1 < argc; i += 2) {
        const std::string_view name{argv[i]};
        if (name == "--delay-us") {
            asked.shape.delay = std::chrono::microseconds{std::atoll(argv[i + 1])};
        } else if (name == "--bytes-per-second") {
            asked.shape.bytes_per_second = std::atof(argv[i + 1]);
        } else {
            return usage;
        }
    }
    return farside::bench::serve_at(asked);
}
