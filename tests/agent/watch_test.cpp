// Watches: what is told, in which order, and what bounds it.
#include "agent/limits.hpp"
#include "agent/watches.hpp"
#include "protocol/frame.hpp"
#include "tests/agent/requests.hpp"
#include "tests/agent/running_agent.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <span>
#include <thread>

#include <sys/inotify.h>
#include <sys/stat.h>

namespace farside::agent::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr protocol::instance_id first{1};
constexpr protocol::instance_id second{2};

protocol::watch_add add_of(
    protocol::instance_id instance, std::string path, std::uint32_t mask = IN_ALL_EVENTS
) {
    return {at(std::move(path)), instance, mask};
}

protocol::make_directory mkdir_of(std::string path) {
    return {at(std::move(path)), 0755, 022};
}

// "watch mask name" of each event.
std::vector<std::string> lines_of(const std::vector<protocol::watch_events>& told) {
    std::vector<std::string> lines;
    for (const auto& message : told) {
        for (const auto& event : message.events) {
            lines.push_back(
                std::to_string(event.watch) + ' ' + std::to_string(event.mask) + ' ' + event.name
            );
        }
    }
    return lines;
}

std::string line(int watch, std::uint32_t mask, const std::string& name = {}) {
    return std::to_string(watch) + ' ' + std::to_string(mask) + ' ' + name;
}

TEST(Watches, TellWhatARequestDidBeforeItsReply) {
    running_agent agent;
    auto client = agent.session();
    const auto added = client.call(add_of(first, "/"));
    ASSERT_EQ(added.failure, 0);
    EXPECT_EQ(added.reply.watch, 1);
    EXPECT_TRUE(added.reply.directory);
    for (const std::string name : {"a", "b", "c"}) {
        ASSERT_EQ(client.call(mkdir_of("/" + name)).failure, 0);
        EXPECT_THAT(
            lines_of(client.take_events()), ElementsAre(line(1, IN_CREATE | IN_ISDIR, name))
        );
    }
}

TEST(Watches, TellWhatOthersDo) {
    running_agent agent;
    auto client = agent.session();
    ASSERT_EQ(client.call(add_of(first, "/", IN_CREATE)).failure, 0);
    fs::create_directory(agent.root() / "by_others");
    EXPECT_THAT(
        lines_of(client.wait_for_events()), ElementsAre(line(1, IN_CREATE | IN_ISDIR, "by_others"))
    );
}

TEST(Watches, KeepTheOrderBetweenWatchesOfAnInstance) {
    running_agent agent;
    fs::create_directory(agent.root() / "one");
    fs::create_directory(agent.root() / "two");
    auto client = agent.session();
    ASSERT_EQ(client.call(add_of(first, "/one", IN_CREATE)).failure, 0);
    ASSERT_EQ(client.call(add_of(first, "/two", IN_CREATE)).failure, 0);
    std::vector<std::string> expected;
    for (int i = 0; i < 100; ++i) {
        const auto name = std::to_string(i);
        const bool even = i % 2 == 0;
        fs::create_directory(agent.root() / (even ? "one" : "two") / name);
        expected.push_back(line(even ? 1 : 2, IN_CREATE | IN_ISDIR, name));
    }
    ASSERT_EQ(client.call(stat_of("/")).failure, 0);
    EXPECT_EQ(lines_of(client.take_events()), expected);
}

// Taken as fast as they can be, so that many are taken between the two.
TEST(Watches, KeepTheHalvesOfARenameInOneMessage) {
    const farside::test::temp_dir directory;
    asio::io_context loop;
    watches all{loop.get_executor()};
    const auto instance = all.find_or_make(first).value();
    for (const char* const name : {"one", "two"}) {
        const auto path = (directory.path() / name).string();
        fs::create_directory(path);
        const int watch = ::inotify_add_watch(instance->inotify.get(), path.c_str(), IN_MOVE);
        all.keep(*instance, {watch, true, path});
    }
    const auto one = directory.path() / "one/a";
    const auto two = directory.path() / "two/a";
    fs::create_directory(one);
    constexpr std::size_t renames = 20'000;
    std::atomic<std::size_t> seen = 0;
    std::thread mover{[&] {
        for (std::size_t i = 0; i < renames; ++i) {
            while (2 * i > seen + 8000) {  // the kernel's queue has an end
                std::this_thread::yield();
            }
            fs::rename(i % 2 == 0 ? one : two, i % 2 == 0 ? two : one);
        }
    }};
    std::size_t halves = 0;
    while (seen < 2 * renames) {
        protocol::buffer out;
        ASSERT_TRUE(all.drain(out));
        for (std::span<const std::byte> rest{out}; !rest.empty();) {
            const auto head = rest.first(protocol::frame_header_bytes);
            const auto bytes = protocol::decode<protocol::frame_header>(head)->payload_bytes;
            const auto payload = rest.subspan(head.size(), bytes);
            rest = rest.subspan(head.size() + bytes);
            const auto events = protocol::decode<protocol::watch_events>(payload)->events;
            seen += events.size();
            for (std::size_t i = 0; i < events.size(); i += 2) {
                const bool whole =
                    i + 1 < events.size() && events[i].cookie == events[i + 1].cookie;
                halves += whole ? 0 : 1;
            }
        }
    }
    mover.join();
    EXPECT_EQ(halves, 0U);
}

