// One call of a covered process while the session works on it: the slot's fields, copied once and
// checked, and the answer as it takes shape. The bulk area stays where it is: its bytes are data.
#pragma once

#include "layer/common/side.hpp"
#include "layer/segment/segment.hpp"
#include "layer/session/agent_link.hpp"
#include "protocol/support/unique_fd.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <sys/types.h>

namespace farside::session {

struct incoming_call {
    segment::call op{};
    std::array<std::int64_t, 8> arguments{};  // the answers in arguments[] are written back
    std::array<std::string, 2> path;          // no NUL, shorter than path_room
    std::span<const std::byte> data_in;
    std::span<std::byte> data_room;  // the whole area

    pid_t pid = 0;  // of the caller, as it says

    // What the caller handed over, if anything: a file of any kind, to be checked.
    unique_fd descriptor;

    link_caller caller;

    // The answer, beside the result.
    std::uint32_t data_bytes = 0;
    side where = side::remote;
    std::array<std::optional<std::string>, 2> path_out;

    [[nodiscard]] std::uint64_t id(std::size_t at = 0) const {
        return static_cast<std::uint64_t>(arguments[at]);
    }

    [[nodiscard]] std::uint32_t word(std::size_t at) const {
        return static_cast<std::uint32_t>(arguments[at]);
    }

    // Copies and checks; an errno where the slot's fields cannot be a call's.
    [[nodiscard]] int take(const segment::call_slot& slot, segment::slot_area& area);

    // Writes everything but the state.
    void answer(std::int64_t result, segment::call_slot& slot, segment::slot_area& area) const;

    // A structure as the answer's data. Returns the result, 0.
    template <typename T>
    std::int64_t give(const T& structure) {
        static_assert(sizeof structure <= segment::data_room);
        std::memcpy(data_room.data(), &structure, sizeof structure);
        data_bytes = sizeof structure;
        return 0;
    }

    // Bytes as the answer's data, their number as the result; EIO where there are too many.
    std::int64_t give_bytes(std::string_view bytes);
};

}  // namespace farside::session
