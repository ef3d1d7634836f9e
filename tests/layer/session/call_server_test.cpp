// Calls through the segment: their protocol, many at once, damaged ones, and callers that die.
#include "tests/layer/session/session_harness.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstring>
#include <random>
#include <thread>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace farside::session::testing {
namespace {

using segment::call;

protocol::attributes_reply some_attributes() {
    protocol::attributes_reply reply;
    reply.attr.mode = S_IFREG | 0644;
    reply.attr.size = 42;
    return reply;
}

class CallServer : public ::testing::Test {
protected:
    void SetUp() override {
        harness.agent().on<protocol::stat>([](const protocol::stat&) { return some_attributes(); });
        ASSERT_EQ(harness.start(), "");
    }

    session_harness harness;
};

TEST_F(CallServer, AnswersACall) {
    const auto answer = harness.caller().at(call::stat, "/srv/file", {0, STATX_SIZE});
    ASSERT_EQ(answer.result, 0);

    struct statx found {};

    ASSERT_EQ(answer.data.size(), sizeof found);
    std::memcpy(&found, answer.data.data(), sizeof found);
    EXPECT_EQ(found.stx_size, 42U);
}

TEST_F(CallServer, AnswersTheAgentsErrno) {
    harness.agent().on<protocol::stat>([](const protocol::stat&) { return ELOOP; });
    EXPECT_EQ(harness.caller().at(call::stat, "/srv/file").result, -ELOOP);
}

TEST_F(CallServer, RefusesWhatIsNoCall) {
    const auto& caller = harness.caller();
    EXPECT_EQ(caller.at(call{0}, "/srv/file").result, -ENOSYS);
    EXPECT_EQ(caller.at(call{1000}, "/srv/file").result, -ENOSYS);
    EXPECT_EQ(caller.at(call{0xffffffff}, "/srv/file").result, -ENOSYS);
}

TEST_F(CallServer, RefusesPathsThatAreNone) {
    const auto& caller = harness.caller();
    EXPECT_EQ(caller.at(call::stat, std::string{"/srv/a\0b", 8}).result, -EINVAL);
    EXPECT_EQ(caller.at(call::stat, "relative").result, -EINVAL);
    EXPECT_EQ(caller.at(call::stat, "").result, -ENOENT);
    EXPECT_EQ(caller.at(call::stat, '/' + std::string(segment::path_room, 'x')).result, -EINVAL);
    EXPECT_EQ(harness.agent().count(protocol::opcode::stat), 0U);
}

TEST_F(CallServer, RefusesMoreDataThanThereIsRoom) {
    const std::string data(segment::data_room + 1, 'x');
    EXPECT_EQ(harness.caller().at(call::set_xattr, "/srv/file", {0, 0}, data).result, -EINVAL);
}

TEST_F(CallServer, RefusesIdsThatAreNotOpen) {
    for (const std::uint64_t id : {std::uint64_t{1}, std::uint64_t{77}, ~std::uint64_t{0}}) {
        for (const call op :
             {call::read,
              call::write,
              call::seek,
              call::sync,
              call::allocate,
              call::read_directory,
              call::set_flags,
              call::lock_file,
              call::lock_record,
              call::release_locks,
              call::ioctl,
              call::copy_range}) {
            EXPECT_EQ(harness.caller().on(op, id).result, -EBADF) << static_cast<int>(op);
        }
        EXPECT_EQ(
            harness.caller().at(call::stat, "", {0, 0}, {}, id).result, id == 0 ? -ENOENT : -EBADF
        );
    }
}

// Whatever a program writes into its slots, it gets an answer, and others get theirs.
TEST_F(CallServer, SurvivesSlotsFullOfNoise) {
    std::mt19937_64 random{1};
    const auto& caller = harness.caller();
    const auto file = caller.make_descriptor();
    caller.entry(file.id).id.store(file.id);
    for (int i = 0; i < 3000; ++i) {
        const auto slot = caller.claim();
        auto& s = harness.shared().slots[slot];
        s.op = static_cast<call>(random() % 33);
        for (auto& argument : s.arguments) {
            argument = static_cast<std::int64_t>(random() % 4 == 0 ? random() : random() % 8);
        }
        s.path_bytes[0] = static_cast<std::uint32_t>(random() % (segment::path_room + 2));
        s.path_bytes[1] = static_cast<std::uint32_t>(random() % 40);
        s.data_bytes = static_cast<std::uint32_t>(random() % (segment::data_room + 2));
        for (auto& path : harness.shared().areas[slot].path) {
            for (std::size_t at = 0; at < sizeof path; ++at) {
                path[at] = at == 0 ? '/' : "./ab\xff"[random() % 5];
            }
        }
        ASSERT_TRUE(caller.post(slot));
        ASSERT_NE(caller.await(slot).result, no_answer);
        caller.free(slot);
    }
    EXPECT_EQ(caller.at(call::stat, "/srv/file").result, 0);
}

TEST_F(CallServer, ServesAllSlotsAtOnce) {
    harness.agent().on<protocol::access>([](const protocol::access&) {
        return agent_answer<protocol::access>{};
    });
    const auto& caller = harness.caller();
    question q;
    q.op = call::access;
    std::vector<std::uint32_t> slots;
    for (std::uint32_t i = 0; i < segment::slot_count; ++i) {
        q.path[0] = "/srv/" + std::to_string(i);
        slots.push_back(caller.claim());
        caller.fill(slots.back(), q);
        ASSERT_TRUE(caller.post(slots.back()));
    }
    std::vector<protocol::request_id> ids;
    for (std::uint32_t i = 1; i <= segment::slot_count; ++i) {
        ids.push_back(harness.agent().await(protocol::opcode::access, i).id);
    }
    // Answered in the opposite order, each with something of its own.
    for (std::size_t i = ids.size(); i-- > 0;) {
        harness.agent().fail(protocol::opcode::access, ids[i], static_cast<int>(i) + 1);
    }
    // The session may have taken the slots in any order: each errno came exactly once.
    std::vector<bool> seen(segment::slot_count + 1);
    for (const auto slot : slots) {
        const auto result = caller.await(slot).result;
        ASSERT_LT(result, 0);
        ASSERT_GE(result, -static_cast<std::int64_t>(segment::slot_count));
        EXPECT_FALSE(seen[static_cast<std::size_t>(-result)]);
        seen[static_cast<std::size_t>(-result)] = true;
        caller.free(slot);
    }
}

TEST_F(CallServer, ServesManyThreadsThatKeepCalling) {
    constexpr int threads = 8;
    constexpr int calls = 300;
    std::atomic<int> right = 0;
    std::vector<std::thread> callers;
    for (int t = 0; t < threads; ++t) {
        callers.emplace_back([&] {
            for (int i = 0; i < calls; ++i) {
                right += harness.caller().at(call::stat, "/srv/file").result == 0 ? 1 : 0;
            }
        });
    }
    for (auto& caller : callers) {
        caller.join();
    }
    EXPECT_EQ(right, threads * calls);
}

TEST_F(CallServer, InterruptsACallWhoseThreadGotASignal) {
    harness.agent().on<protocol::access>([](const protocol::access&) {
        return agent_answer<protocol::access>{};
    });
    const auto& caller = harness.caller();
    question q;
    q.op = call::access;
    q.path[0] = "/srv/fifo";
    const auto slot = caller.claim();
    caller.fill(slot, q);
    ASSERT_TRUE(caller.post(slot));
    const auto request = harness.agent().await(protocol::opcode::access);
    caller.cancel(slot);
    const auto seen = harness.agent().await(protocol::opcode::cancel);
    const auto cancel = protocol::decode<protocol::cancel>(seen.payload).value();
    EXPECT_EQ(cancel.request, request.id);
    caller.cancel(slot);  // a second signal changes nothing
    harness.agent().fail(protocol::opcode::access, request.id, EINTR);
    EXPECT_EQ(caller.await(slot).result, -EINTR);
    caller.free(slot);
    EXPECT_EQ(caller.at(call::stat, "/srv/file").result, 0);
    EXPECT_EQ(harness.agent().count(protocol::opcode::cancel), 1U);
}

TEST_F(CallServer, AnswersInterruptedCallsThatWereNotSent) {
    const auto& caller = harness.caller();
    question q;
    q.op = call::stat;
    q.path[0] = "/srv/file";
    const auto slot = caller.claim();
    caller.fill(slot, q);
    harness.shared().slots[slot].cancelled.store(1);
    ASSERT_TRUE(caller.post(slot));
    EXPECT_EQ(caller.await(slot).result, -EINTR);
    caller.free(slot);
    EXPECT_EQ(harness.agent().count(protocol::opcode::stat), 0U);
}

// A child that does its part and is killed where it says so.
template <typename Part>
pid_t start_child(Part part) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        part();
        for (;;) {
            ::pause();
        }
    }
    return pid;
}

