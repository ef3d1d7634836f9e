// Writes the seeds of the fuzz targets, the same on every machine: make_corpus fuzz/corpus
#include "protocol/frame.hpp"
#include "protocol/handshake.hpp"
#include "protocol/message_table.hpp"
#include "tests/protocol/message_source.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace farside::protocol {
namespace {

class corpus {
public:
    explicit corpus(std::filesystem::path folder) : folder_{std::move(folder)} {}

    void add(const std::string& target, std::string_view name, const buffer& bytes) {
        std::filesystem::create_directories(folder_ / target);
        std::ofstream file{folder_ / target / name, std::ios::binary};
        for (const std::byte b : bytes) {
            file.put(static_cast<char>(b));
        }
        file.close();
        complete_ = complete_ && file.good();
    }

    [[nodiscard]] bool complete() const { return complete_; }

private:
    std::filesystem::path folder_;
    bool complete_ = true;
};

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

void add_messages(corpus& out) {
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

void add_streams(corpus& out) {
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
    out.add("fuzz_frame_parser", "part", {replies.begin(), replies.begin() + 30});
    buffer bad = bytes_of({3});
    encode(frame_header{limits::frame_payload_bytes_max + 1, opcode::ping, 0, request_id{1}}, bad);
    out.add("fuzz_frame_parser", "too_long", bad);
    bad = bytes_of({4});
    encode(frame_header{0, opcode::ping, frame_flags::more, request_id{1}}, bad);
    out.add("fuzz_frame_parser", "bad_flags", bad);
}

void add_handshakes(corpus& out) {
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
void add_conversations(corpus& out) {
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

bool write_corpus(const std::filesystem::path& folder) {
    corpus out{folder};
    add_messages(out);
    add_streams(out);
    add_handshakes(out);
    add_conversations(out);
    return out.complete();
}

}  // namespace
}  // namespace farside::protocol

int main(int count, char** arguments) {
    if (count != 2) {
        std::fputs("usage: make_corpus FOLDER\n", stderr);
        return 2;
    }
    const bool complete = farside::protocol::write_corpus(arguments[1]);
    if (!complete) {
        std::fputs("make_corpus: not every file could be written\n", stderr);
    }
    return complete ? 0 : 1;
}
