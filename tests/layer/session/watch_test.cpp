// Watches on remote objects: what the agent is asked, and what the program's own descriptor tells
// of what the agent tells.
#include "tests/layer/session/session_harness.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

namespace farside::session::testing {
namespace {

using segment::call;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct seen_event {
    int watch = 0;
    std::uint32_t mask = 0;
    std::string name;
    std::uint32_t cookie = 0;

    friend bool operator==(const seen_event& a, const seen_event& b) {
        return a.watch == b.watch && a.mask == b.mask && a.name == b.name;
    }

    friend std::ostream& operator<<(std::ostream& out, const seen_event& e) {
        return out << e.watch << ' ' << std::hex << e.mask << std::dec << ' ' << e.name;
    }
};

class Watches : public ::testing::Test {
protected:
    void SetUp() override {
        auto& agent = harness.agent();
        agent.on<protocol::watch_add>([this](const protocol::watch_add& request) {
            asked = request;
            return add_at_agent(request);
        });
        agent.on<protocol::watch_remove>([this](const protocol::watch_remove& request) {
            harness.agent().push(happened({{request.watch, IN_IGNORED, 0, {}}}));
            return protocol::empty_reply{};
        });
        agent.on<protocol::watch_close>([](const protocol::watch_close&) {
            return protocol::empty_reply{};
        });
        agent.on<protocol::ping>([](const protocol::ping& request) {
            return protocol::ping_reply{request.cookie};
        });
        ASSERT_EQ(harness.start(), "");
    }

    agent_answer<protocol::watch_add> add_at_agent(const protocol::watch_add& request) {
        const auto& path = request.at.path;
        if (path.ends_with("missing")) {
            return ENOENT;
        }
        // The last character is the agent's number.
        return protocol::watch_add_reply{path.back() - '0', path.find("dir") != std::string::npos};
    }

    std::int64_t add(const std::string& path, std::uint32_t mask = IN_ALL_EVENTS) {
        return add_to(inotify.get(), path, mask);
    }

    std::int64_t add_to(int fd, const std::string& path, std::uint32_t mask = IN_ALL_EVENTS) {
        question q;
        q.op = call::watch_add;
        q.arguments[segment::first_argument] = mask;
        q.path[0] = path;
        return caller.ask_with(fd, q).result;
    }

    answer remove(int watch) {
        question q;
        q.op = call::watch_remove;
        q.arguments[0] = watch;
        return caller.ask_with(inotify.get(), q);
    }

    [[nodiscard]] protocol::watch_events happened(std::vector<protocol::watch_event> events) const {
        return {asked.instance, std::move(events)};
    }

    // The agent tells, then answers something: what it told has been applied.
    void tell(std::vector<protocol::watch_event> events) {
        harness.agent().push(happened(std::move(events)));
        settle();
    }

    void settle() {
        harness.agent().on<protocol::access>([](const protocol::access&) {
            return protocol::empty_reply{};
        });
        ASSERT_EQ(caller.at(call::access, "/srv/x").result, 0);
    }

    std::vector<seen_event> events() {
        alignas(inotify_event) std::array<char, 65536> room{};
        const auto got = ::read(inotify.get(), room.data(), room.size());
        std::vector<seen_event> seen;
        inotify_event head{};
        for (ssize_t at = 0; at < got; at += static_cast<ssize_t>(sizeof head + head.len)) {
            std::memcpy(&head, room.data() + at, sizeof head);
            const char* const name = head.len > 0 ? room.data() + at + sizeof head : "";
            seen.push_back({head.wd, head.mask, name, head.cookie});
        }
        return seen;
    }

