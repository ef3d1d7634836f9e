// What the execution of one request may touch. Made on the loop thread; used by whichever thread
// runs the request, and by no other meanwhile.
#pragma once

#include "agent/creation_mask.hpp"
#include "agent/open_file.hpp"
#include "agent/posix.hpp"
#include "agent/root_dir.hpp"
#include "agent/watches.hpp"
#include "protocol/file_messages.hpp"

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>

namespace farside::agent {

struct lock_owner;
class record_locks;

// Where a request runs.
enum class lane : std::uint8_t {
    here,     // on the loop thread: ends at once
    disk,     // on a worker: ends in bounded time
    foreign,  // on a worker: hangs where the file system does
    patient,  // on a worker: may wait for somebody else without bound
};

// Bytes for the answer of a call, aligned for O_DIRECT, never cleared.
class data_buffer {
public:
    // The bytes of the last call are lost.
    [[nodiscard]] std::span<std::byte> room(std::size_t bytes);

private:
    struct release {
        void operator()(std::byte* bytes) const;
    };

    std::unique_ptr<std::byte, release> bytes_;
    std::size_t size_ = 0;
};

struct work_context {
    const root_dir* root = nullptr;
    const creation_mask* mask = nullptr;
    bool read_only = true;
    lane where = lane::here;
    std::shared_ptr<open_file> file;     // of the request's handle, or of its location's base
    std::shared_ptr<open_file> file_to;  // of its second one
    std::shared_ptr<watch_instance> watched_by;
    record_locks* locks = nullptr;
    std::shared_ptr<lock_owner> owner;  // of record locks, where the request names one
    const std::atomic<bool>* interrupted = nullptr;
    data_buffer* data = nullptr;

    // REQUIRES of all below: the handle that is meant was found.
    [[nodiscard]] int fd() const { return file->fd.get(); }

    [[nodiscard]] place at(const protocol::location& l) const {
        return {file ? file->fd.get() : -1, l.path};
    }

    [[nodiscard]] place to(const protocol::location& l) const {
        return {file_to ? file_to->fd.get() : -1, l.path};
    }
};

// Repeats a system call that a signal interrupted, unless the signal meant this request. Signals
// meant for a request that has just ended may hit the next one on the same worker.
template <typename Call>
[[nodiscard]] auto unless_interrupted(const work_context& context, Call call) {
    for (;;) {
        const auto returned = call();
        if (returned != -1 || errno != EINTR ||
            (context.interrupted != nullptr && context.interrupted->load())) {
            return returned;
        }
    }
}

// The same for calls that answer with 0 or an error.
template <typename Call>
[[nodiscard]] result<protocol::empty_reply> done_unless_interrupted(
    const work_context& context, Call call
) {
    if (unless_interrupted(context, call) != 0) {
        return last_error();
    }
    return protocol::empty_reply{};
}

[[nodiscard]] inline result<protocol::empty_reply> done_if_zero(int returned) {
    if (returned != 0) {
        return last_error();
    }
    return protocol::empty_reply{};
}

}  // namespace farside::agent
