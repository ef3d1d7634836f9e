// Out of the slot and back into it. The caller may write the slot at any time: each field is read
// once.
#include "layer/session/incoming_call.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace farside::session {

int incoming_call::take(const segment::call_slot& slot, segment::slot_area& area) {
    op = slot.op;
    std::copy(std::begin(slot.arguments), std::end(slot.arguments), arguments.begin());
    data_room = area.data;
    for (std::size_t i = 0; i < path.size(); ++i) {
        const std::uint32_t bytes = slot.path_bytes[i];
        if (bytes >= segment::path_room) {
            return EINVAL;
        }
        path[i].assign(area.path[i], bytes);
        if (path[i].find('\0') != std::string::npos) {
            return EINVAL;
        }
    }
    const std::uint32_t bytes = slot.data_bytes;
    if (bytes > segment::data_room) {
        return EINVAL;
    }
    data_in = data_room.first(bytes);
    return 0;
}

void incoming_call::answer(std::int64_t result, segment::call_slot& slot, segment::slot_area& area)
    const {
    std::copy(arguments.begin(), arguments.end(), std::begin(slot.arguments));
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (path_out[i]) {
            const auto bytes = static_cast<std::uint32_t>(path_out[i]->size());
            std::memcpy(area.path[i], path_out[i]->c_str(), bytes + 1);
            slot.path_bytes[i] = bytes;
        }
    }
    slot.data_bytes = data_bytes;
    slot.side = static_cast<std::uint32_t>(where);
    slot.result = result;
    slot.round_trips = static_cast<std::uint32_t>(caller.requests());
}

std::int64_t incoming_call::give_bytes(std::string_view bytes) {
    if (bytes.size() > data_room.size()) {
        return -EIO;
    }
    std::copy_n(std::as_bytes(std::span{bytes}).begin(), bytes.size(), data_room.begin());
    data_bytes = static_cast<std::uint32_t>(bytes.size());
    return data_bytes;
}

}  // namespace farside::session