    protocol::watch_add asked;
    session_harness harness;
    const fake_caller& caller = harness.caller();
    unique_fd inotify{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
};

TEST_F(Watches, AreNumberedByTheProgramsOwnKernel) {
    EXPECT_EQ(::inotify_add_watch(inotify.get(), "/", IN_DELETE_SELF), 1);
    EXPECT_EQ(add("/srv/dir/5", IN_CREATE | IN_ONESHOT), 2);
    EXPECT_EQ(asked.at.path, "/srv/dir/5");
    EXPECT_EQ(asked.mask, std::uint32_t{IN_CREATE | IN_ONESHOT});
    const auto instance = asked.instance;
    EXPECT_EQ(add("/srv/file/7"), 3);
    EXPECT_EQ(asked.instance, instance);
    EXPECT_EQ(add("/srv/same/dir/5"), 2);
    EXPECT_EQ(harness.shared().head.watch_instances.load(), 1U);
    EXPECT_THAT(events(), IsEmpty());
}

TEST_F(Watches, AreRefused) {
    EXPECT_EQ(add("/srv/missing"), -ENOENT);
    EXPECT_EQ(harness.shared().head.watch_instances.load(), 0U);
    const unique_fd other{::dup(harness.doorbell())};
    EXPECT_EQ(add_to(other.get(), "/srv/dir/1"), -EINVAL);
    EXPECT_EQ(caller.at(call::watch_add, "/srv/dir/1", {IN_CREATE}).result, -EBADF);
    EXPECT_EQ(remove(1).where, side::local);
}

TEST_F(Watches, TellEveryEventOfAnotherObject) {
    ASSERT_EQ(add("/srv/dir/5"), 1);
    ASSERT_EQ(add("/srv/file/6"), 2);
    std::vector<protocol::watch_event> told;
    std::vector<seen_event> expected;
    const auto both = [&](int agents, int own, std::uint32_t mask, const std::string& name) {
        told.push_back({agents, mask, 0, name});
        expected.push_back({own, mask, name});
    };
    constexpr std::uint32_t named[] = {
        IN_ACCESS,
        IN_MODIFY,
        IN_ATTRIB,
        IN_CLOSE_WRITE,
        IN_CLOSE_NOWRITE,
        IN_OPEN,
        IN_CREATE,
        IN_DELETE,
        IN_MOVED_FROM,
        IN_MOVED_TO};
    for (const std::uint32_t mask : named) {
        both(5, 1, mask, "name");
        if (mask != IN_CLOSE_WRITE) {
            both(5, 1, mask | IN_ISDIR, "a directory");
        }
        if ((mask & (IN_CREATE | IN_DELETE | IN_MOVE)) == 0) {
            both(6, 2, mask, "");
        }
    }
    constexpr std::uint32_t of_a_directory[] = {IN_ACCESS, IN_ATTRIB, IN_OPEN, IN_CLOSE_NOWRITE};
    for (const std::uint32_t mask : of_a_directory) {
        both(5, 1, mask | IN_ISDIR, "");
    }
    both(5, 1, IN_MOVE_SELF, "");
    both(6, 2, IN_MOVE_SELF, "");
    both(5, 1, IN_CREATE, std::string(255, 'n'));
    both(6, 2, IN_DELETE_SELF, "");
    told.push_back({6, IN_IGNORED, 0, {}});
    expected.push_back({2, IN_IGNORED, ""});
    tell(told);
    EXPECT_EQ(events(), expected);
}

TEST_F(Watches, TellBothHalvesOfARenameWithOneCookie) {
    ASSERT_EQ(add("/srv/dir/1"), 1);
    ASSERT_EQ(add("/srv/dir/2"), 2);
    tell(
        {{1, IN_MOVED_FROM, 77, "a"},
         {2, IN_MOVED_TO, 77, "b"},
         {1, IN_MOVED_FROM | IN_ISDIR, 78, "a"},
         {1, IN_MOVED_TO | IN_ISDIR, 78, "b"},
         {2, IN_MOVED_FROM, 79, "a"},
         {2, IN_MOVED_TO, 80, "a"}}
    );
    const auto seen = events();
    ASSERT_THAT(
        seen,
        ElementsAre(
            seen_event{1, IN_MOVED_FROM, "a"},
            seen_event{2, IN_MOVED_TO, "b"},
            seen_event{1, IN_MOVED_FROM | IN_ISDIR, "a"},
            seen_event{1, IN_MOVED_TO | IN_ISDIR, "b"},
            seen_event{2, IN_MOVED_FROM, "a"},
            seen_event{2, IN_MOVED_TO, "a"}
        )
    );
    EXPECT_EQ(seen[0].cookie, seen[1].cookie);
    EXPECT_EQ(seen[2].cookie, seen[3].cookie);
    EXPECT_NE(seen[0].cookie, seen[2].cookie);
    EXPECT_NE(seen[4].cookie, seen[5].cookie);
}

TEST_F(Watches, TellTwoChangesByOneOperationOneByOne) {
    ASSERT_EQ(add("/srv/dir/1"), 1);
    tell({{1, IN_MODIFY | IN_ATTRIB, 0, "a"}});
    EXPECT_THAT(
        events(), ElementsAre(seen_event{1, IN_MODIFY, "a"}, seen_event{1, IN_ATTRIB, "a"})
    );
}

// The agent is not trusted: a name that is none must not lead anywhere. That something is missing
// is seen.
TEST_F(Watches, StayInTheirShadow) {
    for (const std::string name : {"../x", "/tmp/x", "..", ".", "a/b", ""}) {
        SCOPED_TRACE(name);
        ASSERT_GT(add("/srv/dir/1"), 0);
        tell({{1, IN_CREATE, 0, name}, {99, IN_CREATE, 0, "unknown"}});
        bool overflowed = false;
        for (auto seen = events(); !seen.empty(); seen = events()) {
            for (const auto& e : seen) {
                overflowed = overflowed || e.mask == IN_Q_OVERFLOW;
                EXPECT_TRUE(e.watch != 1 || e.mask == IN_Q_OVERFLOW) << e;
            }
        }
        EXPECT_TRUE(overflowed);
    }
}

TEST_F(Watches, KeepEventsThatComeBeforeTheirAnswer) {
    ASSERT_EQ(add("/srv/dir/1"), 1);
    harness.agent().on<protocol::watch_add>([this](const protocol::watch_add&) {
        harness.agent().push(happened(
            {{1, IN_CREATE, 0, "before"}, {2, IN_CREATE, 0, "new"}, {1, IN_CREATE, 0, "after"}}
        ));
        return protocol::watch_add_reply{2, true};
    });
    ASSERT_EQ(add("/srv/dir/2"), 2);
    EXPECT_THAT(
        events(),
        ElementsAre(
            seen_event{1, IN_CREATE, "before"},
            seen_event{2, IN_CREATE, "new"},
            seen_event{1, IN_CREATE, "after"}
        )
    );
}

TEST_F(Watches, AreRemovedAtTheAgentFirst) {
    ASSERT_EQ(add("/srv/dir/1"), 1);
    EXPECT_EQ(remove(7).where, side::local);
    const auto removed = remove(1);
    EXPECT_EQ(removed.result, 0);
    EXPECT_EQ(removed.where, side::remote);
    EXPECT_THAT(events(), ElementsAre(seen_event{1, IN_IGNORED, ""}));
    EXPECT_EQ(remove(1).where, side::local);
    harness.agent().await(protocol::opcode::watch_close);
    EXPECT_EQ(harness.shared().head.watch_instances.load(), 0U);
    EXPECT_EQ(add("/srv/dir/1"), 2);
}

TEST_F(Watches, EndWhereSomebodyElseRemovedThem) {
    ASSERT_EQ(add("/srv/dir/1"), 1);
    ASSERT_EQ(add("/srv/dir/2"), 2);
    ASSERT_EQ(::inotify_rm_watch(inotify.get(), 1), 0);
    EXPECT_THAT(events(), ElementsAre(seen_event{1, IN_IGNORED, ""}));
    tell({{1, IN_CREATE, 0, "a"}, {2, IN_CREATE, 0, "a"}});
    for (const auto& e : events()) {
        EXPECT_NE(e.watch, 1);
        EXPECT_TRUE(e.mask == IN_IGNORED || e == (seen_event{2, IN_CREATE, "a"})) << e;
    }
    harness.agent().await(protocol::opcode::watch_remove);
}

TEST_F(Watches, EndWithTheAgent) {
    ASSERT_EQ(add("/srv/dir/1"), 1);
    harness.agent().close();
    ASSERT_TRUE(harness.eventually([](session_core& core) { return !core.link().usable(); }));
    EXPECT_THAT(events(), ElementsAre(seen_event{1, IN_IGNORED, ""}));
    EXPECT_EQ(harness.shared().head.watch_instances.load(), 0U);
    EXPECT_EQ(add("/srv/dir/1"), -EIO);
}

TEST_F(Watches, TellOverflow) {
    ASSERT_EQ(add("/srv/dir/1"), 1);
    tell({{-1, IN_Q_OVERFLOW, 0, {}}});
    seen_event last;
    for (auto seen = events(); !seen.empty(); seen = events()) {
        last = seen.back();
    }
    EXPECT_EQ(last, (seen_event{-1, IN_Q_OVERFLOW, ""}));
    tell({{1, IN_CREATE, 0, "a"}});
    EXPECT_THAT(events(), ElementsAre(seen_event{1, IN_CREATE, "a"}));
}

// The session's own descriptor of the instance does not count; this process's is the session's.
TEST_F(Watches, EndWithTheLastDescriptor) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    const pid_t holder = ::fork();
    if (holder == 0) {
        char byte = 0;
        ::close(ends[1]);
        ::_exit(::read(ends[0], &byte, 1) == 0 ? 0 : 1);
    }
    ::close(ends[0]);
    ASSERT_EQ(add("/srv/dir/1"), 1);
    inotify.reset();
    question q;
    q.op = call::watch_closed;
    ASSERT_EQ(caller.ask(q).result, 0);
    // Time for two looks and more: the holder keeps it open.
    std::this_thread::sleep_for(std::chrono::milliseconds{600});
    EXPECT_EQ(harness.agent().count(protocol::opcode::watch_close), 0U);
    ::close(ends[1]);
    int status = 0;
    ASSERT_EQ(::waitpid(holder, &status, 0), holder);
    ASSERT_EQ(caller.ask(q).result, 0);
    harness.agent().await(protocol::opcode::watch_close);
    EXPECT_TRUE(harness.eventually([&](session_core&) {
        return harness.shared().head.watch_instances.load() == 0;
    }));
}

}  // namespace
}  // namespace farside::session::testing
