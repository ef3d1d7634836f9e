// Write-behind as programs and the agent see it: what returns before the agent answers, what waits,
// what is asked at once, and who learns of what could not be written.
#include "tests/layer/session/session_harness.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <map>
#include <mutex>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>

namespace farside::session::testing {
namespace {

using protocol::opcode;
using segment::call;
using ::testing::HasSubstr;

constexpr std::uint64_t plenty = std::uint64_t{1} << 40U;

// Files at the agent that take writes, refuse them, or keep them waiting. The inode of a file is
// the number of bytes in its path.
class WriteBehind : public ::testing::Test {
protected:
    void SetUp() override {
        auto& agent = harness.agent();
        agent.on<protocol::open>([this](const protocol::open& r) { return open_at_agent(r); });
        agent.on<protocol::write>([this](const protocol::write& r) { return write_at_agent(r); });
        agent.on<protocol::file_system>([this](const protocol::file_system&) {
            protocol::file_system_reply reply;
            reply.type = type;
            reply.block_bytes = 1;
            reply.blocks_available = available;
            return reply;
        });
        agent.on<protocol::stat>([](const protocol::stat& r) {
            protocol::attributes_reply reply;
            reply.attr.mode = S_IFREG | 0644;
            reply.attr.inode = r.at.path.size();
            return reply;
        });
        agent.on<protocol::lock_process>([this](const protocol::lock_process&) {
            protocol::lock_process_reply reply;
            reply.holds = locks;
            return reply;
        });
        accept<protocol::access>();
        accept<protocol::sync>();
        accept<protocol::seek>();
        accept<protocol::read>();
        accept<protocol::allocate>();
        accept<protocol::set_flags>();
        accept<protocol::set_attributes>();
        accept<protocol::lock_file>();
        accept<protocol::lock_record>();
        accept<protocol::copy_range>();
        accept<protocol::ioctl>();
        accept<protocol::rename>();
        accept<protocol::make_link>();
        accept<protocol::remove>();
        accept<protocol::make_directory>();
        accept<protocol::get_xattr>();
    }

    template <typename Request>
    void accept() {
        harness.agent().on<Request>([](const Request&) { return typename Request::reply{}; });
    }

    agent_answer<protocol::open> open_at_agent(const protocol::open& request) {
        protocol::open_reply reply;
        reply.handle = protocol::handle_id{++handles};
        reply.attr.mode = S_IFREG | 0644;
        reply.attr.inode = request.at.path.size();
        return reply;
    }

    agent_answer<protocol::write> write_at_agent(const protocol::write& request) {
        const std::lock_guard lock{mutex};
        if (held) {
            return {};
        }
        return refusal != 0 ? agent_answer<protocol::write>{refusal} : taken(request);
    }

    static agent_answer<protocol::write> taken(const protocol::write& request) {
        protocol::write_reply reply;
        reply.bytes = static_cast<std::uint32_t>(request.data.bytes.size());
        reply.position = request.offset + reply.bytes;
        return reply;
    }

    // Answers the write that came as the n-th, from 1 on.
    void answer(std::size_t n, std::uint32_t bytes) {
        protocol::write_reply reply;
        reply.bytes = bytes;
        harness.agent().reply<protocol::write>(harness.agent().await(opcode::write, n).id, reply);
    }

    // From now on writes wait for answer().
    void hold(bool on) {
        const std::lock_guard lock{mutex};
        held = on;
    }

    void refuse(int with) {
        const std::lock_guard lock{mutex};
        refusal = with;
    }

    // What the n-th write brought.
    std::string data_of(std::size_t n) {
        const auto seen = harness.agent().await(opcode::write, n);
        const auto bytes = protocol::decode<protocol::write>(seen.payload).value().data.bytes;
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }

    void start() { ASSERT_EQ(harness.start(), ""); }

    // A file whose file system is known: what was asked before this call's answer is answered too.
    remote_file open(int flags = O_RDWR, const std::string& path = "/srv/file") {
        auto file = caller.open(path, flags);
        EXPECT_EQ(file.opened.result, 0);
        meet_agent();
        return file;
    }

