// Seeds made of the messages: each message, streams of them, handshakes and conversations.
#include "fuzz/corpus_writer.hpp"
#include "protocol/frame.hpp"
#include "protocol/handshake.hpp"
#include "protocol/message_table.hpp"
#include "tests/protocol/message_source.hpp"

namespace farside::protocol {
namespace {

buffer bytes_of(std::initializer_list<int> values) {
    buffer out;
    for (const int value : values) {
        out.push_back(static_cast<std::byte>(value));
    }
    return out;
}

// Opcode and flags, then the message.
template <typename T>
buffer message_seed(opcode op, std::uint16_t flags, const T& message) {
    buffer out;
    writer{out}.put(op);
    writer{out}.put(static_cast<std::uint8_t>(flags));
    encode(message, out);
    return out;
}

void add_messages(corpus_writer& out) {
    message_source source{1, 0, 12};
    for_each_message(all_messages{}, [&]<typename Message>(std::type_identity<Message>) {
        const auto name = type_name<Message>();
        out.add("fuzz_messages", name, message_seed(Message::op, 0, source.make<Message>()));
        if constexpr (answered_message<Message>) {
            const auto reply = source.make<typename Message::reply>();
            const auto reply_name = std::string{name} + "_reply";
            out.add("fuzz_messages", reply_name, message_seed(Message::op, 1, reply));
        }
    });
}

void add_streams(corpus_writer& out) {
    message_source source{2, 0, 12};
    buffer requests = bytes_of({1});
    buffer replies = bytes_of({2});
    for_each_message(all_messages{}, [&]<typename Message>(std::type_identity<Message>) {
        const auto value = source.make<Message>();
        if constexpr (answered_message<Message>) {
            const request_id id{source.next()};
            append_request(requests, id, value);
            append_reply<Message>(replies, id, source.make<typename Message::reply>());
            append_error(replies, Message::op, id, wire_errno{2});
        } else {
            append_one_way(requests, value);
        }
    });
    out.add("fuzz_frame_parser", "requests", requests);
    out.add("fuzz_frame_parser", "replies", replies);
    out.add("fuzz_frame_parser", "part", std::span{replies}.first(30));
    buffer bad = bytes_of({3});
    encode(frame_header{limits::frame_payload_bytes_max + 1, opcode::ping, 0, request_id{1}}, bad);
    out.add("fuzz_frame_parser", "too_long", bad);
    bad = bytes_of({4});
    encode(frame_header{0, opcode::ping, frame_flags::more, request_id{1}}, bad);
    out.add("fuzz_frame_parser", "bad_flags", bad);
}

void add_handshakes(corpus_writer& out) {
    hello request{version_min, version_max, 0, own_limits(), true, "farside", "token"};
    buffer seed = bytes_of({1});
    encode(request, seed);
    out.add("fuzz_handshake", "hello", seed);
    request.version_min = request.version_max = 7;
    seed = bytes_of({0});
    encode(request, seed);
    out.add("fuzz_handshake", "other_version", seed);
    seed = bytes_of({0});
    encode(hello_reply{1, 0, own_limits(), "farside-agent", "dir/", 7}, seed);
    out.add("fuzz_handshake", "hello_reply", seed);
    seed = bytes_of({0});
    seed.insert(seed.end(), magic.begin(), magic.end());
    out.add("fuzz_handshake", "magic", seed);
}

// The target asks eight times for data, with the ids from 1 to 8.
void add_conversations(corpus_writer& out) {
    const std::string data = "data";
    const read_reply part{{std::as_bytes(std::span{data})}};
    buffer in_order;
    buffer with_pushes;
    for (std::uint64_t id = 1; id <= 8; ++id) {
        append_reply<read>(in_order, request_id{id}, part, more_frames::yes);
        append_reply<read>(in_order, request_id{id}, part);
        encode(frame_header{1, opcode::goodbye, 0, one_way_id}, with_pushes);
        writer{with_pushes}.put(static_cast<std::uint8_t>(id));
        append_error(with_pushes, opcode::read, request_id{9 - id}, wire_errno{4});
    }
    out.add("fuzz_multiplexer", "in_order", in_order);
    out.add("fuzz_multiplexer", "with_pushes", with_pushes);
    const buffer once = in_order;
    in_order.insert(in_order.end(), once.begin(), once.end());
    out.add("fuzz_multiplexer", "answered_twice", in_order);
    buffer unknown;
    append_error(unknown, opcode::read, request_id{99}, wire_errno{5});
    out.add("fuzz_multiplexer", "unknown_id", unknown);
}

}  // namespace
}  // namespace farside::protocol

namespace farside {

void add_protocol_seeds(corpus_writer& out) {
    protocol::add_messages(out);
    protocol::add_streams(out);
    protocol::add_handshakes(out);
    protocol::add_conversations(out);
}

}  // namespace farside
