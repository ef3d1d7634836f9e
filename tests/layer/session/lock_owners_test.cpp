// Record locks as the session sees them: what it asks the agent, for whom, and when it does not.
#include "protocol/lock_messages.hpp"
#include "tests/layer/session/session_harness.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace farside::session::testing {
namespace {

using segment::call;

struct flock lock_of(int type, std::int64_t start, std::int64_t bytes, int whence = SEEK_SET) {
    struct flock lock {};

    lock.l_type = static_cast<short>(type);
    lock.l_whence = static_cast<short>(whence);
    lock.l_start = start;
    lock.l_len = bytes;
    return lock;
}

std::string bytes_of(const struct flock& lock) {
    return {reinterpret_cast<const char*>(&lock), sizeof lock};
}

class LockOwners : public ::testing::Test {
protected:
    LockOwners() {
        EXPECT_EQ(harness.start(), "");
        // Two names of one file, and another one.
        harness.agent().on<protocol::open>([&](const protocol::open& request) {
            protocol::open_reply reply;
            reply.handle = protocol::handle_id{++last_handle_};
            reply.attr.mode = S_IFREG | 0644;
            reply.attr.inode = request.at.path == "/srv/other" ? 2 : 1;
            return reply;
        });
        harness.agent().on<protocol::lock_process>([&](const protocol::lock_process& request) {
            seen = request;
            protocol::lock_process_reply reply;
            reply.lock = request.lock;
            reply.holds = holds;
            return reply;
        });
        harness.agent().on<protocol::release_locks>([&](const protocol::release_locks& request) {
            released = request;
            return protocol::empty_reply{};
        });
        harness.agent().on<protocol::end_lock_owner>([&](const protocol::end_lock_owner& request) {
            ended.push_back(request.owner);
            return protocol::empty_reply{};
        });
    }

    answer ask(std::uint64_t id, int command, const struct flock& lock) {
        return caller.on(call::lock_record, id, {command}, bytes_of(lock));
    }

    static struct flock told(const answer& a) {
        struct flock lock {};

        EXPECT_EQ(a.data.size(), sizeof lock);
        std::memcpy(&lock, a.data.data(), sizeof lock);
        return lock;
    }

    bool may_hold(pid_t pid) {
        const auto bit = segment::lock_holder_bit(static_cast<std::uint32_t>(pid));
        return (harness.view().lock_holders[bit / 64].load() >> (bit % 64) & 1U) != 0;
    }

    std::size_t count(protocol::opcode op) { return harness.agent().count(op); }

