// The steps of a request, in this order: decode, handles, lane, turn, read-only gate, system calls,
// reply. A request whose lane is the loop thread and whose turn it is takes them all at once.
#include "agent/request_handler.hpp"

#include "agent/execution.hpp"
#include "agent/planning.hpp"
#include "protocol/message_table.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace farside::agent {
namespace {

template <typename Request>
constexpr bool watches_something =
    std::is_same_v<Request, protocol::watch_add> || std::is_same_v<Request, protocol::watch_remove>;

template <typename Request>
constexpr bool asks_for_leases =
    std::is_same_v<Request, protocol::lookup> || std::is_same_v<Request, protocol::fetch>;

template <typename Request>
constexpr bool reads = std::is_same_v<Request, protocol::read>;

template <typename Request>
void clip(Request& request) {
    if constexpr (reads<Request>) {
        request.bytes = std::min(request.bytes, protocol::limits::read_bytes_max);
    }
}

// The bytes that one frame of a pending reply may bring, where that is bulk.
std::size_t bulk_bytes(const protocol::read& request) {
    return std::min(request.bytes, protocol::limits::data_bytes_max);
}

template <typename Request>
std::size_t bulk_bytes(const Request& /*request*/) {
    return 0;
}

template <typename Outcome>
bool would_wait(const Outcome& outcome) {
    return !outcome && outcome.error() == errno_code(EWOULDBLOCK);
}

}  // namespace

template <typename Request>
struct request_handler::typed_call {
    protocol::buffer payload;  // the request's views point into it
    Request request;
    work_context context;
    data_buffer data;
    outcome_of<Request> outcome = errno_code(EINTR);
};

request_handler::request_handler(
    const asio::any_io_executor& executor,
    const served_files& files,
    session_mode mode,
    std::size_t handles_max,
    const logger& log
)
    : executor_{executor},
      files_{files},
      mode_{mode},
      handles_{handles_max},
      watches_{executor},
      leases_{executor, files.root, files.mounts, files.leases, handles_},
      log_{log} {}

result<std::shared_ptr<pending_call>> request_handler::start(
    const protocol::frame& frame, protocol::buffer& out, answers when
) {
    result<std::shared_ptr<pending_call>> started = std::shared_ptr<pending_call>{};
    bool known = false;
    const auto try_as = [&]<typename Request>(std::type_identity<Request> /*message*/) {
        if (Request::op != frame.header.op) {
            return;
        }
        known = true;
        auto request = protocol::decode<Request>(frame.payload);
        if (!request) {
            started = request.error();
            return;
        }
        if constexpr (std::is_same_v<Request, protocol::watch_close>) {
            close_instance(*request, frame.header.id, out);
        } else if constexpr (asks_for_leases<Request>) {
            started = start_answer(std::move(*request), frame.header.id, out);
        } else {
            clip(*request);
            started = start_typed(*request, frame, out, when);
        }
    };
    protocol::for_each_message(protocol::file_requests{}, try_as);
    protocol::for_each_message(protocol::lease_requests{}, try_as);
    if (!known) {
        protocol::append_error(out, frame.header.op, frame.header.id, protocol::wire_errno{ENOSYS});
    }
    return started;
}

template <typename Request>
std::shared_ptr<pending_call> request_handler::start_typed(
    const Request& request, const protocol::frame& frame, protocol::buffer& out, answers when
) {
    const auto id = frame.header.id;
    work_context context;
    context.root = &files_.root;
    context.mask = &files_.mask;
    context.locks = &locks_;
    context.read_only = mode_ == session_mode::read_only;
    if (!find_files(request, handles_, context)) {
        reply<Request>(id, outcome_of<Request>{errno_code(EBADF)}, out);
        return nullptr;
    }
    if constexpr (std::is_same_v<Request, protocol::close>) {
        leases_.forget(request.handle);
    }
    if constexpr (requires { request.owner; }) {
        context.owner = request.owner != 0 ? locks_.owner(request.owner) : nullptr;
    }
    if constexpr (opens<Request>) {
        // Before anything is created: a failed request changes nothing.
        if (handles_.full()) {
            reply<Request>(id, outcome_of<Request>{errno_code(EMFILE)}, out);
            return nullptr;
        }
    }
    if constexpr (watches_something<Request>) {
        if (!find_instance(request, context, id, out)) {
            return nullptr;
        }
    }
    context.where = choose_lane(request, context);
    if (context.where != lane::here || when == answers::later || must_wait(request, context)) {
        return make_pending<Request>(frame, std::move(context));
    }
    context.data = &data_;
    auto outcome = run_caught(request, context, log_);
    if constexpr (opens<Request>) {
        // Where it would wait for a lease of ours, that is given up now.
        if (would_wait(outcome) && files_.leases.give_up_broken()) {
            outcome = run_caught(request, context, log_);
        }
    }
    if (moves_to_wait(request) && would_wait(outcome)) {
        context.where = lane::patient;
        return make_pending<Request>(frame, std::move(context));
    }
    take_note(outcome, context);
    reply<Request>(id, std::move(outcome), out);
    return nullptr;
}

