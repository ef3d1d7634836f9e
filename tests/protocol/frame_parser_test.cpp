// A stream of frames, cut in every way a network may cut it, and the streams that must be refused.
#include "protocol/frame_parser.hpp"

#include "protocol/dump.hpp"
#include "protocol/message_table.hpp"
#include "protocol/priority.hpp"
#include "tests/protocol/message_source.hpp"

#include <gtest/gtest.h>

namespace farside::protocol {
namespace {

// A frame taken out of the parser, with bytes of its own.
struct kept_frame {
    frame_header header;
    buffer payload;

    friend bool operator==(const kept_frame&, const kept_frame&) = default;
};

void feed(frame_parser& parser, std::span<const std::byte> bytes) {
    const auto room = parser.prepare();
    ASSERT_LE(bytes.size(), room.size());
    std::ranges::copy(bytes, room.begin());
    parser.commit(bytes.size());
}

std::vector<kept_frame> take_all(frame_parser& parser) {
    std::vector<kept_frame> frames;
    while (const auto next = parser.next().value()) {
        frames.push_back({next->header, {next->payload.begin(), next->payload.end()}});
    }
    return frames;
}

buffer raw_frame(std::uint32_t payload_bytes, std::uint16_t flags, std::size_t present) {
    buffer out;
    encode(frame_header{payload_bytes, opcode::ping, flags, request_id{1}}, out);
    out.resize(out.size() + present, std::byte{0x5a});
    return out;
}

boost::system::error_code failure_of(const buffer& bytes) {
    frame_parser parser;
    feed(parser, bytes);
    return parser.next().error();
}

// Every message in every kind of frame it comes in.
class frame_stream : public testing::Test {
protected:
    frame_stream() {
        message_source source{1, 0, 9};
        std::uint64_t id = 1;
        for_each_message(all_messages{}, [&]<typename Message>(std::type_identity<Message>) {
            const auto value = source.make<Message>();
            if constexpr (answered_message<Message>) {
                append_request(bytes, request_id{++id}, value);
                const auto reply = source.make<typename Message::reply>();
                if (reply_may_split(Message::op)) {
                    append_reply<Message>(bytes, request_id{id}, reply, more_frames::yes);
                }
                append_reply<Message>(bytes, request_id{id}, reply);
                append_error(bytes, Message::op, request_id{id}, wire_errno{5});
            } else {
                append_one_way(bytes, value);
            }
        });
        feed(parser, bytes);
        frames = take_all(parser);
    }

