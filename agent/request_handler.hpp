// From a request frame to its answer, for one connection: decodes, finds the handles, decides where
// and when it runs, runs it or hands it back as a pending call, and encodes the reply. Knows
// messages and files; knows no sockets. Loop thread, except for the `work` of pending calls.
#pragma once

#include "agent/leases.hpp"
#include "agent/log.hpp"
#include "agent/mount_watch.hpp"
#include "agent/open_file.hpp"
#include "agent/pending_call.hpp"
#include "agent/record_locks.hpp"
#include "agent/services.hpp"
#include "agent/watches.hpp"
#include "protocol/frame.hpp"

#include <memory>

namespace farside::agent {

// What is served; outlives all connections.
struct served_files {
    const root_dir& root;
    const creation_mask& mask;
    mount_watch& mounts;
    file_leases& leases;
};

enum class session_mode : bool { read_only, read_write };

class request_handler {
public:
    request_handler(
        const asio::any_io_executor& executor,
        const served_files& files,
        session_mode mode,
        std::size_t handles_max,
        const logger& log
    );

    // Whether a request that could be answered at once is.
    enum class answers : bool { at_once, later };

    // Appends the whole reply to `out`, or answers a call that the owner must serve. An error means
    // that the message is malformed. REQUIRES: the header is that of a request.
    [[nodiscard]] result<std::shared_ptr<pending_call>> start(
        const protocol::frame& request, protocol::buffer& out, answers when = answers::at_once
    );

    // The call is over, answered or not: the next ones on its handles get their turn.
    void end(pending_call& call);

    [[nodiscard]] std::size_t open_files() const { return handles_.size(); }

    [[nodiscard]] watches& watched() { return watches_; }

    [[nodiscard]] leases& leased() { return leases_; }

    // A file that is closed when nobody holds it any more, which may block.
    struct slow_close {
        lane where = lane::patient;
        std::shared_ptr<const void> file;
    };

    // The client is gone. Files that are local are closed; the others are handed back. REQUIRES: no
    // pending call is left.
    [[nodiscard]] std::vector<slow_close> close_all();

private:
    template <typename Request>
    struct typed_call;

    template <typename Request>
    [[nodiscard]] std::shared_ptr<pending_call> start_typed(
        const Request& request, const protocol::frame& frame, protocol::buffer& out, answers when
    );

    template <typename Request>
    [[nodiscard]] lane choose_lane(const Request& request, const work_context& context) const;

    template <typename Request>
    [[nodiscard]] bool must_wait(const Request& request, const work_context& context) const;

    template <typename Request>
    void take_turns(
        const Request& request, const work_context& context, std::shared_ptr<pending_call>& call
    );

    template <typename Request>
    [[nodiscard]] std::shared_ptr<pending_call> make_pending(
        const protocol::frame& frame, work_context&& context
    );

    template <typename Request>
    [[nodiscard]] pending_call::outcome finish_typed(
        typed_call<Request>& state, pending_call& call, protocol::buffer& out
    );

    // Of what the services made and the loop thread keeps.
    template <typename Outcome>
    void take_note(const Outcome& outcome, const work_context& context);

    template <typename Request, typename Outcome>
    void reply(protocol::request_id id, Outcome&& outcome, protocol::buffer& out);

    // False: it is answered.
    template <typename Request>
    [[nodiscard]] bool find_instance(
        const Request& request,
        work_context& context,
        protocol::request_id id,
        protocol::buffer& out
    );
    void close_instance(
        const protocol::watch_close& request, protocol::request_id id, protocol::buffer& out
    );

    // lease_service.cpp
    template <typename Request>
    [[nodiscard]] std::shared_ptr<pending_call> start_answer(
        Request&& request, protocol::request_id id, protocol::buffer& out
    );
    [[nodiscard]] protocol::open_leased_reply keep_leased(const opened_file& opened);

    asio::any_io_executor executor_;
    const served_files& files_;
    session_mode mode_;
    handle_table handles_;
    watches watches_;
    leases leases_;
    record_locks locks_;
    data_buffer data_;  // of requests that run here
    const logger& log_;
};

}  // namespace farside::agent