TEST(Watches, EndWhenTheyAreRemoved) {
    running_agent agent;
    fs::create_directory(agent.root() / "a");
    auto client = agent.session();
    EXPECT_EQ(client.call(protocol::watch_remove{first, 1}).failure, EINVAL);
    ASSERT_EQ(client.call(add_of(first, "/a")).reply.watch, 1);
    EXPECT_EQ(client.call(add_of(first, "/a/.")).reply.watch, 1);
    ASSERT_EQ(client.call(protocol::watch_remove{first, 1}).failure, 0);
    EXPECT_THAT(lines_of(client.take_events()), ElementsAre(line(1, IN_IGNORED)));
    EXPECT_EQ(client.call(protocol::watch_remove{first, 1}).failure, EINVAL);
    ASSERT_EQ(client.call(mkdir_of("/a/b")).failure, 0);
    EXPECT_THAT(client.take_events(), IsEmpty());
    EXPECT_EQ(client.call(add_of(first, "/a")).reply.watch, 2);
}

TEST(Watches, EndWithTheirObjectWhichIsNotKeptOpen) {
    running_agent agent;
    fs::create_directory(agent.root() / "a");
    auto client = agent.session();
    ASSERT_EQ(client.call(add_of(first, "/a")).failure, 0);
    fs::remove(agent.root() / "a");
    ASSERT_EQ(client.call(stat_of("/")).failure, 0);
    EXPECT_THAT(
        lines_of(client.take_events()), ElementsAre(line(1, IN_DELETE_SELF), line(1, IN_IGNORED))
    );
}

TEST(Watches, InstancesAreApart) {
    running_agent agent;
    auto client = agent.session();
    ASSERT_EQ(client.call(add_of(first, "/", IN_CREATE)).reply.watch, 1);
    ASSERT_EQ(client.call(add_of(second, "/", IN_DELETE)).reply.watch, 1);
    ASSERT_EQ(client.call(mkdir_of("/a")).failure, 0);
    const auto told = client.take_events();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told.front().instance, first);
    ASSERT_EQ(client.call(protocol::watch_close{first}).failure, 0);
    EXPECT_EQ(client.call(protocol::watch_close{first}).failure, EINVAL);
    ASSERT_EQ(client.call(mkdir_of("/b")).failure, 0);
    EXPECT_THAT(client.take_events(), IsEmpty());
    fs::remove(agent.root() / "b");
    EXPECT_EQ(client.wait_for_events().front().instance, second);
}

TEST(Watches, AreRefusedAsByTheKernel) {
    running_agent agent;
    fs::create_directory(agent.root() / "dir");
    farside::test::write_file(agent.root() / "file", "x");
    fs::create_symlink("/file", agent.root() / "link");
    auto client = agent.session();
    EXPECT_EQ(client.call(add_of(first, "/none")).failure, ENOENT);
    EXPECT_EQ(client.call(add_of(first, "/file/x")).failure, ENOTDIR);
    EXPECT_EQ(client.call(add_of(first, "/file", IN_CREATE | IN_ONLYDIR)).failure, ENOTDIR);
    EXPECT_EQ(client.call(add_of(first, "/dir", 0)).failure, EINVAL);
    const auto file = client.call(add_of(first, "/link"));
    EXPECT_FALSE(file.reply.directory);
    const auto link = client.call(add_of(first, "/link", IN_ALL_EVENTS | IN_DONT_FOLLOW));
    EXPECT_NE(link.reply.watch, file.reply.watch);
    EXPECT_EQ(client.call(add_of(first, "/file")).reply.watch, file.reply.watch);
    EXPECT_EQ(client.call(add_of(first, "/file", IN_OPEN | IN_MASK_CREATE)).failure, EEXIST);
}

