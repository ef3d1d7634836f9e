// The one connection to the agent. Requests of all callers share it: each is queued, sent with
// whatever else is queued, and answered in any order. Reader and writer are independent, so that
// two ends that are both busy writing never wait for each other.
//
//     call() -> multiplexer -> queued bytes -> writer -> socket -> reader -> multiplexer -> caller
//
// Everything is bounded: bytes queued, requests unanswered, bytes asked for and sent (link_credit);
// a call that finds no room waits, those of other classes do not. When the connection is lost every
// call fails at once with EIO, and so does every later one.
//
// One thread. The link outlives its calls; stop() then the task group's join() end it.
#pragma once

#include "layer/session/async_event.hpp"
#include "layer/session/link_credit.hpp"
#include "layer/session/link_estimate.hpp"
#include "layer/session/notice.hpp"
#include "layer/session/reply_collector.hpp"
#include "layer/session/session_stats.hpp"
#include "layer/session/task_group.hpp"
#include "protocol/frame_parser.hpp"
#include "protocol/frame_queue.hpp"
#include "protocol/lease_messages.hpp"
#include "protocol/multiplexer.hpp"
#include "protocol/session_messages.hpp"
#include "protocol/watch_messages.hpp"

#include <array>
#include <chrono>
#include <deque>
#include <functional>
#include <string>

namespace farside::session {

// One caller's thread, as far as the link is concerned: whether it still wants an answer, and the
// request that it waits for, if any. A caller has one request at a time. Lives longer than its
// calls.
class link_caller {
public:
    explicit link_caller(session_stats::waited w = session_stats::waited::yes) : waited_{w} {}

    link_caller(const link_caller&) = delete;
    link_caller& operator=(const link_caller&) = delete;

    // A signal came: requests that were not sent yet answer EINTR.
    [[nodiscard]] bool interrupted() const { return interrupted_; }

    // It died.
    [[nodiscard]] bool gone() const { return gone_; }

    // What it waits for instead of a request is notified when either comes; null: nothing.
    void waits_for(async_event* elsewhere) { elsewhere_ = elsewhere; }

    // How many requests were sent for it.
    [[nodiscard]] std::size_t requests() const { return requests_; }

    // One was sent for it by another caller, which no signal interrupts.
    void count_request() { ++requests_; }

private:
    friend class agent_link;

    // A call that waits for its reply; lives in the call's coroutine.
    struct reply_wait {
        explicit reply_wait(const asio::any_io_executor& executor) : done{executor} {}

        // Takes a frame's body to the call's collector.
        boost::system::error_code (*add
        )(void* collector, std::span<const std::byte> body) = nullptr;
        void* collector = nullptr;
        link_caller* caller = nullptr;
        protocol::request_id id = protocol::one_way_id;
        link_credit::need taken;
        boost::system::error_code failure;
        bool finished = false;
        bool cancelled = false;      // at most one cancel is sent
        std::function<void()> then;  // in place of `done`
        link_estimate::sending sending;
        async_event done;
    };

    session_stats::waited waited_;
    std::size_t requests_ = 0;
    bool interrupted_ = false;
    bool gone_ = false;
    reply_wait* wait_ = nullptr;        // while a request is unanswered
    async_event* room_wait_ = nullptr;  // while there is no room for one
    async_event* elsewhere_ = nullptr;
};

class agent_link {
public:
    agent_link(task_group& tasks, session_stats& stats, notices& user);

    agent_link(const agent_link&) = delete;
    agent_link& operator=(const agent_link&) = delete;
    ~agent_link();

    // Shakes hands over a connected stream. Fails with the line for the user. Afterwards a lost
    // connection is said through `user`, once. Called once.
    struct outcome {
        bool connected = false;
        std::string failure;
    };

    // The failure of a handshake that the agent ended without a word.
    static constexpr const char* silent_end = "the agent ended before it answered";

    static constexpr std::chrono::milliseconds handshake_patience{
        protocol::limits::handshake_timeout_ms};

    awaitable<outcome> connect(
        stream_socket stream,
        protocol::hello greeting,
        std::chrono::milliseconds patience = handshake_patience
    );

    // Sends `request` and waits for its reply, which `into` takes. Both outlive the call. Errors
    // are the agent's errno, EIO for a connection that is lost or broken, EINTR where `by` was
    // interrupted before the request was sent, ECANCELED where `by` is gone; all in
    // system_category.
    //
    // Requests and their replies overtake those of worse classes, and keep their order within one:
    // who sends requests on one handle without waiting for their replies sends them in one class.
    template <protocol::answered_message Request>
    awaitable<boost::system::error_code> call(
        const Request& request, reply_collector<Request>& into, link_caller& by, wish said = {}
    );

    // A request that no coroutine waits for. `then` is called once, when it is answered or the
    // connection is lost; until then this stays where it is.
    template <protocol::answered_message Request>
    struct background {
        background(const asio::any_io_executor& executor, std::function<void()> then)
            : wait{executor} {
            wait.then = std::move(then);
        }

        [[nodiscard]] const boost::system::error_code& failure() const { return wait.failure; }

        reply_collector<Request> reply;
        link_caller by{session_stats::waited::no};
        link_caller::reply_wait wait;
    };

    // Sends `request` at once, as write_back: those that were started so keep their order.
    // REQUIRES: room(), in the same turn of the loop.
    template <protocol::answered_message Request>
    void start(const Request& request, background<Request>& task);

    // Waits until such a request can be queued. Errors as of call().
    awaitable<boost::system::error_code> room(link_caller& by);

    // A signal came to the caller's thread: its request is cancelled at the agent and will answer
    // EINTR, or its result where that came first.
    void interrupt(link_caller& by);

