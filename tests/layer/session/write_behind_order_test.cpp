// What sees bytes that are written behind: it waits until they are there, or follows them.
#include "tests/layer/session/write_behind_fixture.hpp"

#include <cstring>

#include <sys/file.h>

namespace farside::session::testing {
namespace {

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

// Of the file itself, by a call that takes a path as well.
question itself(call op, const remote_file& file, std::initializer_list<std::int64_t> others) {
    question q = by_path(op, others);
    q.path[0] = q.path[1] = "";
    q.arguments[segment::base0] = static_cast<std::int64_t>(file.id);
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
    {"fsync elsewhere",
     opcode::sync,
     [](auto&, auto& o) {
         return by_id(call::sync, o, {0, 0, 0, 0});
     }},
    {"fchmod elsewhere",
     opcode::set_attributes,
     [](auto&, auto& o) {
         return itself(call::set_attributes, o, {0, 1, 0600});
     }},
    {"ftruncate",
     opcode::set_attributes,
     [](auto& f, auto&) {
         return itself(call::set_attributes, f, {0, 4, 9});
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

const seeing followers[] = {
    {"fsync",
     opcode::sync,
     [](auto& f, auto&) {
         return by_id(call::sync, f, {0, 0, 0, 0});
     }},
    {"fdatasync",
     opcode::sync,
     [](auto& f, auto&) {
         return by_id(call::sync, f, {1, 0, 0, 0});
     }},
    {"fchmod",
     opcode::set_attributes,
     [](auto& f, auto&) {
         return itself(call::set_attributes, f, {0, 1, 0600});
     }},
    {"fchown",
     opcode::set_attributes,
     [](auto& f, auto&) {
         return itself(call::set_attributes, f, {0, 2, 0, 0});
     }},
};

TEST_F(WriteBehind, WhatFollowsTheBytesIsSentRightBehindThem) {
    start();
    auto file = open();
    for (const auto& sight : followers) {
        SCOPED_TRACE(sight.name);
        hold(true);
        const std::size_t writes = count(opcode::write);
        const std::size_t before = count(sight.asked);
        ASSERT_EQ(caller.on(call::write, file.id, {7, 0}, "abc").result, 3);
        meet_agent();
        ASSERT_EQ(caller.on(call::write, file.id, {10, 0}, "defg").result, 4);
        const auto slot = begin(sight.make(file, file));
        meet_agent();
        EXPECT_EQ(count(opcode::write), writes + 2);
        EXPECT_EQ(count(sight.asked), before + 1);
        EXPECT_TRUE(harness.shared().slots[slot].state.load() & segment::state_posted);
        answer(writes + 1, 3);
        answer(writes + 2, 4);
        EXPECT_EQ(end(slot), 0);
        EXPECT_EQ(count(sight.asked), before + 1);
        hold(false);
    }
    EXPECT_EQ(caller.close(file), 0);
}

TEST_F(WriteBehind, WhatFollowedAPartOfTheBytesIsSentOnceMore) {
    start();
    auto file = open();
    for (const auto& sight : followers) {
        SCOPED_TRACE(sight.name);
        hold(true);
        const std::size_t writes = count(opcode::write);
        const std::size_t before = count(sight.asked);
        ASSERT_EQ(caller.on(call::write, file.id, {7, 0}, "abc").result, 3);
        const auto slot = begin(sight.make(file, file));
        meet_agent();
        EXPECT_EQ(count(sight.asked), before + 1);
        answer(writes + 1, 1);
        meet_agent();
        EXPECT_EQ(count(opcode::write), writes + 2);
        EXPECT_EQ(count(sight.asked), before + 1);
        answer(writes + 2, 2);
        EXPECT_EQ(end(slot), 0);
        EXPECT_EQ(count(sight.asked), before + 2);
        hold(false);
    }
    EXPECT_EQ(caller.close(file), 0);
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

}  // namespace
}  // namespace farside::session::testing