TEST(Watches, StayInsideTheTarget) {
    running_agent agent;
    fs::create_directory(agent.root() / "tmp");
    fs::create_symlink("/tmp", agent.root() / "link");
    fs::create_symlink("../../../../tmp", agent.root() / "up");
    auto client = agent.session();
    const auto inside = client.call(add_of(first, "/tmp"));
    EXPECT_EQ(client.call(add_of(first, "/link")).reply.watch, inside.reply.watch);
    EXPECT_EQ(client.call(add_of(first, "/up")).reply.watch, inside.reply.watch);
    EXPECT_EQ(client.call(add_of(first, "/../tmp")).reply.watch, inside.reply.watch);
}

TEST(Watches, AreNoChange) {
    running_agent agent;
    auto client = agent.session(true);
    ASSERT_EQ(client.call(add_of(first, "/", IN_CREATE)).failure, 0);
    fs::create_directory(agent.root() / "a");
    EXPECT_THAT(
        lines_of(client.wait_for_events()), ElementsAre(line(1, IN_CREATE | IN_ISDIR, "a"))
    );
}

TEST(Watches, OfAHandleAreOfItsObject) {
    running_agent agent;
    fs::create_directories(agent.root() / "a/b");
    auto client = agent.session();
    const auto handle = client.call(open_of("/a", O_RDONLY | O_DIRECTORY)).reply.handle;
    ASSERT_EQ(client.call(protocol::watch_add{at(handle), first, IN_CREATE}).failure, 0);
    ASSERT_EQ(client.call(protocol::watch_add{at(handle, "b"), first, IN_CREATE}).failure, 0);
    fs::create_directory(agent.root() / "a/b/c");
    fs::create_directory(agent.root() / "a/d");
    ASSERT_EQ(client.call(stat_of("/")).failure, 0);
    EXPECT_THAT(
        lines_of(client.take_events()),
        ElementsAre(line(2, IN_CREATE | IN_ISDIR, "c"), line(1, IN_CREATE | IN_ISDIR, "d"))
    );
}

TEST(Watches, HaveSoManyInstancesAtMost) {
    running_agent agent;
    auto client = agent.session();
    std::uint32_t made = 0;
    int failure = 0;
    while (failure == 0 && made <= limits::watch_instances_max) {
        failure = client.call(add_of(protocol::instance_id{++made}, "/")).failure;
    }
    // The kernel may allow fewer: other tests run beside this one.
    EXPECT_EQ(failure, ENOSPC);
    ASSERT_GT(made, 1U);
    ASSERT_EQ(client.call(protocol::watch_close{first}).failure, 0);
    EXPECT_EQ(client.call(add_of(first, "/")).failure, 0);
}

// Neither its memory nor its requests suffer; the kernel's queue overflows and says so.
TEST(Watches, OfAClientThatDoesNotReadAreBounded) {
    running_agent agent;
    for (const char* const name : {"a", "b"}) {
        fs::create_directory(agent.root() / name);
    }
    auto client = agent.session();
    ASSERT_EQ(client.call(add_of(first, "/", IN_ATTRIB)).failure, 0);
    const std::string paths[] = {agent.root() / "a", agent.root() / "b"};
    for (int i = 0; i < 200'000; ++i) {
        ASSERT_EQ(::chmod(paths[i & 1].c_str(), 0700), 0);
    }
    ASSERT_EQ(client.call(stat_of("/")).failure, 0);
    std::size_t events = 0;
    bool overflowed = false;
    for (const auto& message : client.take_events()) {
        events += message.events.size();
        for (const auto& event : message.events) {
            overflowed = overflowed || event.mask == IN_Q_OVERFLOW;
        }
    }
    EXPECT_TRUE(overflowed);
    EXPECT_LT(events, 200'000U);
    ASSERT_EQ(client.call(mkdir_of("/c")).failure, 0);
    fs::permissions(agent.root() / "c", fs::perms::none);
    EXPECT_THAT(
        lines_of(client.wait_for_events()), ElementsAre(line(1, IN_ATTRIB | IN_ISDIR, "c"))
    );
}

}  // namespace
}  // namespace farside::agent::test
