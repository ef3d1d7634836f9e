// Requests with paths: each answers as the system call beside it does, and leaves the same tree.
#include "tests/agent/native.hpp"
#include "tests/agent/requests.hpp"
#include "tests/agent/running_agent.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <variant>

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace farside::agent::test {
namespace {

using namespace protocol;
using farside::test::temp_dir;
using farside::test::write_file;
namespace fs = std::filesystem;

using path_request = std::variant<
    protocol::open,
    protocol::stat,
    protocol::access,
    read_link,
    file_system,
    canonicalize,
    set_attributes,
    make_directory,
    make_node,
    make_link,
    make_symlink,
    protocol::rename,
    protocol::remove,
    get_xattr,
    list_xattr,
    set_xattr,
    remove_xattr>;

struct row {
    std::string name;
    path_request request;
};

void make_tree(const fs::path& root) {
    write_file(root / "f", "content");
    write_file(root / "d/inner", "inner");
    fs::create_directories(root / "d/sub/deep");
    fs::create_directory(root / "empty");
    write_file(root / "closed/secret", "s");
    fs::create_symlink("f", root / "link");
    fs::create_symlink("d", root / "dirlink");
    fs::create_symlink("missing", root / "dangling");
    fs::create_symlink("loop", root / "loop");
    fs::create_symlink("../f", root / "d/up");
    ::mkfifo((root / "fifo").c_str(), 0640);
    ::setxattr((root / "f").c_str(), "user.color", "blue", 4, 0);
    fs::permissions(root / "closed", fs::perms{0});
}

const std::string long_name(256, 'n');
const std::string longest_name(255, 'n');
const std::string long_path = [] {
    std::string path;
    while (path.size() < 4100) {
        path += "/d/..";
    }
    return path;
}();

protocol::open opens(const std::string& path, int flags, std::uint32_t mode = 0640) {
    return open_of(at(path), flags, mode, 027);
}

set_attributes set_mode(const std::string& path, std::uint32_t mode, std::uint32_t flags = 0) {
    set_attributes request;
    request.at = at(path);
    request.flags = flags;
    request.mask = set_mask::mode;
    request.mode = mode;
    return request;
}

set_attributes set_size(const std::string& path, std::int64_t size) {
    set_attributes request;
    request.at = at(path);
    request.mask = set_mask::size;
    request.size = size;
    return request;
}

set_attributes set_owner(const std::string& path, std::uint32_t flags = 0) {
    set_attributes request;
    request.at = at(path);
    request.flags = flags;
    request.mask = set_mask::owner;
    request.uid = ::getuid();
    request.gid = UINT32_MAX;
    return request;
}

set_attributes set_times(const std::string& path, std::uint32_t flags = 0) {
    set_attributes request;
    request.at = at(path);
    request.flags = flags;
    request.mask = set_mask::times;
    request.accessed = {1'000'000, 5};
    request.modified = {2'000'000, UTIME_OMIT};
    return request;
}

// Paths that every request is tried on.
const std::vector<std::string>& tricky_paths() {
    static const std::vector<std::string> paths{
        "/f",
        "/f/",
        "/d",
        "/d/",
        "/d//",
        "/link",
        "/link/",
        "/dirlink",
        "/dirlink/",
        "/dirlink/.",
        "/dangling",
        "/dangling/",
        "/loop",
        "/loop/",
        "/missing",
        "/missing/",
        "/missing/x",
        "/f/x",
        "/d/.",
        "/d/..",
        "/d/../f",
        "/d/up",
        "/empty",
        "/empty/",
        "/empty/.",
        "/empty/..",
        "/./d/./sub",
        "//d///sub//",
        "/fifo/",
        "/closed/secret",
        "/closed",
        "/dirlink/inner",
        "/" + long_name,
        "/d/" + longest_name,
        long_path,
        "",
        "/d/sub/../../f",
        "/dirlink/../f",
        "/d/sub",
        "/d/sub/",
    };
    return paths;
}

std::vector<row> rows_for(const std::string& p) {
    constexpr std::uint32_t nofollow = AT_SYMLINK_NOFOLLOW;
    std::vector<row> rows{
        {"open", opens(p, O_RDONLY)},
        {"open write", opens(p, O_WRONLY)},
        {"open create", opens(p, O_RDWR | O_CREAT)},
        {"open exclusive", opens(p, O_RDWR | O_CREAT | O_EXCL)},
        {"open truncate", opens(p, O_WRONLY | O_TRUNC)},
        {"open directory", opens(p, O_RDONLY | O_DIRECTORY)},
        {"open nofollow", opens(p, O_RDONLY | O_NOFOLLOW)},
        {"open path", opens(p, O_PATH)},
        {"open path nofollow", opens(p, O_PATH | O_NOFOLLOW)},
        {"open path and more", opens(p, O_PATH | O_RDWR | O_CREAT)},
        {"open temporary", opens(p, O_TMPFILE | O_RDWR)},
        {"open append", opens(p, O_WRONLY | O_APPEND | O_SYNC)},
        {"open odd mode", opens(p, O_RDWR | O_CREAT, 0177777)},
        {"open unknown flag", opens(p, O_RDONLY | 0x40000000)},
        {"stat", stat_of(p)},
        {"lstat", stat_of(p, AT_SYMLINK_NOFOLLOW)},
        {"access", protocol::access{at(p), R_OK, 0}},
        {"access write", protocol::access{at(p), W_OK, 0}},
        {"access search", protocol::access{at(p), X_OK, AT_EACCESS}},
        {"access link", protocol::access{at(p), F_OK, nofollow}},
        {"access odd", protocol::access{at(p), 8, 0}},
        {"readlink", read_link{at(p)}},
        {"statfs", file_system{at(p)}},
        {"chdir", canonicalize{at(p)}},
        {"chmod", set_mode(p, 0751)},
        {"lchmod", set_mode(p, 0751, nofollow)},
        {"chown", set_owner(p)},
        {"lchown", set_owner(p, nofollow)},
        {"truncate", set_size(p, 3)},
        {"truncate negative", set_size(p, -1)},
        {"utimens", set_times(p)},
        {"lutimens", set_times(p, nofollow)},
        {"mkdir", make_directory{at(p), 0757, 022}},
        {"mknod fifo", make_node{at(p), S_IFIFO | 0666, 0022, 0, 0}},
        {"mknod file", make_node{at(p), S_IFREG | 0666, 0022, 0, 0}},
        {"mknod directory", make_node{at(p), S_IFDIR | 0666, 0022, 0, 0}},
        {"symlink", make_symlink{"some/where", at(p)}},
        {"symlink to nothing", make_symlink{"", at(p)}},
        {"link from", make_link{at(p), at("/new"), 0}},
        {"link from followed", make_link{at(p), at("/new"), AT_SYMLINK_FOLLOW}},
        {"link to", make_link{at("/f"), at(p), 0}},
        {"link odd", make_link{at("/f"), at(p), 0x8000}},
        {"rename from", protocol::rename{at(p), at("/new"), 0}},
        {"rename to", protocol::rename{at("/f"), at(p), 0}},
        {"rename directory to", protocol::rename{at("/empty"), at(p), 0}},
        {"rename no replace", protocol::rename{at("/f"), at(p), RENAME_NOREPLACE}},
        {"exchange", protocol::rename{at("/f"), at(p), RENAME_EXCHANGE}},
        {"unlink", protocol::remove{at(p), 0}},
        {"rmdir", protocol::remove{at(p), AT_REMOVEDIR}},
        {"getxattr", get_xattr{at(p), 0, "user.color"}},
        {"lgetxattr", get_xattr{at(p), nofollow, "user.color"}},
        {"listxattr", list_xattr{at(p), 0}},
        {"llistxattr", list_xattr{at(p), nofollow}},
        {"setxattr", set_xattr{at(p), 0, "user.shape", "round", 0}},
        {"setxattr create", set_xattr{at(p), 0, "user.color", "red", XATTR_CREATE}},
        {"setxattr replace", set_xattr{at(p), 0, "user.shape", "x", XATTR_REPLACE}},
        {"setxattr odd", set_xattr{at(p), 0, "user.shape", "x", 64}},
        {"setxattr nameless", set_xattr{at(p), 0, "", "x", 0}},
        {"setxattr long", set_xattr{at(p), 0, "user." + long_name, "x", 0}},
        {"lsetxattr", set_xattr{at(p), nofollow, "user.shape", "round", 0}},
        {"removexattr", remove_xattr{at(p), 0, "user.color"}},
        {"lremovexattr", remove_xattr{at(p), nofollow, "user.color"}},
    };
    return rows;
}

template <typename Request>
int ask(fake_client& client, const Request& request) {
    const auto got = client.call(request);
    if constexpr (std::is_same_v<Request, protocol::open>) {
        if (got.failure == 0) {
            EXPECT_EQ(client.call(protocol::close{got.reply.handle}).failure, 0);
        }
    }
    return got.failure;
}

// One fresh pair of trees a row would be slow: a pair lives until a row has changed it.
class pair_of_trees {
public:
    explicit pair_of_trees(const fs::path& served) : served_{served} { renew(); }

    ~pair_of_trees() { open_up(); }

    pair_of_trees(const pair_of_trees&) = delete;
    pair_of_trees& operator=(const pair_of_trees&) = delete;

    [[nodiscard]] native_root direct() const { return {direct_.path().string()}; }

    void compare_and_renew() {
        open_up();
        const auto served = listing(served_.string());
        EXPECT_EQ(served, listing(direct_.path().string()));
        if (served != fresh_ || HasNonfatalFailure()) {
            renew();
        } else {
            close_again();
        }
    }

private:
    static bool HasNonfatalFailure() { return testing::Test::HasNonfatalFailure(); }

    void renew() {
        open_up();
        for (const auto& root : {served_, direct_.path()}) {
            for (const auto& entry : fs::directory_iterator{root}) {
                fs::remove_all(entry.path());
            }
            make_tree(root);
        }
        open_up();
        fresh_ = listing(served_.string());
        close_again();
    }

    void set_closed(fs::perms mode) const {
        for (const auto& root : {served_, direct_.path()}) {
            for (const std::string name : {"closed", "new", "f"}) {  // it may have been renamed
                if (fs::is_directory(fs::symlink_status(root / name))) {
                    fs::permissions(root / name, mode);
                }
            }
        }
    }

    // The listing must be able to read everything, also as an ordinary user.
    void open_up() const { set_closed(fs::perms{0755}); }

    void close_again() const { set_closed(fs::perms{0}); }

    fs::path served_;
    temp_dir direct_;
    std::string fresh_;
};

class TrickyPath : public testing::TestWithParam<std::string> {};

TEST_P(TrickyPath, IsAnsweredAsTheKernelDoes) {
    running_agent agent;
    pair_of_trees trees{agent.root()};
    auto client = agent.session();
    for (const auto& [name, request] : rows_for(GetParam())) {
        SCOPED_TRACE(name + " " + GetParam().substr(0, 60));
        const int direct =
            std::visit([&](const auto& r) { return native(trees.direct(), r); }, request);
        const int served = std::visit([&](const auto& r) { return ask(client, r); }, request);
        EXPECT_EQ(served, direct);
        trees.compare_and_renew();
    }
}

INSTANTIATE_TEST_SUITE_P(NameMessages, TrickyPath, testing::ValuesIn(tricky_paths()));

TEST(NameMessages, TellAttributesAndFileSystem) {
    running_agent agent;
    make_tree(agent.root());
    auto client = agent.session();

    struct statx told {};

    const auto path = (agent.root() / "f").string();
    ASSERT_EQ(::statx(AT_FDCWD, path.c_str(), 0, STATX_BASIC_STATS | STATX_BTIME, &told), 0);
    const protocol::stat request{at("/f"), 0, STATX_BASIC_STATS | STATX_BTIME};
    const auto attr = client.call(request).reply.attr;
    EXPECT_EQ(attr.mode, told.stx_mode);
    EXPECT_EQ(attr.size, told.stx_size);
    EXPECT_EQ(attr.inode, told.stx_ino);
    EXPECT_EQ(attr.links, told.stx_nlink);
    EXPECT_EQ(attr.uid, told.stx_uid);
    EXPECT_EQ(attr.modified.seconds, told.stx_mtime.tv_sec);
    EXPECT_EQ(attr.modified.nanoseconds, told.stx_mtime.tv_nsec);
    EXPECT_EQ(attr.dev_minor, told.stx_dev_minor);
    EXPECT_EQ(attr.mask & STATX_BASIC_STATS, STATX_BASIC_STATS);
    EXPECT_EQ(client.call(read_link{at("/d/up")}).reply.path, "../f");
    EXPECT_EQ(client.call(file_system{at("/f")}).reply.name_bytes_max, 255U);
    const auto color = client.call(get_xattr{at("/link"), 0, "user.color"});
    EXPECT_EQ(color.reply.value, "blue");
    const auto names = client.call(list_xattr{at("/f"), 0});
    EXPECT_EQ(names.reply.value, std::string("user.color\0", 11));
}

TEST(NameMessages, CanonicalizeAnswersAbsolutePathsWithoutLinks) {
    running_agent agent;
    make_tree(agent.root());
    auto client = agent.session();
    EXPECT_EQ(client.call(canonicalize{at("/")}).reply.path, "/");
    EXPECT_EQ(client.call(canonicalize{at("/../..")}).reply.path, "/");
    EXPECT_EQ(client.call(canonicalize{at("/dirlink/sub/./deep//")}).reply.path, "/d/sub/deep");
    const auto deep = client.call(open_of("/d/sub/deep", O_PATH)).reply.handle;
    EXPECT_EQ(client.call(canonicalize{at(deep)}).reply.path, "/d/sub/deep");
    EXPECT_EQ(client.call(canonicalize{at(deep, "../..")}).reply.path, "/d");
    fs::rename(agent.root() / "d/sub", agent.root() / "moved");
    EXPECT_EQ(client.call(canonicalize{at(deep)}).reply.path, "/moved/deep");
    fs::remove(agent.root() / "moved/deep");
    EXPECT_EQ(client.call(canonicalize{at(deep)}).failure, ENOENT);
    fs::create_directory(agent.root() / "odd (deleted)");
    EXPECT_EQ(client.call(canonicalize{at("/odd (deleted)")}).reply.path, "/odd (deleted)");
    const auto file = client.call(open_of("/f")).reply.handle;
    EXPECT_EQ(client.call(canonicalize{at(file)}).failure, ENOTDIR);
}

TEST(NameMessages, CanonicalizeTellsWhatADescriptorIsCalledNow) {
    running_agent agent;
    make_tree(agent.root());
    auto client = agent.session();
    const auto name_of = [&](handle_id handle) {
        return client.call(canonicalize{at(handle), name_purpose::descriptor}).reply.path;
    };
    const auto file = client.call(open_of("/f")).reply.handle;
    const auto link = client.call(open_of("/link", O_PATH | O_NOFOLLOW)).reply.handle;
    const auto sub = client.call(open_of("/d/sub", O_PATH)).reply.handle;
    EXPECT_EQ(name_of(file), "/f");
    EXPECT_EQ(name_of(link), "/link");
    fs::rename(agent.root() / "f", agent.root() / "g");
    EXPECT_EQ(name_of(file), "/g");
    fs::remove(agent.root() / "g");
    EXPECT_EQ(name_of(file), "/g (deleted)");
    fs::remove_all(agent.root() / "d/sub");
    EXPECT_EQ(name_of(sub), "/d/sub (deleted)");
    EXPECT_EQ(client.call(canonicalize{at(sub), name_purpose::directory}).failure, ENOENT);
    EXPECT_EQ(client.call(canonicalize{at(sub), name_purpose{3}}).failure, EINVAL);
}

TEST(NameMessages, OpenToEnterIsChdir) {
    running_agent agent;
    make_tree(agent.root());
    auto client = agent.session();
    auto request = open_of("/dirlink/sub/../sub", O_PATH | O_DIRECTORY);
    request.enters = true;
    const auto entered = client.call(request);
    EXPECT_EQ(entered.reply.path, "/d/sub");
    EXPECT_EQ(client.call(canonicalize{at(entered.reply.handle)}).reply.path, "/d/sub");
    request.at.path = "/f";
    EXPECT_EQ(client.call(request).failure, ENOTDIR);
    request.at.path = "/none";
    EXPECT_EQ(client.call(request).failure, ENOENT);
    // What could fail after it has changed something is no way to enter.
    request.at.path = "/new";
    request.flags = O_CREAT | O_RDWR;
    EXPECT_EQ(client.call(request).failure, EINVAL);
    EXPECT_FALSE(fs::exists(agent.root() / "new"));
}

TEST(NameMessages, RefuseWhatTheProtocolForbids) {
    running_agent agent;
    make_tree(agent.root());
    auto client = agent.session();
    const std::string with_nul{"/f\0x", 4};
    EXPECT_EQ(client.call(stat_of(with_nul)).failure, EINVAL);
    EXPECT_EQ(client.call(open_of(with_nul, O_CREAT)).failure, EINVAL);
    EXPECT_EQ(client.call(make_symlink{with_nul, at("/new")}).failure, EINVAL);
    EXPECT_EQ(client.call(stat_of("f")).failure, EINVAL);
    EXPECT_EQ(client.call(make_directory{at("new"), 0777, 0}).failure, EINVAL);
    EXPECT_EQ(client.call(stat_of("")).failure, ENOENT);
    EXPECT_EQ(client.call(stat_of(at(handle_id{99}, "f"))).failure, EBADF);
    EXPECT_EQ(client.call(stat_of(at(handle_id{99}))).failure, EBADF);
    auto two_at_once = set_mode("/f", 0600);
    two_at_once.mask |= set_mask::size;
    EXPECT_EQ(client.call(two_at_once).failure, EINVAL);
    EXPECT_EQ(client.call(stat_of("/" + std::string(4095, 'a'))).failure, ENAMETOOLONG);
}

TEST(NameMessages, ApplyTheUmaskOfTheRequest) {
    running_agent agent;
    auto client = agent.session();
    const auto mode_of = [&](const std::string& path) {
        return client.call(stat_of(path)).reply.attr.mode & 07777U;
    };
    ASSERT_EQ(client.call(open_of(at("/a"), O_CREAT | O_WRONLY, 0666, 0)).failure, 0);
    ASSERT_EQ(client.call(open_of(at("/b"), O_CREAT | O_WRONLY, 0666, 077)).failure, 0);
    ASSERT_EQ(client.call(make_directory{at("/c"), 0777, 027}).failure, 0);
    ASSERT_EQ(client.call(make_node{at("/e"), S_IFIFO | 0666, 0022, 0, 0}).failure, 0);
    EXPECT_EQ(mode_of("/a"), 0666U);
    EXPECT_EQ(mode_of("/b"), 0600U);
    EXPECT_EQ(mode_of("/c"), 0750U);
    EXPECT_EQ(mode_of("/e"), 0644U);
}

TEST(NameMessages, LinkANamelessFile) {
    running_agent agent;
    auto client = agent.session();
    const auto file = client.call(open_of("/", O_TMPFILE | O_RDWR));
    ASSERT_EQ(file.failure, 0);
    ASSERT_EQ(client.call(write_of(file.reply.handle, 0, "born")).failure, 0);
    EXPECT_EQ(client.call(make_link{at(file.reply.handle), at("/named"), 0}).failure, 0);
    EXPECT_EQ(farside::test::read_file(agent.root() / "named"), "born");
}

}  // namespace
}  // namespace farside::agent::test
