// Watches on remote objects, kept in step on three sides: the watch of the agent's kernel, the
// shadow that stands for the object (shadow_files), and the watch on it of the program's own
// inotify descriptor.
//
//     agent's inotify ─► watch_events ─► the shadow is made to tell the same ─► the program's queue
//
// An instance here is one inotify instance of the programs, however many descriptors and processes
// share it. The session holds a descriptor of it, which keeps it open: that nobody else does is
// found out when a process dies, when one says that it closed an inotify descriptor, and when
// another instance is made.
//
// Events are applied where they arrive, in their order and before any reply behind them. One
// thread.
#pragma once

#include "layer/session/agent_link.hpp"
#include "layer/session/deadline.hpp"
#include "layer/session/incoming_call.hpp"
#include "layer/session/shadow_files.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <sys/types.h>

namespace farside::session {

class remote_watches {
public:
    // As many as the kernel gives a user by default; then ENOSPC.
    static constexpr std::size_t instances_max = 128;
    // Events that wait for the answer to a watch_add, of one instance; then its queue overflows.
    static constexpr std::size_t held_max = 16384;

    // `count` is where the library sees how many instances there are. `matters(pid)`: a process
    // that may hold a descriptor of one.
    remote_watches(
        task_group& tasks,
        agent_link& link,
        std::atomic<std::uint32_t>& count,
        std::function<bool(pid_t)> matters
    );

    remote_watches(const remote_watches&) = delete;
    remote_watches& operator=(const remote_watches&) = delete;
    ~remote_watches();

    // inotify_add_watch(2) on the descriptor that the call brought: the watch, or -errno.
    awaitable<std::int64_t> add(
        incoming_call& call, const protocol::location& at, std::uint32_t mask
    );

    // inotify_rm_watch(2): 0 or -errno. Nothing: the watch is not remote.
    awaitable<std::optional<std::int64_t>> remove(incoming_call& call, std::int32_t watch);

    // Some descriptor may have been the last of an instance.
    void look_for_holders();

    [[nodiscard]] std::size_t instances() const { return instances_.size(); }

    // Nobody is left to be told anything.
    void stop();

private:
    // Two looks, this far apart, must both find nobody: /proc is not one moment's picture.
    static constexpr std::chrono::milliseconds second_look_after{200};
    // A look never costs more than a twentieth of a CPU.
    static constexpr int rest_per_look = 20;

    struct instance {
        instance(const asio::any_io_executor& executor, std::uint64_t number, unique_fd fd)
            : id{protocol::instance_id{number}}, inotify{std::move(fd)}, turns{executor} {}

        const protocol::instance_id id;
        const unique_fd inotify;
        async_mutex turns;      // adding and removing, one at a time
        std::size_t calls = 0;  // that have it in hand
        bool adding = false;    // the agent was asked for a watch and has not answered
        bool suspect = false;   // the last look found nobody who holds it
        std::unordered_map<std::int32_t, shadow> shadows;       // by the agent's number
        std::unordered_map<std::int32_t, std::int32_t> agents;  // the agent's by the program's
        std::vector<protocol::watch_event> held;
        bool held_too_many = false;

        [[nodiscard]] bool holds() const { return !held.empty() || held_too_many; }
    };

    using instance_ptr = std::shared_ptr<instance>;
    using event_span = std::span<const protocol::watch_event>;

    // Has an instance in hand; forgets it at the end where it watches nothing any more.
    class use;

    [[nodiscard]] instance_ptr find(int inotify) const;
    [[nodiscard]] std::int64_t begin(instance& in, const protocol::watch_add_reply& told);
    void end(instance& in, std::int32_t agents_number);
    void forget_if_idle(instance& in);
    void count_instances();

    void happened(const protocol::watch_events& told);
    void hold(instance& in, event_span events);
    void release(instance& in);
    void apply(instance& in, event_span events);
    void apply_one(instance& in, const protocol::watch_event& event);
    [[nodiscard]] bool apply_rename(
        instance& in, const protocol::watch_event& from, const protocol::watch_event& to
    );
    void overflow(const instance& in);
    void lost();
    void look_after(std::chrono::milliseconds pause);
    void look();

    template <typename Request>
    awaitable<> send(Request request);

    task_group& tasks_;
    agent_link& link_;
    std::atomic<std::uint32_t>& count_;
    std::function<bool(pid_t)> matters_;
    shadow_files shadows_;
    async_mutex first_watches_;  // an instance is known by its watches: its first makes it known
    std::map<std::uint64_t, instance_ptr> instances_;
    std::unordered_map<std::uint64_t, instance_ptr> by_inode_;  // of their shadows
    std::uint64_t last_id_ = 0;
    std::optional<deadline> next_look_;
    std::chrono::milliseconds rest_{0};  // before the next look
    bool stopped_ = false;
};

}  // namespace farside::session
