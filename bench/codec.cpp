// The protocol without sockets: messages to bytes and back, frames out of a stream, requests and
// their replies in the multiplexer.
#include "protocol/frame_parser.hpp"
#include "protocol/message_table.hpp"
#include "protocol/multiplexer.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>

namespace farside::protocol {
namespace {

stat typical_stat() {
    stat message;
    message.at.path = "/srv/application/lib/python3.11/site-packages/package/module.py";
    message.mask = 0x7ff;
    return message;
}

attributes_reply typical_attributes() {
    attributes_reply reply;
    reply.attr.mode = 0100644;
    reply.attr.size = 4096;
    reply.attr.inode = 123456789;
    return reply;
}

template <typename Message>
void encode_and_decode(benchmark::State& state, const Message& message) {
    buffer bytes;
    for (auto _ : state) {
        bytes.clear();
        encode(message, bytes);
        auto back = decode<Message>(bytes);
        benchmark::DoNotOptimize(back);
    }
    state.SetBytesProcessed(state.iterations() * std::ssize(bytes));
}

void codec_stat(benchmark::State& state) {
    encode_and_decode(state, typical_stat());
}

void codec_attributes(benchmark::State& state) {
    encode_and_decode(state, typical_attributes());
}

void codec_data_128k(benchmark::State& state) {
    const buffer data(std::size_t{128} << 10U);
    encode_and_decode(state, read_reply{bytes_view{data}});
}

// A stream of replies of `body` bytes each, handed over in pieces as a socket hands them.
void parse_stream(benchmark::State& state, std::size_t body) {
    const buffer data(body);
    buffer stream;
    while (stream.size() < std::size_t{1} << 20U) {
        append_reply<read>(stream, request_id{1}, read_reply{bytes_view{data}});
    }
    std::int64_t frames = 0;
    for (auto _ : state) {
        frame_parser parser;
        for (std::size_t at = 0; at < stream.size();) {
            const auto room = parser.prepare();
            const std::size_t piece = std::min(room.size(), stream.size() - at);
            std::copy_n(stream.data() + at, piece, room.data());
            parser.commit(piece);
            at += piece;
            for (auto next = parser.next(); next && *next; next = parser.next()) {
                ++frames;
            }
        }
    }
    state.SetItemsProcessed(frames);
    state.SetBytesProcessed(state.iterations() * std::ssize(stream));
}

void frames_of_64(benchmark::State& state) {
    parse_stream(state, 64);
}

void frames_of_128k(benchmark::State& state) {
    parse_stream(state, std::size_t{128} << 10U);
}

// A request started, its reply's frame matched; with others unanswered.
void multiplexer_round_trip(benchmark::State& state) {
    multiplexer requests;
    buffer out;
    const stat message = typical_stat();
    for (std::int64_t i = 1; i < state.range(0); ++i) {
        requests.start(message, 0, out);
    }
    buffer body;
    writer{body}.put(no_error);
    encode(typical_attributes(), body);
    for (auto _ : state) {
        out.clear();
        const request_id id = requests.start(message, 7, out);
        const auto bytes = static_cast<std::uint32_t>(body.size());
        const frame reply{{bytes, opcode::stat, frame_flags::reply, id}, body};
        auto event = requests.on_frame(reply);
        if (!event || event->owner != 7) {
            std::abort();
        }
        benchmark::DoNotOptimize(event);
    }
}

BENCHMARK(codec_stat);
BENCHMARK(codec_attributes);
BENCHMARK(codec_data_128k);
BENCHMARK(frames_of_64);
BENCHMARK(frames_of_128k);
BENCHMARK(multiplexer_round_trip)->Arg(1)->Arg(64)->Arg(1000);

}  // namespace
}  // namespace farside::protocol

BENCHMARK_MAIN();
