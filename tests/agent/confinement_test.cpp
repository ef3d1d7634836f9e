// A dir/ target and everything outside of it: no path, link, handle or race leads out, and what is
// inside resolves as it would in a container whose root the directory is.
#include "tests/agent/requests.hpp"
#include "tests/agent/running_agent.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include <sys/stat.h>
#include <unistd.h>

namespace farside::agent::test {
namespace {

using namespace protocol;
using farside::test::read_file;
using farside::test::temp_dir;
using farside::test::write_file;
namespace fs = std::filesystem;

class Confinement : public testing::Test {
protected:
    Confinement() {
        write_file(outside_.path() / "secret", "outside");
        fs::create_directory(root_ / "in");
        write_file(root_ / "in/f", "inside");
        write_file(root_ / "target", "root's");
        // Absolute links that are right in the target, and links that try to leave it.
        fs::create_symlink("/target", root_ / "in/absolute");
        fs::create_symlink("/in", root_ / "in/absolute_dir");
        fs::create_symlink(outside_.path(), root_ / "out");
        fs::create_symlink(outside_.path() / "secret", root_ / "out_file");
        fs::create_symlink("../../../../../../../.." + outside_.path().string(), root_ / "dots");
        fs::create_symlink("out", root_ / "chain1");
        fs::create_symlink("/chain1", root_ / "chain2");
        fs::create_symlink("chain2/secret", root_ / "chain3");
        fs::create_symlink("../..", root_ / "in/up");
        fs::create_symlink("/proc/self/root", root_ / "magic");
    }

