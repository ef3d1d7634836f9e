// Any payload as any message: what decodes is encoded to the very same bytes, and can be shown.
// Input: the frame header's opcode (u16) and flags (u8), then the payload.
#include "fuzz/fuzz_target.hpp"
#include "protocol/dump.hpp"
#include "protocol/message_table.hpp"

namespace farside::protocol {

namespace {

template <typename T>
void check(std::span<const std::byte> payload) {
    const auto value = decode<T>(payload);
    buffer again;
    if (value) {
        encode(*value, again);
        require(std::ranges::equal(again, payload) && decode<T>(again).value() == *value);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) noexcept {
    if (size < 3) {
        return 0;
    }
    const auto op = static_cast<opcode>(data[0] | data[1] << 8U);
    const auto payload = as_span(data, size).subspan(3);
    with_message(op, [&]<typename Message>(std::type_identity<Message>) {
        check<Message>(payload);
        if constexpr (answered_message<Message>) {
            check<typename Message::reply>(payload);
        }
    });
    const frame f{
        {static_cast<std::uint32_t>(payload.size()), op, data[2], request_id{1}}, payload};
    require(!dump(f).empty());
    return 0;
}

}  // namespace farside::protocol
