// Serves the call slots of the segment: takes posted calls, runs a coroutine for each, writes its
// answer and wakes its caller. segment.hpp describes the protocol between the two sides.
//
//     free ---> claimed ---> posted ---> under way ---> answered ---> free
//          caller      caller      session         session       caller
//
// A caller may die in any of these states, and be stopped in any. Its process is watched: at its
// death slots that are not under way are freed at once, the others when their call ended. The
// session trusts no field of a slot; what it must know of a call under way is in `work`.
#pragma once

#include "layer/session/calls.hpp"
#include "layer/session/doorbell.hpp"
#include "layer/session/process_watch.hpp"
#include "layer/session/session_stats.hpp"
#include "layer/session/task_group.hpp"
#include "protocol/support/unique_fd.hpp"

#include <array>
#include <memory>

namespace farside::session {

class call_server {
public:
    call_server(
        task_group& tasks,
        segment::segment& shared,
        unique_fd doorbell,
        call_services services,
        session_stats& stats
    );

    call_server(const call_server&) = delete;
    call_server& operator=(const call_server&) = delete;

    // Serves until no covered process is left: the doorbell's end.
    awaitable<> serve();

    // Whether the doorbell has ended already, also where serve() did not come to see it yet.
    [[nodiscard]] bool ended();

    // Nobody is left to answer: calls under way are given up, processes no longer watched.
    void stop();

    // Whether the process has called and is there.
    [[nodiscard]] bool knows(pid_t pid) const { return processes_.watches(pid); }

    [[nodiscard]] std::size_t under_way() const { return under_way_; }

private:
    // A call under way; the caller cannot touch any of this.
    struct work {
        incoming_call call;
        std::uint32_t owner = 0;
        bool owner_died = false;
    };

    bool take_posted();
    void on_posted(std::uint32_t index);
    void begin(std::uint32_t index);
    awaitable<> run(std::uint32_t index);
    call_result dispatch(incoming_call& call);
    void finish(std::uint32_t index, std::int64_t result);
    void free_slot(std::uint32_t index);
    void give_up(work& under_way);
    void on_death(pid_t pid);
    void free_slots_of_the_dead();

    task_group& tasks_;
    segment::segment& shared_;
    const std::uint32_t idle_;  // a slot's state between calls: the session's thread id
    session::doorbell doorbell_;
    call_services services_;
    session_stats& stats_;
    process_watch processes_;
    std::size_t under_way_ = 0;
    std::array<std::unique_ptr<work>, segment::slot_count> work_;
};

}  // namespace farside::session
