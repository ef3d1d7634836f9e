// The serving parts of a session, wired together: link, open files, paths, the watch over
// descriptors, the call server. Everything between a connected stream and the shared memory; what
// surrounds it (starting the agent, the supervisor, statistics) is session.cpp's.
#pragma once

#include "layer/session/agent_link.hpp"
#include "layer/session/cache_writer.hpp"
#include "layer/session/call_server.hpp"
#include "layer/session/descriptor_watch.hpp"
#include "layer/session/file_cache.hpp"
#include "layer/session/lock_owners.hpp"
#include "layer/session/name_cache.hpp"
#include "layer/session/notice.hpp"
#include "layer/session/open_files.hpp"
#include "layer/session/places.hpp"
#include "layer/session/remote_watches.hpp"
#include "layer/session/session_stats.hpp"
#include "layer/session/shared_maps.hpp"
#include "layer/session/shared_memory.hpp"
#include "layer/session/sibling_files.hpp"
#include "layer/session/task_group.hpp"
#include "layer/session/write_behind.hpp"

#include <string>

namespace farside::session {

class session_core {
public:
    // Takes the session's end of the doorbell. REQUIRES: `memory` was adopted by this thread, its
    // view's policy is `policy`'s table, and both outlive this. Lines for the user go to
    // `notice_descriptor`.
    session_core(
        task_group& tasks,
        shared_memory& memory,
        const path_policy& policy,
        int notice_descriptor,
        const name_cache::options& names,
        write_behind::mode writes = write_behind::mode::on
    );

    session_core(const session_core&) = delete;
    session_core& operator=(const session_core&) = delete;

    // Which bytes of files are kept. Before connect().
    void configure(const file_cache::options& data) { data_.configure(data); }

    // Shakes hands with the agent; an empty line, or why there is no session.
    awaitable<std::string> connect(
        stream_socket stream,
        std::string token,
        std::chrono::milliseconds patience = agent_link::handshake_patience
    );

    // Serves until no covered process is left.
    awaitable<> serve();

    // Whether that is so already.
    [[nodiscard]] bool ended() { return server_.ended(); }

    // Ends everything; the task group's tasks end by themselves then. No effect the second time.
    void stop();

    [[nodiscard]] session_stats& stats() { return stats_; }

    [[nodiscard]] const agent_link& link() const { return link_; }

    [[nodiscard]] const open_files& files() const { return files_; }

    [[nodiscard]] notices& user() { return user_; }

private:
    void close_handle(protocol::handle_id handle);
    awaitable<> send_close(protocol::handle_id handle);

    task_group& tasks_;
    shared_memory& memory_;
    const path_policy& policy_;
    session_stats stats_;
    notices user_;
    agent_link link_;
    cache_writer cache_;
    name_cache names_;
    file_cache data_;
    sibling_files siblings_;
    open_files files_;
    places paths_;
    descriptor_watch descriptors_;
    shared_maps maps_;
    remote_watches watches_;
    lock_owners locks_;
    write_behind behind_;
    call_server server_;
};

}  // namespace farside::session
