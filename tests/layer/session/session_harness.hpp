// A session with everything real but its surroundings: the core runs in a thread of the test, the
// agent is a fake_agent, the covered process is a fake_caller.
#pragma once

#include "layer/session/session_core.hpp"
#include "tests/layer/session/fake_agent.hpp"
#include "tests/layer/session/fake_caller.hpp"

#include <future>
#include <string>
#include <thread>

namespace farside::session::testing {

[[nodiscard]] policy_options writable_policy();

// Every call asks the agent.
[[nodiscard]] name_cache::options no_names();

class session_harness {
public:
    explicit session_harness(
        const policy_options& policy = writable_policy(),
        const name_cache::options& names = no_names()
    );
    session_harness(const session_harness&) = delete;
    session_harness& operator=(const session_harness&) = delete;
    // Ends the session: no covered process is left.
    ~session_harness();

    // Connects to the agent; the line for the user where that fails.
    std::string start(std::chrono::milliseconds patience = agent_link::handshake_patience);

    // Closes the covered processes' end of the doorbell and waits for the session's end.
    void end();

    // Runs `look` in the session's thread.
    template <typename Look>
    auto inspect(Look look) {
        std::packaged_task<decltype(look(std::declval<session_core&>()))()> task{
            [this, look] { return look(*core_); }};
        auto result = task.get_future();
        asio::post(io_, std::move(task));
        return result.get();
    }

    // Waits, event by event, until the session's state is so; false after a time no test needs.
    template <typename Condition>
    bool eventually(Condition condition) {
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds{30};
        while (std::chrono::steady_clock::now() < limit) {
            if (inspect(condition)) {
                return true;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds{1});
        }
        return false;
    }

    // What the user was told so far.
    [[nodiscard]] std::string said() const;

    [[nodiscard]] segment::segment& shared() { return memory_.shared(); }

    [[nodiscard]] segment::view& view() { return memory_.view(); }

    // After end().
    [[nodiscard]] const session_stats& final_stats() const { return *stats_; }

    fake_agent& agent() { return *agent_; }

    fake_caller& caller() { return *caller_; }

    [[nodiscard]] int doorbell() const { return doorbell_.get(); }

    [[nodiscard]] int template_descriptor() const { return template_.get(); }

private:
    void live(unique_fd connection, std::chrono::milliseconds patience);
    awaitable<> serve(stream_socket stream, std::chrono::milliseconds patience);

    shared_memory memory_;
    path_policy policy_;
    name_cache::options names_;
    unique_fd doorbell_;
    unique_fd template_;
    unique_fd notices_;
    unique_fd session_connection_;
    std::unique_ptr<fake_agent> agent_;
    std::unique_ptr<fake_caller> caller_;
    asio::io_context io_{1};
    std::optional<session_core> core_;
    std::optional<session_stats> stats_;
    std::promise<std::string> started_;
    std::thread thread_;
};

}  // namespace farside::session::testing
