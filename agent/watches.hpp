// The inotify(7) instances of one client. One instance of the kernel for each of the client's, so
// that the order of events between its watches is kept. What happened travels as pushes: drain()
// encodes it, and the connection calls that before it writes replies, so that no reply overtakes
// an event which came before it.
//
// An object is watched by its inode and is not kept open for it: that would put off IN_DELETE_SELF.
#pragma once

#include "agent/asio.hpp"
#include "agent/posix.hpp"
#include "protocol/codec.hpp"
#include "protocol/support/unique_fd.hpp"
#include "protocol/watch_messages.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace farside::agent {

// What a watch_add made; its number is told on the loop thread.
struct added_watch {
    std::int32_t watch = 0;
    bool directory = false;
    // Of a directory on a local file system, as this process sees it; empty for all else.
    std::string path;
};

struct watch_instance {
    watch_instance(protocol::instance_id own_id, unique_fd fd)
        : id{own_id}, inotify{std::move(fd)} {}

    const protocol::instance_id id;
    const unique_fd inotify;  // any thread

    // The rest belongs to the loop thread.
    std::unordered_map<std::int32_t, std::string> paths;  // of its watches, see added_watch
    std::unordered_set<std::int32_t> ended_early;         // before they were known
};

// Loop thread.
class watches {
public:
    explicit watches(const asio::any_io_executor& executor);

    // ENOSPC where there are too many instances, here or in the kernel.
    [[nodiscard]] result<std::shared_ptr<watch_instance>> find_or_make(protocol::instance_id id);

    // Null: there is none.
    [[nodiscard]] std::shared_ptr<watch_instance> find(protocol::instance_id id) const;

    // Takes note of a watch, new or known.
    void keep(watch_instance& instance, const added_watch& added);

    [[nodiscard]] bool full() const;

    // False: there is no such instance.
    [[nodiscard]] bool close(protocol::instance_id id);

    // Appends pushes of what has happened, up to about limits::event_bytes_max. False: there is
    // more, and what waits to be written must wait for it.
    [[nodiscard]] bool drain(protocol::buffer& out);

    // Until there is something to drain; false: stop() was called. One waiter.
    [[nodiscard]] awaitable<bool> wait();

    void stop();

private:
    void drain_instance(watch_instance& instance, protocol::buffer& out);
    void forget_ended(watch_instance& instance, const protocol::watch_events& happened);

    descriptor ready_;  // an epoll descriptor over all instances; none before the first
    notification changed_;
    bool told_ = false;  // wait() has returned, and nothing was drained since
    bool stopped_ = false;
    std::size_t watches_ = 0;
    std::unordered_map<std::uint64_t, std::shared_ptr<watch_instance>> instances_;
};

}  // namespace farside::agent
