// The session's calls on names: what is answered without the agent, what is asked for beside a
// call, who waits for whom. The agent's side is told by hand.
#include "tests/layer/session/session_harness.hpp"
#include "tests/layer/session/told_names.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

namespace farside::session::testing {
namespace {

using protocol::opcode;
using segment::call;

constexpr auto root_handle = handle(1001);
constexpr auto srv = handle(1002);
constexpr auto sub = handle(1003);

struct record {
    std::string name;
    std::uint64_t inode = 0;
    std::int64_t behind = 0;
};

std::vector<record> records(const std::string& data) {
    std::vector<record> all;
    for (std::size_t at = 0; at + 19 < data.size();) {
        record r;
        std::uint16_t bytes = 0;
        std::memcpy(&r.inode, data.data() + at, sizeof r.inode);
        std::memcpy(&r.behind, data.data() + at + 8, sizeof r.behind);
        std::memcpy(&bytes, data.data() + at + 16, sizeof bytes);
        r.name = data.data() + at + 19;
        all.push_back(r);
        at += bytes;
    }
    return all;
}

class NameCache : public ::testing::Test {
protected:
    NameCache() : session{writable_policy(), name_cache::options{}} {
        session.agent().on<protocol::lookup>([this](const protocol::lookup& asked) {
            lookups.push_back(asked);
            return on_lookup(asked);
        });
        session.agent().on<protocol::stat>([](const protocol::stat& asked) {
            agent_answer<protocol::stat> answer{ENOENT};
            if (asked.at.path.ends_with("file")) {
                answer = protocol::attributes_reply{attributes(S_IFREG | 0644, 77)};
            }
            return answer;
        });
        EXPECT_EQ(session.start(), "");
    }

    // "/srv" with "file", "link" to it, "sub" with "deep"; whole where it is listed.
    protocol::lookup_reply on_lookup(const protocol::lookup& asked) {
        protocol::lookup_reply told;
        if (asked.base == protocol::no_handle) {
            told.entries.push_back(root(root_handle));
        }
        if (asked.base == protocol::no_handle || asked.base == root_handle) {
            told.entries.push_back(directory(root_handle, "srv", 10, srv));
        }
        if (asked.list) {
            tell_places(told, asked.path.ends_with("sub") ? sub : srv);
        }
        for (const auto* name : {"file", "link", "sub", "none"}) {
            if (asked.list || asked.path.ends_with(name)) {
                told.entries.push_back(in_srv(name));
                told.entries.back().listed = asked.list;
            }
        }
        if (asked.path == "above") {
            told.entries.push_back(missing(asked.base, asked.path));
        }
        if (asked.base == sub || (asked.list && asked.path.ends_with("sub"))) {
            told.entries.push_back(file(sub, "deep", 14));
            told.complete.push_back(sub);
        } else if (asked.list) {
            told.complete.push_back(srv);
        }
        return told;
    }

    static protocol::leased_entry in_srv(const std::string& name) {
        if (name == "file") {
            return file(srv, name, 77);
        }
        if (name == "link") {
            return link(srv, name, 12, "file");
        }
        return name == "sub" ? directory(srv, name, 13, sub) : missing(srv, name);
    }

    answer stat(const std::string& path, int flags = 0) {
        return session.caller().at(call::stat, path, {flags, STATX_BASIC_STATS});
    }

    static std::uint64_t inode_of(const answer& told) {
        struct statx status {};

        std::memcpy(&status, told.data.data(), std::min(sizeof status, told.data.size()));
        return told.result == 0 ? status.stx_ino : 0;
    }

    std::size_t lookups_seen() { return session.agent().count(opcode::lookup); }

    std::size_t asked(opcode op) { return session.agent().count(op); }

