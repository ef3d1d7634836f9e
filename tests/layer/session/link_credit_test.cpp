// Who may send what while how much is under way, and what is given back when.
#include "layer/session/link_credit.hpp"

#include "protocol/name_messages.hpp"

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

namespace farside::session {
namespace {

using protocol::priority;

constexpr std::uint64_t chunk = 128 * 1024;

// 1 Gbit/s and 20 ms: 2.5 MB are under way when it is full.
link_estimate::values far_link() {
    link_estimate::values link;
    link.rtt = std::chrono::milliseconds{20};
    return link;
}

link_credit::need reading(priority of, std::uint64_t bytes) {
    return {of, 0, bytes};
}

link_credit::need writing(priority of, std::uint64_t bytes) {
    return {of, bytes, 0};
}

// Sends such requests while that is allowed.
std::vector<link_credit::need> fill(
    link_credit& credit, const link_credit::need& what, const link_estimate::values& link
) {
    std::vector<link_credit::need> sent;
    while (credit.allows(what, sent.size(), link)) {
        credit.take(what);
        sent.push_back(what);
    }
    return sent;
}

TEST(LinkCredit, IsTwiceWhatTheLinkHoldsWithinItsBounds) {
    link_estimate::values link = far_link();
    EXPECT_EQ(link_credit::reads(link), 5'000'000U);
    EXPECT_EQ(link_credit::writes(link), 5'000'000U);
    link.rtt = std::chrono::microseconds{10};
    EXPECT_EQ(link_credit::reads(link), link_credit::read_min);
    EXPECT_EQ(link_credit::writes(link), link_credit::write_min);
    link.rtt = std::chrono::seconds{10};
    EXPECT_EQ(link_credit::reads(link), link_credit::read_max);
    EXPECT_EQ(link_credit::writes(link), link_credit::write_max);
}

TEST(LinkCredit, BoundsWhatIsAskedFor) {
    const auto link = far_link();
    const auto most = link_credit::reads(link);
    link_credit credit;
    fill(credit, reading(priority::stream, chunk), link);
    EXPECT_LE(credit.asked(priority::stream), most);
    EXPECT_GT(credit.asked(priority::stream), most - chunk);
}

TEST(LinkCredit, PrefetchHasOneHalfOfItsOwn) {
    const auto link = far_link();
    link_credit credit;
    fill(credit, reading(priority::prefetch, chunk), link);
    EXPECT_LE(credit.asked(priority::prefetch), link_credit::reads(link) / 2);
    EXPECT_GT(credit.asked(priority::prefetch), link_credit::reads(link) / 2 - chunk);
    EXPECT_EQ(
        fill(credit, reading(priority::stream, chunk), link).size(),
        link_credit::reads(link) / chunk
    ) << "a guess must not keep a reader waiting";
}

TEST(LinkCredit, StreamsDoNotLockPrefetchOut) {
    const auto link = far_link();
    link_credit credit;
    fill(credit, reading(priority::stream, chunk), link);
    EXPECT_TRUE(credit.allows(reading(priority::prefetch, chunk), 0, link));
}

TEST(LinkCredit, BoundsWhatIsSentOfAllClasses) {
    const auto link = far_link();
    link_credit credit;
    fill(credit, writing(priority::write_back, chunk), link);
    EXPECT_LE(credit.sent(), link_credit::writes(link));
    EXPECT_GT(credit.sent(), link_credit::writes(link) - chunk);
    EXPECT_FALSE(credit.allows(writing(priority::stream, chunk), 0, link));
    EXPECT_TRUE(credit.allows(reading(priority::stream, chunk), 0, link));
}

TEST(LinkCredit, SmallRequestsNeedNone) {
    const auto link = far_link();
    link_credit credit;
    fill(credit, reading(priority::stream, chunk), link);
    fill(credit, writing(priority::write_back, chunk), link);
    const auto many = protocol::limits::requests_in_flight_max;
    EXPECT_TRUE(credit.allows({priority::metadata, 0, 0}, many, link));
    EXPECT_TRUE(credit.allows({priority::metadata, 4096, 16 * 1024}, many, link));
}

TEST(LinkCredit, WhatIsLongerThanTheCreditIsSentAlone) {
    for (const auto of : {priority::stream, priority::prefetch, priority::write_back}) {
        const link_credit::need what{of, 4 * link_credit::write_max, 4 * link_credit::read_max};
        link_credit credit;
        EXPECT_EQ(fill(credit, what, far_link()).size(), 1U);
    }
}

TEST(LinkCredit, GivesBackWhatArrivesAndInTheEndTheRest) {
    link_credit credit;
    auto first = reading(priority::stream, 3 * chunk);
    auto second = link_credit::need{priority::stream, 1000, chunk};
    credit.take(first);
    credit.take(second);
    credit.arrived(first, chunk);
    EXPECT_EQ(credit.asked(priority::stream), 3 * chunk);
    credit.arrived(second, 2 * chunk);  // more than was asked for
    EXPECT_EQ(credit.asked(priority::stream), 2 * chunk);
    credit.give_back(first);  // the file was shorter
    credit.give_back(first);
    EXPECT_EQ(credit.asked(priority::stream), 0U);
    EXPECT_EQ(credit.sent(), 1000U);
    credit.give_back(second);
    EXPECT_EQ(credit.sent(), 0U);
}

TEST(LinkCredit, HalfOfTheRequestsAreForThoseThatSomebodyWaitsFor) {
    const link_credit credit;
    const auto half = link_credit::patient_requests_max;
    for (const auto of : {priority::prefetch, priority::write_back}) {
        EXPECT_TRUE(credit.allows({of, 1, 1}, half - 1, far_link()));
        EXPECT_FALSE(credit.allows({of, 1, 1}, half, far_link()));
    }
    EXPECT_TRUE(credit.allows(reading(priority::stream, 1), half, far_link()));
    EXPECT_TRUE(credit.allows({}, half, far_link()));
}

TEST(LinkCredit, TheLengthOfARequestAndItsAnswerTellsItsClass) {
    protocol::read small;
    small.bytes = protocol::small_bytes_max;
    EXPECT_EQ(need_of(small, {}).of, priority::metadata);
    EXPECT_EQ(need_of(small, {}).in, protocol::small_bytes_max);
    protocol::read large;
    large.bytes = protocol::small_bytes_max + 1;
    EXPECT_EQ(need_of(large, {}).of, priority::stream);
    large.offset = -1;
    EXPECT_EQ(need_of(large, {}).of, priority::metadata)
        << "how long that takes is not the link's matter";
    EXPECT_EQ(need_of(protocol::stat{}, {}).of, priority::metadata);

    const std::string bytes(protocol::small_bytes_max + 1, 'w');
    protocol::write written;
    written.data.bytes = std::as_bytes(std::span{bytes});
    EXPECT_EQ(need_of(written, {}).of, priority::stream);
    EXPECT_EQ(need_of(written, {}).out, bytes.size());
    written.data.bytes = written.data.bytes.first(protocol::small_bytes_max);
    EXPECT_EQ(need_of(written, {}).of, priority::metadata);
}

TEST(LinkCredit, WhatTheAskerSaysCountsMore) {
    protocol::read request;
    request.bytes = 4096;
    const auto guess = need_of(request, {priority::prefetch});
    EXPECT_EQ(guess.of, priority::prefetch);
    EXPECT_EQ(guess.in, 4096U);
    const auto announced = need_of(protocol::stat{}, {priority::control, chunk});
    EXPECT_EQ(announced.of, priority::stream);
    EXPECT_EQ(announced.in, chunk);
}

}  // namespace
}  // namespace farside::session
