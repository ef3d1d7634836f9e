// A golden file fixes the bytes of one message: a made-up request and, where it has one, its reply,
// each as a whole frame in hexadecimal below a line that says what it is.
#pragma once

#include "protocol/dump.hpp"
#include "protocol/message_table.hpp"
#include "tests/protocol/message_source.hpp"

#include <string>

namespace farside::protocol {

// The made-up values of one message; `source` owns the bytes that they view.
template <message Message>
struct golden_values {
    static constexpr request_id id{0x1122334455667788};

    message_source source{static_cast<std::uint64_t>(Message::op), 3, 12};
    Message request = source.make<Message>();

    buffer request_frame() const {
        buffer out;
        if constexpr (answered_message<Message>) {
            append_request(out, id, request);
        } else {
            append_one_way(out, request);
        }
        return out;
    }

    // REQUIRES: answered_message<Message>.
    buffer reply_frame(const auto& reply) const {
        buffer out;
        append_reply<Message>(out, id, reply);
        return out;
    }
};

inline std::string hex_lines(std::span<const std::byte> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const auto value = std::to_integer<unsigned>(bytes[i]);
        text += digits[value >> 4U];
        text += digits[value & 0xfU];
        text += i % 16 == 15 || i + 1 == bytes.size() ? '\n' : ' ';
    }
    return text;
}

template <message Message>
std::string golden_text() {
    golden_values<Message> values;
    std::string text = "# " + dump(values.request) + '\n' + hex_lines(values.request_frame());
    if constexpr (answered_message<Message>) {
        const auto reply = values.source.template make<typename Message::reply>();
        text += "# " + dump(reply) + '\n' + hex_lines(values.reply_frame(reply));
    }
    return text;
}

template <message Message>
std::string golden_name() {
    return std::string{type_name<Message>()} + ".hex";
}

}  // namespace farside::protocol
