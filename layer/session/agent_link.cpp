// Reader, writer and the handshake. What ends a connection is decided in one place, lose(): the
// first reason wins, and everybody who waits is woken there.
#include "layer/session/agent_link.hpp"

#include "layer/session/deadline.hpp"
#include "protocol/dump.hpp"
#include "protocol/handshake.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <cassert>
#include <cerrno>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

namespace farside::session {
namespace {

boost::system::error_code system_error(int number) {
    return {number, boost::system::system_category()};
}

std::string not_our_protocol(const boost::system::error_code& ec) {
    return "what answered does not speak the farside protocol (" + ec.message() + ")";
}

// Asio's own condition writes 64 KiB at a time.
std::size_t whole_batch(const boost::system::error_code& ec, std::size_t /*written*/) {
    return ec ? 0 : protocol::limits::outgoing_bytes_max;
}

void list_parts(const protocol::frame_queue::batch& batch, std::vector<asio::const_buffer>& parts) {
    parts.assign({asio::buffer(batch.control), asio::buffer(batch.metadata)});
    for (const auto& frame : batch.bulk) {
        parts.push_back(asio::buffer(frame));
    }
}

}  // namespace

agent_link::agent_link(task_group& tasks, session_stats& stats, notices& user)
    : tasks_{tasks},
      stats_{stats},
      user_{user},
      stream_{tasks.executor()},
      queue_filled_{tasks.executor()} {}

agent_link::~agent_link() {
    assert(!open() && multiplexer_.unanswered() == 0);
}

// ---- handshake ----

awaitable<agent_link::outcome> agent_link::connect(
    stream_socket stream, protocol::hello greeting, std::chrono::milliseconds patience
) {
    assert(state_ == state::fresh);
    stream_ = std::move(stream);
    state_ = state::greeting;
    tasks_.spawn(read_frames());
    tasks_.spawn(write_frames());

    std::optional<deadline> limit;
    limit.emplace(tasks_.executor(), patience, [this, patience] {
        lose("the agent did not answer within " + std::to_string(patience.count()) + " ms");
    });

    queued_.metadata().assign(protocol::magic.begin(), protocol::magic.end());
    link_caller us;
    reply_collector<protocol::hello> reply;
    const auto failure = co_await call(greeting, reply, us);
    limit.reset();

    outcome result;
    if (failure) {
        lose("the agent refused the connection: " + failure.message());
    } else if (const auto wrong = protocol::check_hello_reply(reply.value)) {
        lose("the agent cannot be used: " + wrong.message());
    } else {
        peer_ = std::move(reply.value);
        multiplexer_.allow(peer_.limits.requests_in_flight);
        state_ = state::connected;
        result.connected = true;
    }
    result.failure = failure_;
    co_return result;
}

// ---- calls ----

bool agent_link::has_room(const need& what) const {
    // One half is for small requests.
    const auto most =
        protocol::limits::outgoing_bytes_max / (what.of == protocol::priority::metadata ? 1 : 2);
    return open() && multiplexer_.has_room() && queued_.bytes() < most &&
           credit_.allows(what, multiplexer_.unanswered(), estimate_.now());
}

std::deque<agent_link::room_wait*>& agent_link::waiting(const need& what) {
    return waiting_for_room_[static_cast<std::size_t>(what.of)];
}

awaitable<boost::system::error_code> agent_link::room(link_caller& by) {
    const need longest{protocol::priority::write_back, protocol::limits::data_bytes_max, 0};
    boost::system::error_code refused;
    if (!waiting(longest).empty() || !has_room(longest)) {
        refused = co_await reserve(longest, by);
    }
    co_return refused;
}

// In the order of asking, within a class.
awaitable<boost::system::error_code> agent_link::reserve(need what, link_caller& by) {
    room_wait ours{what, async_event{tasks_.executor()}};
    auto& line = waiting(what);
    line.push_back(&ours);
    by.room_wait_ = &ours.turn;
    while (open() && !by.interrupted_ && (line.front() != &ours || !has_room(what))) {
        co_await ours.turn.wait();
    }
    by.room_wait_ = nullptr;
    std::erase(line, &ours);
    // Whether we take what there is or not: the next looks after us.
    admit();
    if (open() && !by.interrupted_) {
        co_return boost::system::error_code{};
    }
    co_return system_error(by.gone_ ? ECANCELED : by.interrupted_ ? EINTR : EIO);
}

// Lets the callers that waited longest try again. Each that finds room lets the next one in.
void agent_link::admit() {
    for (auto& line : waiting_for_room_) {
        if (!line.empty() && has_room(line.front()->what)) {
            line.front()->turn.notify();
        }
    }
}

void agent_link::queued(protocol::opcode op, std::size_t bytes, session_stats::waited w) {
    stats_.sent(op, bytes, w);
    queue_filled_.notify();
    admit();
}

awaitable<> agent_link::await_reply(reply_wait& wait) {
    wait.caller->wait_ = &wait;
    while (!wait.finished) {
        co_await wait.done.wait();
    }
    wait.caller->wait_ = nullptr;
    admit();
}

void agent_link::answer(reply_wait& wait, boost::system::error_code failure) {
    credit_.give_back(wait.taken);
    wait.failure = failure;
    wait.finished = true;
    if (wait.then) {
        wait.then();
        admit();
    } else {
        wait.done.notify();
    }
}

void agent_link::send_cancel(reply_wait& wait) {
    if (wait.finished || wait.cancelled || !open()) {
        return;
    }
    wait.cancelled = true;
    // In the class of the request, which it must not overtake.
    protocol::buffer frame;
    protocol::append_one_way(frame, protocol::cancel{wait.id});
    const auto bytes = frame.size();
    queued_.add(wait.taken.of, std::move(frame));
    queued(protocol::cancel::op, bytes, session_stats::waited::no);
}

void agent_link::interrupt(link_caller& by) {
    by.interrupted_ = true;
    if (by.wait_ != nullptr) {
        send_cancel(*by.wait_);
    }
    if (by.room_wait_ != nullptr) {
        by.room_wait_->notify();
    }
    if (by.elsewhere_ != nullptr) {
        by.elsewhere_->notify();
    }
}

void agent_link::abandon(link_caller& by) {
    by.gone_ = true;
    interrupt(by);
    if (by.wait_ != nullptr && !by.wait_->finished) {
        multiplexer_.abandon(by.wait_->id);
        estimate_.forget(by.wait_->sending);
        answer(*by.wait_, system_error(ECANCELED));
    }
}

// ---- the connection ----

awaitable<> agent_link::read_frames() {
    while (open()) {
        const auto room = parser_.prepare();
        const auto buffer = asio::buffer(room.data(), room.size());
        const auto [ec, bytes] = co_await stream_.async_read_some(buffer, as_result);
        if (!open()) {
            break;
        }
        // A unix socket is reset by an end that closed without reading all.
        if (ec == asio::error::eof || ec == asio::error::connection_reset) {
            lose(usable() ? "the agent ended" : silent_end);
        } else if (ec) {
            lose("the connection to the agent was lost: " + ec.message());
        } else {
            parser_.commit(bytes);
            take_frames();
        }
    }
}

void agent_link::take_frames() {
    while (open()) {
        const auto next = parser_.next();
        if (!next) {
            lose(not_our_protocol(next.error()));
            return;
        }
        if (!*next) {
            return;
        }
        const protocol::frame& received = **next;
        const auto e = multiplexer_.on_frame(received);
        if (!e) {
            lose(not_our_protocol(e.error()));
            return;
        }
        const auto bytes = protocol::frame_header_bytes + received.payload.size();
        switch (e->what) {
            case protocol::multiplexer::event::kind::push:
                stats_.pushed(received.header.op, bytes);
                on_push(*e);
                break;
            case protocol::multiplexer::event::kind::reply:
                stats_.received(received.header.op, bytes);
                on_reply(*e);
                break;
            case protocol::multiplexer::event::kind::nothing:
                stats_.received(received.header.op, bytes);
                admit();
                break;
        }
    }
}

template <typename Push, typename Told>
void agent_link::hand_over(std::span<const std::byte> body, const Told& told) {
    const auto decoded = protocol::decode<Push>(body);
    if (!decoded) {
        lose(not_our_protocol(decoded.error()));
    } else if (told) {
        told(*decoded);
    }
}

void agent_link::on_push(const protocol::multiplexer::event& e) {
    if (e.op == protocol::opcode::watch_events) {
        hand_over<protocol::watch_events>(e.body, watchers_.happened);
        return;
    }
    if (e.op == protocol::opcode::changes) {
        for (const auto& holder : lease_holders_) {
            hand_over<protocol::changes>(e.body, holder.changed);
        }
        return;
    }
    if (e.op != protocol::opcode::goodbye) {
        return;  // a newer agent may tell more than we know
    }
    const auto farewell = protocol::decode<protocol::goodbye>(e.body);
    lose(farewell ? farewell->reason : not_our_protocol(farewell.error()));
}

void agent_link::on_reply(const protocol::multiplexer::event& e) {
    auto& wait = *reinterpret_cast<reply_wait*>(e.owner);
    const auto now = std::chrono::steady_clock::now();
    estimate_.received(now, wait.sending, protocol::frame_header_bytes + e.body.size());
    credit_.arrived(wait.taken, e.body.size());
    if (!e.more) {
        estimate_.answered(now, wait.sending);
    }
    if (e.failure != protocol::no_error) {
        answer(wait, system_error(static_cast<int>(e.failure)));
        return;
    }
    if (const auto malformed = wait.add(wait.collector, e.body)) {
        multiplexer_.abandon(wait.id);
        answer(wait, system_error(EIO));
        lose(not_our_protocol(malformed));
        return;
    }
    if (!e.more) {
        answer(wait, {});
    }
    admit();
}

awaitable<> agent_link::write_frames() {
    std::vector<asio::const_buffer> parts;
    while (open()) {
        if (queued_.empty()) {
            co_await queue_filled_.wait();
            continue;
        }
        list_parts(queued_.take(), parts);
        const auto [ec, bytes] = co_await asio::async_write(stream_, parts, whole_batch, as_result);
        if (ec) {
            // The agent may have said why before it closed: the reader takes what is still there
            // and then finds the end.
            boost::system::error_code ignored;
            stream_.shutdown(stream_socket::shutdown_receive, ignored);
            break;
        }
        queued_.written();
        admit();
    }
}

void agent_link::lose(std::string why) {
    if (!open()) {
        return;
    }
    failure_ = protocol::one_line(why);
    const bool was_connected = usable();
    end(state::lost);
    if (was_connected) {
        if (watchers_.lost) {
            watchers_.lost();
        }
        for (const auto& holder : lease_holders_) {
            if (holder.lost) {
                holder.lost();
            }
        }
        user_.say(failure_ + "; remote files now answer EIO");
    }
}

void agent_link::stop() {
    if (open()) {
        failure_ = "the session ends";
        end(state::stopped);
    }
}

void agent_link::end(state last) {
    state_ = last;
    if (ended_) {
        ended_();
    }
    boost::system::error_code ignored;
    stream_.close(ignored);
    queue_filled_.notify();
    for (const auto cookie : multiplexer_.fail_all()) {
        answer(*reinterpret_cast<reply_wait*>(cookie), system_error(EIO));
    }
    for (const auto& line : waiting_for_room_) {
        for (room_wait* const one : line) {
            one->turn.notify();
        }
    }
}

}  // namespace farside::session
