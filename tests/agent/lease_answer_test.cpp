// Lookups and fetches: what is told of names, what is leased, and where an answer ends.
#include "agent/limits.hpp"
#include "tests/agent/child.hpp"
#include "tests/agent/leasing_client.hpp"
#include "tests/agent/requests.hpp"
#include "tests/agent/running_agent.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <tuple>

#include <sched.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

namespace farside::agent::test {
namespace {

namespace fs = std::filesystem;
using farside::test::write_file;
using protocol::name_state;
using protocol::no_handle;
using namespace std::string_literals;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> names_of(const told_names& told) {
    std::vector<std::string> names;
    for (const auto& entry : told.entries) {
        names.push_back(entry.name);
    }
    std::ranges::sort(names);
    return names;
}

TEST(Lookup, TellsTheRootAndEachComponent) {
    running_agent agent;
    write_file(agent.root() / "a/b/file", "12345");
    auto client = agent.session();
    const auto told = ask(client, chain_of(no_handle, "a/b/file"));
    ASSERT_EQ(told.failure, 0);
    ASSERT_EQ(told.entries.size(), 4U);
    const auto& [root, a, b, file] =
        std::tie(told.entries[0], told.entries[1], told.entries[2], told.entries[3]);
    EXPECT_EQ(root.directory, no_handle);
    EXPECT_EQ(root.name, "");
    EXPECT_EQ(a.directory, root.handle);
    EXPECT_EQ(b.directory, a.handle);
    EXPECT_EQ(file.directory, b.handle);
    EXPECT_EQ(file.name, "file");
    for (const auto& entry : told.entries) {
        EXPECT_EQ(entry.state, name_state::present);
        EXPECT_TRUE(entry.covered);
    }
    EXPECT_EQ(file.handle, no_handle);
    EXPECT_THAT(told.complete, IsEmpty());
}

TEST(Lookup, TellsTheAttributesThatStatTells) {
    running_agent agent;
    write_file(agent.root() / "file", "12345");
    fs::create_directory(agent.root() / "directory");
    fs::create_symlink("nowhere", agent.root() / "link");
    ASSERT_EQ(::mkfifo((agent.root() / "fifo").c_str(), 0600), 0);
    auto client = agent.session();
    const auto told = ask(client, listing_of(no_handle, ""));
    for (const std::string name : {"file", "directory", "link", "fifo"}) {
        SCOPED_TRACE(name);
        const auto stated = client.call(stat_of("/" + name, AT_SYMLINK_NOFOLLOW));
        EXPECT_EQ(lasting(told.of(name).attr), lasting(stated.reply.attr));
    }
    // Reading a new link would change the time of its last access.
    EXPECT_EQ(told.of("link").link, "");
    const struct timespec later[2] = {{::time(nullptr) + 60, 0}, {1, 0}};
    const auto link = agent.root() / "link";
    ASSERT_EQ(::utimensat(AT_FDCWD, link.c_str(), later, AT_SYMLINK_NOFOLLOW), 0);
    EXPECT_EQ(ask(client, listing_of(no_handle, "")).of("link").link, "nowhere");

    struct stat now {};

    ASSERT_EQ(::lstat(link.c_str(), &now), 0);
    EXPECT_EQ(now.st_atim.tv_sec, later[0].tv_sec);
}

TEST(Lookup, EndsBehindWhatLeadsNoFurther) {
    running_agent agent;
    write_file(agent.root() / "file", "");
    fs::create_directory(agent.root() / "directory");
    fs::create_symlink("directory", agent.root() / "link");
    auto client = agent.session();
    const auto root = lease_root(client);
    for (const std::string name : {"file", "missing", "link"}) {
        SCOPED_TRACE(name);
        const auto told = ask(client, listing_of(root, name + "/and/more"));
        ASSERT_EQ(told.failure, 0);
        EXPECT_THAT(names_of(told), ElementsAre(name));
        EXPECT_THAT(told.complete, IsEmpty());
    }
    const auto missing = ask(client, chain_of(root, "missing")).of("missing");
    EXPECT_EQ(missing.state, name_state::missing);
    EXPECT_TRUE(missing.covered);
}

TEST(Lookup, GivesADirectoryOneHandleAsLongAsItIsLeased) {
    running_agent agent;
    fs::create_directory(agent.root() / "a");
    auto client = agent.session();
    const auto root = lease_root(client);
    EXPECT_EQ(lease_root(client), root);
    const auto first = ask(client, chain_of(root, "a")).of("a").handle;
    EXPECT_EQ(ask(client, chain_of(root, "a")).of("a").handle, first);
    EXPECT_EQ(ask(client, chain_of(first, "")).of("").handle, first);
    ASSERT_EQ(client.call(protocol::close{first}).failure, 0);
    const auto second = ask(client, chain_of(root, "a")).of("a").handle;
    EXPECT_NE(second, no_handle);
    EXPECT_NE(second, first);
    EXPECT_EQ(ask(client, chain_of(first, "")).failure, ESTALE);
}

TEST(Lookup, ListsAllNamesAndSaysSo) {
    running_agent agent;
    std::vector<std::string> expected{""};
    for (int i = 0; i < 1000; ++i) {
        expected.push_back("name_" + std::to_string(i));
        write_file(agent.root() / expected.back(), "");
    }
    std::ranges::sort(expected);
    auto client = agent.session();
    const auto told = ask(client, listing_of(no_handle, ""));
    ASSERT_EQ(told.failure, 0);
    EXPECT_GT(told.frames, 2U);
    EXPECT_EQ(names_of(told), expected);
    EXPECT_THAT(told.complete, ElementsAre(told.entries[0].handle));
}

TEST(Lookup, SaysNotCompleteWhereThereIsMoreThanWasAskedFor) {
    running_agent agent;
    for (int i = 0; i < 20; ++i) {
        write_file(agent.root() / std::to_string(i), "");
    }
    auto client = agent.session();
    const auto root = lease_root(client);
    auto request = listing_of(root, "");
    request.entries_max = 19;
    const auto some = ask(client, request);
    EXPECT_EQ(some.entries.size(), 20U);  // with the directory itself
    EXPECT_THAT(some.complete, IsEmpty());
    request.entries_max = 20;
    EXPECT_THAT(ask(client, request).complete, ElementsAre(root));
}

TEST(Lookup, ListsDirectoriesBelowBreadthFirstWithinABudget) {
    running_agent agent;
    for (const std::string top : {"a", "b"}) {
        for (int i = 0; i < 10; ++i) {
            write_file(agent.root() / top / ("sub_" + top) / (top + std::to_string(i)), "");
        }
    }
    auto client = agent.session();
    auto request = listing_of(no_handle, "");
    EXPECT_THAT(names_of(ask(client, request)), ElementsAre("", "a", "b"));
    request.below_bytes_max = 1'000'000;
    const auto all = ask(client, request);
    EXPECT_EQ(all.entries.size(), 25U);
    EXPECT_EQ(all.complete.size(), 5U);
    // Both second levels come before either third.
    const auto place = [&](const std::string& name) {
        return std::ranges::find(all.entries, name, &protocol::leased_entry::name) -
               all.entries.begin();
    };
    EXPECT_LT(std::max(place("sub_a"), place("sub_b")), std::min(place("a0"), place("b0")));
    request.below_bytes_max = 1000;
    const auto some = ask(client, request);
    EXPECT_LT(some.entries.size(), 12U);
    EXPECT_EQ(some.complete.size(), 3U);
}

TEST(Lookup, LeavesFilesWithOtherNamesAndDevicesUncovered) {
    running_agent agent;
    write_file(agent.root() / "linked", "");
    fs::create_directory(agent.root() / "elsewhere");
    fs::create_hard_link(agent.root() / "linked", agent.root() / "elsewhere/too");
    auto client = agent.session();
    const auto root = lease_root(client);
    EXPECT_FALSE(ask(client, chain_of(root, "linked")).of("linked").covered);
    if (::geteuid() == 0) {
        ASSERT_EQ(::mknod((agent.root() / "null").c_str(), S_IFCHR | 0600, makedev(1, 3)), 0);
        EXPECT_FALSE(ask(client, chain_of(root, "null")).of("null").covered);
    }
}

TEST(Lookup, DoesNotLeaveTheTarget) {
    running_agent agent;
    auto client = agent.session();
    const auto root = lease_root(client);
    const std::string with_nul{"a\0b", 3};
    for (const std::string& path :
         {".."s, "a/.."s, "/etc"s, "a//b"s, "."s, "a/"s, "/"s, with_nul}) {
        SCOPED_TRACE(path);
        EXPECT_EQ(ask(client, chain_of(root, path)).failure, EINVAL);
        EXPECT_EQ(ask(client, protocol::fetch{root, {path}, 0}).failure, EINVAL);
    }
    fs::create_directory_symlink("/", agent.root() / "up");
    const auto told = ask(client, chain_of(root, "up/etc"));
    EXPECT_THAT(names_of(told), ElementsAre("up"));
}

TEST(Lookup, RefusesHandlesThatAreNotLeased) {
    running_agent agent;
    write_file(agent.root() / "file", "");
    auto client = agent.session();
    const auto file = client.call(open_of("/file")).reply.handle;
    const auto directory = client.call(open_of("/", O_RDONLY | O_DIRECTORY)).reply.handle;
    for (const auto handle : {file, directory, protocol::handle_id{4711}}) {
        EXPECT_EQ(ask(client, chain_of(handle, "file")).failure, ESTALE);
        EXPECT_EQ(ask(client, protocol::fetch{handle, {"file"}, 0}).failure, ESTALE);
    }
    EXPECT_EQ(ask(client, protocol::fetch{no_handle, {"file"}, 0}).failure, EBADF);
}

TEST(Lookup, ServesReadOnlySessions) {
    running_agent agent;
    write_file(agent.root() / "file", "text");
    auto client = agent.session(true);
    auto request = chain_of(no_handle, "file");
    request.file_bytes_max = request.data_bytes_max = 100;
    EXPECT_EQ(text_of(ask(client, request).of("file")), "text");
    protocol::open_leased open{at("/file"), O_WRONLY, 0, 0, 0, 0};
    EXPECT_EQ(client.call(open).failure, EROFS);
    open.flags = O_RDONLY;
    EXPECT_TRUE(client.call(open).reply.leased);
}

TEST(Lookup, LeasesNoMoreThanHalfOfTheHandles) {
    server_options options;
    options.handles_max = 20;
    running_agent agent{options};
    for (int i = 0; i < 15; ++i) {
        fs::create_directory(agent.root() / std::to_string(i));
    }
    auto client = agent.session();
    const auto told = ask(client, listing_of(no_handle, ""));
    const auto leased = [](const protocol::leased_entry& entry) {
        EXPECT_EQ(entry.covered, entry.handle != no_handle);
        return entry.handle != no_handle;
    };
    EXPECT_EQ(told.entries.size(), 16U);
    EXPECT_EQ(std::ranges::count_if(told.entries, leased), 10);
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(client.call(open_of("/", O_RDONLY | O_DIRECTORY)).failure, 0);
    }
    EXPECT_EQ(client.call(open_of("/", O_RDONLY | O_DIRECTORY)).failure, EMFILE);
}

// In a process of its own, whose user namespace has a limit of its own on watches.
std::string leases_with_few_watches(const fs::path& root) {
    if (::unshare(CLONE_NEWUSER) != 0) {
        return "skip";
    }
    write_file("/proc/sys/user/max_inotify_watches", "4");
    running_agent agent{{}, root.string()};
    auto client = agent.session();
    const auto told = ask(client, listing_of(no_handle, ""));
    std::string leased;
    for (const auto& entry : told.entries) {
        leased += entry.handle != no_handle && entry.covered ? 'l' : '-';
    }
    write_file(root / "new", "");
    client.call(stat_of("/"));
    return leased + (told.complete.empty() ? "" : " complete") +
           (client.take_changes().empty() ? "" : " told");
}

TEST(Lookup, LeasesAsManyAsTheKernelWatches) {
    const farside::test::temp_dir directory;
    for (int i = 0; i < 6; ++i) {
        fs::create_directory(directory.path() / std::to_string(i));
    }
    const auto told = told_by_child([&] { return leases_with_few_watches(directory.path()); });
    if (told == "skip") {
        GTEST_SKIP() << "user namespaces are not allowed here";
    }
    EXPECT_EQ(told, "llll--- complete told");
}

TEST(Lookup, IsNotLeasedWhereTheKernelDoesNotTellOfChanges) {
    running_agent agent{{}, "/proc"};
    auto client = agent.session();
    const auto told = ask(client, listing_of(no_handle, "self"));
    ASSERT_EQ(told.entries.size(), 1U);
    EXPECT_EQ(told.entries[0].handle, no_handle);
    EXPECT_FALSE(told.entries[0].covered);
}

TEST(Lookup, LongAnswersLetOthersHaveTheirTurn) {
    running_agent agent;
    for (int i = 0; i < 3000; ++i) {
        fs::create_directory(agent.root() / std::to_string(i));
    }
    auto client = agent.session();
    const auto listing = client.send(listing_of(no_handle, ""));
    const auto stat = client.send(stat_of("/1"));
    EXPECT_EQ(client.wait_any(), stat);
    EXPECT_EQ(client.wait<protocol::stat>(stat).failure, 0);
    const auto told = told_by(client.wait<protocol::lookup>(listing));
    EXPECT_EQ(told.entries.size(), 3001U);
}

TEST(Lookup, EndsWhenItIsCancelled) {
    running_agent agent;
    for (int i = 0; i < 3000; ++i) {
        fs::create_directory(agent.root() / std::to_string(i));
    }
    auto client = agent.session();
    const auto listing = client.queue(listing_of(no_handle, ""));
    client.flush();
    client.cancel(listing);
    const auto told = client.wait<protocol::lookup>(listing);
    EXPECT_EQ(told.failure, EINTR);
    EXPECT_EQ(client.call(stat_of("/1")).failure, 0);
}

TEST(Reopening, OpensTheInodeOfALeaseAnew) {
    running_agent agent;
    write_file(agent.root() / "a/file", "text");
    auto client = agent.session();
    auto request = chain_of(no_handle, "a/file");
    request.file_bytes_max = request.data_bytes_max = 100;
    const auto told = ask(client, request);
    fs::rename(agent.root() / "a", agent.root() / "b");
    const auto file = client.call(open_of(at(told.of("file").handle), O_RDONLY));
    ASSERT_EQ(file.failure, 0);
    EXPECT_NE(file.reply.handle, told.of("file").handle);
    EXPECT_EQ(file.reply.attr.inode, told.of("file").attr.inode);
    EXPECT_EQ(client.read(file.reply.handle, 0, 100), "text");
    const auto directory = client.call(open_of(at(told.of("a").handle), O_RDONLY | O_DIRECTORY));
    ASSERT_EQ(directory.failure, 0);
    const auto read = client.call(protocol::read_directory{directory.reply.handle, 0, 4096});
    EXPECT_EQ(read.reply.entries.size(), 3U);
    // The rights are asked for anew, also of what was leased for reading.
    EXPECT_EQ(client.call(open_of(at(told.of("file").handle), O_RDWR)).failure, 0);
}

}  // namespace
}  // namespace farside::agent::test
