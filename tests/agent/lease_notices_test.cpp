// Notices: what others do to leased names is told, before any reply from which a client could learn
// of it.
#include "agent/limits.hpp"
#include "tests/agent/leasing_client.hpp"
#include "tests/agent/overlay.hpp"
#include "tests/agent/requests.hpp"
#include "tests/agent/running_agent.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <thread>

#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace farside::agent::test {
namespace {

namespace fs = std::filesystem;
using farside::test::write_file;
using protocol::name_state;
using protocol::no_handle;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

// A request that learns nothing: what was told before its reply was told before any reply.
std::vector<protocol::changes> changes_until_now(fake_client& client) {
    if (client.call(stat_of("/")).failure != 0) {
        throw std::runtime_error{"stat"};
    }
    return client.take_changes();
}

// The newest word of a name in a directory.
std::optional<protocol::leased_entry> last_of(
    const std::vector<protocol::changes>& notices,
    protocol::handle_id directory,
    const std::string& name
) {
    std::optional<protocol::leased_entry> last;
    for (const auto& entry : joined(notices).entries) {
        if (entry.directory == directory && entry.name == name) {
            last = entry;
        }
    }
    return last;
}

struct row {
    const char* what;
    const char* name;  // whose state it changes
    std::function<void(const fs::path& root)> act;
};

void write_into(const fs::path& path, std::string_view text, int flags = 0) {
    const unique_fd fd{::open(path.c_str(), O_WRONLY | flags)};
    ASSERT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

const std::vector<row>& rows() {
    static const std::vector<row> all{
        {"write", "file", [](const auto& root) { write_into(root / "file", "more"); }},
        {"append", "file", [](const auto& root) { write_into(root / "file", "more", O_APPEND); }},
        {"truncate", "file", [](const auto& root) { fs::resize_file(root / "file", 1); }},
        {"open to truncate",
         "file",
         [](const auto& root) { write_into(root / "file", "", O_TRUNC); }},
        {"fallocate",
         "file",
         [](const auto& root) {
             const unique_fd fd{::open((root / "file").c_str(), O_WRONLY)};
             ASSERT_EQ(::fallocate(fd.get(), 0, 0, 100'000), 0);
         }},
        {"chmod",
         "file",
         [](const auto& root) { ASSERT_EQ(::chmod((root / "file").c_str(), 0600), 0); }},
        {"utimes",
         "file",
         [](const auto& root) {
             const ::timespec times[] = {{1, 2}, {3, 4}};
             ASSERT_EQ(::utimensat(-1, (root / "file").c_str(), times, 0), 0);
         }},
        {"create", "new", [](const auto& root) { write_file(root / "new", "text"); }},
        {"mkdir", "new", [](const auto& root) { fs::create_directory(root / "new"); }},
        {"symlink", "new", [](const auto& root) { fs::create_symlink("x", root / "new"); }},
        {"delete", "file", [](const auto& root) { fs::remove(root / "file"); }},
        {"rmdir", "empty", [](const auto& root) { fs::remove(root / "empty"); }},
        {"rename away",
         "file",
         [](const auto& root) { fs::rename(root / "file", root / "below/x"); }},
        {"rename to",
         "new",
         [](const auto& root) { fs::rename(root / "below/file", root / "new"); }},
        {"rename over",
         "file",
         [](const auto& root) { fs::rename(root / "below/file", root / "file"); }},
        {"link",
         "new",
         [](const auto& root) { fs::create_hard_link(root / "below/file", root / "new"); }},
        {"chmod of a directory",
         "empty",
         [](const auto& root) { ASSERT_EQ(::chmod((root / "empty").c_str(), 0700), 0); }},
        {"create below", "below", [](const auto& root) { write_file(root / "below/new", ""); }},
    };
    return all;
}

void make_tree(const fs::path& root) {
    write_file(root / "file", "text");
    write_file(root / "below/file", "other");
    fs::create_directory(root / "empty");
}

// What is known of `name` after the notices is what stat says now.
void check_row(const row& tested, const fs::path& root, fake_client& client) {
    const auto told = ask(client, listing_of(no_handle, ""));
    const auto directory = told.entries[0].handle;
    tested.act(root);
    const auto stated = client.call(stat_of(std::string{"/"} + tested.name, AT_SYMLINK_NOFOLLOW));
    const auto notices = client.take_changes();
    auto last = last_of(notices, directory, tested.name);
    if (!last && told.tells(tested.name)) {  // a directory tells of itself
        last = last_of(notices, told.of(tested.name).handle, "");
    }
    ASSERT_TRUE(last) << "no notice";
    if (stated.failure == ENOENT) {
        EXPECT_EQ(last->state, name_state::missing);
        return;
    }
    ASSERT_EQ(stated.failure, 0);
    EXPECT_EQ(last->state, name_state::present);
    EXPECT_EQ(lasting(last->attr), lasting(stated.reply.attr));
    EXPECT_EQ(last->covered, last->attr.links == 1 || S_ISDIR(last->attr.mode));
    EXPECT_GT(joined(notices).number, told.as_of);
}

TEST(Notices, TellEachKindOfChange) {
    for (const auto& tested : rows()) {
        SCOPED_TRACE(tested.what);
        running_agent agent;
        make_tree(agent.root());
        auto client = agent.session();
        check_row(tested, agent.root(), client);
    }
}

TEST(Notices, TellEachKindOfChangeOnAnOverlay) {
    for (const auto& tested : rows()) {
        SCOPED_TRACE(tested.what);
        overlay files;
        make_tree(files.lower());
        if (!files.mount()) {
            GTEST_SKIP() << "an overlay cannot be mounted here";
        }
        running_agent agent{{}, files.path().string()};
        auto client = agent.session();
        check_row(tested, files.path(), client);
    }
}

TEST(Notices, ComeWithoutARequest) {
    running_agent agent;
    auto client = agent.session();
    const auto root = lease_root(client);
    write_file(agent.root() / "new", "");
    const auto notices = client.wait_for_changes();
    ASSERT_FALSE(notices[0].entries.empty());
    EXPECT_EQ(notices[0].entries[0].directory, root);
    EXPECT_EQ(notices[0].entries[0].name, "new");
}

TEST(Notices, TellOfTheClientsOwnRequestsBeforeTheirReplies) {
    running_agent agent;
    auto client = agent.session();
    const auto root = lease_root(client);
    const auto file = client.call(open_of("/file", O_WRONLY | O_CREAT)).reply.handle;
    EXPECT_EQ(last_of(client.take_changes(), root, "file")->attr.size, 0U);
    ASSERT_EQ(client.call(write_of(file, 0, "12345")).failure, 0);
    EXPECT_EQ(last_of(client.take_changes(), root, "file")->attr.size, 5U);
    ASSERT_EQ(client.call(protocol::remove{at("/file"), 0}).failure, 0);
    EXPECT_EQ(last_of(client.take_changes(), root, "file")->state, name_state::missing);
}

TEST(Notices, GiveANewDirectoryALease) {
    running_agent agent;
    auto client = agent.session();
    const auto root = lease_root(client);
    fs::create_directory(agent.root() / "new");
    const auto made = last_of(changes_until_now(client), root, "new");
    ASSERT_TRUE(made && made->handle != no_handle);
    write_file(agent.root() / "new/file", "");
    EXPECT_TRUE(last_of(changes_until_now(client), made->handle, "file"));
}

TEST(Notices, KeepTheHandleOfADirectoryThatIsRenamed) {
    running_agent agent;
    write_file(agent.root() / "old/file", "");
    auto client = agent.session();
    const auto root = lease_root(client);
    const auto lease = ask(client, chain_of(root, "old")).of("old").handle;
    fs::rename(agent.root() / "old", agent.root() / "new");
    const auto notices = changes_until_now(client);
    EXPECT_EQ(last_of(notices, root, "old")->state, name_state::missing);
    EXPECT_EQ(last_of(notices, root, "new")->handle, lease);
    EXPECT_THAT(joined(notices).ended, IsEmpty());
    fs::remove(agent.root() / "new/file");
    EXPECT_EQ(last_of(changes_until_now(client), lease, "file")->state, name_state::missing);
}

TEST(Notices, EndTheLeaseOfADirectoryThatIsRemoved) {
    running_agent agent;
    fs::create_directory(agent.root() / "a");
    auto client = agent.session();
    const auto lease = ask(client, chain_of(no_handle, "a")).of("a").handle;
    fs::remove(agent.root() / "a");
    fs::create_directory(agent.root() / "a");
    const auto notices = changes_until_now(client);
    EXPECT_THAT(joined(notices).ended, ElementsAre(lease));
    const auto anew = last_of(notices, lease_root(client), "a");
    EXPECT_NE(anew->handle, lease);
    EXPECT_EQ(ask(client, chain_of(lease, "x")).failure, ESTALE);
    EXPECT_EQ(client.call(protocol::close{lease}).failure, 0);
}

TEST(Notices, EndWithTheHandle) {
    running_agent agent;
    auto client = agent.session();
    const auto root = lease_root(client);
    ASSERT_EQ(client.call(protocol::close{root}).failure, 0);
    write_file(agent.root() / "new", "");
    EXPECT_THAT(changes_until_now(client), IsEmpty());
}

TEST(Notices, AreOneForManyChangesOfAName) {
    running_agent agent;
    write_file(agent.root() / "file", "");
    auto client = agent.session();
    const auto root = lease_root(client);
    agent.on_loop([&](server&) {
        for (int i = 0; i < 100; ++i) {
            write_file(agent.root() / "file", std::to_string(i));
        }
    });
    EXPECT_THAT(lines_of(changes_until_now(client)), ElementsAre("file present"));
    EXPECT_EQ(ask(client, chain_of(root, "file")).of("file").attr.size, 2U);
}

TEST(Notices, FallSilentOnANameThatChangesAgainAndAgain) {
    running_agent agent;
    write_file(agent.root() / "file", "");
    auto client = agent.session();
    const auto root = lease_root(client);
    std::vector<std::string> lines;
    const unique_fd file{::open((agent.root() / "file").c_str(), O_WRONLY | O_APPEND)};
    // Faster than the window: each followed by a reply.
    for (int i = 0; i < 1000 && !(lines.size() > 1 && lines.back() == "file unknown"); ++i) {
        ASSERT_EQ(::write(file.get(), "x", 1), 1);
        const auto more = lines_of(changes_until_now(client));
        lines.insert(lines.end(), more.begin(), more.end());
    }
    ASSERT_EQ(lines.back(), "file unknown");
    for (int i = 0; i < 10; ++i) {
        ASSERT_EQ(::write(file.get(), "x", 1), 1);
        EXPECT_THAT(changes_until_now(client), IsEmpty());
    }
    // Until somebody asks.
    const auto asked = ask(client, chain_of(root, "file")).of("file");
    EXPECT_EQ(asked.attr.size, fs::file_size(agent.root() / "file"));
    ASSERT_EQ(::write(file.get(), "x", 1), 1);
    EXPECT_EQ(last_of(changes_until_now(client), root, "file")->attr.size, asked.attr.size + 1);
}

TEST(Notices, EndAllWhereTheKernelLostSome) {
    running_agent agent;
    fs::create_directory(agent.root() / "a");
    write_file(agent.root() / "file", "text");
    auto client = agent.session();
    auto request = listing_of(no_handle, "");
    request.file_bytes_max = request.data_bytes_max = 100;
    const auto told = ask(client, request);
    agent.on_loop([&](server&) {  // nobody reads the queue meanwhile
        const auto queued =
            std::stoi(farside::test::read_file("/proc/sys/fs/inotify/max_queued_events"));
        for (int i = 0; i <= queued / 2; ++i) {
            for (const char* const name : {"file", "a"}) {
                ASSERT_EQ(::chmod((agent.root() / name).c_str(), 0700), 0);
            }
        }
    });
    const auto notices = changes_until_now(client);
    EXPECT_TRUE(joined(notices).all_ended);
    EXPECT_EQ(ask(client, chain_of(told.entries[0].handle, "a")).failure, ESTALE);
    // Nobody is held up by what is no longer leased.
    write_into(agent.root() / "file", "more");
    EXPECT_NE(lease_root(client), told.entries[0].handle);
    write_file(agent.root() / "new", "");
    EXPECT_THAT(lines_of(changes_until_now(client)), Contains("new present"));
}

TEST(Notices, EndAllWhenSomethingIsMountedInTheTarget) {
    running_agent agent;
    fs::create_directory(agent.root() / "a");
    auto client = agent.session();
    const auto root = lease_root(client);
    const auto before = ask(client, chain_of(root, "a")).of("a");
    const auto directory = (agent.root() / "a").string();
    if (::mount("none", directory.c_str(), "tmpfs", 0, nullptr) != 0) {
        GTEST_SKIP() << "nothing can be mounted here";
    }
    EXPECT_TRUE(joined(changes_until_now(client)).all_ended);
    const auto after = ask(client, chain_of(no_handle, "a")).of("a");
    EXPECT_NE(after.attr.dev_minor, before.attr.dev_minor);
    write_file(agent.root() / "a/new", "");
    EXPECT_TRUE(last_of(changes_until_now(client), after.handle, "new"));
    ASSERT_EQ(::umount2(directory.c_str(), MNT_DETACH), 0);
    EXPECT_TRUE(joined(changes_until_now(client)).all_ended);
}

TEST(Notices, TellOfOneDirectoryAtEachPlaceWhereItIsMounted) {
    running_agent agent;
    fs::create_directory(agent.root() / "a");
    fs::create_directory(agent.root() / "b");
    const auto [a, b] = std::pair{(agent.root() / "a").string(), (agent.root() / "b").string()};
    if (::mount(a.c_str(), b.c_str(), nullptr, MS_BIND, nullptr) != 0) {
        GTEST_SKIP() << "nothing can be mounted here";
    }
    auto client = agent.session();
    const auto told = ask(client, listing_of(no_handle, ""));
    const auto [lease_a, lease_b] = std::pair{told.of("a").handle, told.of("b").handle};
    EXPECT_NE(lease_a, lease_b);
    write_file(agent.root() / "a/new", "");
    const auto notices = changes_until_now(client);
    EXPECT_TRUE(last_of(notices, lease_a, "new")->covered);
    EXPECT_TRUE(last_of(notices, lease_b, "new")->covered);
    ASSERT_EQ(client.call(protocol::close{lease_a}).failure, 0);
    fs::remove(agent.root() / "a/new");
    EXPECT_EQ(last_of(changes_until_now(client), lease_b, "new")->state, name_state::missing);
    ASSERT_EQ(::umount2(b.c_str(), MNT_DETACH), 0);
}

TEST(Notices, LeaveAFileThatIsMountedFromElsewhereUncovered) {
    running_agent agent;
    write_file(agent.root() / "here/file", "");
    write_file(agent.root() / "there/file", "");
    const auto here = (agent.root() / "here/file").string();
    const auto there = (agent.root() / "there/file").string();
    if (::mount(there.c_str(), here.c_str(), nullptr, MS_BIND, nullptr) != 0) {
        GTEST_SKIP() << "nothing can be mounted here";
    }
    auto client = agent.session();
    EXPECT_FALSE(ask(client, chain_of(no_handle, "here/file")).of("file").covered);
    EXPECT_TRUE(ask(client, chain_of(no_handle, "there/file")).of("file").covered);
    ASSERT_EQ(::umount2(here.c_str(), MNT_DETACH), 0);
}

// Somebody in the target changes a leased name and then says so in a second file. Who reads there
// that it was changed has been told of the change.
TEST(Notices, AreNeverOvertakenByAReplyThatKnowsMore) {
    running_agent agent;
    write_file(agent.root() / "leased/file", "");
    write_file(agent.root() / "said", "0       ");
    auto client = agent.session();
    const auto lease = ask(client, chain_of(no_handle, "leased")).of("leased").handle;
    const auto said = client.call(open_of("/said")).reply.handle;
    constexpr int rounds = 5000;
    std::atomic<bool> failed = false;
    std::thread writer{[&] {
        const unique_fd file{::open((agent.root() / "leased/file").c_str(), O_WRONLY)};
        const unique_fd note{::open((agent.root() / "said").c_str(), O_WRONLY)};
        for (int i = 1; i <= rounds && !failed; ++i) {
            const auto text = std::to_string(i);
            if (::ftruncate(file.get(), i) != 0 ||
                ::pwrite(note.get(), text.data(), text.size(), 0) < 0) {
                return;
            }
        }
    }};
    std::uint64_t known = 0;
    bool is_known = true;
    int read = 0;
    while (read < rounds) {
        read = std::stoi(client.read(said, 0, 8));
        if (const auto last = last_of(client.take_changes(), lease, "file")) {
            known = last->attr.size;
            is_known = last->state == name_state::present;
        }
        if (is_known && known < static_cast<std::uint64_t>(read)) {
            failed = true;
            ADD_FAILURE() << "read of round " << read << " and knew the size " << known;
            break;
        }
        if (!is_known) {
            known = ask(client, chain_of(lease, "file")).of("file").attr.size;
            is_known = true;
        }
    }
    writer.join();
    EXPECT_EQ(read, rounds);
}

// The same for what is told by a program's own watch.
TEST(Notices, ComeBeforeTheEventsOfWatches) {
    running_agent agent;
    auto client = agent.session();
    const auto root = lease_root(client);
    ASSERT_EQ(
        client.call(protocol::watch_add{at("/"), protocol::instance_id{1}, IN_CREATE}).failure, 0
    );
    client.take_changes();
    for (int i = 0; i < 500; ++i) {
        const auto name = std::to_string(i);
        fs::create_directory(agent.root() / name);
        client.wait_for_events();
        EXPECT_TRUE(last_of(client.take_changes(), root, name)) << name;
    }
}

// An answer says how old it is: a notice that it did not wait for has a higher number.
TEST(Notices, AreNumberedSoThatOldAnswersAreKnown) {
    running_agent agent;
    write_file(agent.root() / "file", "");
    auto client = agent.session();
    const auto root = lease_root(client);
    std::uint64_t last_number = 0;
    for (std::size_t i = 1; i <= 500; ++i) {
        const unique_fd file{::open((agent.root() / "file").c_str(), O_WRONLY)};
        ASSERT_EQ(::ftruncate(file.get(), static_cast<off_t>(i)), 0);
        const auto asked = ask(client, chain_of(root, "file"));
        EXPECT_EQ(asked.of("file").attr.size, i);
        for (const auto& notice : client.take_changes()) {
            EXPECT_EQ(notice.number, last_number + 1);
            last_number = notice.number;
        }
        EXPECT_LE(asked.as_of, last_number);
    }
}

}  // namespace
}  // namespace farside::agent::test
