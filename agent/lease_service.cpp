// Requests that ask for leases. A short answer is given at once; a long one is a call in pieces,
// whose frames are made when there is room for them.
#include "agent/lease_answer.hpp"
#include "agent/limits.hpp"
#include "agent/request_handler.hpp"

#include <memory>
#include <utility>

namespace farside::agent {

template <typename Request>
std::shared_ptr<pending_call> request_handler::start_answer(
    Request&& request, protocol::request_id id, protocol::buffer& out
) {
    auto answer = std::make_shared<lease_answer>(leases_, std::move(request));
    if (const auto wrong = answer->check()) {
        protocol::append_error(out, Request::op, id, to_wire(wrong));
        return nullptr;
    }
    answer->advance();
    if (answer->is_last()) {
        protocol::append_reply<Request>(out, id, answer->frame());
        return nullptr;
    }
    auto call = std::make_shared<pending_call>(executor_, id);
    call->in_pieces = true;
    call->bulk = true;
    call->reply_bytes = protocol::limits::frame_payload_bytes_max;
    call->work = [answer, first = true]() mutable {
        if (!std::exchange(first, false)) {
            answer->advance();
        }
    };
    call->finish = [answer, id](protocol::buffer& reply) {
        const auto more =
            answer->is_last() ? protocol::more_frames::no : protocol::more_frames::yes;
        protocol::append_reply<Request>(reply, id, answer->frame(), more);
        return answer->is_last() ? pending_call::outcome::answered : pending_call::outcome::again;
    };
    call->fail = [id](int number, protocol::buffer& reply) {
        protocol::append_error(reply, Request::op, id, protocol::wire_errno{number});
    };
    return call;
}

template std::shared_ptr<pending_call>
request_handler::start_answer(protocol::lookup&&, protocol::request_id, protocol::buffer&);
template std::shared_ptr<pending_call>
request_handler::start_answer(protocol::fetch&&, protocol::request_id, protocol::buffer&);

protocol::open_leased_reply request_handler::keep_leased(const opened_file& opened) {
    protocol::open_leased_reply reply;
    reply.handle = handles_.add(opened.file);
    reply.attr = opened.attr;
    leases_.lease_opened(opened.file, data_.room(opened.inline_bytes), reply);
    return reply;
}

}  // namespace farside::agent