template <typename Request>
lane request_handler::choose_lane(const Request& request, const work_context& context) const {
    if constexpr (requires { request.handle; }) {
        return lane_of(request, *context.file);
    } else if constexpr (std::is_same_v<Request, protocol::end_lock_owner>) {
        const bool foreign = context.owner && locks_.has_foreign_files(*context.owner);
        return foreign ? lane::foreign : lane::here;
    } else if constexpr (std::is_same_v<Request, protocol::copy_range>) {
        const auto from = lane_of(request, *context.file);
        return from == lane::foreign ? from : lane_of(request, *context.file_to);
    } else if constexpr (std::is_same_v<Request, protocol::watch_remove>) {
        return lane::here;
    } else {
        const auto where = lane_of_location(context, files_.mounts.path_lane());
        if constexpr (opens<Request>) {
            // On a worker the look at the file is part of the work.
            return where == lane::here ? lane_of_open(request, context) : where;
        }
        if constexpr (std::is_same_v<Request, protocol::set_attributes>) {
            // Some may be ours, and then nobody else must be kept from giving them up.
            if (where == lane::here && files_.leases.any() && waits_for_leases(request)) {
                return lane::patient;
            }
        }
        return where;
    }
}

template <typename Request>
bool request_handler::must_wait(const Request& request, const work_context& context) const {
    bool waits = false;
    if (context.file) {
        waits = !context.file->order.idle_for(order_of(request, *context.file));
    }
    if constexpr (std::is_same_v<Request, protocol::copy_range>) {
        // A copy within one file is one request on it, not two that wait for each other.
        const bool other = context.file != context.file_to;
        waits = waits || (other && !context.file_to->order.idle_for(order_class::change));
    }
    return waits;
}

template <typename Request>
void request_handler::take_turns(
    const Request& request, const work_context& context, std::shared_ptr<pending_call>& call
) {
    const auto take = [&call](open_file& file, order_class what) {
        const auto ticket = file.order.enter(what, [waiting = call.get()] {
            --waiting->turns_awaited;
            waiting->changed.notify();
        });
        call->turns_awaited += request_order::started(ticket) ? 0U : 1U;
        call->turns.push_back({&file, ticket});
    };
    if (context.file) {
        const auto what = order_of(request, *context.file);
        if (what != order_class::none) {
            take(*context.file, what);
        }
    }
    if constexpr (std::is_same_v<Request, protocol::copy_range>) {
        if (context.file != context.file_to) {
            take(*context.file_to, order_class::change);
        }
    }
}

template <typename Request>
std::shared_ptr<pending_call> request_handler::make_pending(
    const protocol::frame& frame, work_context&& context
) {
    auto call = std::make_shared<pending_call>(executor_, frame.header.id);
    auto state = std::make_shared<typed_call<Request>>();
    state->payload.assign(frame.payload.begin(), frame.payload.end());
    state->request = protocol::decode<Request>(state->payload).value();
    clip(state->request);
    state->context = std::move(context);
    state->context.data = &state->data;
    state->context.interrupted = &call->interrupted;
    call->where = state->context.where;
    call->bulk = reads<Request>;
    call->reply_bytes = bulk_bytes(state->request);
    take_turns(state->request, state->context, call);
    if constexpr (opens<Request>) {
        handles_.promise();
    }
    call->work = [s = state.get(), c = call.get(), log = &log_] {
        s->context.where = c->where;
        if (c->interrupted) {  // while it waited for a worker
            s->outcome = errno_code(EINTR);
            return;
        }
        s->outcome = run_caught(s->request, s->context, *log);
    };
    call->finish = [this, state, c = call.get()](protocol::buffer& out) {
        return finish_typed<Request>(*state, *c, out);
    };
    call->fail = [this, id = call->id](int number, protocol::buffer& out) {
        if constexpr (opens<Request>) {
            handles_.redeem();
        }
        reply<Request>(id, outcome_of<Request>{errno_code(number)}, out);
    };
    return call;
}

