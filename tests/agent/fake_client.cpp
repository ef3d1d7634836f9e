// Blocking reads with a limit; frames are taken as they come and kept until somebody asks.
#include "tests/agent/fake_client.hpp"

#include "protocol/handshake.hpp"

#include <algorithm>
#include <stdexcept>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace farside::agent::test {

fake_client::fake_client(unique_fd socket) : socket_{std::move(socket)} {}

protocol::hello fake_client::default_hello(bool read_only) {
    protocol::hello request;
    request.version_min = protocol::version_min;
    request.version_max = protocol::version_max;
    request.limits = protocol::own_limits();
    request.read_only = read_only;
    request.software = "test";
    return request;
}

answer<protocol::hello> fake_client::greet(const protocol::hello& request) {
    send_bytes(protocol::magic);
    return call(request);
}

void fake_client::cancel(protocol::request_id id) {
    protocol::buffer frame;
    const protocol::cancel request{id};
    protocol::append_one_way(frame, request);
    send_bytes(frame);
}

void fake_client::flush() {
    send_bytes(queued_);
    queued_.clear();
}

void fake_client::send_bytes(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0) {
            throw std::runtime_error{"the agent does not take what is sent"};
        }
        bytes = bytes.subspan(static_cast<std::size_t>(sent));
    }
}

void fake_client::shutdown_writing() const {
    ::shutdown(socket_.get(), SHUT_WR);
}

bool fake_client::receive(bool may_wait) {
    pollfd readable{socket_.get(), POLLIN, 0};
    const auto limit =
        may_wait ? std::chrono::milliseconds{patience} : std::chrono::milliseconds{0};
    if (::poll(&readable, 1, static_cast<int>(limit.count())) <= 0) {
        if (may_wait) {
            throw std::runtime_error{"the agent does not answer"};
        }
        return false;
    }
    const auto room = parser_.prepare();
    const auto got = ::read(socket_.get(), room.data(), room.size());
    if (got <= 0) {
        return false;
    }
    parser_.commit(static_cast<std::size_t>(got));
    for (;;) {
        const auto frame = parser_.next();
        if (!frame.value()) {
            return true;
        }
        on_frame(**frame);
    }
}

void fake_client::on_frame(const protocol::frame& frame) {
    const auto event = requests_.on_frame(frame).value();
    if (event.what == protocol::multiplexer::event::kind::push) {
        if (event.op == protocol::opcode::watch_events) {
            events_.push_back(protocol::decode<protocol::watch_events>(event.body).value());
            return;
        }
        if (event.op == protocol::opcode::changes) {
            changes_.push_back(protocol::decode<protocol::changes>(event.body).value());
            return;
        }
        goodbye_ = protocol::decode<protocol::goodbye>(event.body).value().reason;
        return;
    }
    auto& whole = partial_[event.owner];
    whole.failure = static_cast<int>(event.failure);
    if (event.failure == protocol::no_error) {
        whole.bodies.emplace_back(event.body.begin(), event.body.end());
    }
    if (!event.more) {
        complete_[event.owner] = std::move(whole);
        partial_.erase(event.owner);
        order_.push_back(event.owner);
    }
}

raw_answer fake_client::wait_raw(protocol::request_id id) {
    const auto cookie = cookies_.at(id);
    while (!complete_.contains(cookie)) {
        if (!receive(true)) {
            throw std::runtime_error{
                "the connection ended" + (goodbye_ ? ": " + *goodbye_ : std::string{})};
        }
    }
    auto whole = std::move(complete_.at(cookie));
    complete_.erase(cookie);
    std::erase(order_, cookie);
    cookies_.erase(id);
    return whole;
}

bool fake_client::answered(protocol::request_id id) {
    while (receive(false)) {
    }
    return complete_.contains(cookies_.at(id));
}

protocol::request_id fake_client::wait_any() {
    while (order_.empty()) {
        if (!receive(true)) {
            throw std::runtime_error{"the connection ended"};
        }
    }
    const auto cookie = order_.front();
    const auto found =
        std::ranges::find_if(cookies_, [&](const auto& entry) { return entry.second == cookie; });
    return found->first;
}

std::vector<protocol::watch_events> fake_client::take_events() {
    return std::exchange(events_, {});
}

std::vector<protocol::watch_events> fake_client::wait_for_events() {
    while (events_.empty()) {
        if (!receive(true)) {
            throw std::runtime_error{"the connection ended"};
        }
    }
    return take_events();
}

std::vector<protocol::changes> fake_client::take_changes() {
    return std::exchange(changes_, {});
}

std::vector<protocol::changes> fake_client::wait_for_changes() {
    while (changes_.empty()) {
        if (!receive(true)) {
            throw std::runtime_error{"the connection ended"};
        }
    }
    return take_changes();
}

std::string fake_client::data_of(const raw_answer& whole) {
    std::string data;
    for (const auto& body : whole.bodies) {
        const auto part = protocol::decode<protocol::read_reply>(body).value();
        const auto* text = reinterpret_cast<const char*>(part.data.bytes.data());
        data.append(text, part.data.bytes.size());
    }
    return data;
}

std::string fake_client::read(
    protocol::handle_id handle, std::int64_t offset, std::uint32_t bytes
) {
    const protocol::read request{handle, offset, bytes};
    const auto whole = call(request);
    if (whole.failure != 0) {
        throw std::runtime_error{"read: errno " + std::to_string(whole.failure)};
    }
    return data_of(whole.raw);
}

std::optional<std::string> fake_client::wait_for_goodbye() {
    while (receive(true)) {
    }
    return goodbye_;
}

socket_pair make_socket_pair() {
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        throw std::runtime_error{"socketpair"};
    }
    return {unique_fd{ends[0]}, unique_fd{ends[1]}};
}

}  // namespace farside::agent::test
