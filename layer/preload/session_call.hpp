// A call to the session through a slot of the shared segment (segment.hpp describes the protocol).
// The object owns a slot from construction to destruction.
#pragma once

#include "layer/common/side.hpp"
#include "layer/preload/holder.hpp"
#include "layer/segment/segment.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace farside::preload {

// What glibc sends to a thread that pthread_cancel(3) is to end (SIGCANCEL).
inline constexpr int signal_of_cancellation = 32;

class session_call {
public:
    // Claims a slot; waits where all are in use. With the session gone, run() answers -EIO.
    explicit session_call(segment::call op) noexcept;
    ~session_call();
    session_call(const session_call&) = delete;
    session_call& operator=(const session_call&) = delete;
    session_call(session_call&&) = delete;
    session_call& operator=(session_call&&) = delete;

    session_call& argument(std::size_t index, std::uint64_t value) noexcept;

    // A location: its base and path. REQUIRES: path.size() < PATH_MAX.
    session_call& location(std::size_t index, std::uint64_t base, std::string_view path) noexcept;

    // Bytes to send in data().
    session_call& data_bytes(std::size_t bytes) noexcept;

    // Hands a copy of `fd` to the session with this call. Where that fails run() says why.
    session_call& attach(long fd) noexcept;

    // The bulk area: to be filled before run() where the call sends data, valid after it.
    [[nodiscard]] std::byte* data() const noexcept;

    // Posts the call and waits for the answer: its result, or -errno.
    [[nodiscard]] long run() noexcept;

    // After run(): where the session decided the side of a location relative to a directory.
    [[nodiscard]] side decided_side() const noexcept;

    // After run(), with a local side: the absolute path to use; NUL-terminated in the slot. Also
    // the canonical path that call::canonicalize answers.
    [[nodiscard]] std::string_view path(std::size_t index) const noexcept;

    // After run(): an argument that the session answered in.
    [[nodiscard]] std::int64_t answered(std::size_t index) const noexcept;

    // Asks for an early end of what the thread waits for: it is being cancelled.
    static void cancel_those_of(std::uint32_t tid) noexcept;

private:
    enum class looks_at { own_thread, all_threads };

    [[nodiscard]] bool claim_any(looks_at whose) noexcept;
    [[nodiscard]] bool claim(std::uint32_t index, std::uint32_t pid, looks_at whose) noexcept;
    static void post(std::uint32_t index) noexcept;
    static void cancel(std::uint32_t index) noexcept;
    void wait() noexcept;

    segment::call_slot* slot_ = nullptr;
    segment::slot_area* area_ = nullptr;
    std::uint32_t index_ = 0;
    scope_of_thread at_;
    long failure_ = 0;  // of what came before run(): -errno
    std::uint64_t signals_before_ = 0;
    bool blocked_cancel_ = false;
};

}  // namespace farside::preload
