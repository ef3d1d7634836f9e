// How much may be under way on the link at once, by what the link holds. More would only wait in
// queues along the way, in front of what is wanted sooner. Each class has its own account: those
// that wait for their turn in one do not hold back the others. Numbers only; the link keeps them.
#pragma once

#include "layer/session/link_estimate.hpp"
#include "protocol/file_messages.hpp"
#include "protocol/limits.hpp"
#include "protocol/priority.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace farside::session {

class link_credit {
public:
    // What a link of 1 Gbit/s and 2 ms may hold, too: two more round trips.
    static constexpr std::uint64_t read_min = std::uint64_t{512} * 1024;
    static constexpr std::uint64_t read_max = std::uint64_t{32} * 1024 * 1024;
    static constexpr std::uint64_t write_min = std::uint64_t{512} * 1024;
    static constexpr std::uint64_t write_max = std::uint64_t{64} * 1024 * 1024;

    // Requests of classes that nobody waits for; the others are for those that somebody does.
    static constexpr std::size_t patient_requests_max =
        protocol::limits::requests_in_flight_max / 2;

    // Of a request: what it takes while it is under way.
    struct need {
        protocol::priority of = protocol::priority::metadata;
        std::uint64_t out = 0;  // bytes it carries
        std::uint64_t in = 0;   // bytes it asks for, which have not come yet
    };

    // Bytes of answers: twice what the link holds.
    [[nodiscard]] static std::uint64_t reads(const link_estimate::values& link) {
        return std::clamp(2 * link.bdp(), read_min, read_max);
    }

    // Bytes that are sent and unanswered.
    [[nodiscard]] static std::uint64_t writes(const link_estimate::values& link) {
        return std::clamp(2 * link.sent_bdp(), write_min, write_max);
    }

    // Whether such a request may be sent while so many are unanswered. One that nothing is in front
    // of always may, however long it is.
    [[nodiscard]] bool allows(
        const need& what, std::size_t unanswered, const link_estimate::values& link
    ) const {
        using protocol::priority;
        if (what.of <= priority::metadata) {
            return true;
        }
        if (what.of >= priority::prefetch && unanswered >= patient_requests_max) {
            return false;
        }
        const auto most = what.of == priority::stream ? reads(link) : reads(link) / 2;
        return fits(what.in, asked(what.of), most) && fits(what.out, sent_, writes(link));
    }

    void take(const need& what) {
        asked_[static_cast<std::size_t>(what.of)] += what.in;
        sent_ += what.out;
    }

    // A part of the answer came.
    void arrived(need& taken, std::uint64_t bytes) {
        const auto part = std::min(bytes, taken.in);
        asked_[static_cast<std::size_t>(taken.of)] -= part;
        taken.in -= part;
    }

    // Nothing more will come.
    void give_back(need& taken) {
        assert(sent_ >= taken.out && asked(taken.of) >= taken.in);
        asked_[static_cast<std::size_t>(taken.of)] -= taken.in;
        sent_ -= taken.out;
        taken.in = taken.out = 0;
    }

    [[nodiscard]] std::uint64_t asked(protocol::priority of) const {
        return asked_[static_cast<std::size_t>(of)];
    }

    [[nodiscard]] std::uint64_t sent() const { return sent_; }

private:
    [[nodiscard]] static bool fits(std::uint64_t more, std::uint64_t taken, std::uint64_t most) {
        return more == 0 || taken == 0 || taken + more <= most;
    }

    std::array<std::uint64_t, static_cast<std::size_t>(protocol::priority_last) + 1> asked_{};
    std::uint64_t sent_ = 0;
};

// What only the asker knows of a request: that nobody waits for it yet (prefetch, write_back), and
// how long its answer will be.
struct wish {
    protocol::priority of = protocol::priority::control;  // control: by kind and length
    std::uint64_t answer_bytes = 0;                       // 0: what the request says
};

// The bytes that a reply may bring, where that is a matter of the link's rate: a stream's reader
// waits for its writer.
template <typename Request>
[[nodiscard]] std::uint64_t bytes_asked(const Request& request) {
    if constexpr (std::is_same_v<Request, protocol::read>) {
        return request.offset < 0 ? 0 : request.bytes;
    } else {
        return 0;
    }
}

// The bytes of data that a request carries.
template <typename Request>
[[nodiscard]] std::uint64_t bytes_carried(const Request& request) {
    std::uint64_t bytes = 0;
    if constexpr (std::is_same_v<Request, protocol::write>) {
        bytes = request.data.bytes.size();
    } else if constexpr (std::is_same_v<Request, protocol::write_back>) {
        for (const auto& part : request.stores) {
            bytes += part.data.bytes.size();
        }
    }
    return bytes;
}

// The class of a request, and what it takes.
template <typename Request>
[[nodiscard]] link_credit::need need_of(const Request& request, const wish& said) {
    using protocol::priority;
    link_credit::need what;
    what.out = bytes_carried(request);
    what.in = said.answer_bytes != 0 ? said.answer_bytes : bytes_asked(request);
    if (said.of != priority::control) {
        what.of = said.of;
    } else if (std::max(what.in, what.out) > protocol::small_bytes_max) {
        what.of = priority::stream;
    }
    return what;
}

}  // namespace farside::session
