// Record locks of processes: ranges compared with the kernel's, then owners against owners and
// against another process that works on the files directly.
#include "agent/locked_ranges.hpp"
#include "tests/agent/requests.hpp"
#include "tests/agent/running_agent.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>

#include <sys/wait.h>
#include <unistd.h>

namespace farside::agent::test {
namespace {

using namespace protocol;
using farside::test::write_file;

struct flock lock_of(const locked_range& range) {
    struct flock lock {};

    lock.l_type = range.type;
    lock.l_whence = SEEK_SET;
    lock.l_start = range.first;
    lock.l_len = range.last == range_end ? 0 : range.last - range.first + 1;
    return lock;
}

// All ranges that are locked through another description of the file, as the kernel has them.
std::vector<locked_range> kernel_ranges(int other) {
    std::vector<locked_range> all;
    for (std::int64_t from = 0;;) {
        struct flock asked = lock_of({F_WRLCK, from, range_end});
        if (::fcntl(other, F_OFD_GETLK, &asked) != 0 || asked.l_type == F_UNLCK) {
            return all;
        }
        const auto last = asked.l_len == 0 ? range_end : asked.l_start + asked.l_len - 1;
        all.push_back({asked.l_type, asked.l_start, last});
        if (last == range_end) {
            return all;
        }
        from = last + 1;
    }
}

TEST(LockedRanges, AreThoseThatTheKernelKeeps) {
    const farside::test::temp_dir directory;
    const auto path = directory.path() / "f";
    write_file(path, "");
    const unique_fd one{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
    const unique_fd other{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
    std::mt19937 random{7};  // NOLINT: the same sequence each time
    locked_ranges ranges;
    for (int step = 0; step < 3000; ++step) {
        const auto first = static_cast<std::int64_t>(random() % 40);
        const bool to_end = random() % 16 == 0;
        const auto last = to_end ? range_end : first + static_cast<std::int64_t>(random() % 12);
        const locked_range wanted{static_cast<std::int16_t>(random() % 3), first, last};
        struct flock lock = lock_of(wanted);
        ASSERT_EQ(::fcntl(one.get(), F_OFD_SETLK, &lock), 0);
        ranges.set(wanted);
        ASSERT_EQ(ranges.all(), kernel_ranges(other.get())) << "step " << step;
    }
}

TEST(LockedRanges, CountBeforeTheyGrow) {
    locked_ranges ranges;
    EXPECT_FALSE(ranges.exceeds(1, {F_WRLCK, 0, 9}));
    ranges.set({F_WRLCK, 0, 9});
    EXPECT_TRUE(ranges.exceeds(1, {F_WRLCK, 20, 29}));
    EXPECT_TRUE(ranges.exceeds(1, {F_UNLCK, 4, 4}));
    EXPECT_FALSE(ranges.exceeds(1, {F_UNLCK, 0, 4}));
    EXPECT_FALSE(ranges.exceeds(1, {F_WRLCK, 10, 19}));
    EXPECT_FALSE(ranges.exceeds(0, {F_UNLCK, 0, range_end}));
}

// A process beside the agent that locks a file, and ends when it is told to.
class neighbour {
public:
    explicit neighbour(const std::string& path) {
        std::array<int, 2> told{};
        std::array<int, 2> tell{};
        EXPECT_EQ(::pipe2(told.data(), O_CLOEXEC), 0);
        EXPECT_EQ(::pipe2(tell.data(), O_CLOEXEC), 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            // The agent's descriptors are not its own: locks would live as long as it does.
            ::dup2(told[1], STDOUT_FILENO);
            ::dup2(tell[0], STDIN_FILENO);
            ::close_range(STDERR_FILENO + 1, ~0U, 0);
            struct flock all = lock_of({F_WRLCK, 0, range_end});
            const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
            char byte = ::fcntl(fd, F_SETLKW, &all) == 0 ? 'y' : 'n';
            const bool said = ::write(STDOUT_FILENO, &byte, 1) == 1;
            ::_exit(said && ::read(STDIN_FILENO, &byte, 1) == 0 ? 0 : 1);
        }
        ::close(told[1]);
        ::close(tell[0]);
        told_ = unique_fd{told[0]};
        tell_ = unique_fd{tell[1]};
    }

    neighbour(const neighbour&) = delete;
    neighbour& operator=(const neighbour&) = delete;

    ~neighbour() { end(); }

    // Waits for its lock.
    [[nodiscard]] bool has_it() const {
        char byte = 0;
        return ::read(told_.get(), &byte, 1) == 1 && byte == 'y';
    }

    void end() {
        tell_.reset();
        if (pid_ > 0) {
            ::waitpid(std::exchange(pid_, 0), nullptr, 0);
        }
    }

    [[nodiscard]] pid_t pid() const { return pid_; }

private:
    pid_t pid_ = 0;
    unique_fd told_;
    unique_fd tell_;
};

class RecordLocks : public testing::Test {
protected:
    RecordLocks() { write_file(path("f"), "0123456789"); }

    std::filesystem::path path(const std::string& name) const { return agent_.root() / name; }

    handle_id opened(int flags = O_RDWR, const std::string& name = "f") {
        const auto got = client_.call(open_of("/" + name, flags));
        EXPECT_EQ(got.failure, 0) << name;
        return got.reply.handle;
    }

    static lock_process asking(
        handle_id file,
        std::uint64_t owner,
        int command,
        int type,
        std::int64_t start,
        std::int64_t bytes
    ) {
        const record_lock lock{static_cast<std::int16_t>(type), SEEK_SET, start, bytes, 0};
        return {file, owner, static_cast<std::uint32_t>(command), lock};
    }

    int set(
        handle_id file,
        std::uint64_t owner,
        int type,
        std::int64_t start = 0,
        std::int64_t bytes = 0
    ) {
        return client_.call(asking(file, owner, F_SETLK, type, start, bytes)).failure;
    }

    lock_process_reply get(handle_id file, std::uint64_t owner, int type = F_WRLCK) {
        const auto got = client_.call(asking(file, owner, F_GETLK, type, 0, 0));
        EXPECT_EQ(got.failure, 0);
        return got.reply;
    }

    template <typename Request>
    int failure_of(const Request& request) {
        return client_.call(request).failure;
    }

    running_agent agent_;
    fake_client client_ = agent_.session();
};

TEST_F(RecordLocks, BelongToTheOwnerWhateverTheHandle) {
    const auto a = opened();
    const auto b = opened();
    EXPECT_EQ(set(a, 1, F_WRLCK, 2, 4), 0);
    EXPECT_EQ(set(b, 1, F_WRLCK, 0, 0), 0);
    EXPECT_EQ(set(a, 2, F_RDLCK, 0, 1), EAGAIN);
    EXPECT_EQ(set(b, 1, F_UNLCK, 0, 4), 0);
    EXPECT_EQ(set(a, 2, F_RDLCK, 0, 4), 0);
    EXPECT_EQ(set(a, 2, F_RDLCK, 0, 5), EAGAIN);
    EXPECT_EQ(get(b, 1).owner, 2U);
    EXPECT_EQ(get(b, 1).lock, (record_lock{F_RDLCK, SEEK_SET, 0, 4, -1}));
    EXPECT_EQ(get(b, 2).lock, (record_lock{F_WRLCK, SEEK_SET, 4, 0, -1}));
    EXPECT_EQ(get(b, 3).owner, 1U);  // the first who had any
    EXPECT_EQ(get(b, 0).owner, 1U);
    EXPECT_EQ(failure_of(protocol::close{a}), 0);
    EXPECT_EQ(set(b, 3, F_WRLCK, 0, 1), EAGAIN);
}

TEST_F(RecordLocks, TellWhetherTheOwnerHoldsAny) {
    const auto file = opened();
    const auto ask = [&](int type, std::int64_t start) {
        return client_.call(asking(file, 1, F_SETLK, type, start, 2)).reply.holds;
    };
    EXPECT_FALSE(ask(F_UNLCK, 0));
    EXPECT_TRUE(ask(F_RDLCK, 0));
    EXPECT_TRUE(ask(F_WRLCK, 4));
    EXPECT_TRUE(ask(F_UNLCK, 0));
    EXPECT_TRUE(get(file, 1).holds);
    EXPECT_FALSE(ask(F_UNLCK, 4));
    EXPECT_FALSE(get(file, 1).holds);
}

TEST_F(RecordLocks, EndWithTheirReleaseOrTheirOwner) {
    write_file(path("g"), "");
    const auto f = opened();
    const auto g = opened(O_RDWR, "g");
    EXPECT_EQ(set(f, 1, F_WRLCK), 0);
    EXPECT_EQ(set(g, 1, F_WRLCK), 0);
    EXPECT_EQ(failure_of(release_locks{f, 2}), 0);
    EXPECT_EQ(set(f, 2, F_RDLCK), EAGAIN);
    EXPECT_EQ(failure_of(release_locks{opened(O_RDONLY), 1}), 0);
    EXPECT_EQ(set(f, 2, F_RDLCK), 0);
    EXPECT_EQ(set(g, 2, F_RDLCK), EAGAIN);
    EXPECT_EQ(failure_of(end_lock_owner{1}), 0);
    EXPECT_EQ(set(g, 2, F_RDLCK), 0);
    EXPECT_EQ(failure_of(end_lock_owner{77}), 0);
}

TEST_F(RecordLocks, OfAReaderMoveWhenItAlsoWrites) {
    const auto reader = opened(O_RDONLY);
    const auto writer = opened(O_WRONLY);
    EXPECT_EQ(set(reader, 1, F_RDLCK, 0, 2), 0);
    EXPECT_EQ(set(reader, 1, F_WRLCK, 4, 2), EBADF);
    EXPECT_EQ(set(writer, 1, F_RDLCK, 4, 2), EBADF);
    EXPECT_EQ(set(writer, 1, F_WRLCK, 4, 2), 0);
    EXPECT_EQ(set(writer, 2, F_WRLCK, 1, 1), EAGAIN);
    EXPECT_EQ(set(writer, 2, F_WRLCK, 5, 1), EAGAIN);
    EXPECT_EQ(set(writer, 2, F_WRLCK, 2, 2), 0);
    EXPECT_EQ(set(reader, 1, F_RDLCK, 4, 2), 0);
    EXPECT_EQ(set(reader, 2, F_RDLCK, 5, 1), 0);
}

TEST_F(RecordLocks, ExcludeAnotherProcess) {
    const auto file = opened();
    neighbour other{path("f")};
    ASSERT_TRUE(other.has_it());
    EXPECT_EQ(set(file, 1, F_RDLCK), EAGAIN);
    EXPECT_EQ(get(file, 1).lock, (record_lock{F_WRLCK, SEEK_SET, 0, 0, other.pid()}));
    EXPECT_EQ(get(file, 1).owner, 0U);
    const auto waiting = client_.send(asking(file, 1, F_SETLKW, F_WRLCK, 0, 5));
    EXPECT_EQ(failure_of(stat_of(at(file))), 0);
    EXPECT_FALSE(client_.answered(waiting));
    other.end();
    EXPECT_EQ(client_.wait<lock_process>(waiting).failure, 0);
    EXPECT_EQ(set(file, 2, F_RDLCK, 4, 1), EAGAIN);

    const neighbour next{path("f")};
    EXPECT_EQ(set(file, 1, F_UNLCK), 0);
    EXPECT_TRUE(next.has_it());
}

TEST_F(RecordLocks, ThatWaitEndWithACancel) {
    const auto file = opened();
    EXPECT_EQ(set(file, 1, F_WRLCK), 0);
    const auto waiting = client_.send(asking(file, 2, F_SETLKW, F_WRLCK, 0, 0));
    EXPECT_EQ(set(file, 3, F_RDLCK), EAGAIN);
    client_.cancel(waiting);
    EXPECT_EQ(client_.wait<lock_process>(waiting).failure, EINTR);
    EXPECT_EQ(set(file, 1, F_UNLCK), 0);
    EXPECT_EQ(set(file, 3, F_WRLCK), 0);
}

// Whoever comes second to wait is told, and nobody can say which of the two that is.
TEST_F(RecordLocks, RefuseADeadlock) {
    const auto file = opened();
    for (std::uint64_t owner = 1; owner <= 3; ++owner) {
        EXPECT_EQ(set(file, owner, F_WRLCK, static_cast<std::int64_t>(owner), 1), 0);
    }
    std::map<request_id, std::uint64_t> waiting;
    for (std::uint64_t owner = 1; owner <= 3; ++owner) {
        const auto next = static_cast<std::int64_t>(owner % 3 + 1);
        waiting[client_.send(asking(file, owner, F_SETLKW, F_WRLCK, next, 1))] = owner;
    }
    const auto first = client_.wait_any();
    EXPECT_EQ(client_.wait<lock_process>(first).failure, EDEADLK);
    auto freed = waiting.at(first);
    waiting.erase(first);
    // Each one that gives up its own lets the one before it go on.
    while (!waiting.empty()) {
        EXPECT_EQ(failure_of(release_locks{file, freed}), 0);
        const auto next = client_.wait_any();
        EXPECT_EQ(client_.wait<lock_process>(next).failure, 0);
        EXPECT_EQ(waiting.at(next) % 3 + 1, freed);
        freed = waiting.at(next);
        waiting.erase(next);
    }
}

TEST_F(RecordLocks, OfAnOwnerThatEndedAreNeverTaken) {
    const auto file = opened();
    EXPECT_EQ(set(file, 1, F_WRLCK), 0);
    const auto waiting = client_.send(asking(file, 2, F_SETLKW, F_WRLCK, 0, 0));
    EXPECT_EQ(failure_of(end_lock_owner{2}), 0);
    EXPECT_EQ(set(file, 1, F_UNLCK), 0);
    EXPECT_EQ(client_.wait<lock_process>(waiting).failure, EINTR);
    EXPECT_EQ(set(file, 3, F_WRLCK), 0);
}

TEST_F(RecordLocks, EndWithTheConnection) {
    const auto file = opened();
    EXPECT_EQ(set(file, 1, F_WRLCK), 0);
    const neighbour other{path("f")};
    client_.disconnect();
    EXPECT_TRUE(other.has_it());
}

TEST_F(RecordLocks, OfTwoClientsExcludeEachOther) {
    auto second = agent_.session(true);
    const auto file = opened();
    EXPECT_EQ(set(file, 1, F_WRLCK), 0);
    const auto theirs = second.call(open_of("/f")).reply.handle;
    EXPECT_EQ(second.call(asking(theirs, 1, F_SETLK, F_RDLCK, 0, 0)).failure, EAGAIN);
    EXPECT_EQ(second.call(asking(theirs, 1, F_GETLK, F_RDLCK, 0, 0)).reply.owner, 0U);
    EXPECT_EQ(set(file, 1, F_UNLCK), 0);
    EXPECT_EQ(second.call(asking(theirs, 1, F_SETLK, F_RDLCK, 0, 0)).failure, 0);
    EXPECT_EQ(second.call(asking(theirs, 1, F_SETLK, F_WRLCK, 0, 0)).failure, EBADF);
}

// As fcntl(2) of this process answers to the same lock.
TEST_F(RecordLocks, RefuseWhatTheKernelRefuses) {
    const auto file = opened();
    const unique_fd native{::open(path("f").c_str(), O_RDWR | O_CLOEXEC)};
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    const record_lock odd[] = {
        {F_WRLCK, SEEK_SET, -1, 0, 0},
        {F_WRLCK, SEEK_SET, 0, -1, 0},
        {F_WRLCK, SEEK_SET, 5, -5, 0},
        {F_WRLCK, SEEK_SET, 5, -6, 0},
        {F_WRLCK, SEEK_SET, most, 1, 0},
        {F_WRLCK, SEEK_SET, most, 2, 0},
        {F_WRLCK, SEEK_END, most, 0, 0},
        {F_WRLCK, SEEK_END, -10, 10, 0},
        {F_WRLCK, SEEK_END, -11, 1, 0},
        {F_WRLCK, 7, 0, 0, 0},
        {7, SEEK_SET, 0, 0, 0},
        {F_WRLCK, SEEK_SET, 1, most, 0},
        {F_WRLCK, SEEK_SET, 2, most, 0},
        {F_UNLCK, SEEK_SET, -1, 0, 0},
        {F_UNLCK, SEEK_SET, 0, 0, 5},
    };
    for (const auto& lock : odd) {
        for (const int command : {F_SETLK, F_GETLK}) {
            struct flock asked {};

            asked.l_type = lock.type;
            asked.l_whence = lock.whence;
            asked.l_start = lock.start;
            asked.l_len = lock.bytes;
            asked.l_pid = lock.pid;
            const int failure = ::fcntl(native.get(), command, &asked) == 0 ? 0 : errno;
            asked.l_type = F_UNLCK;
            asked.l_whence = SEEK_SET;
            asked.l_start = asked.l_len = 0;
            ::fcntl(native.get(), F_SETLK, &asked);
            const lock_process request{file, 1, static_cast<std::uint32_t>(command), lock};
            EXPECT_EQ(failure_of(request), failure)
                << command << ' ' << lock.whence << ' ' << lock.start << ' ' << lock.bytes;
            EXPECT_EQ(failure_of(release_locks{file, 1}), 0);
        }
    }
    EXPECT_EQ(failure_of(asking(file, 1, F_OFD_SETLK, F_WRLCK, 0, 0)), EINVAL);
    EXPECT_EQ(failure_of(asking(opened(O_PATH), 1, F_SETLK, F_WRLCK, 0, 0)), EBADF);
    EXPECT_EQ(failure_of(asking(handle_id{99}, 1, F_SETLK, F_WRLCK, 0, 0)), EBADF);
}

TEST_F(RecordLocks, OfAnOwnerAreToldToOpenFileLocks) {
    const auto file = opened();
    EXPECT_EQ(set(file, 4, F_WRLCK, 1, 2), 0);
    const auto asked = client_.call(asking(file, 0, F_OFD_GETLK, F_RDLCK, 0, 0));
    EXPECT_EQ(asked.reply.owner, 4U);
    EXPECT_EQ(asked.reply.lock, (record_lock{F_WRLCK, SEEK_SET, 1, 2, -1}));
    const record_lock all{F_WRLCK, SEEK_SET, 0, 0, 0};
    EXPECT_EQ(failure_of(lock_record{file, F_OFD_SETLK, all}), EAGAIN);
    EXPECT_EQ(failure_of(release_locks{file, 4}), 0);
    EXPECT_EQ(failure_of(lock_record{file, F_OFD_SETLK, all}), 0);
    EXPECT_EQ(set(file, 4, F_RDLCK), EAGAIN);
    EXPECT_EQ(get(file, 4).owner, 0U);
    EXPECT_EQ(get(file, 4).lock.pid, -1);
}

}  // namespace
}  // namespace farside::agent::test