    temp_dir served_;
    temp_dir outside_;
    fs::path root_ = served_.path();
    running_agent agent_{{}, served_.path().string()};
    fake_client client_ = agent_.session();
};

TEST_F(Confinement, NoPathLeadsOut) {
    const auto out = outside_.path().string();
    const std::vector<std::string> paths{
        out + "/secret",
        "/.." + out + "/secret",
        "/in/../../../../../.." + out + "/secret",
        "/out/secret",
        "/out_file",
        "/dots/secret",
        "/chain1/secret",
        "/chain2/secret",
        "/chain3",
        "/in/up" + out + "/secret",
        "/magic" + out + "/secret",
        "/proc/self/root" + out + "/secret",
    };
    for (const auto& path : paths) {
        SCOPED_TRACE(path);
        EXPECT_NE(client_.call(open_of(path)).failure, 0);
        EXPECT_NE(client_.call(open_of(path, O_PATH)).failure, 0);
        EXPECT_NE(client_.call(stat_of(path)).failure, 0);
        EXPECT_NE(client_.call(protocol::access{at(path), F_OK, 0}).failure, 0);
        EXPECT_NE(client_.call(read_link{at(path + "/x")}).failure, 0);
        EXPECT_NE(client_.call(make_link{at(path), at("/stolen"), AT_SYMLINK_FOLLOW}).failure, 0);
        set_attributes cut;
        cut.at = at(path);
        cut.mask = set_mask::size;
        EXPECT_NE(client_.call(cut).failure, 0);
        EXPECT_NE(client_.call(open_of(path, O_WRONLY | O_TRUNC)).failure, 0);
        EXPECT_NE(client_.call(get_xattr{at(path), 0, "user.a"}).failure, ENODATA);
    }
    EXPECT_EQ(read_file(outside_.path() / "secret"), "outside");
}

TEST_F(Confinement, NothingIsMadeOrRemovedOutside) {
    const std::vector<std::string> directories{"/out", "/dots", "/chain1", "/chain2", "/out/."};
    for (const auto& directory : directories) {
        SCOPED_TRACE(directory);
        const auto name = directory + "/new";
        const auto secret = directory + "/secret";
        EXPECT_NE(client_.call(open_of(name, O_CREAT | O_WRONLY)).failure, 0);
        EXPECT_NE(client_.call(make_directory{at(name), 0777, 0}).failure, 0);
        EXPECT_NE(client_.call(make_node{at(name), S_IFIFO | 0666, 0, 0, 0}).failure, 0);
        EXPECT_NE(client_.call(make_symlink{"x", at(name)}).failure, 0);
        EXPECT_NE(client_.call(make_link{at("/in/f"), at(name), 0}).failure, 0);
        EXPECT_NE(client_.call(protocol::rename{at("/in/f"), at(name), 0}).failure, 0);
        EXPECT_NE(client_.call(protocol::rename{at(secret), at("/stolen"), 0}).failure, 0);
        EXPECT_NE(client_.call(protocol::remove{at(secret), 0}).failure, 0);
        EXPECT_NE(client_.call(protocol::remove{at(directory), AT_REMOVEDIR}).failure, 0);
    }
    EXPECT_EQ(std::distance(fs::directory_iterator{outside_.path()}, {}), 1);
}

TEST_F(Confinement, AbsoluteLinksStartAtTheTargetsRoot) {
    const auto direct = client_.call(open_of("/in/absolute"));
    ASSERT_EQ(direct.failure, 0);
    EXPECT_EQ(client_.read(direct.reply.handle, 0, 100), "root's");
    const auto chain = client_.call(open_of("/in/absolute_dir/absolute_dir/absolute"));
    EXPECT_EQ(client_.read(chain.reply.handle, 0, 100), "root's");
    EXPECT_EQ(client_.call(canonicalize{at("/in/up")}).reply.path, "/");
}

TEST_F(Confinement, PathsRelativeToAHandleResolveInTheWholeTarget) {
    const auto in = client_.call(open_of("/in", O_RDONLY | O_DIRECTORY)).reply.handle;

    const struct {
        const char* path;
        const char* content;
    } rows[] = {
        {"f", "inside"},
        {"../target", "root's"},
        {"../../../target", "root's"},
        {"absolute", "root's"},
        {"absolute_dir/f", "inside"},
        {"up/target", "root's"},
        {"/target", "root's"},
    };

    for (const auto& row : rows) {
        SCOPED_TRACE(row.path);
        const auto got = client_.call(open_of(at(in, row.path)));
        ASSERT_EQ(got.failure, 0);
        EXPECT_EQ(client_.read(got.reply.handle, 0, 100), row.content);
        EXPECT_EQ(client_.call(stat_of(at(in, row.path))).failure, 0);
    }
    EXPECT_NE(client_.call(open_of(at(in, "../out/secret"))).failure, 0);
    EXPECT_NE(client_.call(open_of(at(in, "../.." + outside_.path().string()))).failure, 0);
    ASSERT_EQ(client_.call(make_directory{at(in, "../made"), 0777, 0}).failure, 0);
    EXPECT_TRUE(fs::is_directory(root_ / "made"));
    ASSERT_EQ(client_.call(make_directory{at(in, "new"), 0777, 0}).failure, 0);
    EXPECT_TRUE(fs::is_directory(root_ / "in/new"));
    ASSERT_EQ(client_.call(protocol::rename{at(in, "f"), at(in, "../g"), 0}).failure, 0);
    EXPECT_EQ(read_file(root_ / "g"), "inside");
}

TEST_F(Confinement, AHandleThatWasMovedResolvesWhereItIs) {
    const auto in = client_.call(open_of("/in", O_PATH)).reply.handle;
    fs::create_directory(root_ / "elsewhere");
    write_file(root_ / "elsewhere/neighbour", "next door");
    fs::rename(root_ / "in", root_ / "elsewhere/in");
    const auto got = client_.call(open_of(at(in, "../neighbour")));
    ASSERT_EQ(got.failure, 0);
    EXPECT_EQ(client_.read(got.reply.handle, 0, 100), "next door");
}

TEST_F(Confinement, AHandleThatWasMovedOutLeadsNoFurther) {
    const auto in = client_.call(open_of("/in", O_PATH)).reply.handle;
    fs::rename(root_ / "in", outside_.path() / "in");
    EXPECT_EQ(client_.call(open_of(at(in, "../secret"))).failure, ENOENT);
    EXPECT_EQ(client_.call(stat_of(at(in, ".."))).failure, ENOENT);
    EXPECT_EQ(client_.call(canonicalize{at(in)}).failure, ENOENT);
}

TEST_F(Confinement, ARemovedHandleHasNoNamesInIt) {
    fs::create_directory(root_ / "gone");
    const auto gone = client_.call(open_of("/gone", O_RDONLY)).reply.handle;
    fs::remove(root_ / "gone");
    EXPECT_EQ(client_.call(open_of(at(gone, "new"), O_CREAT | O_WRONLY)).failure, ENOENT);
    EXPECT_EQ(client_.call(stat_of(at(gone, "x"))).failure, ENOENT);
    EXPECT_EQ(client_.call(stat_of(at(gone))).failure, 0);
}

TEST_F(Confinement, LastComponentsAreNotFollowed) {
    ASSERT_EQ(client_.call(protocol::rename{at("/out_file"), at("/renamed"), 0}).failure, 0);
    EXPECT_TRUE(fs::is_symlink(root_ / "renamed"));
    ASSERT_EQ(client_.call(make_link{at("/renamed"), at("/linked"), 0}).failure, 0);
    EXPECT_TRUE(fs::is_symlink(root_ / "linked"));
    ASSERT_EQ(client_.call(protocol::remove{at("/renamed"), 0}).failure, 0);
    EXPECT_EQ(client_.call(make_directory{at("/linked"), 0777, 0}).failure, EEXIST);
    EXPECT_EQ(client_.call(make_directory{at("/linked/"), 0777, 0}).failure, EEXIST);
    EXPECT_EQ(client_.call(open_of("/linked", O_RDONLY | O_NOFOLLOW)).failure, ELOOP);
    EXPECT_EQ(read_file(outside_.path() / "secret"), "outside");
}

TEST_F(Confinement, NamesHaveAnyBytes) {
    std::string name;
    for (int c = 1; c < 256; ++c) {
        if (c != '/') {
            name += static_cast<char>(c);
        }
    }
    for (const auto& part : {name.substr(0, 127), name.substr(127)}) {
        const auto path = "/" + part;
        ASSERT_EQ(client_.call(open_of(path, O_CREAT | O_WRONLY)).failure, 0);
        EXPECT_EQ(client_.call(stat_of(path)).failure, 0);
        EXPECT_TRUE(fs::exists(root_ / part));
        EXPECT_EQ(client_.call(protocol::remove{at(path), 0}).failure, 0);
    }
}

// A directory is exchanged with a link that leads out, over and over, while paths through it are
// used.
TEST_F(Confinement, LinksThatAreSwappedInDoNotLeadOut) {
    write_file(root_ / "swap/secret", "inside");
    fs::create_symlink(outside_.path(), root_ / "evil");
    std::atomic<bool> stop = false;
    std::thread swapper{[&] {
        const auto a = (root_ / "swap").string();
        const auto b = (root_ / "evil").string();
        while (!stop) {
            ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE);
        }
    }};
    for (int i = 0; i < 2000; ++i) {
        const auto got = client_.call(open_of("/swap/secret", O_RDWR));
        if (got.failure == 0) {
            EXPECT_EQ(client_.read(got.reply.handle, 0, 100), "inside");
            client_.call(protocol::close{got.reply.handle});
        }
        client_.call(make_directory{at("/swap/new"), 0777, 0});
        client_.call(protocol::remove{at("/swap/new"), AT_REMOVEDIR});
    }
    stop = true;
    swapper.join();
    EXPECT_EQ(std::distance(fs::directory_iterator{outside_.path()}, {}), 1);
}

TEST_F(Confinement, DeepDirectoriesAreReachedByHandles) {
    // Far deeper than PATH_MAX: only relative paths get there.
    const std::string name(200, 'd');
    handle_id here = client_.call(open_of("/", O_RDONLY)).reply.handle;
    for (int depth = 0; depth < 40; ++depth) {
        ASSERT_EQ(client_.call(make_directory{at(here, name), 0777, 0}).failure, 0);
        const auto next = client_.call(open_of(at(here, name), O_RDONLY));
        ASSERT_EQ(next.failure, 0);
        client_.call(protocol::close{here});
        here = next.reply.handle;
    }
    const auto file = client_.call(open_of(at(here, "f"), O_CREAT | O_RDWR));
    EXPECT_EQ(file.failure, 0);
}

}  // namespace
}  // namespace farside::agent::test
