// Shared mappings as the session serves them: one image for a file, stores that come to the agent,
// changes that come from it, and what happens when neither can.
#include "tests/layer/session/session_harness.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <mutex>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace farside::session::testing {
namespace {

using segment::call;

constexpr int read_write = PROT_READ | PROT_WRITE;

std::int64_t number(segment::sync_map how) {
    return static_cast<std::int64_t>(how);
}

std::string text_of(std::span<const std::byte> bytes) {
    std::string text(bytes.size(), '\0');
    std::memcpy(text.data(), bytes.data(), bytes.size());
    return text;
}

std::size_t at(std::int64_t offset) {
    return static_cast<std::size_t>(offset);
}

// An agent with one file, whose names are all that end with "file".
class SharedMaps : public ::testing::Test {
protected:
    void SetUp() override {
        auto& agent = harness.agent();
        agent.on<protocol::open>([this](const protocol::open& r) { return open(r); });
        agent.on<protocol::stat>([this](const protocol::stat&) {
            const std::lock_guard lock{mutex};
            return protocol::attributes_reply{attributes()};
        });
        agent.on<protocol::read>([this](const protocol::read& r) { return read(r); });
        agent.on<protocol::write>([this](const protocol::write& r) { return write(r); });
        agent.on<protocol::write_back>([this](const protocol::write_back& r) {
            return write_back(r);
        });
        agent.on<protocol::sync>([](const protocol::sync&) { return protocol::empty_reply{}; });
        agent.on<protocol::set_attributes>([this](const protocol::set_attributes& r) {
            change([&](std::string& c) { c.resize(static_cast<std::size_t>(r.size)); });
            return protocol::empty_reply{};
        });
        ASSERT_EQ(harness.start(), "");
    }

    protocol::attributes attributes() const {
        protocol::attributes attr;
        attr.mode = S_IFREG | 0644;
        attr.inode = 7;
        attr.size = content.size();
        attr.modified.seconds = changes;
        return attr;
    }

    agent_answer<protocol::open> open(const protocol::open&) {
        const std::lock_guard lock{mutex};
        protocol::open_reply reply;
        reply.handle = protocol::handle_id{++handles};
        reply.attr = attributes();
        return reply;
    }

    agent_answer<protocol::read> read(const protocol::read& r) {
        const std::lock_guard lock{mutex};
        sent = content.substr(std::min(content.size(), at(r.offset)), r.bytes);
        return protocol::read_reply{{std::as_bytes(std::span{sent})}};
    }

    agent_answer<protocol::write> write(const protocol::write& r) {
        const std::string data = text_of(r.data.bytes);
        change([&](std::string& c) {
            c.resize(std::max<std::size_t>(c.size(), at(r.offset) + data.size()));
            c.replace(at(r.offset), data.size(), data);
        });
        const auto bytes = static_cast<std::uint32_t>(data.size());
        return protocol::write_reply{bytes, r.offset + bytes};
    }

    agent_answer<protocol::write_back> write_back(const protocol::write_back& r) {
        if (const int failed = refuses) {
            return failed;
        }
        const std::lock_guard lock{mutex};
        protocol::write_back_reply reply;
        reply.before = attributes();
        for (const auto& store : r.stores) {
            const std::string data = text_of(store.data.bytes);
            content.replace(at(store.offset), data.size(), data);
            ++reply.stores;
            ++stores;
        }
        ++changes;
        reply.after = attributes();
        return reply;
    }

    // As somebody else in the target.
    template <typename Change>
    void change(Change make) {
        const std::lock_guard lock{mutex};
        make(content);
        ++changes;
    }

    std::string held() {
        const std::lock_guard lock{mutex};
        return content;
    }

    std::int64_t sync(const mapped_file& m, segment::sync_map how) const {
        return caller.on(call::sync_map, static_cast<std::uint64_t>(m.asked.result), {number(how)})
            .result;
    }

