// The choke point: what each frame of a client means, and what the protocol forbids. No waiting
// here.
#include "agent/connection.hpp"
#include "agent/version.hpp"
#include "protocol/handshake.hpp"
#include "protocol/message_table.hpp"

#include <unistd.h>

namespace farside::agent {
namespace {

template <typename... Message>
bool is_one_of(protocol::opcode op, protocol::type_list<Message...> /*list*/) {
    return ((Message::op == op) || ...);
}

// A request that does not say its class has that of a small answer, unless that is long.
protocol::priority priority_of(const pending_call& call, protocol::priority said) {
    if (said != protocol::priority::control) {
        return said;
    }
    const bool long_one = call.bulk && call.reply_bytes > protocol::small_bytes_max;
    return long_one ? protocol::priority::stream : protocol::priority::metadata;
}

}  // namespace

void connection::on_frame(const protocol::frame& frame) {
    try {
        if ((frame.header.flags & ~protocol::frame_flags::class_mask) != 0) {
            violated(protocol::error::unexpected_frame);
        } else if (!handler_) {
            on_hello(frame);
        } else if (frame.header.id == protocol::one_way_id) {
            on_one_way(frame);
        } else {
            on_request(frame);
        }
    } catch (const std::exception& e) {
        log_.error(options_.client + ": a frame could not be handled: " + e.what());
        stop("the agent failed on a request");
    }
    output_.notify();
}

void connection::on_hello(const protocol::frame& frame) {
    if (frame.header.op != protocol::opcode::hello || frame.header.id == protocol::one_way_id) {
        violated(protocol::error::unexpected_frame);
        return;
    }
    protocol::hello request;
    const auto verdict = protocol::judge_hello(frame.payload, options_.token, request);
    if (!verdict.version) {
        log_.warn(options_.client + ": refused: " + verdict.refusal);
        stop(verdict.refusal);
        return;
    }
    const auto mode = request.read_only ? session_mode::read_only : session_mode::read_write;
    handler_.emplace(executor_, files_, mode, options_.handles_max, log_);
    handshake_timer_.cancel();
    handler_->leased().on_change([this] { output_.notify(); });
    tasks_.spawn(tell_events());
    tasks_.spawn(tell_changes());
    protocol::hello_reply reply;
    reply.version = *verdict.version;
    reply.capabilities = request.capabilities & protocol::capabilities;
    reply.limits = protocol::own_limits();
    reply.software = std::string{"farside-agent "} + version;
    reply.target = options_.target;
    reply.agent_pid = static_cast<std::uint64_t>(::getpid());
    protocol::append_reply<protocol::hello>(outgoing_.urgent(), frame.header.id, reply);
    log_.info(options_.client + ": serves " + request.software);
}

void connection::on_one_way(const protocol::frame& frame) {
    const auto op = frame.header.op;
    if (op != protocol::opcode::cancel) {
        const bool unknown = !is_one_of(op, protocol::all_messages{});
        if (!unknown) {
            violated(protocol::error::unexpected_frame);
        }
        return;
    }
    const auto request = protocol::decode<protocol::cancel>(frame.payload);
    if (!request) {
        violated(request.error());
        return;
    }
    const auto found = calls_.find(static_cast<std::uint64_t>(request->request));
    if (found != calls_.end()) {
        interrupt(found->second);
    }
}

boost::system::error_code connection::check_request(const protocol::frame_header& header) const {
    if (calls_.contains(static_cast<std::uint64_t>(header.id))) {
        return protocol::error::duplicate_request_id;
    }
    if (calls_.size() >= protocol::limits::requests_in_flight_max) {
        return protocol::error::too_many_requests;
    }
    if (header.op == protocol::opcode::hello ||
        is_one_of(header.op, protocol::one_way_requests{}) ||
        is_one_of(header.op, protocol::pushes{})) {
        return protocol::error::unexpected_frame;
    }
    return {};
}

void connection::on_request(const protocol::frame& frame) {
    if (const auto rule = check_request(frame.header)) {
        violated(rule);
        return;
    }
    if (frame.header.op == protocol::opcode::ping) {
        if (const auto rule = answer_ping(frame)) {
            violated(rule);
        }
        return;
    }
    start_request(frame);
}

// What is answered at once goes where its class belongs. A class without room waits for it, like
// one that runs on a worker; the requests behind it do not.
void connection::start_request(const protocol::frame& frame) {
    if (log_.enabled(log_level::debug)) {
        log_.debug(options_.client + ": " + std::string{protocol::name_of(frame.header.op)});
    }
    const auto said = protocol::said_priority(frame.header.flags);
    const bool long_one = said >= protocol::priority::stream;
    const bool room = !long_one || outgoing_.has_bulk_room(said, 0);
    const auto urgent_before = outgoing_.urgent().size();
    protocol::buffer reply;
    auto started = handler_->start(
        frame,
        long_one ? reply : outgoing_.urgent(),
        room ? request_handler::answers::at_once : request_handler::answers::later
    );
    if (!reply.empty()) {
        outgoing_.add(said, std::move(reply));
    } else if (said == protocol::priority::control) {
        outgoing_.sort_out(urgent_before);
    }
    if (!started) {
        violated(started.error());
    } else if (*started) {
        (*started)->priority = priority_of(**started, said);
        calls_.emplace(static_cast<std::uint64_t>(frame.header.id), *started);
        call_tasks_.spawn(serve(std::move(*started)));
    }
}

boost::system::error_code connection::answer_ping(const protocol::frame& frame) {
    const auto request = protocol::decode<protocol::ping>(frame.payload);
    if (!request) {
        return request.error();
    }
    const protocol::ping_reply reply{request->cookie};
    protocol::append_reply<protocol::ping>(outgoing_.urgent(), frame.header.id, reply);
    return {};
}

// A disk is not interrupted by a signal, natively either; the end of the connection is another
// matter.
void connection::interrupt(const std::shared_ptr<pending_call>& call) {
    if (!call->interruptible() && !ending_) {
        return;
    }
    const bool already = call->interrupted.exchange(true);
    call->changed.notify();
    if (!already && call->job && call->interruptible()) {
        call_tasks_.spawn(insist(call));
    }
}

bool connection::gives_up(const pending_call& call) const {
    return ending_ || call.interrupted;
}

void connection::violated(const boost::system::error_code& rule) {
    log_.warn(options_.client + ": closed: " + rule.message());
    stop("the client broke the protocol: " + rule.message());
}

void connection::close_files() {
    if (!handler_) {
        return;
    }
    for (auto& [where, file] : handler_->close_all()) {
        auto job = std::make_shared<blocking_pool::job>();
        job->run = [held = std::move(file)]() mutable { held.reset(); };
        job->done = [] {};
        // Without a worker it is closed right here, with `job`.
        [[maybe_unused]] const bool taken = lanes_.of(where).submit(std::move(job));
    }
}

}  // namespace farside::agent