    std::vector<protocol::lookup> lookups;  // the agent's thread writes it: look when it is quiet
    session_harness session;
};

TEST_F(NameCache, TheFirstCallAsksBesideItsOwnRequest) {
    EXPECT_EQ(inode_of(stat("/srv/file")), 77U);
    session.agent().await(opcode::lookup);
    EXPECT_EQ(asked(opcode::stat), 1U);
    // From then on it is known; a call that comes before the answer waits for that.
    EXPECT_EQ(inode_of(stat("/srv/file")), 77U);
    EXPECT_EQ(inode_of(stat("/srv/../srv//file")), 77U);
    EXPECT_EQ(stat("/srv/file/").result, -ENOTDIR);
    EXPECT_EQ(session.caller().at(call::access, "/srv/file", {F_OK, 0}).result, 0);
    EXPECT_EQ(asked(opcode::stat), 1U);
    EXPECT_EQ(asked(opcode::access), 0U);
    EXPECT_EQ(lookups_seen(), 1U);
    EXPECT_EQ(lookups.at(0).path, "srv/file");
    EXPECT_FALSE(lookups.at(0).list);
}

TEST_F(NameCache, TheSecondUnknownNameListsTheDirectory) {
    EXPECT_EQ(stat("/srv/none").result, -ENOENT);
    EXPECT_EQ(stat("/srv/none").result, -ENOENT);
    EXPECT_EQ(stat("/srv/nowhere").result, -ENOENT);
    session.agent().await(opcode::lookup, 2);
    EXPECT_EQ(asked(opcode::stat), 2U);
    for (const auto* path : {"/srv/a", "/srv/b/c", "/srv/link/"}) {
        EXPECT_NE(stat(path).result, 0) << path;
    }
    EXPECT_EQ(inode_of(stat("/srv/link")), 77U);
    EXPECT_EQ(inode_of(stat("/srv/link", AT_SYMLINK_NOFOLLOW)), 12U);
    EXPECT_EQ(session.caller().at(call::read_link, "/srv/link").data, "file");
    EXPECT_EQ(session.caller().at(call::read_link, "/srv/file").result, -ENOSYS);  // the agent's
    EXPECT_EQ(session.caller().open("/srv/none").opened.result, -ENOENT);
    EXPECT_EQ(session.caller().open("/srv/file/x").opened.result, -ENOTDIR);
    EXPECT_EQ(session.caller().open("/srv/link", O_NOFOLLOW).opened.result, -ELOOP);
    EXPECT_EQ(session.caller().open("/srv/file", O_CREAT | O_EXCL).opened.result, -EEXIST);
    EXPECT_EQ(session.caller().open("/srv/file", O_DIRECTORY).opened.result, -ENOTDIR);
    EXPECT_EQ(asked(opcode::stat), 2U);
    EXPECT_EQ(asked(opcode::open), 0U);
    EXPECT_TRUE(session.inspect([](session_core& core) { return core.stats().hits() > 8; }));
    EXPECT_TRUE(lookups.at(1).list);
    EXPECT_EQ(lookups.at(1).base, srv);
    EXPECT_EQ(lookups.at(1).path, "");
}

TEST_F(NameCache, ANameThatIsLookedForUpwardsIsAskedForInAllThatIsAbove) {
    stat("/srv/sub");
    const auto missing_in = [&](const std::string& directory) {
        EXPECT_EQ(stat(directory + "/above").result, -ENOENT);
        EXPECT_EQ(stat("/srv/sub").result, 0);  // what was asked for has come
        return session.agent().count(opcode::stat);
    };
    const auto asked = missing_in("/srv/sub");
    EXPECT_EQ(missing_in("/srv"), asked + 1);
    EXPECT_EQ(missing_in(""), asked + 1);
    EXPECT_TRUE(std::ranges::any_of(lookups, [](const protocol::lookup& one) {
        return one.base == root_handle && one.path == "above";
    }));
}

TEST_F(NameCache, NoticesAreAppliedBeforeTheRepliesBehindThem) {
    EXPECT_EQ(inode_of(stat("/srv/file")), 77U);
    EXPECT_EQ(inode_of(stat("/srv/file")), 77U);
    session.agent().on<protocol::remove>([this](const protocol::remove&) {
        session.agent().push(notice(1, {missing(srv, "file")}));
        return protocol::empty_reply{};
    });
    EXPECT_EQ(session.caller().at(call::remove, "/srv/file", {0}).result, 0);
    EXPECT_EQ(stat("/srv/file").result, -ENOENT);
    EXPECT_EQ(asked(opcode::stat), 1U);
}

TEST_F(NameCache, ADirectoryIsOpenedAndReadWithoutTheAgent) {
    session.agent().on<protocol::open>([](const protocol::open&) {
        protocol::open_reply opened;
        opened.handle = handle(5);
        opened.attr = attributes(S_IFDIR | 0755, 10);
        return opened;
    });
    auto first = session.caller().open("/srv", O_DIRECTORY);
    ASSERT_EQ(first.opened.result, 0);
    const auto read = session.caller().on(call::read_directory, first.id, {4096});
    ASSERT_GT(read.result, 0);
    std::set<std::string> names;
    for (const auto& r : records(read.data)) {
        names.insert(r.name);
    }
    EXPECT_EQ(names, (std::set<std::string>{".", "..", "file", "link", "sub"}));
    EXPECT_EQ(session.caller().on(call::read_directory, first.id, {4096}).result, 0);
    EXPECT_EQ(asked(opcode::open), 1U);

    auto second = session.caller().open("/srv", O_DIRECTORY);
    ASSERT_EQ(second.opened.result, 0);
    EXPECT_EQ(
        session.caller().entry(second.id).node.load(), session.caller().entry(first.id).node.load()
    );
    EXPECT_EQ(
        inode_of(session.caller().at(call::stat, "file", {0, STATX_INO}, {}, second.id)), 77U
    );
    EXPECT_EQ(asked(opcode::open), 1U);
    EXPECT_EQ(asked(opcode::stat), 0U);
    EXPECT_EQ(asked(opcode::read_directory), 0U);
    // What needs a descriptor for reading gets one, once.
    session.agent().on<protocol::sync>([](const protocol::sync& asked) {
        EXPECT_EQ(asked.handle, handle(5));
        return protocol::empty_reply{};
    });
    EXPECT_EQ(session.caller().on(call::sync, second.id, {0}).result, 0);
    EXPECT_EQ(session.caller().on(call::sync, second.id, {0}).result, 0);
    EXPECT_EQ(asked(opcode::open), 2U);
}

TEST_F(NameCache, AReaderGoesOnWithTheEntriesItBeganWith) {
    ASSERT_EQ(stat("/srv/none").result, -ENOENT);
    session.agent().on<protocol::open>([](const protocol::open&) {
        protocol::open_reply opened;
        opened.handle = handle(5);
        opened.attr = attributes(S_IFDIR | 0755, 10);
        return opened;
    });
    auto opened = session.caller().open("/srv", O_DIRECTORY);
    auto& position = session.caller().entry(opened.id).position;
    const auto some = records(session.caller().on(call::read_directory, opened.id, {80}).data);
    ASSERT_EQ(some.size(), 3U);
    session.agent().push(notice(1, {missing(srv, "link"), file(srv, "a new one", 90)}));
    const auto rest = records(session.caller().on(call::read_directory, opened.id, {4096}).data);
    ASSERT_EQ(rest.size(), 2U);
    EXPECT_EQ(rest[0].name, "link");
    position.store(some[1].behind);
    const auto again = records(session.caller().on(call::read_directory, opened.id, {4096}).data);
    EXPECT_EQ(again.size(), 3U);
    EXPECT_EQ(again[0].name, some[2].name);
    position.store(0);
    // Where the new one is among the others only the directory can tell.
    session.agent().on<protocol::lookup>([](const protocol::lookup& asked) {
        auto told = asked.list ? reply(
                                     {file(srv, "file", 77),
                                      file(srv, "a new one", 90),
                                      directory(srv, "sub", 13, sub)},
                                     {srv}
                                 )
                               : reply({});
        told.as_of = 1;
        return told;
    });
    const auto fresh = records(session.caller().on(call::read_directory, opened.id, {4096}).data);
    ASSERT_EQ(fresh.size(), 5U);
    EXPECT_EQ(fresh[3].name, "a new one");
    EXPECT_EQ(session.caller().on(call::read_directory, opened.id, {10}).result, 0);
    position.store(0);
    EXPECT_EQ(session.caller().on(call::read_directory, opened.id, {10}).result, -EINVAL);
}

TEST_F(NameCache, ReadingForgetsTheTimeOfTheLastRead) {
    auto read_long_ago = attributes(S_IFREG | 0644, 77);
    read_long_ago.accessed = {300, 0};
    session.agent().on<protocol::lookup>([read_long_ago](const protocol::lookup&) {
        auto told = file(srv, "file", 77);
        told.attr = read_long_ago;
        return reply({root(root_handle), directory(root_handle, "srv", 10, srv), told});
    });
    session.agent().on<protocol::open>([read_long_ago](const protocol::open&) {
        protocol::open_reply opened;
        opened.handle = handle(6);
        opened.attr = read_long_ago;
        return opened;
    });
    session.agent().on<protocol::read>([](const protocol::read&) { return protocol::read_reply{}; }
    );
    auto opened = session.caller().open("/srv/file");
    ASSERT_EQ(opened.opened.result, 0);
    EXPECT_EQ(inode_of(stat("/srv/file")), 77U);
    EXPECT_EQ(asked(opcode::stat), 0U);
    EXPECT_EQ(session.caller().read(opened.id, 10).result, 0);
    EXPECT_EQ(inode_of(stat("/srv/file")), 77U);  // asks, and that is known from then on
    EXPECT_EQ(asked(opcode::stat), 1U);
    EXPECT_EQ(inode_of(stat("/srv/file")), 77U);
    EXPECT_EQ(asked(opcode::stat), 1U);
}

TEST_F(NameCache, AnAgentWithoutLeasesIsAskedOnce) {
    session.agent().on<protocol::lookup>([](const protocol::lookup&) {
        return agent_answer<protocol::lookup>{ENOSYS};
    });
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(inode_of(stat("/srv/file")), 77U);
    }
    EXPECT_EQ(asked(opcode::stat), 5U);
    EXPECT_EQ(lookups_seen(), 1U);
}

TEST_F(NameCache, ALostAgentIsNotHiddenByWhatIsKnown) {
    EXPECT_EQ(inode_of(stat("/srv/file")), 77U);
    EXPECT_EQ(inode_of(stat("/srv/file")), 77U);
    session.agent().close();
    EXPECT_TRUE(session.eventually([](session_core& core) { return !core.link().usable(); }));
    EXPECT_EQ(stat("/srv/file").result, -EIO);
}

TEST_F(NameCache, WatchersAreToldOfEveryOpening) {
    ASSERT_EQ(stat("/srv/none").result, -ENOENT);
    ASSERT_EQ(stat("/srv/none").result, -ENOENT);
    session.shared().head.watch_instances.store(1);
    EXPECT_EQ(stat("/srv/another").result, -ENOENT);
    session.agent().await(opcode::lookup, 2);
    EXPECT_EQ(session.caller().open("/srv", O_DIRECTORY).opened.result, -ENOSYS);  // the agent's
    EXPECT_FALSE(lookups.at(1).list);
    session.shared().head.watch_instances.store(0);
}

}  // namespace
}  // namespace farside::session::testing
