// What single calls ask the agent and answer the program: sides, read-only paths, names relative to
// directories, structures.
#include "tests/layer/session/session_harness.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

namespace farside::session::testing {
namespace {

using segment::call;

policy_options four_sides() {
    policy_options options = writable_policy();
    options.read_only = {"^/ro"};
    options.local = {"^/lo", "^/srv/dir/lo"};
    options.not_found = {"^/no", "^/srv/dir/no"};
    return options;
}

class Calls : public ::testing::Test {
protected:
    void SetUp() override {
        auto& agent = harness.agent();
        agent.on<protocol::open>([this](const protocol::open& request) {
            return open_at_agent(request);
        });
        agent.on<protocol::stat>([this](const protocol::stat& request) { return stat_at(request); }
        );
        ASSERT_EQ(harness.start(), "");
    }

    agent_answer<protocol::open> open_at_agent(const protocol::open& request) {
        opened = request;
        if (request.at.path.ends_with("missing")) {
            return ENOENT;
        }
        protocol::open_reply reply;
        reply.handle = protocol::handle_id{++handles};
        reply.attr.mode = request.at.path.ends_with("file") ? S_IFREG | 0644 : S_IFDIR | 0755;
        return reply;
    }

    agent_answer<protocol::stat> stat_at(const protocol::stat& request) {
        asked = request;
        if (request.at.path.ends_with("missing")) {
            return ENOENT;
        }
        protocol::attributes_reply reply;
        reply.attr.mode = S_IFREG | 0644;
        return reply;
    }

    template <typename Request>
    void accept() {
        harness.agent().on<Request>([](const Request&) { return typename Request::reply{}; });
    }

