// Leases on the bytes of files: what is read under them, and that nobody who wants to write is held
// up by them or writes behind them.
#include "tests/agent/leasing_client.hpp"
#include "tests/agent/overlay.hpp"
#include "tests/agent/requests.hpp"
#include "tests/agent/running_agent.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <thread>

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace farside::agent::test {
namespace {

namespace fs = std::filesystem;
using farside::test::write_file;
using protocol::no_handle;
using testing::ElementsAre;
using testing::IsEmpty;

protocol::open_leased open_leased_of(std::string path, std::uint32_t inline_bytes = 100) {
    return {at(std::move(path)), O_RDONLY, 0, 0, 0, inline_bytes};
}

std::vector<protocol::changes> changes_until_now(fake_client& client) {
    if (client.call(stat_of("/")).failure != 0) {
        throw std::runtime_error{"stat"};
    }
    return client.take_changes();
}

// Every way to come to write into "file", by somebody else.
struct row {
    const char* what;
    std::function<int(const fs::path& root)> act;  // 0, or -1 and errno
};

const std::vector<row>& writers() {
    static const std::vector<row> all{
        {"open for writing",
         [](const auto& root) {
             const unique_fd fd{::open((root / "file").c_str(), O_WRONLY)};
             return fd ? 0 : -1;
         }},
        {"truncate", [](const auto& root) { return ::truncate((root / "file").c_str(), 1); }},
        {"a store into a mapping",
         [](const auto& root) {
             const unique_fd fd{::open((root / "file").c_str(), O_RDWR)};
             void* const map = ::mmap(nullptr, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
             *static_cast<char*>(map) = 'x';
             return ::munmap(map, 1);
         }},
        {"a hard link elsewhere",
         [](const auto& root) {
             fs::create_hard_link(root / "file", root / "elsewhere/link");
             const unique_fd fd{::open((root / "elsewhere/link").c_str(), O_WRONLY)};
             return fd ? 0 : -1;
         }},
    };
    return all;
}

TEST(OpenLeased, GivesAttributesAndTheFirstBytes) {
    running_agent agent;
    write_file(agent.root() / "file", "0123456789");
    auto client = agent.session();
    const auto whole = client.call(open_leased_of("/file"));
    ASSERT_EQ(whole.failure, 0);
    EXPECT_TRUE(whole.reply.leased);
    EXPECT_EQ(text_of(whole.reply), "0123456789");
    EXPECT_EQ(lasting(whole.reply.attr), lasting(client.call(stat_of("/file")).reply.attr));
    EXPECT_EQ(client.read(whole.reply.handle, 2, 3), "234");
    const auto some = client.call(open_leased_of("/file", 4));
    EXPECT_EQ(text_of(some.reply), "0123");
    EXPECT_NE(some.reply.handle, whole.reply.handle);
}

TEST(OpenLeased, IsAnOrdinaryOpenOfAllElse) {
    running_agent agent;
    write_file(agent.root() / "file", "text");
    fs::create_directory(agent.root() / "directory");
    auto client = agent.session();
    const auto opened = [&](std::string path, int flags) {
        auto request = open_leased_of(std::move(path));
        request.flags = static_cast<std::uint32_t>(flags);
        request.mode = 0640;
        const auto reply = client.call(request);
        EXPECT_FALSE(reply.reply.leased);
        EXPECT_THAT(text_of(reply.reply), IsEmpty());
        return reply.failure;
    };
    EXPECT_EQ(opened("/file", O_RDWR), 0);
    EXPECT_EQ(opened("/directory", O_RDONLY | O_DIRECTORY), 0);
    EXPECT_EQ(opened("/file", O_PATH), 0);
    EXPECT_EQ(opened("/missing", O_RDONLY), ENOENT);
    EXPECT_EQ(opened("/new", O_WRONLY | O_CREAT | O_EXCL), 0);
    EXPECT_EQ(opened("/file", O_RDONLY | O_DIRECTORY), ENOTDIR);
    EXPECT_EQ(fs::status(agent.root() / "new").permissions(), fs::perms{0640});
}

TEST(OpenLeased, IsNotLeasedWhileSomebodyWrites) {
    running_agent agent;
    write_file(agent.root() / "file", "text");
    auto client = agent.session();
    {
        const unique_fd writer{::open((agent.root() / "file").c_str(), O_WRONLY)};
        EXPECT_FALSE(client.call(open_leased_of("/file")).reply.leased);
    }
    EXPECT_TRUE(client.call(open_leased_of("/file")).reply.leased);
    const unique_fd file{::open((agent.root() / "file").c_str(), O_RDWR)};
    void* const map = ::mmap(nullptr, 1, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    EXPECT_FALSE(client.call(open_leased_of("/file")).reply.leased);
    ASSERT_EQ(::munmap(map, 1), 0);
}

TEST(OpenLeased, TellsWhatHappensToTheFileItself) {
    running_agent agent;
    write_file(agent.root() / "file", "text");
    auto client = agent.session();
    const auto handle = client.call(open_leased_of("/file")).reply.handle;
    ASSERT_EQ(::chmod((agent.root() / "file").c_str(), 0600), 0);
    fs::create_hard_link(agent.root() / "file", agent.root() / "link");
    fs::remove(agent.root() / "file");
    const auto told = joined(changes_until_now(client));
    ASSERT_FALSE(told.entries.empty());
    EXPECT_EQ(told.entries.back().directory, no_handle);
    EXPECT_EQ(told.entries.back().handle, handle);
    const auto now = client.call(stat_of("/link")).reply.attr;
    EXPECT_EQ(lasting(told.entries.back().attr), lasting(now));
    EXPECT_THAT(told.ended, IsEmpty());
}

void make_tree(const fs::path& root) {
    write_file(root / "file", "text");
    fs::create_directory(root / "elsewhere");
}

void check_row(const row& tested, const fs::path& root) {
    SCOPED_TRACE(tested.what);
    running_agent agent{{}, root.string()};
    auto client = agent.session();
    auto request = chain_of(no_handle, "file");
    request.file_bytes_max = request.data_bytes_max = 100;
    const auto looked_up = ask(client, request).of("file").handle;
    const auto opened = client.call(open_leased_of("/file")).reply.handle;
    ASSERT_NE(looked_up, no_handle);
    const auto begin = std::chrono::steady_clock::now();
    ASSERT_EQ(tested.act(root), 0);
    // Not when the kernel's patience with us was at its end (lease-break-time).
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds{10});
    const auto told = joined(changes_until_now(client));
    EXPECT_THAT(told.ended, testing::UnorderedElementsAre(looked_up, opened));
    // The handles are open nevertheless.
    EXPECT_EQ(client.read(opened, 0, 100), farside::test::read_file(root / "file"));
}

TEST(DataLeases, EndBeforeAnybodyWrites) {
    for (const auto& tested : writers()) {
        const farside::test::temp_dir directory;
        make_tree(directory.path());
        check_row(tested, directory.path());
    }
}

TEST(DataLeases, EndBeforeAnybodyWritesOnAnOverlay) {
    for (const auto& tested : writers()) {
        overlay files;
        make_tree(files.lower());
        if (!files.mount()) {
            GTEST_SKIP() << "an overlay cannot be mounted here";
        }
        check_row(tested, files.path());
    }
}

// The one way to change contents that no lease keeps anybody from.
TEST(DataLeases, EndWhenAFileOpenForReadingIsTruncated) {
    running_agent agent;
    write_file(agent.root() / "file", "text");
    auto client = agent.session();
    auto request = chain_of(no_handle, "file");
    request.file_bytes_max = request.data_bytes_max = 100;
    const auto looked_up = ask(client, request).of("file").handle;
    const auto opened = client.call(open_leased_of("/file")).reply.handle;
    const unique_fd file{::open((agent.root() / "file").c_str(), O_RDONLY | O_TRUNC)};
    ASSERT_EQ(fs::file_size(agent.root() / "file"), 0U);
    const auto told = joined(changes_until_now(client));
    EXPECT_THAT(told.ended, testing::UnorderedElementsAre(looked_up, opened));
}

TEST(DataLeases, GiveWayToTheClientItself) {
    running_agent agent;
    write_file(agent.root() / "file", "text");
    auto client = agent.session();
    const std::vector<std::function<int()>> ways{
        [&] { return client.call(open_of("/file", O_WRONLY)).failure; },
        [&] { return client.call(open_of("/file", O_WRONLY | O_NONBLOCK)).failure; },
        [&] { return client.call(open_of("/file", O_RDWR | O_TRUNC)).failure; },
        [&] {
            protocol::set_attributes request;
            request.at = at("/file");
            request.mask = protocol::set_mask::size;
            request.size = 2;
            return client.call(request).failure;
        },
    };
    for (const auto& way : ways) {
        const auto opened = client.call(open_leased_of("/file"));
        ASSERT_TRUE(opened.reply.leased);
        client.take_changes();
        const auto last_handle = static_cast<std::uint64_t>(opened.reply.handle) + 1;
        ASSERT_EQ(way(), 0);
        EXPECT_THAT(joined(client.take_changes()).ended, ElementsAre(opened.reply.handle));
        client.call(protocol::close{protocol::handle_id{last_handle}});  // where it was an open
    }
}

// Two clients of one agent share its loop: neither may wait there for the other.
TEST(DataLeases, GiveWayToAnotherClientOfTheAgent) {
    running_agent agent;
    write_file(agent.root() / "file", "text");
    auto one = agent.session();
    auto other = agent.session();
    const auto opened = one.call(open_leased_of("/file"));
    ASSERT_TRUE(opened.reply.leased);
    protocol::set_attributes request;
    request.at = at("/file");
    request.mask = protocol::set_mask::size;
    EXPECT_EQ(other.call(request).failure, 0);
    EXPECT_THAT(joined(changes_until_now(one)).ended, ElementsAre(opened.reply.handle));
    const auto again = one.call(open_leased_of("/file"));
    ASSERT_TRUE(again.reply.leased);
    EXPECT_EQ(other.call(open_of("/file", O_WRONLY)).failure, 0);
    EXPECT_THAT(joined(changes_until_now(one)).ended, ElementsAre(again.reply.handle));
}

TEST(DataLeases, EndWithTheHandle) {
    running_agent agent;
    write_file(agent.root() / "file", "text");
    auto client = agent.session();
    const auto opened = client.call(open_leased_of("/file"));
    ASSERT_TRUE(opened.reply.leased);
    ASSERT_EQ(client.call(protocol::close{opened.reply.handle}).failure, 0);
    const unique_fd writer{::open((agent.root() / "file").c_str(), O_WRONLY | O_NONBLOCK)};
    EXPECT_TRUE(writer) << "it would have been held up";
    EXPECT_THAT(changes_until_now(client), IsEmpty());
}

TEST(DataLeases, EndWithTheConnection) {
    running_agent agent;
    write_file(agent.root() / "file", "text");
    {
        auto client = agent.session();
        ASSERT_TRUE(client.call(open_leased_of("/file")).reply.leased);
    }
    // Held up until the agent has noticed, at most.
    const unique_fd writer{::open((agent.root() / "file").c_str(), O_WRONLY)};
    EXPECT_TRUE(writer);
}

TEST(Fetch, BringsContentsOfTheNamesThatWereAskedFor) {
    running_agent agent;
    const auto big = std::string(100'000, 'b');
    write_file(agent.root() / "small", "text");
    write_file(agent.root() / "empty", "");
    write_file(agent.root() / "big", big);
    write_file(agent.root() / "other", "");
    fs::create_directory(agent.root() / "directory");
    auto client = agent.session();
    const auto root = lease_root(client);
    const auto told =
        ask(client, protocol::fetch{root, {"small", "empty", "big", "directory", "missing"}, 100});
    ASSERT_EQ(told.entries.size(), 5U);
    EXPECT_EQ(text_of(told.of("small")), "text");
    EXPECT_NE(told.of("small").handle, no_handle);
    EXPECT_NE(told.of("empty").handle, no_handle);
    EXPECT_EQ(told.of("big").handle, no_handle);
    EXPECT_EQ(told.of("big").attr.size, big.size());
    EXPECT_NE(told.of("directory").handle, no_handle);
    EXPECT_EQ(told.of("missing").state, protocol::name_state::missing);
    const auto all =
        ask(client,
            protocol::fetch{root, {"big", "small", "big"}, protocol::limits::data_bytes_max});
    ASSERT_EQ(all.entries.size(), 3U);
    EXPECT_EQ(all.frames, 2U);
    EXPECT_EQ(text_of(all.entries[0]), big);
    EXPECT_EQ(text_of(all.entries[1]), "text");
}

TEST(Fetch, TakesFilesAsLargeAsAFrameAllows) {
    running_agent agent;
    const auto name = std::string(255, 'n');
    const auto content = std::string(protocol::limits::data_bytes_max, 'c');
    write_file(agent.root() / name, content);
    write_file(agent.root() / "larger", content + 'c');
    auto client = agent.session();
    const auto root = lease_root(client);
    const auto told = ask(client, protocol::fetch{root, {name, "larger"}, ~0U});
    EXPECT_EQ(text_of(told.of(name)), content);
    EXPECT_EQ(told.of("larger").handle, no_handle);
}

TEST(Listing, BringsContentsWithinABudget) {
    running_agent agent;
    for (int i = 0; i < 100; ++i) {
        write_file(agent.root() / std::to_string(i), std::string(1000, 'x'));
    }
    auto client = agent.session();
    auto request = listing_of(no_handle, "");
    request.file_bytes_max = 1000;
    request.data_bytes_max = 50'500;
    const auto told = ask(client, request);
    const auto has_data = [](const protocol::leased_entry& entry) {
        return entry.data.bytes.size() == 1000;
    };
    EXPECT_EQ(std::ranges::count_if(told.entries, has_data), 50);
    EXPECT_EQ(told.complete.size(), 1U);
}

// What is read under a lease is what was there when the lease ended, never a mixture.
TEST(DataLeases, NeverMixContents) {
    running_agent agent;
    const std::string one(50'000, '1');
    const std::string two(50'000, '2');
    write_file(agent.root() / "file", one);
    auto client = agent.session();
    const auto root = lease_root(client);
    std::atomic<bool> stop = false;
    std::thread writer{[&] {
        for (int i = 0; !stop; ++i) {
            const unique_fd file{::open((agent.root() / "file").c_str(), O_WRONLY)};
            const auto& text = i % 2 == 0 ? two : one;
            ASSERT_EQ(::write(file.get(), text.data(), 50'000), 50'000);
        }
    }};
    int leased = 0;
    for (int i = 0; i < 100'000 && leased < 300; ++i) {
        const auto told = ask(client, protocol::fetch{root, {"file"}, 100'000});
        const auto& entry = told.of("file");
        if (entry.handle != no_handle) {
            ++leased;
            const auto text = text_of(entry);
            EXPECT_TRUE(text == one || text == two);
            ASSERT_EQ(client.call(protocol::close{entry.handle}).failure, 0);
        }
    }
    stop = true;
    writer.join();
    EXPECT_EQ(leased, 300);
}

}  // namespace
}  // namespace farside::agent::test
