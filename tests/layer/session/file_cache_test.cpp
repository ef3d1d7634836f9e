// The bytes of leased files: what is asked of the agent and how often, and that nothing is answered
// from what no longer holds, whatever the agent says and when.
#include "tests/layer/session/session_harness.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace farside::session::testing {
namespace {

using protocol::opcode;
using segment::call;

constexpr std::size_t K = 1024;
constexpr std::size_t frame_bytes = protocol::limits::data_bytes_max;

// Other bytes for each generation.
std::string content_of(std::size_t bytes, unsigned generation) {
    std::string content(bytes, '\0');
    for (std::size_t i = 0; i < bytes; ++i) {
        content[i] = static_cast<char>((i * 31 + i / 251 + generation * 7) & 0x7f);
    }
    return content;
}

std::span<const std::byte> bytes_of(const std::string& text) {
    return std::as_bytes(std::span{text});
}

// An agent with one file, which it leases.
class FileCache : public ::testing::Test {
protected:
    using split_read = fake_agent::split_reply<protocol::read>;
    using split_open = fake_agent::split_reply<protocol::open_leased>;

    void SetUp() override {
        auto& agent = harness.agent();
        agent.on_split<protocol::open_leased>([this](const auto& request, const auto& reply) {
            open(request, reply);
        });
        agent.on<protocol::open>([this](const protocol::open& request) {
            plain_opens.push_back(request);
            protocol::open_reply reply;
            reply.handle = protocol::handle_id{++handles};
            reply.attr = attributes();
            return reply;
        });
        agent.on_split<protocol::read>([this](const auto& request, const auto& reply) {
            reads.push_back(request);
            if (before_read) {
                before_read(reply);
            }
            read(request, reply);
        });
        agent.on<protocol::stat>([this](const protocol::stat&) {
            protocol::attributes_reply reply;
            reply.attr = attributes();
            return reply;
        });
        agent.on<protocol::lock_file>([this](const protocol::lock_file& request) {
            locked = request.handle;
            return protocol::empty_reply{};
        });
        agent.on<protocol::access>([](const protocol::access&) { return protocol::empty_reply{}; });
        ASSERT_EQ(harness.start(), "");
        // How much is asked for depends on the link: a busy machine must not make it a slow one.
        for (int i = 0; i < 10; ++i) {
            ASSERT_EQ(caller.at(call::access, "/srv/other", {W_OK, 0}).result, 0);
        }
    }

    protocol::attributes attributes() const {
        protocol::attributes attr;
        attr.mode = S_IFREG | 0644;
        attr.links = 1;
        attr.inode = 5;
        attr.size = told_size.value_or(content.size());
        return attr;
    }

    void open(const protocol::open_leased& request, const split_open& reply) {
        protocol::open_leased_reply answer;
        answer.handle = protocol::handle_id{++handles};
        answer.attr = attributes();
        answer.leased = leases;
        if (leases) {
            const auto bytes = std::min<std::size_t>(request.inline_bytes, content.size());
            answer.data.bytes = bytes_of(content).first(bytes);
        }
        if (ends_before_reply) {
            reply.push(ended({answer.handle}));
        }
        reply.frame(answer, protocol::more_frames::no);
    }

    void read(const protocol::read& request, const split_read& reply) const {
        const auto at = std::min(static_cast<std::size_t>(request.offset), content.size());
        auto rest = bytes_of(content).subspan(at);
        rest = rest.first(std::min<std::size_t>(rest.size(), request.bytes));
        while (true) {
            const auto part = std::min(rest.size(), frame_bytes);
            protocol::read_reply answer;
            answer.data.bytes = rest.first(part);
            rest = rest.subspan(part);
            reply.frame(
                answer, rest.empty() ? protocol::more_frames::no : protocol::more_frames::yes
            );
            if (rest.empty()) {
                return;
            }
        }
    }

    protocol::changes ended(std::vector<protocol::handle_id> which) {
        protocol::changes notice;
        notice.number = ++notices;
        notice.ended = std::move(which);
        return notice;
    }

    // What was pushed so far has come.
    void settle() { EXPECT_EQ(caller.at(call::stat, "/srv/other").result, 0); }

    std::string read_all(std::uint64_t id, std::size_t step = 128 * K) {
        std::string all;
        for (;;) {
            const auto part = caller.read(id, static_cast<std::int64_t>(step));
            EXPECT_GE(part.result, 0);
            all += part.data;
            if (part.result <= 0) {
                return all;
            }
        }
    }

