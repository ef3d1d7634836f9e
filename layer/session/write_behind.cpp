// One coroutine per file sends its pieces and takes the answers; everything else asks it to hurry
// and waits.
#include "layer/session/write_behind.hpp"

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>

namespace farside::session {
namespace {

using clock = std::chrono::steady_clock;

// Each write of these is asked for to be somewhere before it returns: on the disk, at the end.
constexpr std::uint32_t synchronous_flags = O_APPEND | O_DIRECT | O_SYNC | O_DSYNC;

std::int64_t result_of(const agent_link::background<protocol::write>& task) {
    const auto& ec = task.failure();
    if (!ec) {
        return task.reply.value.bytes;
    }
    const bool number = ec.category() == boost::system::system_category() && ec.value() > 0;
    return -std::int64_t{number ? ec.value() : EIO};
}

}  // namespace

write_behind::write_behind(
    task_group& tasks,
    agent_link& link,
    session_stats& stats,
    notices& user,
    std::atomic<std::uint32_t>& unsettled,
    mode how
)
    : tasks_{tasks},
      link_{link},
      stats_{stats},
      user_{user},
      unsettled_{unsettled},
      mode_{how},
      space_{tasks, link} {}

std::uint64_t write_behind::window() const {
    // Twice what the link holds: what is on its way to the target, and what replaces it meanwhile.
    const std::uint64_t wanted = 2 * link_.estimate().sent_bdp();
    return std::clamp(wanted, limits::window_bytes_min, limits::window_bytes_max);
}

std::shared_ptr<write_behind::stream> write_behind::find(const file_identity& identity) const {
    const auto found = streams_.find(identity);
    return found == streams_.end() ? nullptr : found->second;
}

std::vector<file_identity> write_behind::files() const {
    std::vector<file_identity> all;
    for (const auto& [identity, s] : streams_) {
        all.push_back(identity);
    }
    return all;
}

// ---- taking ----

void write_behind::prepare(const std::shared_ptr<open_file>& file) {
    if (mode_ == mode::on && S_ISREG(file->mode) && file->writable() &&
        (file->flags & synchronous_flags) == 0) {
        space_.look(file);
    }
}

bool write_behind::may_take(
    const std::shared_ptr<open_file>& file, std::uint64_t offset, std::uint64_t bytes
) {
    const bool plain = S_ISREG(file->mode) && (file->flags & synchronous_flags) == 0 &&
                       (file->flags & O_ACCMODE) != O_ACCMODE;  // that one only says EBADF
    if (mode_ == mode::off || !plain || file->locked || bytes == 0 || !link_.usable() ||
        offset + bytes > limits::written_behind_end_max || held_.contains(file->identity)) {
        return false;
    }
    const auto s = find(file->identity);
    return (!s || s->through == file) && space_.allows(file, bytes, window());
}

void write_behind::take(
    const std::shared_ptr<open_file>& file, std::uint64_t offset, std::span<const std::byte> bytes
) {
    auto& s = streams_[file->identity];
    const bool fresh = !s;
    if (fresh) {
        s = std::make_shared<stream>(tasks_.executor());
        s->through = file;
        file->on_its_way = true;
        unsettled_.store(1, std::memory_order_seq_cst);
    }
    const auto now = clock::now();
    const auto next_time = s->pending.next_time();
    const std::uint64_t before = s->pending.charge();
    s->pending.add(offset, bytes, now);
    charge_ += s->pending.charge() - before;
    space_.use(*file, bytes.size());
    if (fresh) {
        tasks_.spawn(send(s));
    } else if (s->pending.next(now) != nullptr || s->pending.next_time() != next_time) {
        s->wake.notify();
    }
}

awaitable<> write_behind::wait_for_room(link_caller& by) {
    by.count_request();
    stats_.awaited(protocol::write::op);
    async_event turn{tasks_.executor()};
    waiting_for_room_.push_back(&turn);
    by.waits_for(&turn);
    while (!by.gone() && std::find(waiting_for_room_.begin(), waiting_for_room_.end(), &turn) !=
                             waiting_for_room_.end()) {
        co_await turn.wait();
    }
    by.waits_for(nullptr);
    std::erase(waiting_for_room_, &turn);
}

// ---- sending ----

awaitable<> write_behind::send(std::shared_ptr<stream> s) {
    link_caller nobody{session_stats::waited::no};
    for (;;) {
        take_answers(*s);
        if (!link_.usable()) {
            give_up();
        }
        if (s->pending.empty()) {
            break;
        }
        if (s->pending.next(clock::now()) == nullptr) {
            co_await s->wake.wait_until(s->pending.next_time());
            continue;
        }
        const auto refused = co_await link_.room(nobody);
        auto* const piece = refused ? nullptr : s->pending.next(clock::now());
        if (piece != nullptr) {
            start(*s, *piece);
        }
    }
    close_stream(*s);
}

void write_behind::start(stream& s, pending_writes::piece& piece) {
    auto& flights = s.flights;
    const auto landed = [&s](flight& f) {
        s.answered.push_back(&f);
        s.wake.notify();
    };
    flights.emplace_back(tasks_.executor(), piece, landed);
    flights.back().self = std::prev(flights.end());
    protocol::write request;
    request.handle = s.through->handle;
    request.offset = static_cast<std::int64_t>(piece.rest_offset());
    request.data.bytes = piece.rest();
    s.pending.sent(piece);
    link_.start(request, flights.back().task);
    for (waiter* const w : s.waiters) {
        if (w->for_sending && s.pending.sent_to(w->until)) {
            w->done.notify();
        }
    }
}

void write_behind::take_answers(stream& s) {
    const std::uint64_t before = s.pending.charge();
    for (flight* const f : std::exchange(s.answered, {})) {
        // A connection that is lost answers nothing: give_up() counts these.
        if (!f->task.failure() || link_.usable()) {
            const int failed = s.pending.answered(f->piece, result_of(f->task));
            if (failed != 0 && s.through->write_failure == 0) {
                s.through->write_failure = failed;
            }
        }
        s.flights.erase(f->self);
    }
    progress(s, before);
}

// Lets those go on who waited for what is settled now.
void write_behind::progress(stream& s, std::uint64_t charge_before) {
    charge_ -= charge_before - s.pending.charge();
    std::erase_if(s.waiters, [&](waiter* w) {
        const bool done = w->until <= s.pending.settled();
        if (done || w->for_sending) {
            w->done.notify();
        }
        return done;
    });
    if (has_room(limits::piece_bytes_max)) {
        for (async_event* const waiting : std::exchange(waiting_for_room_, {})) {
            waiting->notify();
        }
    }
}

void write_behind::close_stream(const stream& s) {
    s.through->on_its_way = false;
    streams_.erase(s.through->identity);
    if (streams_.empty()) {
        unsettled_.store(0, std::memory_order_seq_cst);
    }
    if (settled_) {
        settled_();
    }
}

// The connection is lost, and with it what the target did not confirm.
void write_behind::give_up() {
    std::uint64_t lost = 0;
    std::size_t files = 0;
    std::string path;
    for (const auto& [identity, s] : streams_) {
        take_answers(*s);
        const std::uint64_t before = s->pending.charge();
        const std::uint64_t bytes = s->pending.give_up();
        progress(*s, before);
        if (bytes == 0) {
            continue;
        }
        lost += bytes;
        path = files++ == 0 ? s->through->path : path;
        s->through->write_failure = EIO;
        s->through->failure_was_told = true;
        s->wake.notify();
    }
    if (files > 0) {
        const std::string others = files == 1 ? ""
                                   : files == 2
                                       ? " and to another file"
                                       : " and to " + std::to_string(files - 1) + " other files";
        user_.say(
            "the target did not confirm " + std::to_string(lost) + " bytes written to " + path +
            others + ": they may be lost"
        );
    }
}

// ---- waiting ----

awaitable<bool> write_behind::drain(
    std::shared_ptr<stream> s, std::uint64_t until, link_caller& by, signals on_signal
) {
    waiter w{until, async_event{tasks_.executor()}};
    const auto over = [&] { return by.gone() || (by.interrupted() && on_signal == signals::end); };
    if (s->pending.settled() < until) {
        s->pending.hurry();
        s->wake.notify();
        by.count_request();
        stats_.awaited(protocol::write::op);
        s->waiters.push_back(&w);
        by.waits_for(&w.done);
        while (s->pending.settled() < until && !over()) {
            co_await w.done.wait();
        }
        by.waits_for(nullptr);
        std::erase(s->waiters, &w);
    }
    co_return s->pending.settled() >= until;
}

awaitable<write_behind::in_front> write_behind::send_all(const open_file& file, link_caller& by) {
    in_front what;
    what.of = find(file.identity);
    if (!what.of || what.of->through->handle != file.handle) {
        co_return what;
    }
    auto& s = *what.of;
    what.until = s.pending.added();
    what.times_cut_short = s.pending.times_cut_short();
    const auto open = [&] {
        return s.pending.settled() < what.until && !s.pending.sent_to(what.until) &&
               s.pending.times_cut_short() == what.times_cut_short && link_.usable();
    };
    waiter w{what.until, async_event{tasks_.executor()}, true};
    s.pending.hurry();
    s.wake.notify();
    s.waiters.push_back(&w);
    by.waits_for(&w.done);
    while (open() && !by.gone()) {
        co_await w.done.wait();
    }
    by.waits_for(nullptr);
    std::erase(s.waiters, &w);
    what.is_sent = s.pending.sent_to(what.until);
    co_return what;
}

awaitable<bool> write_behind::came_first(const in_front& what, link_caller& by) {
    co_await drain(what.of, what.until, by, signals::wait);
    co_return what.of->pending.times_cut_short() == what.times_cut_short;
}

awaitable<bool> write_behind::drain(file_identity identity, link_caller& by, signals on_signal) {
    const auto s = find(identity);
    bool done = true;
    if (s) {
        const std::uint64_t until = s->pending.added();
        done = co_await drain(s, until, by, on_signal);
    }
    co_return done;
}

awaitable<bool> write_behind::drain_all(link_caller& by, signals on_signal) {
    std::vector<std::pair<std::shared_ptr<stream>, std::uint64_t>> parts;
    for (const auto& [identity, s] : streams_) {
        parts.emplace_back(s, s->pending.added());
        s->pending.hurry();
        s->wake.notify();
    }
    for (const auto& [s, until] : parts) {
        const bool done = co_await drain(s, until, by, on_signal);
        if (!done) {
            co_return false;
        }
    }
    co_return true;
}

void write_behind::tell_user(const open_file& file) {
    if (!file.failure_was_told) {
        user_.say(
            "what was written to " + file.path +
            " is lost: " + std::generic_category().message(file.write_failure)
        );
    }
}

}  // namespace farside::session