void kill_child(pid_t pid) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
}

bool no_slot_of(segment::segment& shared, pid_t pid) {
    for (const auto& slot : shared.slots) {
        if (slot.owner.load() == static_cast<std::uint32_t>(pid)) {
            return false;
        }
    }
    return true;
}

TEST_F(CallServer, FreesTheSlotsOfAProcessThatWasKilled) {
    harness.agent().on<protocol::access>([](const protocol::access&) {
        return agent_answer<protocol::access>{};
    });
    const auto& caller = harness.caller();
    const pid_t pid = start_child([&] {
        question q;
        q.op = call::stat;
        q.path[0] = "/srv/file";
        static_cast<void>(caller.ask(q));  // now the session knows the process
        static_cast<void>(caller.claim());
        caller.fill(caller.claim(), q);
        q.op = call::access;
        const auto slot = caller.claim();
        caller.fill(slot, q);
        static_cast<void>(caller.post(slot));
    });
    const auto request = harness.agent().await(protocol::opcode::access);
    kill_child(pid);
    // The request that nobody waits for is cancelled; its late reply harms nobody.
    harness.agent().await(protocol::opcode::cancel);
    EXPECT_TRUE(harness.eventually([&](session_core&) { return no_slot_of(harness.shared(), pid); })
    );
    harness.agent().reply<protocol::access>(request.id, {});
    EXPECT_EQ(caller.at(call::stat, "/srv/file").result, 0);
}

