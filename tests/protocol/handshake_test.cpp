// Who is let in, and what the others are told.
#include "protocol/handshake.hpp"

#include "protocol/codec.hpp"
#include "protocol/limits.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace farside::protocol {
namespace {

using testing::HasSubstr;

hello good_hello() {
    return {version_min, version_max, capabilities, own_limits(), true, "farside 0.1.0", ""};
}

hello_reply good_reply() {
    return {version_max, 0, own_limits(), "farside-agent 0.1.0", "dir/", 1};
}

TEST(Handshake, TakesTheMagicWholeAndInParts) {
    for (std::size_t length = 0; length <= magic.size(); ++length) {
        EXPECT_FALSE(check_magic(std::span{magic}.first(length)));
    }
    buffer longer(magic.begin(), magic.end());
    longer.push_back(std::byte{7});
    EXPECT_FALSE(check_magic(longer));
}

TEST(Handshake, RefusesAnyOtherMagicAtItsFirstWrongByte) {
    for (std::size_t wrong = 0; wrong < magic.size(); ++wrong) {
        auto bytes = magic;
        bytes[wrong] ^= std::byte{0x20};
        EXPECT_FALSE(check_magic(std::span{bytes}.first(wrong)));
        EXPECT_EQ(check_magic(std::span{bytes}.first(wrong + 1)), error::bad_magic);
    }
}

TEST(Handshake, PicksTheHighestCommonVersion) {
    auto request = good_hello();
    EXPECT_EQ(judge_hello(request, "").version, version_max);
    request.version_max = 0xffff;
    EXPECT_EQ(judge_hello(request, "").version, version_max);
}

TEST(Handshake, NamesBothRangesWhereVersionsDoNotMeet) {
    const std::array<std::array<std::uint16_t, 2>, 4> ranges{{{2, 3}, {0, 0}, {5, 1}, {9, 9}}};
    for (const auto& [low, high] : ranges) {
        auto request = good_hello();
        request.version_min = low;
        request.version_max = high;
        const auto verdict = judge_hello(request, "");
        EXPECT_FALSE(verdict.version) << low << " to " << high;
        const auto theirs = std::to_string(low) + " to " + std::to_string(high);
        EXPECT_THAT(verdict.refusal, HasSubstr("the client speaks " + theirs));
        EXPECT_THAT(verdict.refusal, HasSubstr("the agent 1 to 1"));
    }
}

TEST(Handshake, DecodesAGoodPayload) {
    const auto sent = good_hello();
    buffer payload;
    encode(sent, payload);
    hello received;
    EXPECT_EQ(judge_hello(payload, "", received).version, version_max);
    EXPECT_EQ(received, sent);
}

TEST(Handshake, JudgesTheVersionsOfAHelloWithFieldsItDoesNotKnow) {
    auto request = good_hello();
    request.version_min = 2;
    request.version_max = 2;
    buffer payload;
    encode(request, payload);
    payload.resize(payload.size() + 10);
    hello received;
    const auto longer = judge_hello(payload, "", received);
    EXPECT_FALSE(longer.version);
    EXPECT_THAT(longer.refusal, HasSubstr("the client speaks 2 to 2"));

    payload.resize(4);
    EXPECT_THAT(judge_hello(payload, "", received).refusal, HasSubstr("the client speaks 2 to 2"));
}

TEST(Handshake, SaysThatAHelloIsMalformed) {
    buffer payload;
    encode(good_hello(), payload);
    hello received;
    for (std::size_t length = 0; length < payload.size(); ++length) {
        const auto verdict = judge_hello(std::span{payload}.first(length), "", received);
        EXPECT_FALSE(verdict.version);
        EXPECT_THAT(verdict.refusal, HasSubstr("malformed"));
    }
    payload.push_back(std::byte{0});
    EXPECT_THAT(judge_hello(payload, "", received).refusal, HasSubstr("malformed"));
    EXPECT_EQ(received, hello{});
}

TEST(Handshake, RequiresTheExactToken) {
    auto request = good_hello();
    request.token = "secret";
    EXPECT_TRUE(judge_hello(request, "secret").version);
    for (const std::string token : {"", "secre", "secret ", "Secret", "secretsecret"}) {
        request.token = token;
        const auto verdict = judge_hello(request, "secret");
        EXPECT_FALSE(verdict.version) << token;
        EXPECT_THAT(verdict.refusal, HasSubstr("token"));
    }
}

TEST(Handshake, TellsNobodyTheToken) {
    auto request = good_hello();
    request.token = "wrong";
    EXPECT_THAT(judge_hello(request, "secret").refusal, testing::Not(HasSubstr("secret")));
}

TEST(Handshake, IgnoresATokenWhereNoneIsRequired) {
    auto request = good_hello();
    request.token = "anything";
    EXPECT_TRUE(judge_hello(request, "").version);
}

TEST(Handshake, BoundsNameAndToken) {
    auto request = good_hello();
    request.software.assign(limits::text_bytes_max, 'x');
    request.token.assign(limits::token_bytes_max, 'x');
    EXPECT_TRUE(judge_hello(request, request.token).version);
    request.software += 'x';
    EXPECT_THAT(judge_hello(request, request.token).refusal, HasSubstr("too long"));
    request = good_hello();
    request.token.assign(limits::token_bytes_max + 1, 'x');
    EXPECT_THAT(judge_hello(request, "").refusal, HasSubstr("too long"));
}

TEST(Handshake, RefusesAClientOfSmallerFrames) {
    auto request = good_hello();
    request.limits.frame_payload_bytes -= 1;
    EXPECT_THAT(judge_hello(request, "").refusal, HasSubstr("smaller frames"));
}

TEST(Handshake, ClientTakesAGoodReply) {
    EXPECT_FALSE(check_hello_reply(good_reply()));
}

TEST(Handshake, ClientRefusesAVersionItDidNotOffer) {
    auto reply = good_reply();
    reply.version = version_max + 1;
    EXPECT_EQ(check_hello_reply(reply), error::no_common_version);
    reply.version = version_min - 1;
    EXPECT_EQ(check_hello_reply(reply), error::no_common_version);
}

TEST(Handshake, ClientRefusesLimitsItCannotLiveWith) {
    auto reply = good_reply();
    reply.limits.frame_payload_bytes -= 1;
    EXPECT_EQ(check_hello_reply(reply), error::bad_value);
    reply = good_reply();
    reply.limits.requests_in_flight = 0;
    EXPECT_EQ(check_hello_reply(reply), error::bad_value);
    reply = good_reply();
    reply.limits.handles = 0;
    EXPECT_EQ(check_hello_reply(reply), error::bad_value);
}

}  // namespace
}  // namespace farside::protocol
