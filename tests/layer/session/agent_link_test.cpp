// The connection to the agent, above all what happens when it goes wrong: nobody waits for ever,
// the user is told once, and later calls fail at once.
#include "layer/segment/cache_reader.hpp"
#include "protocol/handshake.hpp"
#include "tests/layer/session/session_harness.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <random>
#include <thread>

#include <sys/stat.h>

namespace farside::session::testing {
namespace {

using segment::call;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string bytes_of(const protocol::buffer& buffer) {
    return {reinterpret_cast<const char*>(buffer.data()), buffer.size()};
}

std::string hello_answer(const protocol::hello_reply& reply) {
    protocol::buffer out;
    protocol::append_reply<protocol::hello>(out, protocol::request_id{1}, reply);
    return bytes_of(out);
}

// ---- handshake ----

TEST(AgentLink, SaysHelloWithModeAndVersions) {
    session_harness harness;
    ASSERT_EQ(harness.start(), "");
    const auto seen = harness.agent().await(protocol::opcode::hello);
    const auto hello = protocol::decode<protocol::hello>(seen.payload).value();
    EXPECT_EQ(hello.version_min, protocol::version_min);
    EXPECT_EQ(hello.version_max, protocol::version_max);
    EXPECT_EQ(hello.limits, protocol::own_limits());
    EXPECT_FALSE(hello.read_only);
}

TEST(AgentLink, SaysThatNothingCanBeWrittenInModeRead) {
    session_harness harness{policy_options{}};
    ASSERT_EQ(harness.start(), "");
    const auto seen = harness.agent().await(protocol::opcode::hello);
    EXPECT_TRUE(protocol::decode<protocol::hello>(seen.payload).value().read_only);
}

struct failed_handshake {
    const char* name;
    std::string answer;
    const char* said;
};

std::string pushed(const std::string& reason) {
    protocol::buffer out;
    protocol::append_one_way(out, protocol::goodbye{reason});
    return bytes_of(out);
}

std::string refused(int number) {
    protocol::buffer out;
    protocol::append_error(
        out, protocol::opcode::hello, protocol::request_id{1}, protocol::wire_errno{number}
    );
    return bytes_of(out);
}

std::vector<failed_handshake> failed_handshakes() {
    auto other_version = friendly_hello();
    other_version.version = protocol::version_max + 1;
    auto small_frames = friendly_hello();
    small_frames.limits.frame_payload_bytes = 1024;
    auto no_requests = friendly_hello();
    no_requests.limits.requests_in_flight = 0;
    const auto whole = hello_answer(friendly_hello());
    return {
        {"no answer", "", "ended before it answered"},
        {"half an answer", whole.substr(0, whole.size() / 2), "ended before it answered"},
        {"goodbye", pushed("no container is called 'web'"), "no container is called 'web'"},
        {"goodbye of two lines", pushed("one\ntwo"), "one?two"},
        {"errno", refused(EACCES), "refused the connection: Permission denied"},
        {"another version",
         hello_answer(other_version),
         "no protocol version that both ends speak"},
        {"small frames", hello_answer(small_frames), "cannot be used"},
        {"no requests", hello_answer(no_requests), "cannot be used"},
        {"a banner", "Welcome to example.com!\n", "does not speak the farside protocol"},
        {"a reply to nobody",
         hello_answer(friendly_hello()).replace(8, 1, "\x02"),
         "does not speak the farside protocol"},
        {"fields too many",
         std::string{whole}.append(1, 'x').replace(0, 1, 1, static_cast<char>(whole[0] + 1)),
         "does not speak the farside protocol"},
    };
}

TEST(AgentLink, SaysWhyAHandshakeFailed) {
    for (const auto& row : failed_handshakes()) {
        SCOPED_TRACE(row.name);
        session_harness harness;
        harness.agent().on_raw(protocol::opcode::hello, row.answer, fake_agent::then::close);
        const auto failure = harness.start();
        EXPECT_THAT(failure, HasSubstr(row.said));
        EXPECT_EQ(failure.find('\n'), std::string::npos);
        // The caller says it, not the link.
        EXPECT_EQ(harness.said(), "");
    }
}

TEST(AgentLink, DoesNotWaitForEverForAnAgentThatIsSilent) {
    session_harness harness;
    harness.agent().on<protocol::hello>([](const protocol::hello&) {
        return agent_answer<protocol::hello>{};
    });
    EXPECT_EQ(
        harness.start(std::chrono::milliseconds{20}), "the agent did not answer within 20 ms"
    );
}

TEST(AgentLink, GivesUpOnRandomBytes) {
    for (unsigned seed = 0; seed < 30; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937 random{seed};
        std::string noise(4096, '\0');
        for (auto& c : noise) {
            c = static_cast<char>(random());
        }
        session_harness harness;
        harness.agent().on_raw(protocol::opcode::hello, noise, fake_agent::then::close);
        EXPECT_NE(harness.start(), "");
    }
}

// ---- a connection that is lost ----

class LostAgent : public ::testing::Test {
protected:
    void SetUp() override {
        harness.agent().on<protocol::stat>([](const protocol::stat&) {
            return agent_answer<protocol::stat>{};
        });
        ASSERT_EQ(harness.start(), "");
    }