    std::string read_at(std::uint64_t id, std::int64_t offset, std::int64_t bytes) {
        return caller.on(call::read, id, {offset, bytes}).data;
    }

    // No byte of the file was asked for twice.
    void expect_disjoint_reads() {
        auto sorted = reads;
        std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
            return a.offset < b.offset;
        });
        for (std::size_t i = 1; i < sorted.size(); ++i) {
            EXPECT_GE(sorted[i].offset, sorted[i - 1].offset + sorted[i - 1].bytes);
        }
    }

    std::string content = "some bytes";
    std::optional<std::size_t> told_size;
    bool leases = true;
    bool ends_before_reply = false;
    std::function<void(const split_read&)> before_read;
    std::vector<protocol::read> reads;
    std::vector<protocol::open> plain_opens;
    protocol::handle_id locked = protocol::no_handle;
    std::uint64_t handles = 0;
    std::uint64_t notices = 0;
    session_harness harness;
    const fake_caller& caller = harness.caller();
};

// ---- how often the agent is asked ----

TEST_F(FileCache, ASmallFileComesWithItsOpen) {
    const auto file = caller.open("/srv/file");
    ASSERT_EQ(file.opened.result, 0);
    EXPECT_EQ(read_all(file.id), content);
    EXPECT_EQ(read_all(file.id), "");
    EXPECT_EQ(read_at(file.id, 5, 100), "bytes");
    EXPECT_EQ(read_at(file.id, 4000, 100), "");
    EXPECT_TRUE(reads.empty());
}

TEST_F(FileCache, TheBytesArePublished) {
    const auto file = caller.open("/srv/file");
    EXPECT_NE(caller.entry(file.id).data.load(), 0U);
}

TEST_F(FileCache, AnEmptyFileIsKnownToBeEmpty) {
    content = "";
    const auto file = caller.open("/srv/file");
    EXPECT_EQ(read_all(file.id), "");
    EXPECT_TRUE(reads.empty());
}

TEST_F(FileCache, AFileOfWholeBlocksEndsThere) {
    content = content_of(3 * 64 * K, 1);
    const auto file = caller.open("/srv/file");
    EXPECT_TRUE(read_all(file.id) == content);
    const auto asked = reads.size();
    EXPECT_EQ(read_at(file.id, 3 * 64 * K, 10), "");
    EXPECT_EQ(read_at(file.id, 3 * 64 * K - 1, 10).size(), 1U);
    EXPECT_EQ(reads.size(), asked);
}

TEST_F(FileCache, AStreamIsReadAheadAndNoByteComesTwice) {
    content = content_of(5 * 1024 * K + 77, 1);
    for (const std::size_t step : {4 * K, 64 * K, 128 * K, 10000 * std::size_t{1}}) {
        SCOPED_TRACE(step);
        reads.clear();
        auto file = caller.open("/srv/file");
        EXPECT_TRUE(read_all(file.id, step) == content);
        expect_disjoint_reads();
        // How large the requests are depends on the link; the smallest is a block.
        EXPECT_LE(reads.size(), content.size() / (64 * K) + 2);
        EXPECT_EQ(caller.close(file), 0);
    }
}

TEST_F(FileCache, ReadersOfOneFileDoNotDisturbEachOther) {
    content = content_of(1024 * K, 1);
    const auto one = caller.open("/srv/file");
    const auto two = caller.open("/srv/file");
    std::string first;
    std::string second;
    for (std::size_t at = 0; at < content.size(); at += 128 * K) {
        first += caller.read(one.id, 128 * K).data;
        second += caller.read(two.id, 128 * K).data;
    }
    EXPECT_TRUE(first == content);
    EXPECT_TRUE(second == content);
}