    // The caller died: nobody waits for its request any more; that is cancelled at the agent, and
    // its call returns ECANCELED.
    void abandon(link_caller& by);

    [[nodiscard]] bool usable() const { return state_ == state::connected; }

    // Requests under way, and what they took.
    [[nodiscard]] std::size_t unanswered() const { return multiplexer_.unanswered(); }

    [[nodiscard]] const link_credit& credit() const { return credit_; }

    // Why the connection is lost; empty while it is not.
    [[nodiscard]] const std::string& failure() const { return failure_; }

    [[nodiscard]] const protocol::hello_reply& peer() const { return peer_; }

    // Who learns what happened in watched places, before any reply that came after it; and that no
    // more will be learned. Both may be empty; called from the reader.
    struct watchers {
        std::function<void(const protocol::watch_events&)> happened;
        std::function<void()> lost;
    };

    void tell(watchers who) { watchers_ = std::move(who); }

    // The same of what is leased. Those who keep bytes learn of it before those who keep names.
    enum class lease_of : std::uint8_t { files, names };

    struct lease_holder {
        std::function<void(const protocol::changes&)> changed;
        std::function<void()> lost;
    };

    void tell(lease_of what, lease_holder who) {
        lease_holders_[static_cast<std::size_t>(what)] = std::move(who);
    }

    // Round trip, bytes per second and their product, as the traffic told so far; sane from the
    // handshake on.
    [[nodiscard]] link_estimate::values estimate() const { return estimate_.now(); }

    // Who learns first that nothing more will come from the agent, however the connection ended.
    void when_ended(std::function<void()> told) { ended_ = std::move(told); }

    // Closes the connection without a word to the user; unanswered calls fail with EIO.
    void stop();

private:
    enum class state : std::uint8_t { fresh, greeting, connected, lost, stopped };

    using reply_wait = link_caller::reply_wait;

    [[nodiscard]] bool open() const { return state_ == state::greeting || usable(); }

    using need = link_credit::need;

    struct room_wait {
        need what;
        async_event turn;
    };

    // By class: one that waits for its credit does not hold back the others.
    using room_waits =
        std::array<std::deque<room_wait*>, static_cast<std::size_t>(protocol::priority_last) + 1>;

    [[nodiscard]] bool has_room(const need& what) const;
    awaitable<boost::system::error_code> reserve(need what, link_caller& by);
    [[nodiscard]] std::deque<room_wait*>& waiting(const need& what);
    void admit();
    template <protocol::answered_message Request>
    void submit(
        const Request& request, const need& what, reply_collector<Request>& into, reply_wait& wait
    );
    void queued(protocol::opcode op, std::size_t bytes, session_stats::waited w);
    awaitable<> await_reply(reply_wait& wait);
    void answer(reply_wait& wait, boost::system::error_code failure);
    void send_cancel(reply_wait& wait);

    awaitable<> read_frames();
    awaitable<> write_frames();
    void take_frames();
    void on_push(const protocol::multiplexer::event& e);
    template <typename Push, typename Told>
    void hand_over(std::span<const std::byte> body, const Told& told);
    void on_reply(const protocol::multiplexer::event& e);

    void lose(std::string why);
    void end(state last);

    task_group& tasks_;
    session_stats& stats_;
    notices& user_;
    stream_socket stream_;
    protocol::frame_parser parser_;
    protocol::multiplexer multiplexer_;
    protocol::frame_queue queued_;
    async_event queue_filled_;
    room_waits waiting_for_room_;
    link_credit credit_;
    link_estimate estimate_;
    state state_ = state::fresh;
    std::string failure_;
    protocol::hello_reply peer_;
    std::function<void()> ended_;
    watchers watchers_;
    std::array<lease_holder, 2> lease_holders_;
};

template <protocol::answered_message Request>
awaitable<boost::system::error_code> agent_link::call(
    const Request& request, reply_collector<Request>& into, link_caller& by, wish said
) {
    const need what = need_of(request, said);
    if (!waiting(what).empty() || !has_room(what)) {
        const auto refused = co_await reserve(what, by);
        if (refused) {
            co_return refused;
        }
    }
    if (by.interrupted_) {
        co_return boost::system::error_code{EINTR, boost::system::system_category()};
    }
    reply_wait wait{tasks_.executor()};
    wait.caller = &by;
    submit(request, what, into, wait);
    co_await await_reply(wait);
    co_return wait.failure;
}

template <protocol::answered_message Request>
void agent_link::start(const Request& request, background<Request>& task) {
    task.wait.caller = &task.by;
    const wish said{protocol::priority::write_back};
    submit(request, need_of(request, said), task.reply, task.wait);
}

template <protocol::answered_message Request>
void agent_link::submit(
    const Request& request, const need& what, reply_collector<Request>& into, reply_wait& wait
) {
    wait.add = [](void* collector, std::span<const std::byte> body) {
        return static_cast<reply_collector<Request>*>(collector)->add(body);
    };
    wait.collector = &into;
    const auto cookie = reinterpret_cast<protocol::multiplexer::cookie>(&wait);
    protocol::buffer frame;
    const bool small = what.of == protocol::priority::metadata;
    auto& out = small ? queued_.metadata() : frame;
    const auto before = out.size();
    // Whether the answer to a small request is small, too, the agent knows best.
    wait.id =
        multiplexer_.start(request, cookie, out, small ? protocol::priority::control : what.of);
    const auto bytes = out.size() - before;
    if (!small) {
        queued_.add(what.of, std::move(frame));
    }
    wait.sending = estimate_.sent(std::chrono::steady_clock::now(), bytes, bytes_asked(request));
    wait.taken = what;
    credit_.take(what);
    ++wait.caller->requests_;
    queued(Request::op, bytes, wait.caller->waited_);
}

}  // namespace farside::session
