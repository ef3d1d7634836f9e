// What readers find of what the session publishes: the same as the kernel in the same tree, never
// anything that was not true, and nothing torn while the session writes.
#include "layer/segment/cache_reader.hpp"

#include "layer/session/cache_writer.hpp"
#include "layer/session/shared_memory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace farside::session {
namespace {

using segment::cache_reader;
using segment::root_node;
using answer = cache_reader::answer;
using last_link = cache_reader::last_link;

struct statx status_of(std::uint32_t mode) {
    struct statx status {};

    status.stx_mask = STATX_BASIC_STATS;
    status.stx_mode = static_cast<std::uint16_t>(mode);
    return status;
}

class CacheReader : public testing::Test {
protected:
    CacheReader() { reader_.attach(*memory_.cache().shared); }

    void put(std::uint64_t node, std::uint32_t mode, std::string_view link = {}) {
        const auto status = status_of(mode);
        writer_.put_node(node, {&status, false, link});
    }

    void put_complete(std::uint64_t node) {
        const auto status = status_of(S_IFDIR | 0755);
        writer_.put_node(node, {&status, true, {}});
    }

    answer resolve(std::string_view path, last_link last = last_link::follow) {
        return reader_.resolve(root_node, path, last, view_);
    }

    // Bytes of a file, as a program would read them.
    std::string read(std::uint64_t data, std::uint64_t offset) {
        const auto piece = reader_.find_bytes(data, offset);
        if (piece.bytes == nullptr) {
            return "unknown";
        }
        std::string text{reinterpret_cast<const char*>(piece.bytes), piece.size};
        return text + (piece.ends_file ? "|" : "");
    }

    void put_block(std::uint64_t data, std::uint64_t index, std::string_view text, bool ends) {
        ASSERT_TRUE(writer_.put_block(data, index, std::as_bytes(std::span{text}), ends));
    }

    shared_memory memory_{std::move(shared_memory::create(16 * segment::block_bytes).value())};
    cache_writer writer_{memory_.cache()};
    cache_reader reader_;
    cache_reader::node_view view_{};
};

// ---- a tree, as the kernel walks it ----

// A real directory that is published as a whole, so that both can be asked the same.
class PublishedTree : public CacheReader {
protected:
    PublishedTree() {
        std::string name = testing::TempDir() + "/cache_reader_XXXXXX";
        root_ = ::mkdtemp(name.data());
    }

    ~PublishedTree() override { std::filesystem::remove_all(root_); }

    void make_directory(const std::string& path) {
        std::filesystem::create_directories(root_ + path);
    }

    void make_file(const std::string& path) { std::ofstream{root_ + path} << path; }

    void make_link(const std::string& path, const std::string& says) {
        ASSERT_EQ(::symlink(says.c_str(), (root_ + path).c_str()), 0);
    }