    // The agent has got, and answered, what was sent before.
    void meet_agent() { ASSERT_EQ(caller.at(call::access, "/srv/other", {0, 0}).result, 0); }

    [[nodiscard]] std::uint32_t begin(const question& q) const {
        const auto slot = caller.claim();
        caller.fill(slot, q);
        EXPECT_TRUE(caller.post(slot));
        caller.ring(slot);
        return slot;
    }

    std::int64_t end(std::uint32_t slot) {
        const auto result = caller.await(slot).result;
        caller.free(slot);
        return result;
    }

    static question on_file(
        call op, const remote_file& file, std::initializer_list<std::int64_t> others = {}
    ) {
        question q;
        q.op = op;
        q.arguments[0] = static_cast<std::int64_t>(file.id);
        std::copy(others.begin(), others.end(), q.arguments.begin() + 1);
        return q;
    }

    // The session looks now for open files without a descriptor.
    void sweep() { EXPECT_GE(caller.on(call::reclaim, 0).result, 0); }

    [[nodiscard]] std::size_t count(opcode op) { return harness.agent().count(op); }

    std::mutex mutex;
    bool held = false;
    int refusal = 0;
    bool locks = false;
    std::uint64_t type = TMPFS_MAGIC;
    std::uint64_t available = plenty;
    std::uint64_t handles = 0;
    session_harness harness;
    const fake_caller& caller = harness.caller();
};

TEST_F(WriteBehind, ReturnsBeforeTheAgentAnswers) {
    start();
    hold(true);
    auto file = open();
    EXPECT_EQ(caller.write(file.id, "abc").result, 3);
    EXPECT_EQ(caller.entry(file.id).position.load(), 3);
    EXPECT_EQ(caller.on(call::write, file.id, {100, 0}, "x").result, 1);
    EXPECT_EQ(harness.shared().head.unsettled_writes.load(), 1U);
    const auto closing = begin(on_file(call::close, file));
    answer(1, 3);
    answer(2, 1);
    EXPECT_EQ(data_of(1), "abc");
    EXPECT_EQ(data_of(2), "x");
    EXPECT_EQ(end(closing), 0);
    EXPECT_EQ(harness.shared().head.unsettled_writes.load(), 0U);
}

TEST_F(WriteBehind, ContiguousWritesGatherBehindTheFirst) {
    start();
    hold(true);
    auto file = open();
    EXPECT_EQ(caller.write(file.id, "a").result, 1);
    harness.agent().await(opcode::write, 1);
    using clock = std::chrono::steady_clock;
    const auto first = clock::now();
    constexpr std::size_t writes = 100;
    const std::string part(100, 'b');
    for (std::size_t i = 0; i < writes; ++i) {
        EXPECT_EQ(caller.write(file.id, part).result, part.size());
    }
    const auto syncing = begin(on_file(call::sync, file, {0, 0, 0, 0}));
    std::size_t came = 0;
    std::size_t pieces = 0;
    while (came < writes * part.size()) {
        came += data_of(++pieces + 1).size();
    }
    // One piece at least for all that came within its age.
    const auto ages = (clock::now() - first) / limits::piece_age_max;
    EXPECT_LE(pieces, 2 + static_cast<std::size_t>(ages));
    answer(1, 1);
    for (std::size_t i = 2; i <= pieces + 1; ++i) {
        answer(i, static_cast<std::uint32_t>(data_of(i).size()));
    }
    EXPECT_EQ(end(syncing), 0);
    EXPECT_EQ(came, writes * part.size());
}

TEST_F(WriteBehind, TheRestOfAShortWriteFollows) {
    start();
    hold(true);
    auto file = open();
    EXPECT_EQ(caller.write(file.id, "abcdef").result, 6);
    answer(1, 2);
    answer(2, 4);
    EXPECT_EQ(data_of(2), "cdef");
    EXPECT_EQ(caller.close(file), 0);
}

// ---- failures ----

TEST_F(WriteBehind, AFailureIsToldOnceByTheNextWrite) {
    start();
    auto file = open();
    refuse(ENOSPC);
    EXPECT_EQ(caller.write(file.id, "abc").result, 3);
    ASSERT_TRUE(harness.eventually([&](session_core& core) {
        return core.files().find(file.id)->write_failure == ENOSPC;
    }));
    // Of one write(2) in several calls: it has an answer already, the next one tells.
    EXPECT_EQ(
        caller.on(call::write, file.id, {segment::position_current, 0, 1}, "d").result, -ENOSPC
    );
    EXPECT_EQ(caller.write(file.id, "d").result, -ENOSPC);
    EXPECT_EQ(caller.entry(file.id).position.load(), 3);
    refuse(0);
    EXPECT_EQ(caller.write(file.id, "d").result, 1);
    EXPECT_EQ(caller.close(file), 0);
    EXPECT_EQ(harness.said(), "");
}

TEST_F(WriteBehind, AFailureIsToldOnceByFsync) {
    start();
    auto file = open();
    refuse(EDQUOT);
    EXPECT_EQ(caller.write(file.id, "abc").result, 3);
    EXPECT_EQ(caller.on(call::sync, file.id, {0, 0, 0, 0}).result, -EDQUOT);
    EXPECT_EQ(count(opcode::sync), 1U);
    EXPECT_EQ(caller.on(call::sync, file.id, {0, 0, 0, 0}).result, 0);
    EXPECT_EQ(caller.close(file), 0);
}

TEST_F(WriteBehind, AFailureIsToldByClose) {
    start();
    auto file = open();
    refuse(EIO);
    EXPECT_EQ(caller.write(file.id, "abc").result, 3);
    EXPECT_EQ(caller.close(file), -EIO);
    EXPECT_EQ(harness.said(), "");
}

TEST_F(WriteBehind, ALaterPieceIsWrittenAlthoughAnEarlierFailed) {
    start();
    hold(true);
    auto file = open();
    EXPECT_EQ(caller.write(file.id, "abc").result, 3);
    EXPECT_EQ(caller.on(call::write, file.id, {100, 0}, "x").result, 1);
    EXPECT_EQ(caller.on(call::write, file.id, {200, 0}, "y").result, 1);
    const auto first = harness.agent().await(opcode::write, 1).id;
    harness.agent().fail(opcode::write, first, EIO);
    answer(2, 1);
    answer(3, 1);
    EXPECT_EQ(caller.close(file), -EIO);
}

TEST_F(WriteBehind, TheUserLearnsOfAFailureThatNoCallCanTell) {
    start();
    auto file = open();
    refuse(ENOSPC);
    EXPECT_EQ(caller.write(file.id, "abc").result, 3);
    file.fd.reset();
    harness.end();
    EXPECT_EQ(
        harness.said(), "farside: what was written to /srv/file is lost: No space left on device\n"
    );
}

// The layer closes the descriptor before it says so: a sweep may come first.
TEST_F(WriteBehind, ACloseThatASweepOvertookIsTold) {
    start();
    hold(true);
    auto file = open();
    EXPECT_EQ(caller.write(file.id, "abc").result, 3);
    file.fd.reset();
    sweep();
    const auto waiting = begin(on_file(call::close, file));
    sweep();
    const auto first = harness.agent().await(opcode::write, 1).id;
    harness.agent().fail(opcode::write, first, EIO);
    EXPECT_EQ(end(waiting), -EIO);

    hold(false);
    refuse(ENOSPC);
    auto other = open();
    EXPECT_EQ(caller.write(other.id, "abc").result, 3);
    meet_agent();
    other.fd.reset();
    sweep();
    sweep();
    EXPECT_EQ(caller.on(call::close, other.id).result, -ENOSPC);
    EXPECT_EQ(harness.said(), "");
}

TEST_F(WriteBehind, TheUserLearnsOfAFailureThatNoCallAskedFor) {
    start();
    auto file = open();
    refuse(ENOSPC);
    EXPECT_EQ(caller.write(file.id, "abc").result, 3);
    file.fd.reset();
    ASSERT_TRUE(harness.eventually([](session_core& core) { return core.files().size() == 0; }));
    EXPECT_EQ(
        harness.said(), "farside: what was written to /srv/file is lost: No space left on device\n"
    );
}

TEST_F(WriteBehind, ALostConnectionIsToldWithWhatItTook) {
    start();
    hold(true);
    auto file = open();
    auto other = open(O_WRONLY, "/srv/another");
    EXPECT_EQ(caller.write(file.id, "abc").result, 3);
    EXPECT_EQ(caller.write(other.id, "defg").result, 4);
    harness.agent().await(opcode::write, 2);
    harness.agent().close();
    EXPECT_EQ(caller.close(file), -EIO);
    EXPECT_EQ(caller.write(other.id, "h").result, -EIO);
    EXPECT_EQ(caller.write(other.id, "h").result, -EIO);
    EXPECT_EQ(
        harness.said(),
        "farside: the agent ended; remote files now answer EIO\n"
        "farside: the target did not confirm 7 bytes written to /srv/file and to another file: "
        "they "
        "may be lost\n"
    );
}

// ---- who is not there any more ----

TEST_F(WriteBehind, TheBytesSurviveTheirWriter) {
    start();
    hold(true);
    auto file = open();
    EXPECT_EQ(caller.write(file.id, "abc").result, 3);
    EXPECT_EQ(caller.on(call::write, file.id, {100, 0}, "x").result, 1);
    file.fd.reset();
    sweep();
    EXPECT_EQ(count(opcode::close), 0U);
    answer(1, 3);
    answer(2, 1);
    harness.agent().await(opcode::close, 1);
    EXPECT_TRUE(harness.eventually([](session_core& core) { return core.files().size() == 0; }));
}

TEST_F(WriteBehind, TheSessionEndsAfterTheLastByte) {
    start();
    hold(true);
    auto file = open();
    EXPECT_EQ(caller.write(file.id, "abc").result, 3);
    file.fd.reset();
    std::thread ending{[this] { harness.end(); }};
    answer(1, 3);
    ending.join();
    EXPECT_EQ(harness.said(), "");
}

// ---- bounds ----

TEST_F(WriteBehind, TheWindowIsBounded) {
    start();
    hold(true);
    auto file = open();
    const std::string full(segment::data_room, 'x');
    std::uint64_t taken = 0;
    for (bool fits = true; fits;) {
        question q = on_file(call::write, file, {segment::position_current, 0});
        q.data = full;
        const auto slot = begin(q);
        meet_agent();
        fits = (harness.shared().slots[slot].state.load() & segment::state_posted) == 0;
        taken += fits ? full.size() : 0;
        ASSERT_LE(taken, limits::window_bytes_max);
        if (!fits) {
            answer(1, segment::data_room);
        }
        EXPECT_EQ(end(slot), full.size());
    }
    EXPECT_GE(taken, limits::window_bytes_min / 2);
    hold(false);
    const auto sent = count(opcode::write);
    for (std::size_t n = 2; n <= sent; ++n) {
        answer(n, segment::data_room);
    }
    EXPECT_EQ(caller.close(file), 0);
}

// ---- what sees the bytes ----

struct seeing {
    const char* name;
    opcode asked;
    question (*make)(const remote_file& file, const remote_file& other);
};

question by_path(call op, std::initializer_list<std::int64_t> others = {}) {
    question q;
    q.op = op;
    q.path[0] = "/srv/some/path";
    q.path[1] = "/srv/some/other";
    std::copy(others.begin(), others.end(), q.arguments.begin() + segment::first_argument);
    return q;
}

question by_id(call op, const remote_file& file, std::initializer_list<std::int64_t> others = {}) {
    question q;
    q.op = op;
    q.arguments[0] = static_cast<std::int64_t>(file.id);
    std::copy(others.begin(), others.end(), q.arguments.begin() + 1);
    return q;
}

question with_flock(question q) {
    struct flock lock {};

    lock.l_type = F_WRLCK;
    q.data.assign(reinterpret_cast<const char*>(&lock), sizeof lock);
    return q;
}

const seeing sights[] = {
    {"read",
     opcode::read,
     [](auto& f, auto&) {
         return by_id(call::read, f, {0, 4});
     }},
    {"read elsewhere",
     opcode::read,
     [](auto&, auto& o) {
         return by_id(call::read, o, {0, 4});
     }},
    {"end",
     opcode::seek,
     [](auto& f, auto&) {
         return by_id(call::seek, f, {0, SEEK_END});
     }},
    {"data",
     opcode::seek,
     [](auto& f, auto&) {
         return by_id(call::seek, f, {0, SEEK_DATA});
     }},
    {"fsync",
     opcode::sync,
     [](auto& f, auto&) {
         return by_id(call::sync, f, {0, 0, 0, 0});
     }},
    {"syncfs",
     opcode::sync,
     [](auto& f, auto&) {
         return by_id(call::sync, f, {2, 0, 0, 0});
     }},
    {"allocate",
     opcode::allocate,
     [](auto& f, auto&) {
         return by_id(call::allocate, f, {0, 0, 9});
     }},
    {"O_APPEND",
     opcode::set_flags,
     [](auto& f, auto&) { return by_id(call::set_flags, f, {O_APPEND}); }},
    {"flock",
     opcode::lock_file,
     [](auto& f, auto&) { return by_id(call::lock_file, f, {LOCK_UN}); }},
    {"record lock",
     opcode::lock_process,
     [](auto& f, auto&) { return with_flock(by_id(call::lock_record, f, {F_SETLK})); }},
    {"ioctl", opcode::ioctl, [](auto& f, auto&) { return by_id(call::ioctl, f, {0x541b}); }},
    {"copy",
     opcode::copy_range,
     [](auto& f, auto& o) {
         return by_id(call::copy_range, f, {0, static_cast<std::int64_t>(o.id), 50, 9});
     }},
    {"fstat", opcode::stat, [](auto& f, auto&) { return by_id(call::stat, f); }},
    {"truncate",
     opcode::set_attributes,
     [](auto&, auto&) {
         return by_path(call::set_attributes, {0, 4, 9});
     }},
    {"statfs", opcode::file_system, [](auto&, auto&) { return by_path(call::file_system); }},
    {"rename", opcode::rename, [](auto&, auto&) { return by_path(call::rename); }},
    {"link", opcode::make_link, [](auto&, auto&) { return by_path(call::make_link); }},
    {"unlink", opcode::remove, [](auto&, auto&) { return by_path(call::remove); }},
    {"mkdir", opcode::make_directory, [](auto&, auto&) { return by_path(call::make_directory); }},
};

TEST_F(WriteBehind, EverythingThatCouldSeeTheBytesComesAfterThem) {
    start();
    auto file = open();
    auto other = open();
    for (const auto& sight : sights) {
        SCOPED_TRACE(sight.name);
        const opcode asked = sight.asked;
        hold(true);
        const std::size_t writes = count(opcode::write);
        const std::size_t before = count(asked);
        ASSERT_EQ(caller.on(call::write, file.id, {7, 0}, "abc").result, 3);
        const auto slot = begin(sight.make(file, other));
        meet_agent();
        EXPECT_EQ(count(asked), before);
        answer(writes + 1, 3);
        EXPECT_GE(end(slot), 0);
        EXPECT_EQ(count(asked), before + 1);
        hold(false);
        if (asked == opcode::lock_file || asked == opcode::lock_process ||
            asked == opcode::set_flags) {
            EXPECT_EQ(caller.close(file), 0);
            file = open();
        }
    }
}

TEST_F(WriteBehind, AStatWaitsForTheFileThatItsPathLeadsToOnly) {
    start();
    const auto file = open(O_RDWR, "/srv/file");
    hold(true);
    EXPECT_EQ(caller.write(file.id, "abc").result, 3);
    EXPECT_EQ(caller.at(call::stat, "/srv/another").result, 0);
    EXPECT_EQ(count(opcode::stat), 1U);
    question q;
    q.op = call::stat;
    q.path[0] = "/srv/file";
    const auto asking = begin(q);
    meet_agent();
    EXPECT_EQ(count(opcode::stat), 2U);
    EXPECT_TRUE(harness.shared().slots[asking].state.load() & segment::state_posted);
    answer(1, 3);
    EXPECT_EQ(end(asking), 0);
    EXPECT_EQ(count(opcode::stat), 3U) << "the first answer may be of before the write";
}

TEST_F(WriteBehind, TheOtherEndOfAFileComesAfterTheFirst) {
    start();
    auto file = open();
    auto other = open();
    hold(true);
    EXPECT_EQ(caller.on(call::write, file.id, {0, 0}, "abc").result, 3);
    question q = by_id(call::write, other, {0, 0});
    q.data = "x";
    const auto slot = begin(q);
    meet_agent();
    EXPECT_EQ(count(opcode::write), 1U);
    hold(false);
    answer(1, 3);
    EXPECT_EQ(end(slot), 1);
    EXPECT_EQ(count(opcode::write), 2U);
}

TEST_F(WriteBehind, ASignalEndsOnlyTheWaitOfACallThatMayWaitAtTheTarget) {
    start();
    auto file = open();
    hold(true);
    EXPECT_EQ(caller.write(file.id, "abc").result, 3);
    const auto locking = begin(by_id(call::lock_file, file, {LOCK_EX}));
    const auto asking = begin(by_id(call::stat, file));
    meet_agent();
    caller.cancel(locking);
    caller.cancel(asking);
    EXPECT_EQ(end(locking), -EINTR);
    meet_agent();
    EXPECT_EQ(count(opcode::stat), 0U);
    answer(1, 3);
    EXPECT_EQ(end(asking), -EINTR);  // as any request that was not sent when the signal came
    EXPECT_EQ(count(opcode::lock_file), 0U);
}

// ---- what is asked at once ----

struct direct {
    const char* name;
    int flags;
    std::int64_t rwf;
};

TEST_F(WriteBehind, WhatMustBeSomewhereWaits) {
    start();
    const direct rows[] = {
        {"O_APPEND", O_APPEND, 0},
        {"O_SYNC", O_SYNC, 0},
        {"O_DSYNC", O_DSYNC, 0},
        {"O_DIRECT", O_DIRECT, 0},
        {"RWF_SYNC", 0, RWF_SYNC},
        {"RWF_DSYNC", 0, RWF_DSYNC},
        {"RWF_APPEND", 0, RWF_APPEND},
    };
    refuse(ENOSPC);
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        auto file = open(O_WRONLY | row.flags);
        const auto result =
            caller.on(call::write, file.id, {segment::position_current, row.rwf}, "abc").result;
        EXPECT_EQ(result, -ENOSPC);
        EXPECT_EQ(caller.close(file), 0);
    }
}

TEST_F(WriteBehind, WhereSpaceIsScarceWritesWait) {
    available = limits::free_bytes_min;
    start();
    refuse(ENOSPC);
    auto file = open();
    EXPECT_EQ(caller.write(file.id, "abc").result, -ENOSPC);
}

TEST_F(WriteBehind, WhereAWriteIsMoreThanBytesItWaits) {
    type = PROC_SUPER_MAGIC;
    start();
    refuse(EINVAL);
    auto file = open();
    EXPECT_EQ(caller.write(file.id, "abc").result, -EINVAL);
}

TEST_F(WriteBehind, FarOutItWaits) {
    start();
    refuse(EFBIG);
    auto file = open();
    EXPECT_EQ(caller.on(call::write, file.id, {INT64_MAX - 3, 0}, "abc").result, -EFBIG);
}

TEST_F(WriteBehind, UnderALockWritesWait) {
    start();
    auto file = open();
    auto other = open(O_RDWR, "/srv/another");
    locks = true;
    EXPECT_EQ(caller.on(call::lock_file, file.id, {LOCK_EX}).result, 0);
    EXPECT_EQ(end(begin(with_flock(by_id(call::lock_record, other, {F_SETLK})))), 0);
    refuse(ENOSPC);
    EXPECT_EQ(caller.write(file.id, "abc").result, -ENOSPC);
    EXPECT_EQ(caller.write(other.id, "abc").result, -ENOSPC);
}

}  // namespace
}  // namespace farside::session::testing
