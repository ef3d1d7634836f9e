// Open files: what their positions do, and when they are closed at the agent.
#include "tests/layer/session/session_harness.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <thread>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

namespace farside::session::testing {
namespace {

using segment::call;
using segment::position_current;

// One file at the agent, opened as often as one likes; handles count from 1.
class OpenFiles : public ::testing::Test {
protected:
    void SetUp() override {
        auto& agent = harness.agent();
        agent.on<protocol::open>([this](const protocol::open& request) {
            protocol::open_reply reply;
            reply.handle = protocol::handle_id{++handles};
            reply.attr.mode = mode;
            appends = (request.flags & O_APPEND) != 0;
            return reply;
        });
        agent.on<protocol::read>([this](const protocol::read& request) { return read(request); });
        agent.on<protocol::write>([this](const protocol::write& request) { return write(request); }
        );
        agent.on<protocol::seek>([this](const protocol::seek& request) {
            protocol::position_reply reply;
            reply.position = static_cast<std::int64_t>(content.size()) + request.offset;
            return reply;
        });
        ASSERT_EQ(harness.start(), "");
    }

    agent_answer<protocol::read> read(const protocol::read& request) {
        if (request.offset < 0 && !S_ISFIFO(mode)) {
            return EINVAL;
        }
        const auto at = std::min(
            static_cast<std::size_t>(std::max<std::int64_t>(request.offset, 0)), content.size()
        );
        const auto bytes = std::min<std::size_t>(request.bytes, content.size() - at);
        protocol::read_reply reply;
        reply.data.bytes = std::as_bytes(std::span{content}).subspan(at, bytes);
        return reply;
    }

    agent_answer<protocol::write> write(const protocol::write& request) {
        if (full) {
            return ENOSPC;
        }
        const auto bytes = std::min(request.data.bytes.size(), accepts);
        const bool streams = request.offset < 0;  // a FIFO
        const bool at_end = streams || appends || (request.sync_flags & RWF_APPEND) != 0;
        const auto at = at_end ? content.size() : static_cast<std::size_t>(request.offset);
        content.resize(std::max(content.size(), at + bytes));
        for (std::size_t i = 0; i < bytes; ++i) {
            content[at + i] = static_cast<char>(request.data.bytes[i]);
        }
        protocol::write_reply reply;
        reply.bytes = static_cast<std::uint32_t>(bytes);
        reply.position = static_cast<std::int64_t>(at + bytes);
        return reply;
    }

    remote_file open(int flags = O_RDWR) {
        auto file = caller.open("/srv/file", flags);
        EXPECT_EQ(file.opened.result, 0);
        return file;
    }

    std::int64_t seek(const remote_file& file, std::int64_t offset, int whence) {
        return caller.on(call::seek, file.id, {offset, whence}).result;
    }

    struct pending_read {
        std::uint32_t slot;
        protocol::request_id request;
    };

    // A read that came to the agent, which does not answer it before end_read.
    pending_read begin_read(const remote_file& file, std::int64_t bytes = 1) {
        harness.agent().on<protocol::read>([](const protocol::read&) {
            return agent_answer<protocol::read>{};
        });
        question q;
        q.op = call::read;
        q.arguments = {static_cast<std::int64_t>(file.id), position_current, bytes};
        const auto slot = caller.claim();
        caller.fill(slot, q);
        EXPECT_TRUE(caller.post(slot));
        return {slot, harness.agent().await(protocol::opcode::read).id};
    }

    void end_read(pending_read pending) {
        harness.agent().reply<protocol::read>(pending.request, {});
        EXPECT_EQ(caller.await(pending.slot).result, 0);
    }

