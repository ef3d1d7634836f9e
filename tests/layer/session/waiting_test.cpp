// The small things that coroutines wait with and on: events, turns, tasks, deadlines; and the
// messages between supervisor and session.
#include "layer/session/control.hpp"
#include "layer/session/deadline.hpp"
#include "layer/session/task_group.hpp"

#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <sys/socket.h>

namespace farside::session {
namespace {

class Waiting : public ::testing::Test {
protected:
    asio::io_context io{1};
    task_group tasks{io.get_executor()};
    std::vector<std::string> log;

    awaitable<> wait_and_log(async_event& event, std::string name) {
        co_await event.wait();
        log.push_back(name);
    }

    awaitable<> yield() { co_await asio::post(io.get_executor(), asio::use_awaitable); }

    awaitable<> take_turn(async_mutex& mutex, std::string name) {
        const auto turn = co_await mutex.lock();
        log.push_back(name + " in");
        co_await yield();
        log.push_back(name + " out");
    }

    awaitable<> join_and_log(task_group& group) {
        co_await group.join();
        log.emplace_back("joined");
    }
};

TEST_F(Waiting, AnEventThatCameFirstIsNotMissed) {
    async_event event{io.get_executor()};
    event.notify();
    event.notify();
    tasks.spawn(wait_and_log(event, "first"));
    tasks.spawn(wait_and_log(event, "second"));
    io.poll();
    EXPECT_EQ(log, (std::vector<std::string>{"first"}));
    event.notify();
    io.poll();
    EXPECT_EQ(log, (std::vector<std::string>{"first", "second"}));
}

TEST_F(Waiting, TurnsComeInTheOrderOfAsking) {
    async_mutex mutex{io.get_executor()};
    for (const char* name : {"a", "b", "c"}) {
        tasks.spawn(take_turn(mutex, name));
    }
    io.run();
    EXPECT_EQ(log, (std::vector<std::string>{"a in", "a out", "b in", "b out", "c in", "c out"}));
    io.restart();
    tasks.spawn(take_turn(mutex, "d"));
    io.run();
    EXPECT_EQ(log.back(), "d out");
}

TEST_F(Waiting, JoinWaitsForEveryTask) {
    task_group children{io.get_executor()};
    async_event one{io.get_executor()};
    async_event two{io.get_executor()};
    children.spawn(wait_and_log(one, "one"));
    children.spawn(wait_and_log(two, "two"));
    tasks.spawn(join_and_log(children));
    io.poll();
    two.notify();
    io.poll();
    one.notify();
    io.poll();
    EXPECT_EQ(log, (std::vector<std::string>{"two", "one", "joined"}));
}

TEST_F(Waiting, ADeadlineThatIsGoneNeverStrikes) {
    bool struck = false;
    {
        const deadline limit{
            io.get_executor(), std::chrono::milliseconds{0}, [&] { struck = true; }};
        EXPECT_FALSE(limit.expired());
    }
    io.run();
    EXPECT_FALSE(struck);
}

TEST_F(Waiting, ADeadlineStrikesOnce) {
    int struck = 0;
    const deadline limit{io.get_executor(), std::chrono::milliseconds{1}, [&] { ++struck; }};
    io.run();
    EXPECT_EQ(struck, 1);
    EXPECT_TRUE(limit.expired());
}

// ---- control messages ----

TEST(Control, MessagesArriveWhole) {
    const auto pair = std::move(make_control_pair().value());
    EXPECT_FALSE(send_control(pair.session.get(), control_kind::failed, "no such target"));
    EXPECT_FALSE(send_control(pair.session.get(), control_kind::idle));
    const auto failed = receive_control(pair.supervisor.get());
    EXPECT_EQ(failed->kind, control_kind::failed);
    EXPECT_EQ(failed->line(), "no such target");
    const auto idle = receive_control(pair.supervisor.get());
    EXPECT_EQ(idle->kind, control_kind::idle);
    EXPECT_EQ(idle->line(), "");
}

TEST(Control, LongLinesAreCut) {
    const auto pair = std::move(make_control_pair().value());
    const std::string text(control_message::text_room + 100, 'x');
    EXPECT_FALSE(send_control(pair.session.get(), control_kind::failed, text));
    EXPECT_EQ(receive_control(pair.supervisor.get())->line().size(), control_message::text_room);
}

TEST(Control, TheEndOfTheOtherProcessIsAnError) {
    auto pair = std::move(make_control_pair().value());
    pair.session.reset();
    EXPECT_EQ(receive_control(pair.supervisor.get()).error(), protocol::error::connection_lost);
    EXPECT_TRUE(send_control(pair.supervisor.get(), control_kind::program_ended));
}

TEST(Control, BytesThatAreNoMessageAreAnError) {
    const auto pair = std::move(make_control_pair().value());
    for (const std::size_t bytes : {std::size_t{1}, std::size_t{7}, std::size_t{100}}) {
        const std::string noise(bytes, '\xff');
        ASSERT_EQ(::send(pair.session.get(), noise.data(), bytes, 0), static_cast<ssize_t>(bytes));
        EXPECT_EQ(receive_control(pair.supervisor.get()).error(), protocol::error::bad_value);
    }
}

}  // namespace
}  // namespace farside::session
