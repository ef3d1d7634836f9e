// The part of dumping that depends on no message type: escaping, and frames by their opcode.
#include "protocol/dump.hpp"

#include "protocol/message_table.hpp"

#include <algorithm>
#include <string_view>

namespace farside::protocol {
namespace {

template <typename Message>
std::string dump_payload(std::span<const std::byte> payload) {
    const auto message = decode<Message>(payload);
    if (!message) {
        return std::string{type_name<Message>()} + " malformed: " + message.error().message();
    }
    return dump(*message);
}

template <typename Request>
std::string dump_reply(const frame& f) {
    const std::string name{type_name<Request>()};
    if constexpr (one_way_message<Request>) {
        return name + " malformed: a reply to a message that has none";
    } else {
        wire_errno failure = no_error;
        if (f.payload.size() < sizeof failure) {
            return name + " malformed: a reply without its errno";
        }
        failure = decode<wire_errno>(f.payload.first(sizeof failure)).value();
        if (failure != no_error) {
            return name + " failed " + std::to_string(static_cast<std::int32_t>(failure));
        }
        const bool more = (f.header.flags & frame_flags::more) != 0;
        return dump_payload<typename Request::reply>(f.payload.subspan(sizeof failure)) +
               (more ? " more" : "");
    }
}

}  // namespace

namespace detail {

void dump_value(std::string& out, const bytes_view& value) {
    constexpr std::size_t shown_max = 64;
    constexpr std::string_view digits = "0123456789abcdef";
    out += '"';
    for (const std::byte byte : value.bytes.first(std::min(value.bytes.size(), shown_max))) {
        const auto code = std::to_integer<unsigned char>(byte);
        if (code == '"' || code == '\\') {
            out += '\\';
            out += static_cast<char>(code);
        } else if (code >= 0x20 && code < 0x7f) {
            out += static_cast<char>(code);
        } else {
            out += "\\x";
            out += digits[code >> 4U];
            out += digits[code & 0xfU];
        }
    }
    out += '"';
    if (value.bytes.size() > shown_max) {
        out += "... " + std::to_string(value.bytes.size()) + " bytes";
    }
}

}  // namespace detail

std::string one_line(std::string_view text) {
    std::string line{text.substr(0, limits::text_bytes_max)};
    std::ranges::replace_if(
        line, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?'
    );
    return line;
}

std::string dump(const frame& f) {
    const bool reply = (f.header.flags & frame_flags::reply) != 0;
    std::string text = std::to_string(static_cast<std::uint64_t>(f.header.id)) + ' ';
    const bool known =
        with_message(f.header.op, [&]<typename Message>(std::type_identity<Message>) {
            text += reply ? dump_reply<Message>(f) : dump_payload<Message>(f.payload);
        });
    if (!known) {
        text += "unknown opcode " + std::to_string(static_cast<unsigned>(f.header.op)) + ", " +
                std::to_string(f.payload.size()) + " bytes";
    }
    return text;
}

}  // namespace farside::protocol