    struct memory {
        explicit memory(const unique_fd& fd, int protection = read_write)
            : at{static_cast<char*>(::mmap(nullptr, 4096, protection, MAP_SHARED, fd.get(), 0))} {}

        memory(const memory&) = delete;
        memory& operator=(const memory&) = delete;

        ~memory() { ::munmap(at, 4096); }

        char* at;
    };

    std::mutex mutex;
    std::string content = "0123456789";
    std::string sent;
    std::int64_t changes = 0;
    std::uint64_t handles = 0;
    std::atomic<int> refuses = 0;
    std::atomic<int> stores = 0;
    session_harness harness;
    const fake_caller& caller = harness.caller();
};

TEST_F(SharedMaps, GiveADescriptorOfTheFilesContent) {
    const auto file = caller.open("/srv/file", O_RDWR);
    const auto mapped = caller.map_shared(file.id, read_write);
    ASSERT_GT(mapped.asked.result, 0);
    const memory m{mapped.descriptor};
    EXPECT_EQ(std::string(m.at, 10), "0123456789");
    const auto other = caller.open("/srv/hard-link-file", O_RDONLY);
    const auto again = caller.map_shared(other.id, PROT_READ);
    EXPECT_EQ(again.asked.result, mapped.asked.result);
    const memory n{again.descriptor, PROT_READ};
    m.at[0] = 'x';
    EXPECT_EQ(n.at[0], 'x');
}

TEST_F(SharedMaps, RefuseWhatTheDescriptorMayNot) {
    const auto reader = caller.open("/srv/file", O_RDONLY);
    const auto writer = caller.open("/srv/file", O_WRONLY);
    EXPECT_EQ(caller.map_shared(reader.id, read_write).asked.result, -EACCES);
    EXPECT_EQ(caller.map_shared(writer.id, PROT_READ).asked.result, -EACCES);
    EXPECT_EQ(caller.map_shared(12345, PROT_READ).asked.result, -EBADF);
    EXPECT_EQ(
        caller.on(call::map_shared, reader.id, {PROT_READ}).result, -EINVAL
    );  // nowhere to send it
}

TEST_F(SharedMaps, BringStoresToTheFileAndNothingElse) {
    const auto file = caller.open("/srv/file", O_RDWR);
    const auto mapped = caller.map_shared(file.id, read_write);
    const memory m{mapped.descriptor};
    std::memcpy(m.at + 2, "ab", 2);
    m.at[8] = 'c';
    change([](std::string& c) { c[5] = 'T'; });
    EXPECT_EQ(sync(mapped, segment::sync_map::sync), 0);
    EXPECT_EQ(held(), "01ab4T67c9");
    EXPECT_EQ(harness.agent().count(protocol::opcode::sync), 1U);
}

TEST_F(SharedMaps, AreSeenByReadingAndSeeWriting) {
    const auto file = caller.open("/srv/file", O_RDWR);
    const auto mapped = caller.map_shared(file.id, read_write);
    const memory m{mapped.descriptor};
    m.at[1] = 'x';
    change([](std::string& c) { c[3] = 'T'; });
    EXPECT_EQ(caller.read(file.id, 100).data, "0x2T456789");
    EXPECT_EQ(m.at[3], 'T');
    EXPECT_EQ(caller.on(call::write, file.id, {8, 0}, "written").result, 7);
    EXPECT_EQ(std::string(m.at, 15), "0x2T4567written");
    EXPECT_EQ(caller.at(call::set_attributes, "", {0, 4, 4}, "", file.id).result, 0);
    EXPECT_EQ(std::string(m.at, 6), std::string("0x2T\0\0", 6));
    EXPECT_EQ(sync(mapped, segment::sync_map::write), 0);
    EXPECT_EQ(held(), "0x2T");
}

TEST_F(SharedMaps, FindChangesOfOthersByThemselves) {
    const auto file = caller.open("/srv/file", O_RDONLY);
    const auto mapped = caller.map_shared(file.id, PROT_READ);
    const memory m{mapped.descriptor, PROT_READ};
    change([](std::string& c) { c = "shorter"; });
    const volatile char* const seen = m.at;
    EXPECT_TRUE(harness.eventually([seen](session_core&) { return seen[0] == 's'; }));
    EXPECT_EQ(std::string(m.at, 10), std::string("shorter\0\0\0", 10));
}

TEST_F(SharedMaps, BringStoresToTheFileWithoutBeingAsked) {
    const auto file = caller.open("/srv/file", O_RDWR);
    const auto mapped = caller.map_shared(file.id, read_write);
    const memory m{mapped.descriptor};
    m.at[0] = 'x';
    EXPECT_TRUE(harness.eventually([this](session_core&) { return stores > 0; }));
    EXPECT_EQ(held(), "x123456789");
}

TEST_F(SharedMaps, KeepTheFileOpenUntilTheLastMappingIsGone) {
    auto file = caller.open("/srv/file", O_RDWR);
    auto mapped = caller.map_shared(file.id, read_write);
    {
        const memory m{mapped.descriptor};
        mapped.descriptor.reset();
        EXPECT_EQ(caller.close(file), 0);
        m.at[0] = 'x';
        EXPECT_EQ(sync(mapped, segment::sync_map::write), 0);
        EXPECT_EQ(held(), "x123456789");
        EXPECT_EQ(harness.agent().count(protocol::opcode::close), 0U);
        m.at[1] = 'y';
    }
    harness.agent().await(protocol::opcode::close);
    EXPECT_EQ(held(), "xy23456789");
    EXPECT_EQ(sync(mapped, segment::sync_map::write), 0);  // no such image any more
}

TEST_F(SharedMaps, TellThatStoresCannotBeWrittenAndTryAgain) {
    auto file = caller.open("/srv/file", O_RDWR);
    const auto mapped = caller.map_shared(file.id, read_write);
    const memory m{mapped.descriptor};
    refuses = ENOSPC;
    m.at[0] = 'x';
    EXPECT_EQ(sync(mapped, segment::sync_map::sync), -ENOSPC);
    EXPECT_EQ(caller.on(call::sync, file.id, {0}).result, -ENOSPC);
    EXPECT_EQ(caller.close(file), -ENOSPC);
    EXPECT_EQ(held(), "0123456789");
    refuses = 0;
    EXPECT_EQ(sync(mapped, segment::sync_map::sync), 0);
    EXPECT_EQ(held(), "x123456789");
}

TEST_F(SharedMaps, WriteTheLastStoresAtTheEnd) {
    const auto file = caller.open("/srv/file", O_RDWR);
    const auto mapped = caller.map_shared(file.id, read_write);
    const memory m{mapped.descriptor};
    m.at[9] = 'x';
    harness.end();
    EXPECT_EQ(held(), "012345678x");
    EXPECT_EQ(harness.said(), "");
}

TEST_F(SharedMaps, SayWhatIsLostAtTheEnd) {
    const auto file = caller.open("/srv/file", O_RDWR);
    const auto mapped = caller.map_shared(file.id, read_write);
    const memory m{mapped.descriptor};
    refuses = EIO;
    m.at[9] = 'x';
    harness.end();
    EXPECT_NE(harness.said().find("/srv/file is lost: Input/output error"), std::string::npos)
        << harness.said();
}

TEST_F(SharedMaps, RefuseWhatIsTooLarge) {
    protocol::attributes_reply huge;
    huge.attr = attributes();
    huge.attr.size = limits::mapped_file_bytes_max + 1;
    harness.agent().on<protocol::stat>([huge](const protocol::stat&) { return huge; });
    const auto file = caller.open("/srv/file", O_RDWR);
    EXPECT_EQ(caller.map_shared(file.id, read_write).asked.result, -ENOMEM);
    EXPECT_NE(harness.said().find("/srv/file is too large"), std::string::npos);
}

}  // namespace
}  // namespace farside::session::testing
