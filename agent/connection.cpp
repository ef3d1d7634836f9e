// The coroutines of a connection: each a short loop that reads, asks or writes. The order at the
// end matters: no further requests, then no further calls, then the replies that are left and the
// last word, then the descriptors.
#include "agent/connection.hpp"

#include "agent/limits.hpp"
#include "protocol/handshake.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <vector>

#include <sys/socket.h>

namespace farside::agent {
namespace {

// Asio's own condition writes 64 KiB at a time.
std::size_t whole_batch(const boost::system::error_code& ec, std::size_t /*written*/) {
    return ec ? 0 : protocol::limits::outgoing_bytes_max;
}

void list_parts(const outgoing_queue::batch& batch, std::vector<asio::const_buffer>& parts) {
    parts.assign({asio::buffer(batch.control), asio::buffer(batch.metadata)});
    for (const auto& frame : batch.bulk) {
        parts.push_back(asio::buffer(frame));
    }
}

}  // namespace

connection::connection(
    transport stream,
    const served_files& files,
    lanes& workers,
    connection_options options,
    const logger& log
)
    : stream_{std::move(stream)},
      files_{files},
      lanes_{workers},
      options_{std::move(options)},
      log_{log},
      executor_{stream_.in.get_executor()},
      handshake_timer_{executor_},
      farewell_timer_{executor_},
      output_{executor_},
      room_{executor_},
      writer_{executor_},
      tasks_{executor_, log},
      call_tasks_{executor_, log} {}

awaitable<void> connection::run() {
    log_.info(options_.client + ": connected");
    tasks_.spawn(write_replies());
    tasks_.spawn(watch_handshake());
    const bool speaks_our_protocol = co_await read_magic();
    if (speaks_our_protocol) {
        co_await read_requests();
    }
    co_await end();
    log_.info(options_.client + ": disconnected");
}

awaitable<void> connection::end() {
    stop_reading();
    if (options_.leaving) {
        options_.leaving();
    }
    handshake_timer_.cancel();
    for (const auto& [id, call] : calls_) {
        interrupt(call);
    }
    co_await call_tasks_.join();
    close_files();
    if (handler_) {
        handler_->watched().stop();
        handler_->leased().stop();
    }

    serving_ended_ = true;
    output_.notify();
    tasks_.spawn(limit_farewell());
    while (!written_) {
        co_await writer_.wait();
    }
    if (last_word_) {
        co_await linger();
    }
    over_ = true;
    farewell_timer_.cancel();
    co_await tasks_.join();
    boost::system::error_code ignored;
    stream_.in.close(ignored);
    stream_.out.close(ignored);
}

void connection::stop(std::string_view reason) {
    if (!last_word_) {
        last_word_ = reason;
    }
    stop_reading();
}

void connection::stop_reading() {
    ending_ = true;
    boost::system::error_code ignored;
    stream_.in.cancel(ignored);
    room_.notify();
}

awaitable<void> connection::watch_handshake() {
    if (handler_ || ending_) {
        co_return;
    }
    handshake_timer_.expires_after(options_.handshake_timeout);
    const auto [ec] = co_await handshake_timer_.async_wait();
    if (ec || handler_ || ending_) {
        co_return;
    }
    log_.warn(options_.client + ": the handshake was not complete in time");
    stop("the handshake was not complete in time");
}

// Who does not begin with the magic speaks something else, and would not understand a goodbye.
awaitable<bool> connection::read_magic() {
    std::array<std::byte, protocol::magic.size()> received{};
    std::size_t bytes = 0;
    while (bytes < received.size() && !ending_) {
        const auto rest = asio::buffer(received.data() + bytes, received.size() - bytes);
        const auto [ec, got] = co_await stream_.in.async_read_some(rest);
        if (ec) {
            co_return false;
        }
        bytes += got;
        const auto wrong = protocol::check_magic(std::span{received}.first(bytes));
        if (wrong) {
            log_.warn(options_.client + ": " + wrong.message());
            co_return false;
        }
    }
    co_return !ending_;
}

awaitable<void> connection::read_requests() {
    while (!ending_) {
        if (!outgoing_.has_room()) {
            co_await room_.wait();
            continue;
        }
        const auto next = parser_.next();
        if (!next) {
            violated(next.error());
        } else if (*next) {
            on_frame(**next);
        } else {
            const bool more = co_await read_more();
            if (!more) {
                co_return;
            }
        }
    }
}

awaitable<bool> connection::read_more() {
    const auto room = parser_.prepare();
    const auto buffer = asio::buffer(room.data(), room.size());
    const auto [ec, got] = co_await stream_.in.async_read_some(buffer);
    if (ec) {
        co_return false;
    }
    parser_.commit(got);
    co_return true;
}

awaitable<void> connection::write_replies() {
    const token as_values;
    std::vector<asio::const_buffer> parts;
    bool failed = false;
    bool last_word_queued = false;
    while (!failed) {
        const bool all_told = gather_events();
        if (outgoing_.empty() && serving_ended_ && last_word_ && !last_word_queued) {
            const protocol::goodbye last_word{*last_word_};
            protocol::append_one_way(outgoing_.urgent(), last_word);
            last_word_queued = true;
        }
        if (outgoing_.empty()) {
            if (serving_ended_) {
                break;
            }
            co_await output_.wait();
            continue;
        }
        const auto scope = all_told ? outgoing_queue::scope::all : outgoing_queue::scope::control;
        list_parts(outgoing_.take(scope), parts);
        const auto [ec, written] =
            co_await asio::async_write(stream_.out, parts, whole_batch, as_values);
        outgoing_.written();
        room_.notify();
        failed = static_cast<bool>(ec);
    }
    written_ = true;
    writer_.notify();
    stop_reading();  // without a writer there is nobody to answer
}

// The writer takes the events: it knows when replies leave.
awaitable<void> connection::tell_events() {
    bool more = true;
    while (more) {
        more = co_await handler_->watched().wait();
        output_.notify();
    }
}

awaitable<void> connection::tell_changes() {
    bool more = true;
    while (more) {
        more = co_await handler_->leased().wait();
        output_.notify();
    }
}

// What happened in watched places before a reply is written goes before it. False: there is more.
// What programs are told of is asked for first and told last: who acts on it finds that his cache
// was told before.
bool connection::gather_events() {
    if (!handler_ || serving_ended_) {
        return true;
    }
    if (held_events_.empty()) {
        all_events_held_ = handler_->watched().drain(held_events_);
    }
    if (!handler_->leased().drain(outgoing_.pushes())) {
        return false;
    }
    auto& pushes = outgoing_.pushes();
    pushes.insert(pushes.end(), held_events_.begin(), held_events_.end());
    held_events_.clear();
    return all_events_held_;
}

awaitable<void> connection::serve(std::shared_ptr<pending_call> call) {
    bool again = true;
    while (again) {
        again = co_await run_once(*call);
        if (again && call->in_pieces) {
            co_await asio::post(executor_, asio::use_awaitable);
        }
    }
    handler_->end(*call);
    calls_.erase(static_cast<std::uint64_t>(call->id));
}

awaitable<bool> connection::run_once(pending_call& call) {
    while (call.turns_awaited > 0 && !gives_up(call)) {
        co_await call.changed.wait();
    }
    const bool bulk = call.priority >= protocol::priority::stream;
    const bool announced = bulk || call.bulk;
    while (announced && !outgoing_.has_bulk_room(call.priority, call.reply_bytes) && !gives_up(call)
    ) {
        co_await room_.wait();
    }
    const auto reserved = call.reply_bytes;
    outgoing_.reserve_bulk(call.priority, reserved);
    int failure = gives_up(call) ? EINTR : 0;
    if (failure == 0 && call.where != lane::here) {
        const bool ran = co_await run_on_worker(call);
        failure = ran ? 0 : EAGAIN;
    } else if (failure == 0) {
        call.work();
    }
    outgoing_.release_bulk(call.priority, reserved);

    protocol::buffer frame;
    auto& out = bulk ? frame : outgoing_.urgent();
    auto outcome = pending_call::outcome::answered;
    if (failure != 0) {
        call.fail(failure, out);
    } else {
        outcome = call.finish(out);
    }
    if (!frame.empty()) {
        outgoing_.add(call.priority, std::move(frame));
    }
    room_.notify();
    output_.notify();
    co_return outcome != pending_call::outcome::answered;
}

awaitable<bool> connection::run_on_worker(pending_call& call) {
    auto job = std::make_shared<blocking_pool::job>();
    bool running = true;
    job->run = [work = &call.work] { (*work)(); };
    // `call` and `running` outlive the job: this coroutine waits for it here, whatever happens.
    job->done = [executor = executor_, &call, &running] {
        asio::post(executor, [&call, &running] {
            running = false;
            call.changed.notify();
        });
    };
    if (!lanes_.of(call.where).submit(job)) {
        co_return false;
    }
    call.job = std::move(job);
    while (running) {
        co_await call.changed.wait();
    }
    call.job = nullptr;
    co_return true;
}

awaitable<void> connection::insist(std::shared_ptr<pending_call> call) {
    timer pause{executor_};
    while (call->job) {
        lanes_.of(call->where).interrupt(*call->job);
        pause.expires_after(std::chrono::milliseconds{limits::interrupt_interval_ms});
        [[maybe_unused]] const auto [ec] = co_await pause.async_wait();
    }
}

awaitable<void> connection::limit_farewell() {
    if (over_) {
        co_return;
    }
    farewell_timer_.expires_after(std::chrono::milliseconds{limits::farewell_timeout_ms});
    const auto [ec] = co_await farewell_timer_.async_wait();
    if (!ec) {
        boost::system::error_code ignored;
        stream_.in.cancel(ignored);
        stream_.out.cancel(ignored);
    }
}

// A TCP connection that is closed with requests unread would take the last word back from a client
// that has not read it yet.
awaitable<void> connection::linger() {
    boost::system::error_code ec;
    if (::shutdown(stream_.out.native_handle(), SHUT_WR) != 0) {
        stream_.out.close(ec);  // a pipe
    }
    while (!ec) {
        const auto room = parser_.prepare();
        const auto buffer = asio::buffer(room.data(), room.size());
        const auto [failed, got] = co_await stream_.in.async_read_some(buffer);
        ec = failed;
    }
}

}  // namespace farside::agent