TEST_F(CallServer, FreesSlotsOfProcessesItNeverHeardOfWhenTheyAreNeeded) {
    const auto& caller = harness.caller();
    const pid_t pid = start_child([&] {
        for (std::uint32_t i = 0; i < segment::slot_count; ++i) {
            static_cast<void>(caller.claim());
        }
    });
    ASSERT_TRUE(harness.eventually([&](session_core&) {
        return harness.shared().slots[segment::slot_count - 1].owner.load() != 0;
    }));
    kill_child(pid);
    EXPECT_EQ(caller.at(call::stat, "/srv/file").result, 0);
    EXPECT_TRUE(no_slot_of(harness.shared(), pid));
}

TEST_F(CallServer, ClosesAFileThatWasOpenedForAProcessThatDied) {
    harness.agent().on<protocol::open>([](const protocol::open&) {
        return agent_answer<protocol::open>{};
    });
    const auto& caller = harness.caller();
    const pid_t pid = start_child([&] { static_cast<void>(caller.open("/srv/file")); });
    const auto request = harness.agent().await(protocol::opcode::open);
    kill_child(pid);
    harness.agent().await(protocol::opcode::cancel);
    protocol::open_reply opened;
    opened.handle = protocol::handle_id{7};
    opened.attr.mode = S_IFREG | 0600;
    harness.agent().reply<protocol::open>(request.id, opened);
    const auto seen = harness.agent().await(protocol::opcode::close);
    const auto close = protocol::decode<protocol::close>(seen.payload).value();
    EXPECT_EQ(close.handle, protocol::handle_id{7});
    EXPECT_TRUE(harness.eventually([&](session_core& core) {
        return core.files().size() == 0 && no_slot_of(harness.shared(), pid);
    }));
}

TEST_F(CallServer, EndsWithTheLastCoveredProcess) {
    EXPECT_EQ(harness.caller().at(call::stat, "/srv/file").result, 0);
    harness.end();
    EXPECT_EQ(harness.said(), "");
}

TEST_F(CallServer, EndsWithCallsUnderWay) {
    harness.agent().on<protocol::access>([](const protocol::access&) {
        return agent_answer<protocol::access>{};
    });
    const auto& caller = harness.caller();
    question q;
    q.op = call::access;
    q.path[0] = "/srv/file";
    const auto slot = caller.claim();
    caller.fill(slot, q);
    ASSERT_TRUE(caller.post(slot));
    harness.agent().await(protocol::opcode::access);
    harness.end();
    EXPECT_EQ(harness.said(), "");
}

TEST_F(CallServer, CountsWhatItDid) {
    const auto& caller = harness.caller();
    EXPECT_EQ(caller.at(call::stat, "/srv/file").result, 0);
    EXPECT_EQ(caller.at(call::classify, "/srv/file").result, static_cast<int>(side::remote));
    harness.shared().head.hits.fetch_add(5);
    harness.end();
    using phase = session_stats::phase;
    const auto& stats = harness.final_stats();
    EXPECT_EQ(stats.total(phase::program).round_trips, 1U);
    EXPECT_EQ(stats.total(phase::program).requests, 1U);
    EXPECT_EQ(stats.of(phase::program, protocol::opcode::stat).requests, 1U);
    EXPECT_EQ(stats.of(phase::session, protocol::opcode::hello).requests, 1U);
    EXPECT_EQ(stats.hits(), 1U);
    EXPECT_THAT(
        stats.json(5, 12),
        ::testing::HasSubstr("\"hits\": 6, \"predicted\": 0, \"used\": 0, \"wall_ms\": 12")
    );
}

}  // namespace
}  // namespace farside::session::testing