    std::uint64_t handles = 0;
    protocol::open opened;
    protocol::stat asked;
    session_harness harness{four_sides()};
    const fake_caller& caller = harness.caller();
};

// ---- sides ----

TEST_F(Calls, OpenTellsWhereAllNamesAreRemote) {
    const auto names_far = [&](const std::string& path) {
        const auto file = caller.open(path);
        EXPECT_EQ(file.opened.result, 0) << path;
        return harness.shared().open_files[file.id % segment::open_file_count].names_far.load();
    };
    EXPECT_EQ(names_far("/srv/other"), 1U);
    EXPECT_EQ(names_far("/ro/dir"), 1U);
    EXPECT_EQ(names_far("/srv/dir"), 0U);  // /srv/dir/lo is local
    EXPECT_EQ(names_far("/srv/other/file"), 0U);
    EXPECT_EQ(names_far("/srv"), 0U);
}

TEST_F(Calls, ClassifyTellsTheSide) {
    const std::pair<const char*, side> rows[] = {
        {"/srv/x", side::remote},
        {"/ro/x", side::remote_read_only},
        {"/lo/x", side::local},
        {"/no/x", side::hidden},
        {"/lo/../srv/./x/", side::remote},
    };
    for (const auto& [path, where] : rows) {
        EXPECT_EQ(caller.at(call::classify, path).result, static_cast<std::int64_t>(where)) << path;
    }
    EXPECT_EQ(caller.at(call::classify, "relative").result, -EINVAL);
    EXPECT_EQ(harness.agent().requests(), 1U);  // hello
}

// As the layer looks it up.
std::optional<side> find_decision(const segment::decision_table& table, std::string_view path) {
    const auto hash = segment::path_hash(path.data(), path.size());
    for (std::uint32_t i = 0; i < segment::decision_table::entries; ++i) {
        const auto& slot = table.slots[(hash + i) % segment::decision_table::entries];
        const auto found = slot.hash.load();
        if (found == 0) {
            return std::nullopt;
        }
        if (found == hash &&
            std::string_view{table.text + slot.text_offset, slot.text_bytes} == path) {
            return slot.verdict;
        }
    }
    return std::nullopt;
}

TEST(Decisions, AreKeptForTheLayerWhereOnlyTheSessionCanTell) {
    policy_options options = writable_policy();
    options.read_only = {"^/srv/.*[0-9]+$"};
    session_harness harness{options};
    ASSERT_EQ(harness.start(), "");
    const auto& caller = harness.caller();
    const auto& decisions = harness.view().decisions;
    const auto read_only = static_cast<std::int64_t>(side::remote_read_only);
    const auto remote = static_cast<std::int64_t>(side::remote);
    EXPECT_EQ(caller.at(call::classify, "/srv/a1").result, read_only);
    EXPECT_EQ(caller.at(call::classify, "/srv/a").result, remote);
    EXPECT_EQ(caller.at(call::classify, "/srv/a1").result, read_only);
    EXPECT_EQ(find_decision(decisions, "/srv/a1"), side::remote_read_only);
    EXPECT_EQ(find_decision(decisions, "/srv/a"), side::remote);
    EXPECT_EQ(find_decision(decisions, "/srv/b1"), std::nullopt);
}

TEST(Decisions, EndWithTheTableAndAreAnsweredAllTheSame) {
    policy_options options = writable_policy();
    options.read_only = {"^/srv/.*[0-9]+$"};
    session_harness harness{options};
    ASSERT_EQ(harness.start(), "");
    const auto read_only = static_cast<std::int64_t>(side::remote_read_only);
    std::uint32_t kept = 0;
    for (int i = 0; i < 7000; ++i) {
        const std::string path = "/srv/" + std::to_string(i);
        ASSERT_EQ(harness.caller().at(call::classify, path).result, read_only);
        kept += find_decision(harness.view().decisions, path) ? 1U : 0U;
    }
    EXPECT_EQ(kept, segment::decision_table::entries / 4 * 3);
}

TEST_F(Calls, LocalPathsAreAnsweredAsPaths) {
    const auto a = caller.at(call::stat, "/srv/../lo/x/");
    EXPECT_EQ(a.result, 0);
    EXPECT_EQ(a.where, side::local);
    EXPECT_EQ(a.path[0], "/lo/x/");
    EXPECT_EQ(caller.at(call::stat, "/no/x").result, -ENOENT);
    EXPECT_EQ(harness.agent().count(protocol::opcode::stat), 0U);
}

TEST_F(Calls, NamesInADirectoryHaveTheirOwnSide) {
    const auto directory = caller.open("/srv/dir/", O_RDONLY | O_DIRECTORY);
    ASSERT_EQ(directory.opened.result, 0);
    const auto stat_in = [&](const char* path) {
        return caller.at(call::stat, path, {0, 0}, {}, directory.id);
    };
    EXPECT_EQ(stat_in("file").result, 0);
    EXPECT_EQ(asked.at.base, protocol::handle_id{1});
    EXPECT_EQ(asked.at.path, "file");
    EXPECT_EQ(stat_in("../file").result, 0);
    EXPECT_EQ(asked.at.path, "../file");
    EXPECT_EQ(stat_in("").result, 0);
    EXPECT_EQ(asked.at.base, protocol::handle_id{1});
    EXPECT_EQ(asked.at.path, "");
    EXPECT_EQ(stat_in("/srv/other").result, 0);
    EXPECT_EQ(asked.at.base, protocol::no_handle);
    EXPECT_EQ(stat_in("no/x").result, -ENOENT);
    const auto local = stat_in("sub/../lo");
    EXPECT_EQ(local.where, side::local);
    EXPECT_EQ(local.path[0], "/srv/dir/lo");
    const auto climbed = stat_in("../../lo/x");
    EXPECT_EQ(climbed.where, side::local);
    EXPECT_EQ(climbed.path[0], "/lo/x");
}

TEST_F(Calls, NothingIsInAFile) {
    const auto file = caller.open("/srv/file");
    EXPECT_EQ(caller.at(call::stat, "x", {0, 0}, {}, file.id).result, -ENOTDIR);
}

TEST_F(Calls, PathsThatGrowTooLongAreRefused) {
    const std::string deep(4000, 'd');
    const auto directory = caller.open('/' + deep);
    ASSERT_EQ(directory.opened.result, 0);
    const std::string name(200, 'n');
    EXPECT_EQ(caller.at(call::stat, name, {0, 0}, {}, directory.id).result, -ENAMETOOLONG);
}

TEST_F(Calls, OpeningALocalNameOfARemoteDirectoryGivesTheClaimBack) {
    const auto directory = caller.open("/srv/dir");
    const auto local = caller.open("lo", O_RDONLY, 0, directory.id);
    EXPECT_EQ(local.opened.result, 0);
    EXPECT_EQ(local.opened.where, side::local);
    EXPECT_EQ(local.opened.path[0], "/srv/dir/lo");
    EXPECT_EQ(caller.entry(local.id).id.load(), 0U);
}

// ---- read-only paths ----

TEST_F(Calls, ReadOnlyFilesOpenForReading) {
    EXPECT_EQ(caller.open("/ro/file", O_RDONLY).opened.result, 0);
    EXPECT_EQ(caller.open("/ro/file", O_RDONLY | O_CREAT).opened.result, 0);
    EXPECT_EQ(opened.flags & O_CREAT, 0U);
    EXPECT_EQ(caller.open("/ro/missing", O_RDONLY).opened.result, -ENOENT);
    EXPECT_EQ(caller.open("/ro/missing", O_RDONLY | O_CREAT).opened.result, -EROFS);
    EXPECT_EQ(caller.open("/ro/file", O_PATH | O_RDWR).opened.result, 0);
}

TEST_F(Calls, ReadOnlyFilesDoNotOpenForWriting) {
    const std::pair<int, int> rows[] = {
        {O_WRONLY, -EROFS},
        {O_RDWR, -EROFS},
        {O_RDONLY | O_TRUNC, -EROFS},
        {O_WRONLY | O_CREAT, -EROFS},
        {O_TMPFILE | O_RDWR, -EROFS},
        {O_RDONLY | O_CREAT | O_EXCL, -EEXIST},
        {O_RDWR | O_CREAT | O_EXCL, -EEXIST},
    };
    for (const auto& [flags, result] : rows) {
        EXPECT_EQ(caller.open("/ro/file", flags).opened.result, result) << std::oct << flags;
    }
    EXPECT_EQ(caller.open("/ro/missing", O_WRONLY).opened.result, -ENOENT);
    EXPECT_EQ(caller.open("/ro/missing", O_WRONLY | O_CREAT | O_EXCL).opened.result, -EROFS);
    EXPECT_EQ(harness.agent().count(protocol::opcode::open), 0U);
}

TEST_F(Calls, NothingIsMadeOrChangedOnAReadOnlySide) {
    const std::string times(sizeof(struct timespec) * 2, '\0');

    struct row {
        call op;
        std::vector<std::int64_t> arguments;
        std::string data;
        int on_existing;
        int on_missing;
    };

    const row rows[] = {
        {call::make_directory, {0755, 022}, {}, -EEXIST, -EROFS},
        {call::make_node, {S_IFIFO | 0644, 022, 0}, {}, -EEXIST, -EROFS},
        {call::make_symlink, {}, "target", -EEXIST, -EROFS},
        {call::remove, {0}, {}, -EROFS, -EROFS},
        {call::set_attributes, {0, 1, 0644}, {}, -EROFS, -ENOENT},
        {call::set_attributes, {0, 2, 0, 0}, {}, -EROFS, -ENOENT},
        {call::set_attributes, {0, 4, 0}, {}, -EROFS, -ENOENT},
        {call::set_attributes, {0, 8}, times, -EROFS, -ENOENT},
        {call::set_xattr, {0, 0}, "value", -EROFS, -ENOENT},
        {call::remove_xattr, {0}, {}, -EROFS, -ENOENT},
    };
    for (const auto& r : rows) {
        SCOPED_TRACE(static_cast<int>(r.op));
        EXPECT_EQ(caller.at(r.op, "/ro/file", r.arguments, r.data).result, r.on_existing);
        EXPECT_EQ(caller.at(r.op, "/ro/missing", r.arguments, r.data).result, r.on_missing);
    }
    // Nothing but questions came to the agent.
    EXPECT_EQ(harness.agent().requests(), 1 + harness.agent().count(protocol::opcode::stat));
}

TEST_F(Calls, FilesOpenedOnAReadOnlySideAreNotChangedThroughTheirDescriptor) {
    const auto file = caller.open("/ro/file", O_RDONLY);
    const auto set = [&](std::vector<std::int64_t> arguments) {
        return caller.at(call::set_attributes, "", arguments, {}, file.id).result;
    };
    EXPECT_EQ(set({0, 1, 0644}), -EROFS);
    EXPECT_EQ(set({0, 2, 0, 0}), -EROFS);
    EXPECT_EQ(set({0, 4, 0}), -EINVAL);  // ftruncate(2) of a file not open for writing
    EXPECT_EQ(caller.at(call::set_xattr, "", {0, 0}, "v", file.id).result, -EROFS);
    EXPECT_EQ(caller.on(call::ioctl, file.id, {FS_IOC_SETFLAGS, 0}).result, -EROFS);
    EXPECT_EQ(harness.agent().count(protocol::opcode::set_attributes), 0U);
}

TEST_F(Calls, AccessToWriteIsRefusedOnAReadOnlySide) {
    accept<protocol::access>();
    EXPECT_EQ(caller.at(call::access, "/ro/file", {R_OK, 0}).result, 0);
    EXPECT_EQ(caller.at(call::access, "/ro/file", {R_OK | W_OK, 0}).result, -EROFS);
    EXPECT_EQ(caller.at(call::access, "/srv/file", {R_OK | W_OK, 0}).result, 0);
}

// ---- two places ----

answer between(const fake_caller& caller, call op, const std::string& from, const std::string& to) {
    question q;
    q.op = op;
    q.path = {from, to};
    return caller.ask(q);
}

TEST_F(Calls, RenameAndLinkStayOnOneSide) {
    accept<protocol::rename>();
    accept<protocol::make_link>();
    for (const call op : {call::rename, call::make_link}) {
        SCOPED_TRACE(static_cast<int>(op));
        EXPECT_EQ(between(caller, op, "/srv/a", "/srv/b").result, 0);
        EXPECT_EQ(between(caller, op, "/srv/a", "/lo/b").result, -EXDEV);
        EXPECT_EQ(between(caller, op, "/lo/a", "/srv/b").result, -EXDEV);
        EXPECT_EQ(between(caller, op, "/no/a", "/srv/b").result, -ENOENT);
        EXPECT_EQ(between(caller, op, "/srv/a", "/no/b").result, -ENOENT);
        EXPECT_EQ(between(caller, op, "/ro/a", "/srv/b").result, -EROFS);
        EXPECT_EQ(between(caller, op, "/srv/a", "/ro/missing").result, -EROFS);
        EXPECT_EQ(between(caller, op, "/ro/a", "/lo/b").result, -EXDEV);
        const auto local = between(caller, op, "/lo/a", "/lo/b");
        EXPECT_EQ(local.result, 0);
        EXPECT_EQ(local.where, side::local);
        EXPECT_EQ(local.path[0], "/lo/a");
        EXPECT_EQ(local.path[1], "/lo/b");
    }
    EXPECT_EQ(between(caller, call::make_link, "/srv/a", "/ro/file").result, -EEXIST);
    EXPECT_EQ(harness.agent().count(protocol::opcode::rename), 1U);
    EXPECT_EQ(harness.agent().count(protocol::opcode::make_link), 1U);
}

// ---- directories ----

TEST_F(Calls, CanonicalizeAnswersTheCanonicalPathWhereItIsRemote) {
    harness.agent().on<protocol::canonicalize>([](const protocol::canonicalize&) {
        protocol::canonicalize_reply reply;
        reply.path = "/srv/real";
        return reply;
    });
    const auto a = caller.at(call::canonicalize, "/srv/link");
    EXPECT_EQ(a.path[0], "/srv/real");
    EXPECT_EQ(a.result, 9);
}

TEST_F(Calls, CanonicalizeKeepsTheNameWhereTheCanonicalPathIsLocal) {
    harness.agent().on<protocol::canonicalize>([](const protocol::canonicalize& request) {
        protocol::canonicalize_reply reply;
        reply.path = "/lo/real";
        reply.attr.inode = request.at.path == "/srv/other" ? 2 : 1;
        return reply;
    });
    EXPECT_EQ(caller.at(call::canonicalize, "/srv/link/.").path[0], "/srv/link");
    // Not the same directory: ".." went somewhere else than the name says.
    EXPECT_EQ(caller.at(call::canonicalize, "/srv/link/../other").result, -EACCES);
}

TEST_F(Calls, EnterDirectoryOpensItAndTellsItsCanonicalPath) {
    harness.agent().on<protocol::open>([](const protocol::open& request) {
        EXPECT_TRUE(request.enters);
        EXPECT_EQ(request.flags, static_cast<std::uint32_t>(O_PATH | O_DIRECTORY));
        protocol::open_reply reply;
        reply.handle = protocol::handle_id{7};
        reply.attr.mode = S_IFDIR | 0755;
        reply.path = "/srv/real";
        return reply;
    });
    auto made = caller.make_descriptor();
    caller.entry(made.id).id = made.id;
    const auto id = static_cast<std::int64_t>(made.id);
    const auto entered = caller.at(call::enter_directory, "/srv/link", {id});
    EXPECT_EQ(entered.path[0], "/srv/real");
    EXPECT_EQ(entered.result, 9);
    // Names are seen from where the directory is.
    harness.agent().on<protocol::stat>([](const protocol::stat& request) {
        EXPECT_EQ(request.at.base, protocol::handle_id{7});
        EXPECT_EQ(request.at.path, "../x");
        return protocol::attributes_reply{};
    });
    EXPECT_EQ(caller.at(call::stat, "../x", {0, STATX_SIZE}, {}, made.id).result, 0);
    EXPECT_EQ(caller.close(made), 0);
}

TEST_F(Calls, APathThroughTheLocalSideIsAskedByItsName) {
    harness.agent().on<protocol::open>([](const protocol::open&) {
        protocol::open_reply reply;
        reply.handle = protocol::handle_id{7};
        reply.attr.mode = S_IFDIR | 0755;
        return reply;
    });
    auto directory = caller.open("/srv/dir", O_PATH);
    std::vector<protocol::location> places;
    harness.agent().on<protocol::stat>([&](const protocol::stat& request) {
        places.push_back(request.at);
        return protocol::attributes_reply{};
    });
    for (const char* const path : {"../../lo/../srv/x", "../lo/../x", "../../lo/../srv/x/"}) {
        EXPECT_EQ(caller.at(call::stat, path, {0, STATX_SIZE}, {}, directory.id).result, 0);
    }
    EXPECT_EQ(places[0], (protocol::location{protocol::no_handle, "/srv/x"}));
    EXPECT_EQ(places[1], (protocol::location{protocol::handle_id{7}, "../lo/../x"}));
    EXPECT_EQ(places[2], (protocol::location{protocol::no_handle, "/srv/x/"}));
    EXPECT_EQ(caller.close(directory), 0);
}

TEST_F(Calls, EnterDirectoryThatFailsLeavesNothingOpen) {
    harness.agent().on<protocol::open>([](const protocol::open&) { return EACCES; });
    auto made = caller.make_descriptor();
    caller.entry(made.id).id = made.id;
    const auto id = static_cast<std::int64_t>(made.id);
    EXPECT_EQ(caller.at(call::enter_directory, "/srv/link", {id}).result, -EACCES);
    EXPECT_EQ(caller.at(call::stat, "x", {0, STATX_SIZE}, {}, made.id).result, -EBADF);
    EXPECT_EQ(caller.at(call::enter_directory, "/srv/link", {id}).result, -EINVAL);
}

TEST_F(Calls, ReadDirectoryPacksRecordsAndMovesThePosition) {
    harness.agent().on<protocol::read_directory>([](const protocol::read_directory& request) {
        protocol::read_directory_reply reply;
        for (std::int64_t i = request.position; i < 5; ++i) {
            protocol::directory_entry entry;
            entry.inode = static_cast<std::uint64_t>(100 + i);
            entry.next_position = i + 1;
            entry.type = 8;
            entry.name = std::string(static_cast<std::size_t>(i) + 1, 'n');
            reply.entries.push_back(entry);
        }
        return reply;
    });
    const auto directory = caller.open("/srv/dir");
    const auto list = [&](std::int64_t room) {
        return caller.on(call::read_directory, directory.id, {room});
    };
    EXPECT_EQ(list(20).result, -EINVAL);
    const auto two = list(60);
    ASSERT_EQ(two.result, 48);
    std::uint16_t record_bytes = 0;
    std::memcpy(&record_bytes, two.data.data() + 16, 2);
    EXPECT_EQ(record_bytes, 24);
    EXPECT_STREQ(two.data.data() + 19, "n");
    EXPECT_STREQ(two.data.data() + 24 + 19, "nn");
    EXPECT_EQ(caller.entry(directory.id).position.load(), 2);
    EXPECT_EQ(list(1000).result, 24 + 24 + 32);
    EXPECT_EQ(list(1000).result, 0);
    EXPECT_EQ(caller.on(call::seek, directory.id, {0, SEEK_SET}).result, 0);
    EXPECT_EQ(list(1000).result, 4 * 24 + 32);
}

TEST_F(Calls, ReadDirectoryRefusesNamesThatAreNone) {
    static std::string name;
    harness.agent().on<protocol::read_directory>([](const protocol::read_directory&) {
        protocol::read_directory_reply reply;
        reply.entries.resize(1);
        reply.entries[0].name = name;
        return reply;
    });
    const auto directory = caller.open("/srv/dir");
    for (const auto& bad :
         {std::string{}, std::string{"a/b"}, std::string{"a\0b", 3}, std::string(256, 'x')}) {
        name = bad;
        EXPECT_EQ(caller.on(call::read_directory, directory.id, {4096}).result, -EIO);
    }
    const auto file = caller.open("/srv/file");
    EXPECT_EQ(caller.on(call::read_directory, file.id, {4096}).result, -ENOTDIR);
}

// ---- structures and values ----

TEST_F(Calls, FileSystemFillsStatfs) {
    harness.agent().on<protocol::file_system>([](const protocol::file_system&) {
        protocol::file_system_reply reply;
        reply.type = 0xEF53;
        reply.block_bytes = 4096;
        reply.blocks = 1000;
        reply.blocks_available = 900;
        reply.name_bytes_max = 255;
        return reply;
    });
    const auto a = caller.at(call::file_system, "/srv");

    struct statfs found {};

    ASSERT_EQ(a.data.size(), sizeof found);
    std::memcpy(&found, a.data.data(), sizeof found);
    EXPECT_EQ(found.f_type, 0xEF53);
    EXPECT_EQ(found.f_bsize, 4096);
    EXPECT_EQ(found.f_blocks, 1000U);
    EXPECT_EQ(found.f_bavail, 900U);
    EXPECT_EQ(found.f_namelen, 255);
}

TEST_F(Calls, LinksAndAttributesAreAnsweredAsBytes) {
    harness.agent().on<protocol::read_link>([](const protocol::read_link&) {
        protocol::path_reply reply;
        reply.path = "../target";
        return reply;
    });
    harness.agent().on<protocol::get_xattr>([](const protocol::get_xattr& request) {
        protocol::xattr_reply reply;
        reply.value = request.name + "=" + std::string{"\0v", 2};
        return reply;
    });
    const auto link = caller.at(call::read_link, "/srv/link");
    EXPECT_EQ(link.result, 9);
    EXPECT_EQ(link.data, "../target");
    question q;
    q.op = call::get_xattr;
    q.path = {"/srv/file", "user.x"};
    EXPECT_EQ(caller.ask(q).data, (std::string{"user.x=\0v", 9}));
}

TEST_F(Calls, TimesAreHandedOnAndChecked) {
    protocol::set_attributes seen;
    harness.agent().on<protocol::set_attributes>([&](const protocol::set_attributes& request) {
        seen = request;
        return protocol::empty_reply{};
    });
    struct timespec times[2] = {{-5, 7}, {0, UTIME_OMIT}};
    const auto set = [&] {
        const std::string data{reinterpret_cast<const char*>(times), sizeof times};
        return caller.at(call::set_attributes, "/srv/file", {AT_SYMLINK_NOFOLLOW, 8}, data).result;
    };
    EXPECT_EQ(set(), 0);
    EXPECT_EQ(seen.accessed, (protocol::timestamp{-5, 7}));
    EXPECT_EQ(seen.modified.nanoseconds, static_cast<std::uint32_t>(UTIME_OMIT));
    EXPECT_EQ(seen.flags, static_cast<std::uint32_t>(AT_SYMLINK_NOFOLLOW));
    times[0].tv_nsec = 1'000'000'000;
    EXPECT_EQ(set(), -EINVAL);
    EXPECT_EQ(caller.at(call::set_attributes, "/srv/file", {0, 8}, "short").result, -EINVAL);
    EXPECT_EQ(caller.at(call::set_attributes, "/srv/file", {0, 3, 0}).result, -EINVAL);
}

TEST_F(Calls, CopyRangeMovesBothPositions) {
    protocol::copy_range seen;
    harness.agent().on<protocol::copy_range>([&](const protocol::copy_range& request) {
        seen = request;
        protocol::copy_range_reply reply;
        reply.bytes = 10;
        return reply;
    });
    const auto from = caller.open("/srv/a/file", O_RDONLY);
    const auto to = caller.open("/srv/b/file", O_WRONLY);
    caller.entry(from.id).position.store(3);
    const auto here = segment::position_current;
    const auto copy = [&](std::uint64_t a, std::int64_t a_at, std::uint64_t b, std::int64_t b_at) {
        return caller.on(call::copy_range, a, {a_at, static_cast<std::int64_t>(b), b_at, 50})
            .result;
    };
    EXPECT_EQ(copy(from.id, here, to.id, here), 10);
    EXPECT_EQ(seen.from_offset, 3);
    EXPECT_EQ(caller.entry(from.id).position.load(), 13);
    EXPECT_EQ(caller.entry(to.id).position.load(), 10);
    EXPECT_EQ(copy(from.id, 0, to.id, 7), 10);
    EXPECT_EQ(seen.to_offset, 7);
    EXPECT_EQ(caller.entry(to.id).position.load(), 10);
    const auto path = caller.open("/srv/b/file", O_PATH);
    EXPECT_EQ(copy(path.id, 0, to.id, 0), -EBADF);
    EXPECT_EQ(copy(from.id, 0, path.id, 0), -EBADF);
}

}  // namespace
}  // namespace farside::session::testing