template <typename Request>
pending_call::outcome request_handler::finish_typed(
    typed_call<Request>& state, pending_call& call, protocol::buffer& out
) {
    using enum pending_call::outcome;
    auto& outcome = state.outcome;
    if (moves_to_wait(state.request) && call.where != lane::patient && would_wait(outcome)) {
        call.where = lane::patient;
        return retry;
    }
    if constexpr (opens<Request>) {
        handles_.redeem();
    }
    if constexpr (reads<Request>) {
        auto& request = state.request;
        const auto got = outcome ? outcome->data.bytes.size() : 0;
        const bool positioned = !is_stream(state.context.file->kind);
        if (positioned && request.offset >= 0 && got == protocol::limits::data_bytes_max &&
            got < request.bytes) {
            protocol::append_reply<Request>(out, call.id, *outcome, protocol::more_frames::yes);
            request.offset += static_cast<std::int64_t>(got);
            request.bytes -= static_cast<std::uint32_t>(got);
            call.reply_bytes = bulk_bytes(request);
            return again;
        }
    }
    take_note(outcome, state.context);
    reply<Request>(call.id, std::move(outcome), out);
    return answered;
}

template <typename Outcome>
void request_handler::take_note(const Outcome& outcome, const work_context& context) {
    if constexpr (std::is_same_v<Outcome, result<added_watch>>) {
        if (outcome) {
            watches_.keep(*context.watched_by, *outcome);
        }
    }
}

// A watch is not made anew where it is there already, but nobody knows that before.
template <typename Request>
bool request_handler::find_instance(
    const Request& request, work_context& context, protocol::request_id id, protocol::buffer& out
) {
    constexpr bool adds = std::is_same_v<Request, protocol::watch_add>;
    if (adds && !watches_.full()) {
        auto made = watches_.find_or_make(request.instance);
        context.watched_by = made ? std::move(*made) : nullptr;
    } else if (!adds) {
        context.watched_by = watches_.find(request.instance);
    }
    if (!context.watched_by) {
        reply<Request>(id, outcome_of<Request>{errno_code(adds ? ENOSPC : EINVAL)}, out);
    }
    return context.watched_by != nullptr;
}

void request_handler::close_instance(
    const protocol::watch_close& request, protocol::request_id id, protocol::buffer& out
) {
    if (watches_.close(request.instance)) {
        protocol::append_reply<protocol::watch_close>(out, id, {});
    } else {
        protocol::append_error(out, request.op, id, protocol::wire_errno{EINVAL});
    }
}

template <typename Request, typename Outcome>
void request_handler::reply(protocol::request_id id, Outcome&& outcome, protocol::buffer& out) {
    if (!outcome) {
        protocol::append_error(out, Request::op, id, to_wire(outcome.error()));
        return;
    }
    if constexpr (std::is_same_v<Request, protocol::open>) {
        const auto handle = handles_.add(std::move(outcome->file));
        protocol::append_reply<Request>(out, id, {handle, outcome->attr, std::move(outcome->path)});
    } else if constexpr (std::is_same_v<Request, protocol::open_leased>) {
        protocol::append_reply<Request>(out, id, keep_leased(*outcome));
    } else if constexpr (std::is_same_v<Request, protocol::watch_add>) {
        protocol::append_reply<Request>(out, id, {outcome->watch, outcome->directory});
    } else {
        const auto start = out.size();
        protocol::append_reply<Request>(out, id, *outcome);
        // Services bound what they answer; should one ever not, the client must not be the one to
        // find out by losing its connection.
        if (out.size() - start >
            protocol::frame_header_bytes + protocol::limits::frame_payload_bytes_max) {
            out.resize(start);
            log_.error("a reply is too long: " + std::string{protocol::type_name<Request>()});
            protocol::append_error(out, Request::op, id, protocol::wire_errno{EREMOTEIO});
        }
    }
}

void request_handler::end(pending_call& call) {
    for (auto& turn : std::exchange(call.turns, {})) {
        turn.file->order.leave(turn.ticket);
    }
    // What they hold, files above all, must not live as long as somebody looks at the call.
    call.work = nullptr;
    call.finish = nullptr;
    call.fail = nullptr;
}

std::vector<request_handler::slow_close> request_handler::close_all() {
    std::vector<slow_close> slow;
    leases_.stop();
    for (auto& file : handles_.remove_all()) {
        if (file->foreign || file->kind == file_kind::character_device) {
            slow.push_back({file->foreign ? lane::foreign : lane::patient, std::move(file)});
        }
    }
    for (auto& file : locks_.end_all()) {
        slow.push_back({lane::foreign, std::move(file)});
    }
    return slow;
}

}  // namespace farside::agent