    buffer bytes;
    std::vector<kept_frame> frames;  // of the stream in one piece
    frame_parser parser;             // empty again
};

TEST_F(frame_stream, GivesEveryFrameInOrder) {
    std::size_t answered = 0;
    std::size_t split = 0;
    for_each_message(all_messages{}, [&]<typename Message>(std::type_identity<Message>) {
        answered += answered_message<Message> ? 1 : 0;
        split += reply_may_split(Message::op) ? 1 : 0;
    });
    EXPECT_EQ(frames.size(), all_messages::size + 2 * answered + split);
    EXPECT_EQ(parser.buffered_bytes(), 0U);

    buffer again;
    for (const auto& f : frames) {
        encode(f.header, again);
        again.insert(again.end(), f.payload.begin(), f.payload.end());
    }
    EXPECT_EQ(again, bytes);
}

TEST_F(frame_stream, GivesTheSameFramesForEverySplitPoint) {
    for (std::size_t split = 1; split < bytes.size(); ++split) {
        feed(parser, std::span{bytes}.first(split));
        auto got = take_all(parser);
        feed(parser, std::span{bytes}.subspan(split));
        auto rest = take_all(parser);
        got.insert(got.end(), rest.begin(), rest.end());
        ASSERT_EQ(got, frames) << "split at " << split;
        ASSERT_EQ(parser.buffered_bytes(), 0U);
    }
}

TEST_F(frame_stream, GivesTheSameFramesByteByByte) {
    std::vector<kept_frame> got;
    for (const std::byte& one : bytes) {
        feed(parser, {&one, 1});
        auto taken = take_all(parser);
        ASSERT_LE(taken.size(), 1U);
        got.insert(got.end(), taken.begin(), taken.end());
    }
    EXPECT_EQ(got, frames);
}

TEST_F(frame_stream, WaitsAtEveryTruncation) {
    // Where each frame ends.
    std::vector<std::size_t> ends;
    std::size_t end = 0;
    for (const auto& f : frames) {
        ends.push_back(end += frame_header_bytes + f.payload.size());
    }
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        const auto whole =
            static_cast<std::size_t>(std::ranges::upper_bound(ends, length) - ends.begin());
        feed(parser, std::span{bytes}.first(length));
        ASSERT_EQ(take_all(parser).size(), whole) << "cut at " << length;
        ASSERT_EQ(parser.buffered_bytes(), length - (whole == 0 ? 0 : ends[whole - 1]));
        feed(parser, std::span{bytes}.subspan(length));
        ASSERT_EQ(take_all(parser).size(), frames.size() - whole);
    }
}

TEST(FrameParser, WaitsForMoreWhenNothingCame) {
    frame_parser parser;
    EXPECT_FALSE(parser.next().value());
    EXPECT_FALSE(parser.prepare().empty());
    parser.commit(0);
    EXPECT_FALSE(parser.next().value());
}

TEST(FrameParser, TakesPayloadsOfNothingAndOfTheLimit) {
    for (const std::uint32_t size : {0U, 1U, limits::frame_payload_bytes_max}) {
        frame_parser parser;
        feed(parser, raw_frame(size, 0, size));
        const auto taken = parser.next().value();
        ASSERT_TRUE(taken) << size;
        EXPECT_EQ(taken->payload.size(), size);
        EXPECT_EQ(parser.buffered_bytes(), 0U);
    }
}

TEST(FrameParser, RefusesALengthAboveTheLimitAtItsHeader) {
    EXPECT_EQ(
        failure_of(raw_frame(limits::frame_payload_bytes_max + 1, 0, 0)),
        error::length_exceeds_limit
    );
    EXPECT_EQ(failure_of(raw_frame(0xffffffff, 0, 0)), error::length_exceeds_limit);
}

TEST(FrameParser, RefusesEveryUnknownFlag) {
    for (std::uint16_t flag = 1; flag != 0; flag = static_cast<std::uint16_t>(flag << 1U)) {
        const auto with_reply = static_cast<std::uint16_t>(flag | frame_flags::reply);
        const bool of_replies = (flag & (frame_flags::reply | frame_flags::more)) != 0;
        const auto expected =
            of_replies ? boost::system::error_code{} : make_error_code(error::unknown_flags);
        frame_parser parser;
        feed(parser, raw_frame(0, with_reply, 0));
        const auto taken = parser.next();
        EXPECT_EQ(taken ? boost::system::error_code{} : taken.error(), expected) << flag;
    }
}

TEST(FrameParser, RefusesMoreWithoutReply) {
    EXPECT_EQ(failure_of(raw_frame(0, frame_flags::more, 0)), error::unknown_flags);
}

TEST(FrameParser, TakesAClassOnRequestsOnly) {
    for (unsigned said = 0; said <= 7; ++said) {
        SCOPED_TRACE(said);
        const auto flags = flags_of(static_cast<priority>(said));
        const bool known = said <= static_cast<unsigned>(priority_last);
        frame_parser parser;
        feed(parser, raw_frame(0, flags, 0));
        const auto request = parser.next();
        EXPECT_EQ(request.has_value(), known);
        if (known) {
            EXPECT_EQ(said_priority((*request)->header.flags), static_cast<priority>(said));
        }
        buffer one_way;
        encode(frame_header{0, opcode::cancel, flags, one_way_id}, one_way);
        EXPECT_EQ(failure_of(one_way) == error::unknown_flags, said != 0);
    }
}

TEST(FrameParser, StaysFailed) {
    frame_parser parser;
    feed(parser, raw_frame(0, 0x8000, 0));
    EXPECT_EQ(parser.next().error(), error::unknown_flags);
    feed(parser, raw_frame(0, 0, 0));
    EXPECT_EQ(parser.next().error(), error::unknown_flags);
}

TEST(FrameParser, GivesTheFramesBeforeABadOne) {
    buffer bytes = raw_frame(3, 0, 3);
    const buffer bad = raw_frame(0, 0x8000, 0);
    bytes.insert(bytes.end(), bad.begin(), bad.end());
    frame_parser parser;
    feed(parser, bytes);
    EXPECT_TRUE(parser.next().value());
    EXPECT_EQ(parser.next().error(), error::unknown_flags);
}

TEST(FrameParser, KeepsFramesAliveUntilTheNextPrepare) {
    buffer bytes = raw_frame(3, 0, 3);
    bytes.insert(bytes.end(), bytes.begin(), bytes.end());
    frame_parser parser;
    feed(parser, bytes);
    const auto first = parser.next().value();
    const auto second = parser.next().value();
    ASSERT_TRUE(first && second);
    EXPECT_FALSE(parser.next().value());
    EXPECT_TRUE(std::ranges::equal(first->payload, second->payload));
    EXPECT_EQ(first->payload.front(), std::byte{0x5a});
}

// Whatever the sizes, there is always room for the next read, and no byte is lost when the
// beginning of a frame moves to the front.
TEST(FrameParser, AlwaysHasRoomForTheNextRead) {
    message_source random{11, 0, 0};
    frame_parser parser;
    buffer stream;
    std::vector<std::uint32_t> sizes;
    for (int i = 0; i < 40; ++i) {
        const auto size = i % 3 == 0 ? limits::frame_payload_bytes_max
                                     : static_cast<std::uint32_t>(random.between(0, 70'000));
        sizes.push_back(size);
        const buffer one = raw_frame(size, 0, size);
        stream.insert(stream.end(), one.begin(), one.end());
    }
    std::vector<std::uint32_t> got;
    for (std::span<const std::byte> rest{stream}; !rest.empty();) {
        const auto room = parser.prepare();
        ASSERT_FALSE(room.empty());
        const auto wanted = random.between(1, 2 * limits::frame_payload_bytes_max);
        const auto part = rest.first(std::min({wanted, room.size(), rest.size()}));
        std::ranges::copy(part, room.begin());
        parser.commit(part.size());
        rest = rest.subspan(part.size());
        for (const auto& f : take_all(parser)) {
            got.push_back(f.header.payload_bytes);
        }
    }
    EXPECT_EQ(got, sizes);
    EXPECT_EQ(parser.buffered_bytes(), 0U);
}

}  // namespace
}  // namespace farside::protocol
