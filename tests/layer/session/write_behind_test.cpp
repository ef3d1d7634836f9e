// Write-behind as programs and the agent see it: what returns before the agent answers, what is
// asked at once, and who learns of what could not be written.
#include "tests/layer/session/write_behind_fixture.hpp"

#include <cstring>

#include <sys/file.h>
#include <sys/mman.h>
#include <sys/uio.h>

namespace farside::session::testing {
namespace {

TEST_F(WriteBehind, ReturnsBeforeTheAgentAnswers) {
    start();
    hold(true);
    auto file = open();
    EXPECT_EQ(caller.write(file.id, "abc").result, 3);
    EXPECT_EQ(caller.entry(file.id).position.load(), 3);
    EXPECT_EQ(caller.on(call::write, file.id, {100, 0}, "x").result, 1);
    EXPECT_EQ(harness.shared().head.unsettled_writes.load(), 1U);
    const auto closing = begin(by_id(call::close, file));
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
    const auto syncing = begin(by_id(call::sync, file, {0, 0, 0, 0}));
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
    const auto waiting = begin(by_id(call::close, file));
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
        question q = by_id(call::write, file, {segment::position_current, 0});
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