    // Posts `count` calls that the agent does not answer.
    void post_calls(std::size_t count) {
        question q;
        q.op = call::stat;
        q.path[0] = "/srv/file";
        for (std::size_t i = 0; i < count; ++i) {
            slots.push_back(harness.caller().claim());
            harness.caller().fill(slots.back(), q);
            ASSERT_TRUE(harness.caller().post(slots.back()));
        }
        harness.agent().await(protocol::opcode::stat, count);
    }

    void expect_eio() {
        for (const auto slot : slots) {
            EXPECT_EQ(harness.caller().await(slot).result, -EIO);
            harness.caller().free(slot);
        }
        EXPECT_EQ(harness.caller().at(call::stat, "/srv/file").result, -EIO);
        EXPECT_EQ(harness.caller().open("/srv/file").opened.result, -EIO);
    }

    session_harness harness;
    std::vector<std::uint32_t> slots;
};

TEST_F(LostAgent, AnswersAllWaitersWithEioAtOnce) {
    post_calls(100);
    harness.agent().close();
    expect_eio();
    EXPECT_EQ(harness.said(), "farside: the agent ended; remote files now answer EIO\n");
}

TEST_F(LostAgent, TellsTheAgentsLastWords) {
    post_calls(3);
    harness.agent().push(protocol::goodbye{"the container 'web' was stopped"});
    expect_eio();
    EXPECT_EQ(
        harness.said(), "farside: the container 'web' was stopped; remote files now answer EIO\n"
    );
}

TEST_F(LostAgent, IsNoticedInTheMiddleOfAReply) {
    post_calls(2);
    protocol::buffer out;
    protocol::append_reply<protocol::stat>(
        out, harness.agent().await(protocol::opcode::stat).id, protocol::attributes_reply{}
    );
    out.resize(out.size() / 2);
    harness.agent().send(out);
    harness.agent().close();
    expect_eio();
    EXPECT_EQ(harness.said(), "farside: the agent ended; remote files now answer EIO\n");
}

TEST_F(LostAgent, IsOneWhoseReplyCannotBeUnderstood) {
    post_calls(2);
    protocol::buffer out;
    protocol::append_reply<protocol::canonicalize>(
        out, harness.agent().await(protocol::opcode::stat).id, {}
    );
    harness.agent().send(out);  // the answer to another question
    expect_eio();
    EXPECT_THAT(harness.said(), StartsWith("farside: what answered does not speak the farside"));
    EXPECT_THAT(harness.said(), EndsWith("; remote files now answer EIO\n"));
}

TEST_F(LostAgent, IsOneWhoseReplyIsTooShort) {
    post_calls(2);
    protocol::buffer out;
    protocol::append_reply<protocol::stat>(
        out, harness.agent().await(protocol::opcode::stat).id, protocol::attributes_reply{}
    );
    out.resize(out.size() - 8);
    out[0] = static_cast<std::byte>(std::to_integer<int>(out[0]) - 8);
    harness.agent().send(out);
    expect_eio();
    EXPECT_THAT(harness.said(), HasSubstr("a message ends before its last field"));
}

TEST_F(LostAgent, IsOneThatSendsGarbage) {
    post_calls(5);
    harness.agent().send(protocol::buffer(100, std::byte{0xff}));
    expect_eio();
    EXPECT_THAT(harness.said(), HasSubstr("a length is above its limit"));
}

TEST_F(LostAgent, MayBeLostWhileNobodyWaits) {
    harness.agent().close();
    ASSERT_TRUE(harness.eventually([](session_core& core) { return !core.link().usable(); }));
    expect_eio();
    EXPECT_EQ(harness.said(), "farside: the agent ended; remote files now answer EIO\n");
}

// What is in the cache was true as long as the agent told what changed.
TEST_F(LostAgent, LeavesNothingToBelieve) {
    const auto* const behind =
        reinterpret_cast<const std::byte*>(&harness.view()) + segment::cache_offset;
    segment::cache_reader reader;
    reader.attach(*reinterpret_cast<const segment::cache*>(behind));
    EXPECT_TRUE(reader.usable());
    post_calls(1);
    harness.agent().close();
    expect_eio();
    EXPECT_FALSE(reader.usable());
}

TEST_F(LostAgent, LeavesTheSessionToEndAsUsual) {
    post_calls(1);
    harness.agent().close();
    expect_eio();
    harness.end();
}

TEST(AgentLink, IgnoresPushesItDoesNotKnow) {
    session_harness harness;
    harness.agent().on<protocol::access>([](const protocol::access&) {
        return protocol::empty_reply{};
    });
    ASSERT_EQ(harness.start(), "");
    protocol::buffer out;
    protocol::append_one_way(out, protocol::goodbye{"x"});
    out[4] = std::byte{200};  // another opcode
    harness.agent().send(out);
    EXPECT_EQ(harness.caller().at(call::access, "/srv/file").result, 0);
    harness.end();
    EXPECT_EQ(harness.final_stats().total(session_stats::phase::program).pushes, 1U);
}

TEST(AgentLink, KeepsToTheAgentsLimitOfRequests) {
    session_harness harness;
    harness.agent().on<protocol::hello>([](const protocol::hello&) {
        auto reply = friendly_hello();
        reply.limits.requests_in_flight = 2;
        return reply;
    });
    harness.agent().on<protocol::access>([](const protocol::access&) {
        return agent_answer<protocol::access>{};
    });
    ASSERT_EQ(harness.start(), "");
    question q;
    q.op = call::access;
    q.path[0] = "/srv/file";
    constexpr std::size_t calls = 20;
    std::vector<std::uint32_t> slots;
    for (std::size_t i = 0; i < calls; ++i) {
        slots.push_back(harness.caller().claim());
        harness.caller().fill(slots.back(), q);
        ASSERT_TRUE(harness.caller().post(slots.back()));
    }
    for (std::size_t i = 1; i <= calls; ++i) {
        const auto request = harness.agent().await(protocol::opcode::access, i);
        // Never more than two are unanswered: i - 1 were answered so far.
        EXPECT_LE(harness.agent().count(protocol::opcode::access), i + 1);
        harness.agent().reply<protocol::access>(request.id, {});
    }
    for (const auto slot : slots) {
        EXPECT_EQ(harness.caller().await(slot).result, 0);
        harness.caller().free(slot);
    }
}

TEST(AgentLink, InterruptsCallsThatWaitForRoom) {
    session_harness harness;
    harness.agent().on<protocol::hello>([](const protocol::hello&) {
        auto reply = friendly_hello();
        reply.limits.requests_in_flight = 1;
        return reply;
    });
    harness.agent().on<protocol::access>([](const protocol::access&) {
        return agent_answer<protocol::access>{};
    });
    ASSERT_EQ(harness.start(), "");
    const auto& caller = harness.caller();
    question q;
    q.op = call::access;
    q.path[0] = "/srv/file";
    const auto first = caller.claim();
    caller.fill(first, q);
    ASSERT_TRUE(caller.post(first));
    const auto request = harness.agent().await(protocol::opcode::access);
    const auto second = caller.claim();
    caller.fill(second, q);
    ASSERT_TRUE(caller.post(second));
    caller.cancel(second);
    EXPECT_EQ(caller.await(second).result, -EINTR);
    harness.agent().reply<protocol::access>(request.id, {});
    EXPECT_EQ(caller.await(first).result, 0);
    EXPECT_EQ(harness.agent().count(protocol::opcode::access), 1U);
}

// The agent reads nothing while it is held up in the first write: what was asked meanwhile waits in
// the session, in its order there. Nobody measured the link yet, and 8 writes are more than it may
// hold.
TEST(AgentLink, ASmallRequestOvertakesLongOnes) {
    session_harness harness;
    static const std::string block(segment::data_room, 'w');
    harness.agent().on<protocol::open>([](const protocol::open&) {
        protocol::open_reply reply;
        reply.handle = protocol::handle_id{1};
        reply.attr.mode = S_IFREG | 0644;
        return reply;
    });
    std::promise<void> goes_on;
    std::size_t writes_before = 0;
    bool asked = false;
    harness.agent().on<protocol::write>([&](const protocol::write& w) {
        if (writes_before == 0) {
            goes_on.get_future().wait();
        }
        writes_before += asked ? 0 : 1;
        protocol::write_reply reply;
        reply.bytes = static_cast<std::uint32_t>(w.data.bytes.size());
        return reply;
    });
    harness.agent().on<protocol::access>([&](const protocol::access&) {
        asked = true;
        return protocol::access::reply{};
    });
    ASSERT_EQ(harness.start(), "");
    const auto& caller = harness.caller();
    const auto file = caller.open("/srv/file", O_RDWR);
    // What was asked beside the open is answered, too: only writes are under way.
    EXPECT_EQ(caller.at(call::stat, "/srv/file").result, -ENOSYS);
    constexpr std::size_t writes = 8;
    std::vector<std::uint32_t> slots;
    for (std::size_t i = 0; i < writes; ++i) {
        question q;
        q.op = call::write;
        q.arguments[0] = static_cast<std::int64_t>(file.id);
        q.arguments[1] = static_cast<std::int64_t>(i * segment::data_room);
        q.data = block;
        slots.push_back(caller.claim());
        caller.fill(slots.back(), q);
        ASSERT_TRUE(caller.post(slots.back()));
    }
    // The link has credit for some of them.
    ASSERT_TRUE(harness.eventually([](session_core& c) {
        const auto& link = c.link();
        return link.credit().sent() + segment::data_room > link_credit::writes(link.estimate());
    }));
    question small;
    small.op = call::access;
    small.path[0] = "/srv/file";
    slots.push_back(caller.claim());
    caller.fill(slots.back(), small);
    ASSERT_TRUE(caller.post(slots.back()));
    ASSERT_TRUE(harness.eventually([](session_core& c) {
        using enum session_stats::phase;
        constexpr auto access = protocol::opcode::access;
        return c.stats().of(session, access).requests + c.stats().of(program, access).requests > 0;
    }));
    goes_on.set_value();
    for (const auto slot : slots) {
        EXPECT_GE(caller.await(slot).result, 0);
        caller.free(slot);
    }
    EXPECT_TRUE(asked);
    // What the socket and the agent's buffer hold was sent before.
    EXPECT_LE(writes_before, 5U);
}

// Both ends write more than the sockets hold: whoever stops reading while it writes stops both.
TEST(AgentLink, ReadsWhileItWrites) {
    session_harness harness;
    static const std::string block(segment::data_room, 'r');
    harness.agent().on<protocol::open>([](const protocol::open&) {
        protocol::open_reply reply;
        reply.handle = protocol::handle_id{1};
        reply.attr.mode = S_IFREG | 0644;
        return reply;
    });
    harness.agent().on<protocol::write>([](const protocol::write& w) {
        protocol::write_reply reply;
        reply.bytes = static_cast<std::uint32_t>(w.data.bytes.size());
        return reply;
    });
    harness.agent().on<protocol::read>([](const protocol::read& r) {
        protocol::read_reply reply;
        reply.data.bytes = std::as_bytes(std::span{block}).first(r.bytes);
        return reply;
    });
    ASSERT_EQ(harness.start(), "");
    const auto file = harness.caller().open("/srv/file", O_RDWR);
    ASSERT_EQ(file.opened.result, 0);
    std::vector<std::thread> threads;
    std::atomic<int> right = 0;
    for (int t = 0; t < 16; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 20; ++i) {
                const std::int64_t at = std::int64_t{i} * segment::data_room;
                const auto a = t % 2 == 0
                                   ? harness.caller().on(call::write, file.id, {at, 0}, block)
                                   : harness.caller().on(
                                         call::read, file.id, {at, std::int64_t{segment::data_room}}
                                     );
                right += a.result == std::int64_t{segment::data_room} ? 1 : 0;
            }
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(right, 16 * 20);
}

}  // namespace
}  // namespace farside::session::testing
