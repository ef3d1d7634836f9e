// Starts and stops the server's thread.
#include "tests/agent/running_agent.hpp"

#include <boost/asio/post.hpp>

#include <csignal>
#include <stdexcept>

#include <sched.h>

namespace farside::agent::test {

running_agent::running_agent(server_options options, std::string directory)
    : root_{directory.empty() ? directory_.path() : std::filesystem::path{directory}} {
    std::signal(SIGPIPE, SIG_IGN);
    blocking_pool::install_interrupt_handler();
    std::promise<void> started;
    thread_ = std::thread{[this, &options, &started] { run(options, started); }};
    started.get_future().get();
}

running_agent::~running_agent() {
    stop();
}

void running_agent::stop() {
    if (!thread_.joinable()) {
        return;
    }
    asio::post(loop_, [this] { server_->stop("the test is over"); });
    thread_.join();
}

void running_agent::on_loop(const std::function<void(server&)>& action) {
    std::promise<void> done;
    asio::post(loop_, [&] {
        action(*server_);
        done.set_value();
    });
    done.get_future().get();
}

void running_agent::run(const server_options& options, std::promise<void>& started) {
    if (::unshare(CLONE_FS) != 0) {
        throw std::runtime_error{"unshare"};
    }
    auto descriptors = process_descriptors::open().value();
    const auto mask = creation_mask::of_process();
    const auto target = enter_target("dir/" + root_.string(), descriptors).value();
    const logger log{log_level::error};
    server served{loop_, target, mask, options, log};
    server_ = &served;
    started.set_value();
    loop_.run();
}

fake_client running_agent::connect() {
    auto pair = make_socket_pair();
    on_loop([&](server& served) { served.serve_client(std::move(pair.server)); });
    return fake_client{std::move(pair.client)};
}

fake_client running_agent::session(bool read_only) {
    auto client = connect();
    if (client.greet(fake_client::default_hello(read_only)).failure != 0) {
        throw std::runtime_error{"the agent refuses the hello"};
    }
    return client;
}

}  // namespace farside::agent::test
