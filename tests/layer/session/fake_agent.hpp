// The other end of a session's connection: a thread that answers requests as a test says. Requests
// that a test did not say anything about answer ENOSYS; the handshake and close just work.
#pragma once

#include "protocol/frame_parser.hpp"
#include "protocol/message_table.hpp"
#include "protocol/support/unique_fd.hpp"

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace farside::session::testing {

// What a handler answers: a reply, an errno, or nothing now.
template <typename Request>
struct agent_answer {
    std::optional<typename Request::reply> reply;
    int failure = 0;

    agent_answer() = default;

    agent_answer(typename Request::reply r) : reply{std::move(r)} {}

    agent_answer(int number) : failure{number} {}
};

class fake_agent {
public:
    // Speaks on `connection` from start() on, in a thread of its own; run() is the same in the
    // calling thread.
    explicit fake_agent(unique_fd connection);
    fake_agent(const fake_agent&) = delete;
    fake_agent& operator=(const fake_agent&) = delete;
    ~fake_agent();

    void start();
    void run();

    // Answers each `Request` from now on. Views in a reply must stay valid until the next request.
    template <typename Request>
    void on(std::function<agent_answer<Request>(const Request&)> handler) {
        const std::lock_guard lock{mutex_};
        handlers_[Request::op] = [this, handler](const protocol::frame& f) {
            const auto request = protocol::decode<Request>(f.payload).value();
            const auto answer = handler(request);
            if (answer.reply) {
                protocol::append_reply<Request>(out_, f.header.id, *answer.reply);
            } else if (answer.failure != 0) {
                protocol::append_error(
                    out_, Request::op, f.header.id, protocol::wire_errno{answer.failure}
                );
            }
        };
    }

    // The same with a reply of several frames, and with what is pushed before and between them.
    template <typename Request>
    struct split_reply {
        fake_agent& agent;
        protocol::request_id id;

        void frame(const typename Request::reply& part, protocol::more_frames more) const {
            protocol::append_reply<Request>(agent.out_, id, part, more);
        }

        template <typename Push>
        void push(const Push& message) const {
            protocol::append_one_way(agent.out_, message);
        }
    };

    template <typename Request>
    void on_split(std::function<void(const Request&, const split_reply<Request>&)> handler) {
        const std::lock_guard lock{mutex_};
        handlers_[Request::op] = [this, handler](const protocol::frame& f) {
            handler(protocol::decode<Request>(f.payload).value(), {*this, f.header.id});
        };
    }

    // Answers each `Request` with these bytes, whatever they are, and closes where `then_close`.
    enum class then { stay, close };
    void on_raw(protocol::opcode op, std::string bytes, then after);

    // From any thread: a late reply to a request that got none; a push; any bytes.
    template <typename Request>
    void reply(protocol::request_id id, const typename Request::reply& message) {
        protocol::buffer out;
        protocol::append_reply<Request>(out, id, message);
        send(out);
    }

    void fail(protocol::opcode op, protocol::request_id id, int number) {
        protocol::buffer out;
        protocol::append_error(out, op, id, protocol::wire_errno{number});
        send(out);
    }

    template <typename Push>
    void push(const Push& message) {
        protocol::buffer out;
        protocol::append_one_way(out, message);
        send(out);
    }

    void send(const protocol::buffer& bytes);

    // Ends the connection.
    void close();

    struct seen {
        protocol::opcode op{};
        protocol::request_id id{};
        std::vector<std::byte> payload;
    };

    // Waits until `count` requests `op` came in all, and tells the last one of them.
    seen await(protocol::opcode op, std::size_t count = 1);
    [[nodiscard]] std::size_t count(protocol::opcode op) const;
    [[nodiscard]] std::size_t requests() const;

private:
    void on_frame(const protocol::frame& f);
    bool read_more();
    bool write_out();

    unique_fd connection_;
    protocol::frame_parser parser_;
    bool greeted_ = false;
    protocol::buffer out_;  // the thread's own
    bool closing_ = false;
    mutable std::mutex mutex_;
    std::mutex write_mutex_;
    std::condition_variable arrived_;
    std::map<protocol::opcode, std::function<void(const protocol::frame&)>> handlers_;
    std::vector<seen> seen_;
    std::thread thread_;
};

// What on<hello> answers by default.
[[nodiscard]] protocol::hello_reply friendly_hello();

}  // namespace farside::session::testing
