// Write-behind: write(2) returns when the session holds the bytes, and they go to the target
// meanwhile. The session holds them, not the program: they survive its death.
//
//     take() --> pending_writes of the file --> requests, several under way --> settled
//                                   drain() waits for this, before anybody looks at the file
//
// Bytes of one file are on their way through one handle only, so that the agent keeps their order.
// What could not be written is a failure of the open file (open_file::write_failure), told once by
// the next write, fsync or close of it; where nobody is left to be told, the user is.
//
// All that is taken and not confirmed is at most window(): then take() waits.
#pragma once

#include "layer/session/agent_link.hpp"
#include "layer/session/free_space.hpp"
#include "layer/session/notice.hpp"
#include "layer/session/open_files.hpp"
#include "layer/session/pending_writes.hpp"
#include "layer/session/task_group.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace farside::session {

namespace limits {

// Bytes on their way, over all files.
inline constexpr std::uint64_t window_bytes_min = std::uint64_t{1} << 20U;
inline constexpr std::uint64_t window_bytes_max = std::uint64_t{64} << 20U;
// A write that ends behind this may be too far out for the file system: EFBIG must not be late.
inline constexpr std::uint64_t written_behind_end_max = std::uint64_t{1} << 40U;

}  // namespace limits

class write_behind {
public:
    enum class mode : bool { off, on };

    // `unsettled` is 1 while anything is on its way, for programs to see.
    write_behind(
        task_group& tasks,
        agent_link& link,
        session_stats& stats,
        notices& user,
        std::atomic<std::uint32_t>& unsettled,
        mode how
    );

    write_behind(const write_behind&) = delete;
    write_behind& operator=(const write_behind&) = delete;

    // Nothing is on its way.
    [[nodiscard]] bool idle() const { return streams_.empty(); }

    // The files that something is on its way to, in order; and whether this is one of them.
    [[nodiscard]] std::vector<file_identity> files() const;

    [[nodiscard]] bool writes(const file_identity& file) const { return streams_.contains(file); }

    // The file may be written soon: finds out whether that may be behind.
    void prepare(const std::shared_ptr<open_file>& file);

    // Whether bytes of this file may be taken now, as far as the file and the target tell.
    [[nodiscard]] bool may_take(
        const std::shared_ptr<open_file>& file, std::uint64_t offset, std::uint64_t bytes
    );

    [[nodiscard]] bool has_room(std::uint64_t bytes) const {
        return charge_ == 0 || charge_ + bytes <= window();
    }

    // Until there may be room, or the caller is gone.
    awaitable<> wait_for_room(link_caller& by);

    // REQUIRES: may_take() and has_room(), in the same turn of the loop.
    void take(
        const std::shared_ptr<open_file>& file,
        std::uint64_t offset,
        std::span<const std::byte> bytes
    );

    // Waits until the target has what was taken before this, of one file or of all, or it has
    // failed. False where `by` gave up: it is gone, or a signal came and `signals` end the wait.
    enum class signals : bool { wait, end };
    awaitable<bool> drain(file_identity identity, link_caller& by, signals on_signal);
    awaitable<bool> drain_all(link_caller& by, signals on_signal);

    struct stream;

    // What a request comes behind that is sent without waiting for it.
    struct in_front {
        std::shared_ptr<stream> of;  // null: nothing
        std::uint64_t until = 0;
        std::uint64_t times_cut_short = 0;
        bool is_sent = false;  // else it is to be drained
    };

    // Until all that was taken of the file is sent through its handle, where that can be: what is
    // sent through that next, as write_back, takes effect behind it.
    awaitable<in_front> send_all(const open_file& file, link_caller& by);

    // Waits for the answers. False: a part of it came later, so what was behind it must be sent
    // once more.
    awaitable<bool> came_first(const in_front& what, link_caller& by);

    // Nothing of the file is taken while one of these lives.
    class hold {
    public:
        hold(write_behind& of, const file_identity& identity) : of_{of}, identity_{identity} {
            ++of_.held_[identity_];
        }

        hold(const hold&) = delete;
        hold& operator=(const hold&) = delete;

        ~hold() {
            if (--of_.held_[identity_] == 0) {
                of_.held_.erase(identity_);
            }
        }

    private:
        write_behind& of_;
        file_identity identity_;
    };

    // Who learns that nothing of some file is on its way any more.
    void when_settled(std::function<void()> who) { settled_ = std::move(who); }

    // The open file is gone, and nobody was told of its failure.
    void tell_user(const open_file& file);

private:
    struct flight {
        flight(
            const asio::any_io_executor& executor,
            pending_writes::piece& what,
            std::function<void(flight&)> then
        )
            : piece{what}, task{executor, [this, t = std::move(then)] { t(*this); }} {}

        pending_writes::piece& piece;
        agent_link::background<protocol::write> task;
        std::list<flight>::iterator self;
    };

    struct waiter {
        std::uint64_t until = 0;
        async_event done;
        bool for_sending = false;  // else until it is settled
    };

    [[nodiscard]] std::uint64_t window() const;
    [[nodiscard]] std::shared_ptr<stream> find(const file_identity& identity) const;
    awaitable<> send(std::shared_ptr<stream> s);
    void start(stream& s, pending_writes::piece& piece);
    void take_answers(stream& s);
    void progress(stream& s, std::uint64_t charge_before);
    void give_up();
    awaitable<bool> drain(
        std::shared_ptr<stream> s, std::uint64_t until, link_caller& by, signals on_signal
    );
    void close_stream(const stream& s);

    task_group& tasks_;
    agent_link& link_;
    session_stats& stats_;
    notices& user_;
    std::atomic<std::uint32_t>& unsettled_;
    const mode mode_;
    free_space space_;
    std::map<file_identity, std::shared_ptr<stream>> streams_;
    std::map<file_identity, std::size_t> held_;
    std::uint64_t charge_ = 0;
    std::deque<async_event*> waiting_for_room_;
    std::function<void()> settled_;
};

// A file with bytes on their way.
struct write_behind::stream {
    explicit stream(const asio::any_io_executor& executor) : wake{executor} {}

    std::shared_ptr<open_file> through;
    pending_writes pending;
    std::list<flight> flights;
    std::vector<flight*> answered;
    std::vector<waiter*> waiters;
    async_event wake;
};

}  // namespace farside::session
