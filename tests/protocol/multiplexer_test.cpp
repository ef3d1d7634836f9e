// Replies find their owners, in any order; a server that breaks the rules is noticed.
#include "protocol/multiplexer.hpp"

#include "protocol/dump.hpp"
#include "protocol/message_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace farside::protocol {
namespace {

using kind = multiplexer::event::kind;
using testing::ElementsAre;
using testing::IsEmpty;

// Plays the server: makes frames and shows them to the multiplexer.
class multiplexer_test : public testing::Test {
protected:
    request_id ask(multiplexer::cookie owner) { return mux.start(ping{owner}, owner, sent); }

    result<multiplexer::event> show(buffer bytes) {
        kept = std::move(bytes);
        const auto header = decode<frame_header>(std::span{kept}.first(frame_header_bytes)).value();
        return mux.on_frame({header, std::span{kept}.subspan(frame_header_bytes)});
    }

    static buffer pong(request_id id, std::uint64_t value) {
        buffer out;
        append_reply<ping>(out, id, ping_reply{value});
        return out;
    }

    static buffer raw(opcode op, std::uint16_t flags, request_id id, const buffer& payload) {
        buffer out;
        encode(frame_header{static_cast<std::uint32_t>(payload.size()), op, flags, id}, out);
        out.insert(out.end(), payload.begin(), payload.end());
        return out;
    }

    static buffer errno_payload(std::int32_t value) {
        buffer out;
        writer{out}.put(value);
        return out;
    }

