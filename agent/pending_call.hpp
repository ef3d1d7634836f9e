// A request that could not be answered at once: it waits for its turn on a handle, or runs on a
// worker. What kind of request it is, only the functions inside know.
#pragma once

#include "agent/asio.hpp"
#include "agent/blocking_pool.hpp"
#include "agent/work.hpp"
#include "protocol/codec.hpp"
#include "protocol/opcode.hpp"
#include "protocol/priority.hpp"
#include "protocol/types.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

namespace farside::agent {

struct pending_call {
    // After work() ran: what comes next.
    enum class outcome : std::uint8_t {
        answered,
        again,  // one frame of the reply is out; work() is to run again for the next
        retry,  // nothing is out; work() is to run again in `where`, which has changed
    };

    // A place in the order of a handle. The call's context keeps the file.
    struct turn {
        open_file* file = nullptr;
        request_order::ticket ticket;
    };

    pending_call(const asio::any_io_executor& executor, protocol::request_id request)
        : changed{executor}, id{request} {}

    notification changed;  // of what serves it: a turn came, work ended, an interruption
    protocol::request_id id;
    lane where = lane::here;
    bool in_pieces = false;  // others have their turn between two frames; a cancel ends it there
    bool bulk = false;       // its reply may be long: it goes where small replies overtake it
    std::size_t reply_bytes = 0;  // of bulk data that the next work() may add
    protocol::priority priority = protocol::priority::metadata;  // of its replies
    std::size_t turns_awaited = 0;
    std::vector<turn> turns;
    std::shared_ptr<blocking_pool::job> job;  // while it runs on a worker
    std::atomic<bool> interrupted = false;

    std::function<void()> work;                                   // in its lane
    std::function<outcome(protocol::buffer& out)> finish;         // on the loop, after work()
    std::function<void(int number, protocol::buffer& out)> fail;  // instead of work()

    // A cancel acts on it: it waits for somebody else, as opposed to a disk.
    [[nodiscard]] bool interruptible() const {
        return in_pieces || where == lane::patient || where == lane::foreign;
    }
};

}  // namespace farside::agent