    session_harness harness;
    fake_caller& caller = harness.caller();
    std::uint64_t last_handle_ = 0;
    // Written by the agent's thread before its answer, read by the test after it.
    protocol::lock_process seen;
    protocol::release_locks released;
    std::vector<std::uint64_t> ended;
    bool holds = true;
};

TEST_F(LockOwners, LockRangesCountFromThePosition) {
    const auto file = caller.open("/srv/file", O_RDWR);
    caller.entry(file.id).position.store(100);
    const auto lock = lock_of(F_WRLCK, 5, 2, SEEK_CUR);
    EXPECT_EQ(ask(file.id, F_SETLK, lock).result, 0);
    EXPECT_EQ(seen.lock.start, 105);
    EXPECT_EQ(seen.lock.whence, SEEK_SET);
    EXPECT_EQ(seen.command, static_cast<std::uint32_t>(F_SETLK));
    EXPECT_EQ(ask(file.id, 99, lock).result, -EINVAL);
    caller.entry(file.id).position.store(INT64_MAX);
    EXPECT_EQ(ask(file.id, F_SETLK, lock).result, -EOVERFLOW);
    EXPECT_EQ(caller.on(call::lock_record, file.id, {F_SETLK}, "x").result, -EINVAL);
    const auto path = caller.open("/srv/file", O_PATH);
    EXPECT_EQ(ask(path.id, F_SETLK, lock).result, -EBADF);
}

TEST_F(LockOwners, LocksOfOpenFilesHaveNoOwner) {
    protocol::lock_record asked;
    harness.agent().on<protocol::lock_record>([&](const protocol::lock_record& request) {
        asked = request;
        return protocol::lock_record_reply{request.lock};
    });
    const auto file = caller.open("/srv/file", O_RDWR);
    EXPECT_EQ(ask(file.id, F_OFD_SETLK, lock_of(F_RDLCK, 1, 2)).result, 0);
    EXPECT_EQ(asked.lock.bytes, 2);
    EXPECT_EQ(ask(file.id, F_OFD_GETLK, lock_of(F_RDLCK, 1, 2)).result, 0);
    EXPECT_EQ(seen.owner, 0U);
    EXPECT_FALSE(may_hold(::getpid()));
}

// F_GETLK leaves the program's structure as it was where nothing is in the way.
TEST_F(LockOwners, AreToldAsProcesses) {
    protocol::lock_process_reply reply;
    harness.agent().on<protocol::lock_process>([&](const protocol::lock_process& request) {
        seen = request;
        return reply;
    });
    const auto file = caller.open("/srv/file", O_RDWR);
    caller.entry(file.id).position.store(7);
    reply.lock.type = F_UNLCK;
    const auto nothing = told(ask(file.id, F_GETLK, lock_of(F_WRLCK, 1, 2, SEEK_CUR)));
    EXPECT_EQ(seen.owner, 0U);
    EXPECT_EQ(nothing.l_type, F_UNLCK);
    EXPECT_EQ(nothing.l_whence, SEEK_CUR);
    EXPECT_EQ(nothing.l_start, 1);

    reply.lock = {F_WRLCK, SEEK_SET, 30, 40, 4711};
    const auto other = told(ask(file.id, F_GETLK, lock_of(F_WRLCK, 1, 2, SEEK_CUR)));
    EXPECT_EQ(other.l_pid, 4711);
    EXPECT_EQ(other.l_start, 30);
    EXPECT_EQ(other.l_whence, SEEK_SET);

    EXPECT_EQ(ask(file.id, F_SETLK, lock_of(F_WRLCK, 0, 0)).result, 0);
    reply.lock.pid = -1;
    reply.owner = seen.owner;
    EXPECT_EQ(told(ask(file.id, F_OFD_GETLK, lock_of(F_WRLCK, 0, 0))).l_pid, ::getpid());
}

TEST_F(LockOwners, ArePassedOverUntilTheyHoldLocks) {
    const auto file = caller.open("/srv/file", O_RDWR);
    const auto same = caller.open("/srv/name", O_RDONLY);
    const auto other = caller.open("/srv/other", O_RDONLY);
    const auto release = [&](std::uint64_t id) {
        return caller.on(call::release_locks, id).result;
    };
    EXPECT_EQ(release(file.id), 0);
    EXPECT_EQ(count(protocol::opcode::release_locks), 0U);
    EXPECT_FALSE(may_hold(::getpid()));
    EXPECT_EQ(ask(file.id, F_SETLK, lock_of(F_WRLCK, 0, 0)).result, 0);
    EXPECT_TRUE(may_hold(::getpid()));
    EXPECT_EQ(release(other.id), 0);
    EXPECT_EQ(count(protocol::opcode::release_locks), 0U);
    EXPECT_TRUE(may_hold(::getpid()));
    EXPECT_EQ(release(same.id), 0);
    EXPECT_EQ(count(protocol::opcode::release_locks), 1U);
    EXPECT_EQ(released.owner, seen.owner);
    EXPECT_FALSE(may_hold(::getpid()));
    EXPECT_EQ(ask(file.id, F_SETLK, lock_of(F_WRLCK, 0, 0)).result, 0);
    holds = false;
    EXPECT_EQ(ask(file.id, F_SETLK, lock_of(F_UNLCK, 0, 0)).result, 0);
    EXPECT_FALSE(may_hold(::getpid()));
    EXPECT_EQ(release(file.id), 0);
    EXPECT_EQ(count(protocol::opcode::release_locks), 1U);
}

TEST_F(LockOwners, EndBeforeTheNextRequestForALock) {
#ifdef __SANITIZE_THREAD__
    GTEST_SKIP() << "the thread sanitizer does not see what another process hands over";
#endif
    const auto file = caller.open("/srv/file", O_RDWR);
    for (int round = 0; round < 20; ++round) {
        const pid_t child = ::fork();
        if (child == 0) {
            ::_exit(ask(file.id, F_SETLK, lock_of(F_WRLCK, 0, 0)).result == 0 ? 0 : 1);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        EXPECT_EQ(status, 0);
        const auto owner = seen.owner;
        EXPECT_EQ(ask(file.id, F_SETLK, lock_of(F_WRLCK, 0, 0)).result, 0);
        ASSERT_EQ(ended.size(), static_cast<std::size_t>(round) + 1);
        EXPECT_EQ(ended.back(), owner);
        EXPECT_NE(seen.owner, owner);
        EXPECT_FALSE(may_hold(child));
    }
}

TEST_F(LockOwners, EndWithoutAnyRequestToo) {
    const auto file = caller.open("/srv/file", O_RDWR);
    const pid_t child = ::fork();
    if (child == 0) {
        ::_exit(ask(file.id, F_SETLK, lock_of(F_WRLCK, 0, 0)).result == 0 ? 0 : 1);
    }
    harness.agent().await(protocol::opcode::end_lock_owner);
    ::waitpid(child, nullptr, 0);
}

TEST_F(LockOwners, AreProcessesThatCanBeWatched) {
    const auto file = caller.open("/srv/file", O_RDWR);
    const auto slot = caller.claim();
    caller.fill(
        slot,
        {call::lock_record,
         {static_cast<std::int64_t>(file.id), F_SETLK},
         {},
         bytes_of(lock_of(F_WRLCK, 0, 0))}
    );
    harness.shared().slots[slot].owner.store(0x3ffffff0);
    ASSERT_TRUE(caller.post(slot));
    EXPECT_EQ(caller.await(slot).result, -ENOLCK);
    caller.free(slot);
}

}  // namespace
}  // namespace farside::session::testing