    void publish() {
        publish_node("", root_node);
        directory_ = unique_fd{::open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    }

    // 0 and the inode, or an errno: of a walk whose root is the directory.
    std::pair<int, std::uint64_t> ask_kernel(const std::string& path, last_link last) const {
        open_how how{};
        how.flags = O_PATH | O_CLOEXEC;
        how.flags |= last == last_link::keep ? std::uint64_t{O_NOFOLLOW} : 0;
        how.resolve = RESOLVE_IN_ROOT;
        long got = 0;
        do {  // EAGAIN: ".." is looked at again where anybody renamed something meanwhile
            got = ::syscall(SYS_openat2, directory_.get(), path.c_str(), &how, sizeof how);
        } while (got < 0 && errno == EAGAIN);
        const unique_fd fd{static_cast<int>(got)};

        struct stat found {};

        if (!fd || ::fstat(fd.get(), &found) != 0) {
            return {errno, 0};
        }
        return {0, found.st_ino};
    }

    std::pair<int, std::uint64_t> ask_cache(const std::string& path, last_link last) {
        switch (resolve(path, last)) {
            case answer::found:
                return {0, view_.attributes.inode};
            case answer::missing:
                return {ENOENT, 0};
            case answer::not_directory:
                return {ENOTDIR, 0};
            case answer::loop:
                return {ELOOP, 0};
            case answer::unknown:
                break;
        }
        return {-1, 0};
    }

    void publish_node(const std::string& path, std::uint64_t node) {
        struct statx status {};

        const std::string full = root_ + path;
        ASSERT_EQ(
            ::statx(AT_FDCWD, full.c_str(), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &status), 0
        );
        std::string link;
        if (S_ISLNK(status.stx_mode)) {
            link = std::filesystem::read_symlink(full).string();
        }
        if (S_ISDIR(status.stx_mode)) {
            for (const auto& entry : std::filesystem::directory_iterator{full}) {
                const std::string name = entry.path().filename().string();
                const std::uint64_t child = ++last_node_;
                publish_node(path + "/" + name, child);
                writer_.put_name(node, name, child);
            }
        }
        writer_.put_node(node, {&status, S_ISDIR(status.stx_mode), link});
    }

    std::string root_;
    unique_fd directory_;
    std::uint64_t last_node_ = root_node;
};

TEST_F(PublishedTree, IsWalkedAsTheKernelDoes) {
    make_directory("/a/b/c/d");
    make_directory("/empty");
    make_file("/file");
    make_file("/a/file");
    make_file("/a/b/c/" + std::string(40, 'n'));
    make_link("/up", "..");
    make_link("/dir", "a/b");
    make_link("/dir2", "dir/");
    make_link("/a/root", "/");
    make_link("/a/abs", "/a/b/c");
    make_link("/a/b/back", "../../file");
    make_link("/a/b/tofile", "../file");
    make_link("/nowhere", "a/nothing");
    make_link("/self", "self");
    make_link("/ping", "a/pong");
    make_link("/a/pong", "../ping");
    make_link("/slash", "file/");
    make_link("/dot", "a/.");
    make_link("/dots", "a/b/..");
    publish();

    const std::array<std::string, 27> names{
        "a",     "b",   "c",    "d",  "file", "empty",   "up",   "dir",  "dir2",
        "root",  "abs", "back", "..", ".",    "tofile",  "self", "ping", "pong",
        "slash", "dot", "dots", "x",  "..",   "nowhere", "a",    "b",    std::string(40, 'n')};
    std::mt19937 random{20240607};
    std::map<int, int> outcomes;
    for (int i = 0; i < 60'000; ++i) {
        std::string path;
        const auto parts = 1 + random() % 6;
        for (unsigned part = 0; part < parts; ++part) {
            path += random() % 16 == 0 ? "//" : "/";
            path += names[random() % names.size()];
        }
        path += random() % 8 == 0 ? "/" : "";
        const auto last = random() % 2 == 0 ? last_link::follow : last_link::keep;
        const auto kernel = ask_kernel(path, last);
        const auto cache = ask_cache(path, last);
        ++outcomes[cache.first];
        ASSERT_EQ(cache, kernel) << path << (last == last_link::keep ? " kept" : "");
    }
    for (const int outcome : {0, ENOENT, ENOTDIR, ELOOP}) {
        EXPECT_GT(outcomes[outcome], 100) << outcome;
    }
}

TEST_F(PublishedTree, TakesTheLongestNames) {
    const std::string name(255, 'n');
    make_directory("/" + name);
    make_file("/" + name + "/" + name);
    publish();
    for (const std::string& path : {"/" + name + "/" + name, "/" + name + "/../" + name + "/n"}) {
        EXPECT_EQ(ask_cache(path, last_link::follow), ask_kernel(path, last_link::follow)) << path;
    }
}

TEST_F(PublishedTree, FollowsAsManyLinksAsTheKernel) {
    make_file("/0");
    for (int i = 1; i <= 41; ++i) {
        make_link("/" + std::to_string(i), std::to_string(i - 1));
    }
    publish();
    for (const std::string path : {"/39", "/40", "/41"}) {
        EXPECT_EQ(ask_cache(path, last_link::follow), ask_kernel(path, last_link::follow)) << path;
    }
    EXPECT_EQ(ask_cache("/41", last_link::follow).first, ELOOP);
}

TEST_F(PublishedTree, StartsAtAnyDirectory) {
    make_directory("/a/b");
    make_file("/a/b/file");
    make_link("/a/b/out", "../b/file");
    publish();
    ASSERT_EQ(resolve("/a/b/file"), answer::found);
    const auto file = view_.id;
    ASSERT_EQ(resolve("/a"), answer::found);
    const auto a = view_.id;
    EXPECT_EQ(reader_.resolve(a, "b/file", last_link::follow, view_), answer::found);
    EXPECT_EQ(view_.id, file);
    EXPECT_EQ(reader_.resolve(a, "b/../b/out", last_link::follow, view_), answer::found);
    EXPECT_EQ(view_.id, file);
    EXPECT_EQ(reader_.resolve(a, "b/x", last_link::follow, view_), answer::missing);
    EXPECT_EQ(reader_.resolve(a, "", last_link::follow, view_), answer::found);
    EXPECT_EQ(view_.id, a);
    // What is above is not known here.
    EXPECT_EQ(reader_.resolve(a, "..", last_link::follow, view_), answer::unknown);
    EXPECT_EQ(reader_.resolve(file, "x", last_link::follow, view_), answer::not_directory);
    EXPECT_EQ(reader_.resolve(12345, "x", last_link::follow, view_), answer::unknown);
}

// ---- what is not known ----

TEST_F(CacheReader, KnowsNothingAtFirst) {
    EXPECT_TRUE(reader_.usable());
    EXPECT_EQ(resolve("/"), answer::unknown);
    EXPECT_EQ(resolve("/a"), answer::unknown);
    EXPECT_EQ(reader_.read_node(0, view_), answer::unknown);
    EXPECT_EQ(reader_.find_bytes(0, 0).bytes, nullptr);
    EXPECT_EQ(reader_.find_bytes(~0ULL, ~0ULL).bytes, nullptr);
    writer_.close();
    EXPECT_FALSE(reader_.usable());
}

TEST_F(CacheReader, SaysMissingOnlyWhereThatIsKnown) {
    put(root_node, S_IFDIR | 0755);
    writer_.put_name(root_node, "gone", segment::no_node);
    EXPECT_EQ(resolve("/gone"), answer::missing);
    EXPECT_EQ(resolve("/gone/below"), answer::missing);
    EXPECT_EQ(resolve("/other"), answer::unknown);

    put_complete(root_node);
    EXPECT_EQ(resolve("/other"), answer::missing);
    writer_.put_name(root_node, "other", 2);
    put(2, S_IFREG | 0644);
    EXPECT_EQ(resolve("/other"), answer::found);
    writer_.put_name(root_node, "other", segment::no_node);
    EXPECT_EQ(resolve("/other"), answer::missing);

    // A name of which nothing is known any more: not all are known then.
    writer_.put_name(root_node, "other", 2);
    writer_.remove_name(root_node, "other");
    EXPECT_EQ(resolve("/other"), answer::unknown);
    EXPECT_EQ(resolve("/another"), answer::unknown);
}

TEST_F(CacheReader, GivesUpCompletenessBeforeAName) {
    put_complete(root_node);
    put(2, S_IFREG | 0644);
    constexpr unsigned names = 200'000;  // so that some sets are full, and most are not
    for (unsigned i = 0; i < names; ++i) {
        writer_.put_name(root_node, "name" + std::to_string(i), 2);
    }
    unsigned found = 0;
    for (unsigned i = 0; i < names; ++i) {
        const auto known = resolve("/name" + std::to_string(i));
        ASSERT_NE(known, answer::missing) << i;
        found += known == answer::found ? 1 : 0;
    }
    EXPECT_GT(found, names / 10 * 9);
    EXPECT_LT(found, names);
    EXPECT_EQ(resolve("/never"), answer::unknown);
}

TEST_F(CacheReader, ForgetsNodes) {
    put(root_node, S_IFDIR | 0755);
    put(2, S_IFREG | 0644);
    writer_.put_name(root_node, "file", 2);
    EXPECT_EQ(resolve("/file"), answer::found);
    writer_.put_node(2, {nullptr, false, {}});
    EXPECT_EQ(resolve("/file"), answer::unknown);
    EXPECT_TRUE(writer_.has_node(2));
    put(2, S_IFREG | 0600);
    EXPECT_EQ(resolve("/file"), answer::found);
    EXPECT_EQ(view_.attributes.mode, S_IFREG | 0600U);
    writer_.remove_node(2);
    EXPECT_EQ(resolve("/file"), answer::unknown);
    put(2, S_IFREG | 0644);
    writer_.clear();
    EXPECT_EQ(resolve("/file"), answer::unknown);
    EXPECT_EQ(reader_.read_node(2, view_), answer::unknown);
}

// Nodes that share a set: directories, which lead to others, give way last.
TEST_F(CacheReader, KeepsDirectoriesLongest) {
    put(root_node, S_IFDIR | 0755);
    for (std::uint64_t i = 1; i <= 20; ++i) {
        put(root_node + i * segment::node_sets, S_IFREG | 0644);
    }
    EXPECT_EQ(reader_.read_node(root_node, view_), answer::found);
    EXPECT_EQ(reader_.read_node(root_node + 20 * segment::node_sets, view_), answer::found);
}

TEST_F(CacheReader, LeavesWhatIsTooLargeToTheSession) {
    put_complete(root_node);
    const std::string longest(segment::link_max, 'l');
    put(2, S_IFLNK | 0777, longest);
    writer_.put_name(root_node, "longest", 2);
    put(3, S_IFLNK | 0777, longest + "l");
    writer_.put_name(root_node, "longer", 3);
    ASSERT_EQ(resolve("/longest", last_link::keep), answer::found);
    EXPECT_EQ(std::string(view_.link, view_.link_bytes()), longest);
    EXPECT_EQ(resolve("/longest"), answer::missing);
    ASSERT_EQ(resolve("/longer", last_link::keep), answer::found);
    EXPECT_EQ(view_.link_bytes(), 0U);
    EXPECT_EQ(resolve("/longer"), answer::unknown);
    EXPECT_EQ(resolve("/longest/" + std::string(400, 'x')), answer::unknown);
    EXPECT_EQ(resolve("/" + std::string(256, 'x')), answer::unknown);
}

// protected_symlinks: who may follow is not known here.
TEST_F(CacheReader, FollowsNoLinkOutOfASharedDirectory) {
    put(root_node, S_IFDIR | S_ISVTX | 0777);
    put(2, S_IFLNK | 0777, "file");
    put(3, S_IFREG | 0644);
    writer_.put_name(root_node, "link", 2);
    writer_.put_name(root_node, "file", 3);
    EXPECT_EQ(resolve("/link"), answer::unknown);
    EXPECT_EQ(resolve("/link", last_link::keep), answer::found);
    put(root_node, S_IFDIR | 0755);
    EXPECT_EQ(resolve("/link"), answer::found);
}

// ---- bytes ----

TEST_F(CacheReader, ReadsWhereTheFileEnds) {
    const std::string full(segment::block_bytes, 'f');
    put_block(1, 0, full, false);
    put_block(1, 1, "end", true);
    EXPECT_EQ(read(1, 0), full);
    EXPECT_EQ(read(1, 65535), "f");
    EXPECT_EQ(read(1, 65536), "end|");
    EXPECT_EQ(read(1, 65538), "d|");
    EXPECT_EQ(read(1, 65539), "|");
    EXPECT_EQ(read(1, 70000), "|");
    EXPECT_EQ(read(1, 131072), "unknown");

    put_block(2, 0, full, true);
    EXPECT_EQ(read(2, 65536), "|");
    EXPECT_EQ(read(2, 65537), "unknown");
    put_block(3, 0, "", true);
    EXPECT_EQ(read(3, 0), "|");
    EXPECT_EQ(read(3, 9), "|");
    put_block(4, 0, "begin", false);
    EXPECT_EQ(read(4, 2), "gin");
    EXPECT_EQ(read(4, 5), "unknown");
    writer_.remove_data(1);
    EXPECT_EQ(read(1, 0), "unknown");
    EXPECT_EQ(read(2, 0), full + "|");
}

TEST_F(CacheReader, NoticesThatBytesAreGone) {
    put_block(1, 0, "before", true);
    const auto piece = reader_.find_bytes(1, 0);
    ASSERT_NE(piece.bytes, nullptr);
    EXPECT_TRUE(piece.still_holds());
    put_block(2, 0, "others", true);
    EXPECT_TRUE(piece.still_holds());
    put_block(1, 0, "behind", true);
    EXPECT_FALSE(piece.still_holds());
    EXPECT_EQ(read(1, 0), "behind|");
}

// ---- while the session writes ----

// Attributes all of whose numbers tell the same.
struct statx uniform(std::uint32_t n) {
    struct statx status = status_of(S_IFREG | 0644);

