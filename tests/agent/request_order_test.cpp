// The order of requests on one open file: who waits for whom, and who goes when one leaves.
#include "agent/request_order.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace farside::agent {
namespace {

using enum order_class;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr order_class classes[] = {observe, change, finish, take, put, close};

bool waits(order_class earlier, order_class later) {
    request_order order;
    [[maybe_unused]] const auto first = order.enter(earlier, [] {});
    const bool idle = order.idle_for(later);
    const auto second = order.enter(later, [] {});
    EXPECT_EQ(request_order::started(second), idle);
    return !idle;
}

TEST(RequestOrder, IsThatOfTheTable) {
    const std::vector<std::string> table{
        //  o c f t p c
        "-x---x",  // observe
        "xxxxxx",  // change
        "-----x",  // finish
        "---x-x",  // take
        "----xx",  // put
        "xxxxxx",  // close
    };
    for (std::size_t earlier = 0; earlier < std::size(classes); ++earlier) {
        for (std::size_t later = 0; later < std::size(classes); ++later) {
            SCOPED_TRACE(std::to_string(earlier) + " then " + std::to_string(later));
            EXPECT_EQ(waits(classes[earlier], classes[later]), table[earlier][later] == 'x');
        }
    }
}

TEST(RequestOrder, NobodyWaitsForNothing) {
    const request_order order;
    for (const auto what : classes) {
        EXPECT_TRUE(order.idle_for(what));
    }
}

class Queue : public testing::Test {
protected:
    request_order::ticket enter(order_class what, const std::string& name) {
        return order_.enter(what, [this, name] { started_.push_back(name); });
    }

    request_order order_;
    std::vector<std::string> started_;
};

TEST_F(Queue, ReadersGoTogetherAndWritersAlone) {
    const auto w1 = enter(change, "w1");
    const auto r1 = enter(observe, "r1");
    const auto r2 = enter(observe, "r2");
    const auto w2 = enter(change, "w2");
    enter(observe, "r3");
    EXPECT_TRUE(request_order::started(w1));
    EXPECT_THAT(started_, IsEmpty());
    order_.leave(w1);
    EXPECT_THAT(started_, ElementsAre("r1", "r2"));
    order_.leave(r2);
    order_.leave(r1);
    EXPECT_THAT(started_, ElementsAre("r1", "r2", "w2"));
    order_.leave(w2);
    EXPECT_THAT(started_, ElementsAre("r1", "r2", "w2", "r3"));
}

TEST_F(Queue, ALaterReaderDoesNotOvertakeAWaitingWriter) {
    const auto r1 = enter(observe, "r1");
    enter(change, "w1");
    const auto r2 = enter(observe, "r2");
    EXPECT_FALSE(request_order::started(r2));
    order_.leave(r1);
    EXPECT_THAT(started_, ElementsAre("w1"));
}

TEST_F(Queue, WhoGivesUpLetsOthersPass) {
    const auto r1 = enter(observe, "r1");
    const auto w1 = enter(change, "w1");
    enter(observe, "r2");
    order_.leave(w1);
    EXPECT_THAT(started_, ElementsAre("r2"));
    order_.leave(r1);
}

TEST_F(Queue, CloseComesLast) {
    const auto sync = enter(finish, "sync");
    const auto reader = enter(take, "reader");
    enter(order_class::close, "close");
    order_.leave(sync);
    EXPECT_THAT(started_, IsEmpty());
    order_.leave(reader);
    EXPECT_THAT(started_, ElementsAre("close"));
}

TEST_F(Queue, AStartMayLeaveAtOnce) {
    const auto w1 = enter(change, "w1");
    request_order::ticket w2;
    w2 = order_.enter(change, [&] {
        started_.push_back("w2");
        order_.leave(w2);
    });
    enter(change, "w3");
    order_.leave(w1);
    EXPECT_THAT(started_, ElementsAre("w2", "w3"));
}

}  // namespace
}  // namespace farside::agent