    multiplexer mux;
    buffer sent;
    buffer kept;
};

TEST_F(multiplexer_test, SendsRequestsWithIdsOfTheirOwn) {
    const auto first = ask(1);
    const auto second = ask(2);
    EXPECT_NE(first, second);
    EXPECT_NE(first, one_way_id);
    EXPECT_EQ(mux.unanswered(), 2U);

    buffer expected;
    append_request(expected, first, ping{1});
    append_request(expected, second, ping{2});
    EXPECT_EQ(sent, expected);
}

TEST_F(multiplexer_test, GivesRepliesToTheirOwnersInAnyOrder) {
    const std::array ids{ask(10), ask(20), ask(30)};
    for (const std::size_t i : {2U, 0U, 1U}) {
        const auto event = show(pong(ids[i], i)).value();
        EXPECT_EQ(event.what, kind::reply);
        EXPECT_EQ(event.owner, (i + 1) * 10);
        EXPECT_EQ(event.op, opcode::ping);
        EXPECT_EQ(event.failure, no_error);
        EXPECT_FALSE(event.more);
        EXPECT_EQ(decode<ping_reply>(event.body).value().cookie, i);
    }
    EXPECT_EQ(mux.unanswered(), 0U);
}

TEST_F(multiplexer_test, GivesFailuresWithTheirErrno) {
    for (const std::int32_t value : {1, 2, 133, 4095}) {
        const auto id = ask(5);
        buffer out;
        append_error(out, opcode::ping, id, wire_errno{value});
        const auto event = show(out).value();
        EXPECT_EQ(event.what, kind::reply);
        EXPECT_EQ(event.owner, 5U);
        EXPECT_EQ(event.failure, wire_errno{value});
        EXPECT_THAT(event.body, IsEmpty());
    }
}

TEST_F(multiplexer_test, KeepsARequestUntilTheLastFrameOfItsReply) {
    const auto id = mux.start(read{}, 5, sent);
    const auto other = ask(6);
    buffer first;
    append_reply<read>(first, id, read_reply{}, more_frames::yes);
    buffer last;
    append_reply<read>(last, id, read_reply{});

    EXPECT_TRUE(show(first).value().more);
    EXPECT_EQ(mux.unanswered(), 2U);
    EXPECT_EQ(show(pong(other, 0)).value().owner, 6U);
    const auto event = show(last).value();
    EXPECT_EQ(event.owner, 5U);
    EXPECT_FALSE(event.more);
    EXPECT_EQ(mux.unanswered(), 0U);
    EXPECT_EQ(show(last).error(), error::unexpected_frame);
}

TEST_F(multiplexer_test, ARepliesFramesMayEndWithAFailure) {
    const auto id = mux.start(read{}, 5, sent);
    buffer first;
    append_reply<read>(first, id, read_reply{}, more_frames::yes);
    buffer failed;
    append_error(failed, opcode::read, id, wire_errno{5});
    EXPECT_TRUE(show(first).value().more);
    EXPECT_EQ(show(failed).value().failure, wire_errno{5});
    EXPECT_EQ(mux.unanswered(), 0U);
}

TEST_F(multiplexer_test, RefusesSeveralFramesWhereOneMayCome) {
    const auto id = ask(5);
    buffer payload = errno_payload(0);
    encode(ping_reply{}, payload);
    const auto flags = frame_flags::reply | frame_flags::more;
    EXPECT_EQ(show(raw(opcode::ping, flags, id, payload)).error(), error::unexpected_frame);
}

TEST_F(multiplexer_test, SwallowsTheReplyToAnAbandonedRequest) {
    const auto id = ask(5);
    mux.abandon(id);
    EXPECT_EQ(mux.unanswered(), 1U);
    const auto event = show(pong(id, 1)).value();
    EXPECT_EQ(event.what, kind::nothing);
    EXPECT_THAT(event.body, IsEmpty());
    EXPECT_EQ(mux.unanswered(), 0U);
}

TEST_F(multiplexer_test, SwallowsEveryFrameOfAnAbandonedReply) {
    const auto id = mux.start(read{}, 5, sent);
    buffer first;
    append_reply<read>(first, id, read_reply{}, more_frames::yes);
    buffer last;
    append_reply<read>(last, id, read_reply{});
    EXPECT_EQ(show(first).value().what, kind::reply);
    mux.abandon(id);
    EXPECT_EQ(show(first).value().what, kind::nothing);
    EXPECT_EQ(show(last).value().what, kind::nothing);
    EXPECT_EQ(mux.unanswered(), 0U);
}

TEST_F(multiplexer_test, AbandoningAnAnsweredRequestIsFine) {
    const auto id = ask(5);
    EXPECT_TRUE(show(pong(id, 0)));
    mux.abandon(id);
    mux.abandon(request_id{999});
    EXPECT_EQ(mux.unanswered(), 0U);
}

TEST_F(multiplexer_test, AnAbandonedRequestCountsUntilItIsAnswered) {
    mux.allow(1);
    const auto id = ask(5);
    mux.abandon(id);
    EXPECT_FALSE(mux.has_room());
    EXPECT_TRUE(show(pong(id, 0)));
    EXPECT_TRUE(mux.has_room());
}

TEST_F(multiplexer_test, HasRoomForWhatTheServerAllowsAndNoMoreThanItsOwnLimit) {
    mux.allow(2);
    ask(1);
    EXPECT_TRUE(mux.has_room());
    ask(2);
    EXPECT_FALSE(mux.has_room());
    mux.allow(0xffffffff);
    for (std::uint32_t i = 2; i < limits::requests_in_flight_max; ++i) {
        ASSERT_TRUE(mux.has_room()) << i;
        ask(i);
    }
    EXPECT_FALSE(mux.has_room());
}

TEST_F(multiplexer_test, GivesPushesKnownOrNot) {
    buffer out;
    append_one_way(out, goodbye{"enough"});
    const auto event = show(out).value();
    EXPECT_EQ(event.what, kind::push);
    EXPECT_EQ(event.op, opcode::goodbye);
    EXPECT_EQ(decode<goodbye>(event.body).value().reason, "enough");
    EXPECT_EQ(show(raw(opcode{999}, 0, one_way_id, {})).value().what, kind::push);
}

TEST_F(multiplexer_test, RefusesAReplyNobodyWaitsFor) {
    EXPECT_EQ(show(pong(request_id{1}, 0)).error(), error::unexpected_frame);
    const auto id = ask(5);
    EXPECT_TRUE(show(pong(id, 0)));
    EXPECT_EQ(show(pong(id, 0)).error(), error::unexpected_frame) << "answered twice";
}

TEST_F(multiplexer_test, RefusesAReplyOfAnotherOpcode) {
    const auto id = ask(5);
    buffer out;
    append_reply<open>(out, id, open_reply{});
    EXPECT_EQ(show(out).error(), error::unexpected_frame);
}

TEST_F(multiplexer_test, RefusesARequestFromTheServerAndAReplyWithoutId) {
    const auto id = ask(5);
    EXPECT_EQ(show(raw(opcode::ping, 0, id, {})).error(), error::unexpected_frame);
    EXPECT_EQ(
        show(raw(opcode::ping, frame_flags::reply, one_way_id, errno_payload(0))).error(),
        error::unexpected_frame
    );
}

TEST_F(multiplexer_test, RefusesAReplyWithoutItsErrno) {
    const auto id = ask(5);
    const buffer short_payload(3);
    EXPECT_EQ(
        show(raw(opcode::ping, frame_flags::reply, id, short_payload)).error(), error::truncated
    );
}

TEST_F(multiplexer_test, RefusesAnErrnoThatIsNone) {
    for (const std::int32_t value : {-1, 4096, 0x7fffffff}) {
        const auto id = ask(5);
        EXPECT_EQ(
            show(raw(opcode::ping, frame_flags::reply, id, errno_payload(value))).error(),
            error::bad_value
        );
    }
}

TEST_F(multiplexer_test, RefusesAFailureWithABodyOrMore) {
    const auto id = mux.start(read{}, 5, sent);
    buffer with_body = errno_payload(2);
    with_body.push_back(std::byte{0});
    EXPECT_EQ(
        show(raw(opcode::read, frame_flags::reply, id, with_body)).error(), error::trailing_bytes
    );
    const auto flags = frame_flags::reply | frame_flags::more;
    EXPECT_EQ(show(raw(opcode::read, flags, id, errno_payload(2))).error(), error::trailing_bytes);
}

TEST_F(multiplexer_test, FailsAllWithTheOldestFirst) {
    for (multiplexer::cookie owner = 1; owner <= 5; ++owner) {
        const auto id = ask(owner);
        if (owner == 2) {
            mux.abandon(id);
        }
    }
    EXPECT_THAT(mux.fail_all(), ElementsAre(1, 3, 4, 5));
    EXPECT_EQ(mux.unanswered(), 0U);
    EXPECT_THAT(mux.fail_all(), IsEmpty());
}

TEST_F(multiplexer_test, NeverUsesAnIdAgain) {
    const auto before = ask(1);
    EXPECT_THAT(mux.fail_all(), ElementsAre(1));
    EXPECT_NE(ask(2), before);
}

}  // namespace
}  // namespace farside::protocol