    status.stx_size = status.stx_ino = status.stx_blocks = status.stx_mnt_id = n;
    status.stx_uid = status.stx_gid = status.stx_nlink = n;
    status.stx_mtime.tv_sec = status.stx_ctime.tv_sec = status.stx_atime.tv_sec = n;
    status.stx_mtime.tv_nsec = status.stx_ctime.tv_nsec = n;
    return status;
}

bool is_uniform(const segment::node_attributes& a) {
    const std::uint64_t n = a.size;
    return a.inode == n && a.blocks == n && a.mount_id == n && a.uid == n && a.gid == n &&
           a.links == n && a.modified_s == a.changed_s && a.accessed_s == a.changed_s &&
           static_cast<std::uint64_t>(a.changed_s) == n && a.modified_ns == n && a.changed_ns == n;
}

// Runs `read` on two threads while `write(i)` is called for i from 1 on, and until `found` says
// that they met something: where processors are scarce, they may not run for a while.
template <typename Write, typename Read>
void while_written(const std::atomic<int>& found, Write write, Read read) {
    constexpr std::uint32_t writes_min = 100'000;
    constexpr std::uint32_t writes_max = 20'000'000;
    std::atomic<bool> done{false};
    std::atomic<int> reading{0};
    std::vector<std::jthread> readers;
    for (int i = 0; i < 2; ++i) {
        readers.emplace_back([&] {
            ++reading;
            while (!done.load()) {
                read();
            }
        });
    }
    while (reading.load() < 2) {
        std::this_thread::yield();
    }
    for (std::uint32_t i = 1; i <= writes_max && (i <= writes_min || found == 0); ++i) {
        write(i);
    }
    done = true;
}

TEST_F(CacheReader, FindsAttributesOfOneMoment) {
    put_complete(root_node);
    writer_.put_name(root_node, "file", 2);
    const auto first = uniform(0);
    writer_.put_node(2, {&first, false, {}});
    std::atomic<int> torn{0};
    std::atomic<int> missing{0};
    std::atomic<int> found{0};
    while_written(
        found,
        [&](std::uint32_t i) {
            const auto status = uniform(i);
            writer_.put_node(2, {&status, false, {}});
        },
        [&] {
            cache_reader::node_view view{};
            const auto known = reader_.resolve(root_node, "/file", last_link::follow, view);
            torn += known == answer::found && !is_uniform(view.attributes) ? 1 : 0;
            missing += known == answer::missing ? 1 : 0;
            found += known == answer::found ? 1 : 0;
        }
    );
    EXPECT_EQ(torn, 0);
    EXPECT_EQ(missing, 0);
    EXPECT_GT(found, 0);
}

// The name exists at all times; its directory is complete at some, its record comes and goes.
TEST_F(CacheReader, NeverMissesANameThatIsThere) {
    put_complete(root_node);
    put(2, S_IFREG | 0644);
    put(3, S_IFREG | 0644);
    writer_.put_name(root_node, "file", 2);
    std::atomic<int> missing{0};
    std::atomic<int> strange{0};
    std::atomic<int> known{0};
    while_written(
        known,
        [&](std::uint32_t i) {
            if (i % 3 == 0) {
                writer_.remove_name(root_node, "file");
            } else {
                writer_.put_name(root_node, "file", 2 + i % 2);
                put_complete(root_node);
            }
        },
        [&] {
            cache_reader::node_view view{};
            const auto found = reader_.resolve(root_node, "/file", last_link::follow, view);
            missing += found == answer::missing ? 1 : 0;
            strange += found == answer::found && view.id != 2 && view.id != 3 ? 1 : 0;
            const auto other = reader_.resolve(root_node, "/none", last_link::follow, view);
            strange += other != answer::missing && other != answer::unknown ? 1 : 0;
            known += found == answer::found ? 1 : 0;
        }
    );
    EXPECT_EQ(missing, 0);
    EXPECT_EQ(strange, 0);
    EXPECT_GT(known, 0);
}

// The arena has fewer slabs than there are blocks, so that room changes hands all the time.
TEST_F(CacheReader, FindsBytesOfOneFile) {
    constexpr std::uint32_t files = 40;
    std::atomic<int> torn{0};
    std::atomic<int> found{0};
    std::string block(segment::block_bytes, '\0');
    while_written(
        found,
        [&](std::uint32_t i) {
            if (i % 256 != 0) {
                return;
            }
            const std::uint32_t file = 1 + i / 256 % files;
            std::ranges::fill(block, static_cast<char>(file));
            const std::size_t bytes = file % 2 == 0 ? block.size() : file * 1000;
            put_block(file, 0, {block.data(), bytes}, true);
        },
        [&] {
            thread_local std::uint32_t file = 0;
            thread_local std::array<char, 4096> copy;
            file = file % files + 1;
            const auto piece = reader_.find_bytes(file, file * 50);
            if (piece.bytes == nullptr) {
                return;
            }
            const std::size_t bytes = std::min(piece.size, copy.size());
            for (std::size_t at = 0; at < bytes; ++at) {  // the writer may be at it
                copy[at] = __atomic_load_n(
                    reinterpret_cast<const char*>(piece.bytes) + at, __ATOMIC_RELAXED
                );
            }
            if (piece.still_holds()) {
                ++found;
                torn += std::ranges::all_of(
                            std::span{copy}.first(bytes),
                            [](char c) { return c == static_cast<char>(file); }
                        )
                            ? 0
                            : 1;
            }
        }
    );
    EXPECT_EQ(torn, 0);
    EXPECT_GT(found, 0);
}

}  // namespace
}  // namespace farside::session
