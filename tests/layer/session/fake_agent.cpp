// Blocking reads and writes on a thread of its own: nothing here shares code with the session's
// link but the protocol library.
#include "tests/layer/session/fake_agent.hpp"

#include "protocol/handshake.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include <sys/socket.h>
#include <unistd.h>

namespace farside::session::testing {
namespace {

constexpr std::chrono::seconds patience{30};

}  // namespace

protocol::hello_reply friendly_hello() {
    protocol::hello_reply reply;
    reply.version = protocol::version_max;
    reply.limits = protocol::own_limits();
    reply.software = "fake";
    reply.target = "dir/fake";
    return reply;
}

fake_agent::fake_agent(unique_fd connection) : connection_{std::move(connection)} {
    on<protocol::hello>([](const protocol::hello&) { return friendly_hello(); });
    on<protocol::close>([](const protocol::close&) { return protocol::empty_reply{}; });
}

fake_agent::~fake_agent() {
    close();
    if (thread_.joinable()) {
        thread_.join();
    }
}

void fake_agent::start() {
    thread_ = std::thread{[this] { run(); }};
}

void fake_agent::run() {
    while (read_more()) {
        for (;;) {
            const auto next = parser_.next();
            if (!next || !*next) {
                break;
            }
            on_frame(**next);
            if (!write_out()) {
                return;
            }
        }
    }
}

bool fake_agent::read_more() {
    if (!greeted_) {
        std::array<std::byte, protocol::magic.size()> magic{};
        if (::recv(connection_.get(), magic.data(), magic.size(), MSG_WAITALL) !=
                static_cast<ssize_t>(magic.size()) ||
            magic != protocol::magic) {
            return false;
        }
        greeted_ = true;
    }
    const auto room = parser_.prepare();
    const auto n = ::recv(connection_.get(), room.data(), room.size(), 0);
    if (n <= 0) {
        return false;
    }
    parser_.commit(static_cast<std::size_t>(n));
    return true;
}

void fake_agent::on_frame(const protocol::frame& f) {
    std::function<void(const protocol::frame&)> handler;
    {
        const std::lock_guard lock{mutex_};
        const auto found = handlers_.find(f.header.op);
        if (found != handlers_.end()) {
            handler = found->second;
        }
    }
    if (handler) {
        handler(f);
    } else if (f.header.id != protocol::one_way_id) {
        protocol::append_error(out_, f.header.op, f.header.id, protocol::wire_errno{ENOSYS});
    }
    const std::lock_guard lock{mutex_};
    seen_.push_back({f.header.op, f.header.id, {f.payload.begin(), f.payload.end()}});
    arrived_.notify_all();
}

bool fake_agent::write_out() {
    if (!out_.empty()) {
        send(out_);
        out_.clear();
    }
    if (closing_) {
        close();
    }
    return !closing_;
}

void fake_agent::send(const protocol::buffer& bytes) {
    const std::lock_guard lock{write_mutex_};
    std::size_t done = 0;
    while (done < bytes.size()) {
        const auto n =
            ::send(connection_.get(), bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
        if (n <= 0) {
            return;
        }
        done += static_cast<std::size_t>(n);
    }
}

void fake_agent::close() {
    ::shutdown(connection_.get(), SHUT_RDWR);
}

void fake_agent::on_raw(protocol::opcode op, std::string bytes, then after) {
    const std::lock_guard lock{mutex_};
    handlers_[op] = [this, bytes, after](const protocol::frame&) {
        for (const char c : bytes) {
            out_.push_back(static_cast<std::byte>(c));
        }
        closing_ = after == then::close;
    };
}

fake_agent::seen fake_agent::await(protocol::opcode op, std::size_t count) {
    std::unique_lock lock{mutex_};
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
        std::size_t found = 0;
        for (const auto& s : seen_) {
            found += s.op == op ? 1 : 0;
            if (found == count) {
                return s;
            }
        }
        if (arrived_.wait_until(lock, deadline) == std::cv_status::timeout) {
            std::fprintf(stderr, "fake agent: no request %d came\n", static_cast<int>(op));
            std::abort();
        }
    }
}

std::size_t fake_agent::count(protocol::opcode op) const {
    const std::lock_guard lock{mutex_};
    std::size_t found = 0;
    for (const auto& s : seen_) {
        found += s.op == op ? 1 : 0;
    }
    return found;
}

std::size_t fake_agent::requests() const {
    const std::lock_guard lock{mutex_};
    return seen_.size();
}

}  // namespace farside::session::testing