    std::string content = "0123456789";
    std::uint64_t handles = 0;
    std::uint32_t mode = S_IFREG | 0644;
    bool appends = false;
    bool full = false;
    std::size_t accepts = segment::data_room;
    session_harness harness;
    const fake_caller& caller = harness.caller();
};

TEST_F(OpenFiles, ReadMovesThePosition) {
    const auto file = open();
    EXPECT_EQ(caller.read(file.id, 4).data, "0123");
    EXPECT_EQ(caller.read(file.id, 4).data, "4567");
    EXPECT_EQ(caller.read(file.id, 4).data, "89");
    EXPECT_EQ(caller.read(file.id, 4).result, 0);
    EXPECT_EQ(caller.entry(file.id).position.load(), 10);
}

TEST_F(OpenFiles, ReadAtAnOffsetDoesNot) {
    const auto file = open();
    EXPECT_EQ(caller.on(call::read, file.id, {6, 2}).data, "67");
    EXPECT_EQ(caller.entry(file.id).position.load(), 0);
}

TEST_F(OpenFiles, WriteMovesThePositionByWhatWasWritten) {
    const auto file = open();
    EXPECT_EQ(caller.write(file.id, "abc").result, 3);
    EXPECT_EQ(caller.entry(file.id).position.load(), 3);
    accepts = 2;
    EXPECT_EQ(caller.write(file.id, "defg").result, 2);
    EXPECT_EQ(caller.entry(file.id).position.load(), 5);
    full = true;
    EXPECT_EQ(caller.write(file.id, "h").result, -ENOSPC);
    EXPECT_EQ(caller.entry(file.id).position.load(), 5);
    EXPECT_EQ(content, "abcde56789");
}

TEST_F(OpenFiles, AppendTellsWhereItWas) {
    const auto file = open(O_RDWR | O_APPEND);
    EXPECT_EQ(caller.write(file.id, "abc").result, 3);
    EXPECT_EQ(caller.entry(file.id).position.load(), 13);
    EXPECT_EQ(content, "0123456789abc");
}

TEST_F(OpenFiles, OneWriteMayAppendToo) {
    const auto file = open();
    EXPECT_EQ(caller.on(call::write, file.id, {position_current, RWF_APPEND}, "x").result, 1);
    EXPECT_EQ(caller.entry(file.id).position.load(), 11);
    EXPECT_EQ(content, "0123456789x");
}

TEST_F(OpenFiles, SeeksFromEverywhere) {
    const auto file = open();
    EXPECT_EQ(seek(file, 5, SEEK_SET), 5);
    EXPECT_EQ(seek(file, 2, SEEK_CUR), 7);
    EXPECT_EQ(seek(file, -3, SEEK_CUR), 4);
    EXPECT_EQ(seek(file, -5, SEEK_CUR), -EINVAL);
    EXPECT_EQ(seek(file, -1, SEEK_SET), -EINVAL);
    EXPECT_EQ(seek(file, 3, SEEK_END), 13);
    EXPECT_EQ(seek(file, 0, SEEK_DATA), 10);  // as this agent answers all of them
    EXPECT_EQ(seek(file, 0, SEEK_HOLE), 10);
    EXPECT_EQ(seek(file, 0, 5), -EINVAL);
    EXPECT_EQ(seek(file, INT64_MAX, SEEK_CUR), -EINVAL);
    EXPECT_EQ(caller.entry(file.id).position.load(), 10);
    EXPECT_EQ(caller.read(file.id, 1).result, 0);
}

TEST_F(OpenFiles, ReadsAgainWhereThePositionWasMovedMeanwhile) {
    const auto file = open();
    harness.agent().on<protocol::read>([&](const protocol::read& request) {
        if (request.offset == 0) {
            caller.entry(file.id).position.store(5);  // lseek(2) in another process
        }
        return read(request);
    });
    EXPECT_EQ(caller.read(file.id, 2).data, "56");
    EXPECT_EQ(caller.entry(file.id).position.load(), 7);
}

TEST_F(OpenFiles, ReadEndsThoughThePositionNeverRests) {
    const auto file = open();
    harness.agent().on<protocol::read>([&](const protocol::read& request) {
        caller.entry(file.id).position.store(request.offset + 1);
        return read(request);
    });
    EXPECT_EQ(caller.read(file.id, 2).result, 2);
    EXPECT_LE(harness.agent().count(protocol::opcode::read), 4U);
}

TEST_F(OpenFiles, WritesOfManyThreadsDoNotOverlap) {
    content.clear();
    const auto file = open();
    std::vector<std::thread> threads;
    for (char c = 'a'; c < 'e'; ++c) {
        threads.emplace_back([&, c] {
            for (int i = 0; i < 50; ++i) {
                EXPECT_EQ(caller.write(file.id, std::string(10, c)).result, 10);
            }
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    ASSERT_EQ(content.size(), 4U * 50 * 10);
    for (std::size_t i = 0; i < content.size(); i += 10) {
        EXPECT_EQ(content.substr(i, 10), std::string(10, content[i]));
    }
}

TEST_F(OpenFiles, RefuseWhatTheirFlagsForbid) {
    const auto reader = open(O_RDONLY);
    EXPECT_EQ(caller.write(reader.id, "x").result, -EBADF);
    const auto writer = open(O_WRONLY);
    EXPECT_EQ(caller.read(writer.id, 1).result, -EBADF);
    const auto path = open(O_PATH | O_RDWR);
    EXPECT_EQ(caller.read(path.id, 1).result, -EBADF);
    EXPECT_EQ(caller.write(path.id, "x").result, -EBADF);
    EXPECT_EQ(seek(path, 0, SEEK_SET), -EBADF);
    EXPECT_EQ(caller.entry(path.id).flags.load(), static_cast<std::uint32_t>(O_PATH));
}

TEST_F(OpenFiles, RefuseOffsetsAndSizesThatAreNone) {
    const auto file = open();
    EXPECT_EQ(caller.on(call::read, file.id, {-2, 1}).result, -EINVAL);
    EXPECT_EQ(caller.on(call::write, file.id, {-2, 0}, "x").result, -EINVAL);
    EXPECT_EQ(caller.read(file.id, segment::data_room + 1).result, -EINVAL);
    EXPECT_EQ(caller.read(file.id, -1).result, -EINVAL);
    caller.entry(file.id).position.store(-7);
    EXPECT_EQ(caller.read(file.id, 1).result, -EINVAL);
    EXPECT_EQ(caller.write(file.id, "x").result, -EINVAL);
    caller.entry(file.id).position.store(INT64_MAX);
    EXPECT_EQ(caller.write(file.id, "x").result, -EFBIG);
}

TEST_F(OpenFiles, StreamsHaveNoPosition) {
    mode = S_IFIFO | 0644;
    const auto file = open();
    EXPECT_EQ(caller.read(file.id, 2).data, "01");
    EXPECT_EQ(caller.read(file.id, 2).data, "01");
    const auto seen = harness.agent().await(protocol::opcode::read, 2);
    EXPECT_EQ(protocol::decode<protocol::read>(seen.payload).value().offset, -1);
    EXPECT_EQ(caller.entry(file.id).position.load(), 0);
}

// A read from a FIFO waits for a writer; nothing else waits for it.
TEST_F(OpenFiles, StreamsDoNotTakeTurns) {
    mode = S_IFIFO | 0644;
    const auto file = open();
    const auto pending = begin_read(file, 10);
    harness.agent().on<protocol::write>([](const protocol::write&) {
        protocol::write_reply reply;
        reply.bytes = 1;
        return reply;
    });
    EXPECT_EQ(caller.write(file.id, "x").result, 1);
    protocol::read_reply reply;
    reply.data.bytes = std::as_bytes(std::span{content}).first(1);
    harness.agent().reply<protocol::read>(pending.request, reply);
    EXPECT_EQ(caller.await(pending.slot).data, "0");
}

TEST_F(OpenFiles, RefuseMoreBytesThanWereAskedFor) {
    const auto file = open();
    harness.agent().on<protocol::read>([&](const protocol::read&) {
        protocol::read_reply reply;
        reply.data.bytes = std::as_bytes(std::span{content});
        return reply;
    });
    EXPECT_EQ(caller.read(file.id, 3).result, -EIO);
    EXPECT_FALSE(harness.inspect([](session_core& core) { return core.link().usable(); }));
}

// ---- opening and closing ----

TEST_F(OpenFiles, TellFlagsAndModeInTheSegment) {
    const auto file = open(O_RDWR | O_CREAT | O_TRUNC | O_NONBLOCK | O_CLOEXEC);
    constexpr std::uint32_t large_file = 0100000;
    EXPECT_EQ(caller.entry(file.id).flags.load(), O_RDWR | O_NONBLOCK | large_file);
    EXPECT_EQ(caller.entry(file.id).mode.load(), mode);
    harness.agent().on<protocol::set_flags>([](const protocol::set_flags&) {
        return protocol::empty_reply{};
    });
    EXPECT_EQ(caller.on(call::set_flags, file.id, {O_APPEND | O_WRONLY | O_CREAT}).result, 0);
    EXPECT_EQ(caller.entry(file.id).flags.load(), O_RDWR | O_APPEND | large_file);
}

TEST_F(OpenFiles, NeedAClaim) {
    EXPECT_EQ(caller.at(call::open, "/srv/file", {0, O_RDONLY, 0, 0, 0}).result, -EINVAL);
    EXPECT_EQ(caller.at(call::open, "/srv/file", {12, O_RDONLY, 0, 0, 0}).result, -EINVAL);
    const auto file = open();
    const auto twice = static_cast<std::int64_t>(file.id);
    EXPECT_EQ(caller.at(call::open, "/srv/file", {twice, O_RDONLY, 0, 0, 0}).result, -EINVAL);
    EXPECT_EQ(caller.read(file.id, 1).data, "0");
}

TEST_F(OpenFiles, GiveBackTheClaimOfAnOpenThatFailed) {
    harness.agent().on<protocol::open>([](const protocol::open&) { return ENOENT; });
    const auto file = caller.open("/srv/file");
    EXPECT_EQ(file.opened.result, -ENOENT);
    EXPECT_EQ(caller.entry(file.id).id.load(), 0U);
}

TEST_F(OpenFiles, AreClosedWithTheirLastDescriptor) {
    auto file = open();
    unique_fd second{::dup(file.fd.get())};
    EXPECT_EQ(caller.close(file), 0);  // not the last one
    EXPECT_EQ(caller.read(file.id, 1).data, "0");
    second.reset();
    EXPECT_EQ(caller.on(call::close, file.id).result, 0);
    const auto seen = harness.agent().await(protocol::opcode::close);
    EXPECT_EQ(
        protocol::decode<protocol::close>(seen.payload).value().handle, protocol::handle_id{1}
    );
    EXPECT_EQ(caller.read(file.id, 1).result, -EBADF);
    EXPECT_EQ(caller.entry(file.id).id.load(), 0U);
    EXPECT_EQ(caller.on(call::close, file.id).result, 0);  // two closers may both find it gone
    EXPECT_EQ(harness.agent().count(protocol::opcode::close), 1U);
}

TEST_F(OpenFiles, ClosingIsNotWaitedFor) {
    harness.agent().on<protocol::close>([](const protocol::close&) {
        return agent_answer<protocol::close>{};
    });
    auto file = open();
    EXPECT_EQ(caller.close(file), 0);
    harness.agent().await(protocol::opcode::close);
    harness.end();
    const auto& stats = harness.final_stats();
    EXPECT_EQ(stats.of(session_stats::phase::program, protocol::opcode::close).requests, 1U);
    EXPECT_EQ(stats.of(session_stats::phase::program, protocol::opcode::close).round_trips, 0U);
}

TEST_F(OpenFiles, AreClosedAtTheAgentWhenTheLastCallOnThemEnded) {
    mode = S_IFIFO | 0644;
    auto file = open();
    const auto pending = begin_read(file);
    EXPECT_EQ(caller.close(file), 0);
    harness.agent().on<protocol::access>([](const protocol::access&) {
        return protocol::empty_reply{};
    });
    EXPECT_EQ(caller.at(call::access, "/srv").result, 0);
    EXPECT_EQ(harness.agent().count(protocol::opcode::close), 0U);
    end_read(pending);
    harness.agent().await(protocol::opcode::close);
}

// Whoever opens a FIFO after its only reader ended must wait for another one.
TEST_F(OpenFiles, FifosWithoutADescriptorAreClosedBeforeTheNextCall) {
    mode = S_IFIFO | 0644;
    std::vector<remote_file> writers;
    for (std::size_t i = 0; i < 20; i += 2) {
        auto reader = open();
        reader.fd.reset();
        writers.push_back(open());
        EXPECT_EQ(harness.agent().count(protocol::opcode::close), i + 1);
        auto other = open();
        other.fd.reset();
        EXPECT_EQ(caller.write(writers.back().id, "x").result, 1);
        EXPECT_EQ(harness.agent().count(protocol::opcode::close), i + 2);
    }
}

TEST_F(OpenFiles, FifosThatACallUsesStayOpenUntilItEnds) {
    mode = S_IFIFO | 0644;
    auto file = open();
    const auto pending = begin_read(file);
    file.fd.reset();
    const auto other = open();
    EXPECT_EQ(harness.agent().count(protocol::opcode::close), 0U);
    end_read(pending);
    harness.agent().await(protocol::opcode::close);
}

TEST_F(OpenFiles, AreClosedWhenTheirProcessIsKilled) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        const auto one = caller.open("/srv/one");
        const auto two = caller.open("/srv/two");
        for (;;) {
            ::pause();
        }
    }
    harness.agent().await(protocol::opcode::open, 2);
    ASSERT_TRUE(harness.eventually([](session_core& core) { return core.files().size() == 2; }));
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    harness.agent().await(protocol::opcode::close, 2);
    EXPECT_TRUE(harness.eventually([](session_core& core) { return core.files().size() == 0; }));
}

TEST_F(OpenFiles, LiveOnInAnotherProcess) {
    auto file = open();
    int gate[2];
    ASSERT_EQ(::pipe(gate), 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
        char c = 0;
        ::close(gate[1]);
        [[maybe_unused]] const auto n = ::read(gate[0], &c, 1);
        ::_exit(caller.read(file.id, 2).data == "12" ? 0 : 1);
    }
    EXPECT_EQ(caller.read(file.id, 1).data, "0");
    EXPECT_EQ(caller.close(file), 0);
    ::close(gate[1]);
    int status = 0;
    ::waitpid(pid, &status, 0);
    EXPECT_EQ(status, 0);
    ::close(gate[0]);
    harness.agent().await(protocol::opcode::close);
}

// No death, no call: only the descriptor is gone.
TEST_F(OpenFiles, AreClosedWhenADescriptorIsDroppedWithoutAWord) {
    std::vector<remote_file> files;
    for (int i = 0; i < 3; ++i) {
        files.push_back(open());
    }
    files[1].fd.reset();
    const auto seen = harness.agent().await(protocol::opcode::close);
    EXPECT_EQ(
        protocol::decode<protocol::close>(seen.payload).value().handle, protocol::handle_id{2}
    );
    EXPECT_EQ(caller.read(files[0].id, 1).data, "0");
    EXPECT_EQ(caller.read(files[2].id, 1).data, "0");
}

TEST_F(OpenFiles, TenThousandAreOpenAndClosedAtOnce) {
    constexpr std::size_t count = 10'000;

    struct rlimit limit {};

    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < count + 100) {
        GTEST_SKIP() << "this machine allows " << limit.rlim_cur << " descriptors";
    }
    std::vector<remote_file> files;
    for (std::size_t i = 0; i < count; ++i) {
        files.push_back(open());
    }
    EXPECT_EQ(harness.inspect([](session_core& core) { return core.files().size(); }), count);
    EXPECT_EQ(caller.read(files[count / 2].id, 1).data, "0");
    files.erase(files.begin(), files.end() - 10);
    ASSERT_TRUE(harness.eventually([](session_core& core) { return core.files().size() == 10; }));
    harness.agent().await(protocol::opcode::close, count - 10);
    EXPECT_EQ(caller.read(files[0].id, 1).data, "0");
}

TEST_F(OpenFiles, ReclaimFreesClaimsOfTheDead) {
    auto file = caller.make_descriptor();
    caller.entry(file.id).id.store(file.id);
    EXPECT_EQ(caller.on(call::reclaim, 0).result, 0);
    EXPECT_EQ(caller.entry(file.id).id.load(), file.id);  // it lives
    file.fd.reset();
    // The first look suspects, a later one frees: the claim may be an instant old.
    EXPECT_EQ(caller.on(call::reclaim, 0).result + caller.on(call::reclaim, 0).result, 1);
    EXPECT_EQ(caller.entry(file.id).id.load(), 0U);
}

}  // namespace
}  // namespace farside::session::testing