TEST_F(FileCache, AReadElsewhereAsksForNoMore) {
    content = content_of(4 * 1024 * K, 1);
    told_size =
        2 * random_reads::whole_bytes_max;  // else a fast link may be a reason for the block
    const auto file = caller.open("/srv/file");
    EXPECT_EQ(read_at(file.id, 1'000'000, 4096), content.substr(1'000'000, 4096));
    ASSERT_EQ(reads.size(), 1U);
    EXPECT_EQ(reads[0].offset, 1'000'000);
    EXPECT_EQ(reads[0].bytes, 4096U);
    // A second time in the same block, the block.
    EXPECT_EQ(read_at(file.id, 990'000, 10), content.substr(990'000, 10));
    ASSERT_EQ(reads.size(), 2U);
    EXPECT_EQ(reads[1].offset, 983'040);
    EXPECT_EQ(reads[1].bytes, 64 * K);
    EXPECT_EQ(read_at(file.id, 1'000'000, 4096), content.substr(1'000'000, 4096));
    EXPECT_EQ(reads.size(), 2U);
}

TEST_F(FileCache, WithoutALeaseEveryReadAsks) {
    leases = false;
    const auto file = caller.open("/srv/file");
    EXPECT_EQ(caller.entry(file.id).data.load(), 0U);
    EXPECT_EQ(read_at(file.id, 0, 100), content);
    content = "other bytes";
    EXPECT_EQ(read_at(file.id, 0, 100), content);
    EXPECT_EQ(reads.size(), 2U);
}

TEST_F(FileCache, OnlyPlainReadersAskForALease) {
    const int others[] = {
        O_RDWR,
        O_WRONLY,
        O_RDONLY | O_TRUNC,
        O_PATH,
        O_RDONLY | O_DIRECTORY,
        O_RDONLY | O_DIRECT,
        O_RDONLY | O_NOATIME,
    };
    for (const int flags : others) {
        const auto before = harness.agent().count(opcode::open_leased);
        EXPECT_EQ(caller.open("/srv/file", flags).opened.result, 0) << flags;
        EXPECT_EQ(harness.agent().count(opcode::open_leased), before) << flags;
    }
    for (const int flags : {O_RDONLY | O_NONBLOCK, O_RDONLY | O_NOFOLLOW, O_RDONLY | O_CREAT}) {
        const auto before = harness.agent().count(opcode::open_leased);
        EXPECT_EQ(caller.open("/srv/file", flags).opened.result, 0) << flags;
        EXPECT_EQ(harness.agent().count(opcode::open_leased), before + 1) << flags;
    }
}

TEST_F(FileCache, AHandleIsClosedOnceWithItsFile) {
    auto file = caller.open("/srv/file");
    EXPECT_EQ(caller.close(file), 0);
    harness.agent().await(opcode::close);
    settle();
    EXPECT_EQ(harness.agent().count(opcode::close), 1U);
}

TEST_F(FileCache, ALockTakesTheHandleForItself) {
    auto file = caller.open("/srv/file");
    EXPECT_EQ(caller.on(call::lock_file, file.id, {LOCK_SH}).result, 0);
    EXPECT_EQ(locked, protocol::handle_id{1});
    EXPECT_TRUE(plain_opens.empty());  // nobody else uses it
    EXPECT_EQ(read_all(file.id), content);
    EXPECT_EQ(caller.close(file), 0);
    harness.agent().await(opcode::close);
    settle();
    EXPECT_EQ(harness.agent().count(opcode::close), 1U);
}

// ---- leases that end ----

TEST_F(FileCache, AfterTheNoticeTheAgentIsAsked) {
    const auto file = caller.open("/srv/file");
    EXPECT_EQ(read_at(file.id, 0, 100), content);
    content = "what was written then";
    harness.agent().push(ended({protocol::handle_id{1}}));
    settle();
    EXPECT_EQ(read_at(file.id, 0, 100), content);
    EXPECT_EQ(read_at(file.id, 0, 100), content);
    EXPECT_EQ(reads.size(), 2U);
}

TEST_F(FileCache, AllLeasesMayEndAtOnce) {
    const auto file = caller.open("/srv/file");
    content = "what was written then";
    protocol::changes notice;
    notice.number = 1;
    notice.all_ended = true;
    harness.agent().push(notice);
    settle();
    EXPECT_EQ(read_at(file.id, 0, 100), content);
}

TEST_F(FileCache, ALeaseThatEndedBeforeItWasToldIsNone) {
    ends_before_reply = true;
    const auto file = caller.open("/srv/file");
    content = "what was written then";
    EXPECT_EQ(read_at(file.id, 0, 100), content);
    EXPECT_EQ(reads.size(), 1U);
}

TEST_F(FileCache, OtherFilesKeepTheirs) {
    const auto file = caller.open("/srv/file");
    const auto other = caller.open("/srv/other");
    harness.agent().push(ended({protocol::handle_id{1}, protocol::handle_id{77}}));
    settle();
    EXPECT_EQ(read_all(other.id), content);
    EXPECT_TRUE(reads.empty());
    EXPECT_EQ(read_all(file.id), content);
    EXPECT_FALSE(reads.empty());
}

// The file changes while its blocks are under way: the read that waits is read anew, whole.
TEST_F(FileCache, ALeaseThatEndsInTheMiddleOfAReadLeavesNoMixture) {
    const auto old = content_of(2048 * K, 1);
    const auto later = content_of(2048 * K, 2);
    for (std::size_t frames = 0; frames < 5; ++frames) {
        SCOPED_TRACE(frames);
        content = old;
        auto file = caller.open("/srv/file");
        const protocol::handle_id handle{handles};
        std::size_t left = frames;
        harness.agent().on_split<protocol::read>([&](const auto& request, const auto& reply) {
            // That many frames of the old content, then the notice, then the new content.
            protocol::read rest = request;
            while (left > 0 && rest.bytes >= frame_bytes) {
                protocol::read_reply part;
                part.data.bytes =
                    bytes_of(old).subspan(static_cast<std::size_t>(rest.offset), frame_bytes);
                reply.frame(part, protocol::more_frames::yes);
                rest.offset += static_cast<std::int64_t>(frame_bytes);
                rest.bytes -= static_cast<std::uint32_t>(frame_bytes);
                --left;
            }
            if (left == 0 && content == old) {
                content = later;
                reply.push(ended({handle}));
            }
            read(rest, reply);
        });
        for (std::size_t at = 64 * K; at < old.size(); at += 128 * K) {
            const auto got = read_at(file.id, static_cast<std::int64_t>(at), 128 * K);
            EXPECT_TRUE(got == old.substr(at, 128 * K) || got == later.substr(at, 128 * K)) << at;
        }
        settle();
        EXPECT_EQ(left, 0U);
        EXPECT_TRUE(read_at(file.id, 64 * K, 128 * K) == later.substr(64 * K, 128 * K));
        EXPECT_TRUE(read_at(file.id, 0, 64 * K) == later.substr(0, 64 * K));
        EXPECT_EQ(caller.close(file), 0);
    }
}

TEST_F(FileCache, ALostAgentTakesTheBytesWithIt) {
    const auto file = caller.open("/srv/file");
    EXPECT_EQ(read_at(file.id, 0, 100), content);
    harness.agent().close();
    ASSERT_TRUE(harness.eventually([](session_core& core) { return !core.link().usable(); }));
    EXPECT_EQ(caller.on(call::read, file.id, {0, 100}).result, -EIO);
}

// ---- agents that lie ----

TEST_F(FileCache, ASizeThatIsNotTrueIsNotBelieved) {
    content = content_of(300 * K, 1);
    for (const std::size_t size : {std::size_t{0}, 70 * K, 10'000 * K, SIZE_MAX}) {
        SCOPED_TRACE(size);
        told_size = size;
        auto file = caller.open("/srv/file");
        EXPECT_TRUE(read_all(file.id) == content);
        EXPECT_EQ(caller.close(file), 0);
    }
}

TEST_F(FileCache, MoreDataThanAskedForEndsTheConnection) {
    content = content_of(1024 * K, 1);
    const auto file = caller.open("/srv/file");
    harness.agent().on_split<protocol::read>([&](const auto& request, const auto& reply) {
        protocol::read more = request;
        more.offset = 0;
        content.resize(request.bytes + 1);
        more.bytes = request.bytes + 1;
        read(more, reply);
    });
    EXPECT_EQ(caller.on(call::read, file.id, {64 * K, 4096}).result, -EIO);
}

TEST_F(FileCache, AReadThatFailsIsAnsweredByOneThatIsAsked) {
    content = content_of(1024 * K, 1);
    const auto file = caller.open("/srv/file");
    harness.agent().on<protocol::read>([](const protocol::read&) { return EIO; });
    EXPECT_EQ(caller.on(call::read, file.id, {64 * K, 4096}).result, -EIO);
    harness.agent().on_split<protocol::read>([this](const auto& request, const auto& reply) {
        read(request, reply);
    });
    EXPECT_EQ(read_at(file.id, 64 * K, 4096), content.substr(64 * K, 4096));
    EXPECT_TRUE(read_at(file.id, 900 * K, 128 * K) == content.substr(900 * K));
}

TEST_F(FileCache, AnOpenWithoutAHandleFails) {
    handles = UINT64_MAX;
    EXPECT_EQ(caller.open("/srv/file").opened.result, -EIO);
}

}  // namespace
}  // namespace farside::session::testing
