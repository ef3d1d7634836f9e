// Requests on open files: what they answer, what they change, and the errors of handles that
// cannot.
#include "tests/agent/requests.hpp"
#include "tests/agent/running_agent.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include <dirent.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace farside::agent::test {
namespace {

using namespace protocol;
using farside::test::read_file;
using farside::test::write_file;
namespace fs = std::filesystem;

class FileMessages : public testing::Test {
protected:
    FileMessages() { write_file(path("f"), "0123456789"); }

    fs::path path(const std::string& name) const { return agent_.root() / name; }

    handle_id opened(const std::string& name, int flags) {
        const auto got = client_.call(open_of("/" + name, flags));
        EXPECT_EQ(got.failure, 0) << name;
        return got.reply.handle;
    }

    template <typename Request>
    int failure_of(const Request& request) {
        return client_.call(request).failure;
    }

    running_agent agent_;
    fake_client client_ = agent_.session();
};

TEST_F(FileMessages, OpenTellsTheAttributesOfWhatItOpened) {
    const auto got = client_.call(open_of("/f"));
    ASSERT_EQ(got.failure, 0);
    EXPECT_EQ(got.reply.attr.size, 10U);
    EXPECT_TRUE(S_ISREG(got.reply.attr.mode));
    const auto directory = client_.call(open_of("/"));
    EXPECT_TRUE(S_ISDIR(directory.reply.attr.mode));
    EXPECT_GT(directory.reply.handle, got.reply.handle);
    const auto created = client_.call(open_of("/new", O_CREAT | O_TRUNC | O_WRONLY));
    EXPECT_EQ(created.reply.attr.size, 0U);
    EXPECT_TRUE(fs::exists(path("new")));
}

TEST_F(FileMessages, OpenPassesResolveFlagsOn) {
    fs::create_symlink("f", path("link"));
    fs::create_directory(path("d"));
    const auto directory = opened("d", O_RDONLY);
    auto request = open_of("/link", O_RDONLY, 0);
    request.resolve = 0x04;  // RESOLVE_NO_SYMLINKS
    EXPECT_EQ(failure_of(request), ELOOP);
    request = open_of(at(directory, "../f"), O_RDONLY, 0);
    EXPECT_EQ(failure_of(request), 0);
    request.resolve = 0x08;  // RESOLVE_BENEATH
    EXPECT_EQ(failure_of(request), EXDEV);
    request.resolve = 0x10;  // RESOLVE_IN_ROOT
    EXPECT_EQ(failure_of(request), ENOENT);
    request = open_of("/f", 0x40000000, 0);  // openat2 knows no such flag, open ignores it
    EXPECT_EQ(failure_of(request), 0);
    request.resolve = 0x04;
    EXPECT_EQ(failure_of(request), EINVAL);
}

TEST_F(FileMessages, OpenOfAHandleOpensItsFileAnew) {
    const auto first = opened("f", O_RDONLY);
    fs::remove(path("f"));
    const auto again = client_.call(open_of(at(first, ""), O_RDWR));
    ASSERT_EQ(again.failure, 0);
    EXPECT_NE(again.reply.handle, first);
    EXPECT_EQ(again.reply.attr.size, 10U);
    EXPECT_EQ(failure_of(open_of(at(first, ""), O_RDONLY | O_DIRECTORY)), ENOTDIR);
    auto restricted = open_of(at(first, ""), O_RDONLY, 0);
    restricted.resolve = 0x02;  // RESOLVE_NO_MAGICLINKS
    EXPECT_EQ(failure_of(restricted), ELOOP);
}

TEST_F(FileMessages, OpenOfASocketFileIsRefused) {
    const unique_fd listener{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path("socket").string().copy(address.sun_path, sizeof address.sun_path - 1);
    void* generic = &address;
    ASSERT_EQ(::bind(listener.get(), static_cast<sockaddr*>(generic), sizeof address), 0);
    EXPECT_EQ(failure_of(open_of("/socket", O_RDONLY)), ENXIO);
    EXPECT_EQ(failure_of(open_of("/socket", O_PATH)), 0);
}

TEST_F(FileMessages, OpenOfAFifoWithoutWaiting) {
    ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
    EXPECT_EQ(failure_of(open_of("/fifo", O_WRONLY | O_NONBLOCK)), ENXIO);
    const auto reader = opened("fifo", O_RDONLY | O_NONBLOCK);
    const auto writer = opened("fifo", O_WRONLY | O_NONBLOCK);
    EXPECT_EQ(failure_of(protocol::read{reader, -1, 10}), EAGAIN);
    EXPECT_EQ(client_.call(write_of(writer, -1, "x")).reply.position, -1);
    const auto waiting = client_.call(protocol::ioctl{reader, FIONREAD, 0});
    EXPECT_EQ(waiting.reply.value, 1);
    EXPECT_EQ(client_.read(reader, -1, 10), "x");
    EXPECT_EQ(failure_of(protocol::close{writer}), 0);
    EXPECT_EQ(client_.read(reader, -1, 10), "");
    EXPECT_EQ(failure_of(protocol::read{reader, 0, 10}), ESPIPE);
}

TEST_F(FileMessages, OpenForReadingDoesNotLeaveItsMarkOnTheDescriptor) {
    // O_NONBLOCK is how the agent opens without waiting; the open file must not keep it.
    opened("f", O_RDWR | O_APPEND);
    bool found = false;
    for (const auto& entry : fs::directory_iterator{"/proc/self/fd"}) {
        std::error_code gone;
        if (fs::read_symlink(entry.path(), gone) == path("f")) {
            const int flags = ::fcntl(std::stoi(entry.path().filename().string()), F_GETFL);
            EXPECT_EQ(flags & O_NONBLOCK, 0);
            EXPECT_EQ(flags & O_APPEND, O_APPEND);
            found = true;
        }
    }
    EXPECT_TRUE(found);
}

TEST_F(FileMessages, CloseTakesTheHandleAway) {
    const auto file = opened("f", O_RDONLY);
    EXPECT_EQ(failure_of(protocol::close{file}), 0);
    EXPECT_EQ(failure_of(protocol::close{file}), EBADF);
    EXPECT_EQ(failure_of(protocol::read{file, 0, 1}), EBADF);
    EXPECT_EQ(failure_of(protocol::close{no_handle}), EBADF);
}

TEST_F(FileMessages, ReadTakesAnyRange) {
    const auto file = opened("f", O_RDONLY);
    EXPECT_EQ(client_.read(file, 0, 100), "0123456789");
    EXPECT_EQ(client_.read(file, 3, 4), "3456");
    EXPECT_EQ(client_.read(file, 10, 4), "");
    EXPECT_EQ(client_.read(file, 1'000'000'000'000, 4), "");
    EXPECT_EQ(client_.read(file, 0, 0), "");
    EXPECT_EQ(failure_of(protocol::read{file, -2, 4}), EINVAL);
    const auto directory = opened("", O_RDONLY);
    EXPECT_EQ(failure_of(protocol::read{directory, 0, 4}), EISDIR);
    EXPECT_EQ(failure_of(protocol::read{opened("f", O_WRONLY), 0, 4}), EBADF);
    EXPECT_EQ(failure_of(protocol::read{opened("f", O_PATH), 0, 4}), EBADF);
}

TEST_F(FileMessages, WriteGoesWhereItIsTold) {
    const auto file = opened("f", O_RDWR);
    const auto got = client_.call(write_of(file, 8, "abcd"));
    EXPECT_EQ(got.reply.bytes, 4U);
    EXPECT_EQ(got.reply.position, 12);
    EXPECT_EQ(read_file(path("f")), "01234567abcd");
    EXPECT_EQ(client_.call(write_of(file, 5'000'000'000, "far")).failure, 0);
    EXPECT_EQ(fs::file_size(path("f")), 5'000'000'003U);
    EXPECT_EQ(client_.read(file, 5'000'000'000, 10), "far");
    EXPECT_EQ(failure_of(write_of(file, -2, "x")), EINVAL);
    EXPECT_EQ(failure_of(write_of(opened("f", O_RDONLY), 0, "x")), EBADF);
    const std::string too_much(protocol::limits::data_bytes_max + 1, 'x');
    EXPECT_EQ(failure_of(write_of(file, 0, too_much)), EINVAL);
    const std::string most(protocol::limits::data_bytes_max, 'x');
    EXPECT_EQ(client_.call(write_of(file, 0, most)).reply.bytes, protocol::limits::data_bytes_max);
}

TEST_F(FileMessages, AppendTellsTheNewEnd) {
    const auto a = opened("f", O_WRONLY | O_APPEND);
    const auto b = opened("f", O_WRONLY | O_APPEND);
    EXPECT_EQ(client_.call(write_of(a, -1, "AA")).reply.position, 12);
    EXPECT_EQ(client_.call(write_of(b, -1, "BBB")).reply.position, 15);
    EXPECT_EQ(client_.call(write_of(a, -1, "C")).reply.position, 16);
    EXPECT_EQ(read_file(path("f")), "0123456789AABBBC");
}

TEST_F(FileMessages, WritePassesFlagsOn) {
    const auto file = opened("f", O_RDWR);
    auto request = write_of(file, 0, "XX");
    request.sync_flags = RWF_DSYNC;
    EXPECT_EQ(failure_of(request), 0);
    request.sync_flags = RWF_APPEND;
    EXPECT_EQ(failure_of(request), 0);
    EXPECT_EQ(read_file(path("f")), "XX23456789XX");
    request.sync_flags = RWF_NOWAIT;
    EXPECT_EQ(failure_of(request), EOPNOTSUPP);
}

TEST_F(FileMessages, DirectTransfersNeedNoAlignedFrames) {
    const auto got = client_.call(open_of("/direct", O_RDWR | O_CREAT | O_DIRECT));
    if (got.failure == EINVAL) {
        GTEST_SKIP() << "the file system has no O_DIRECT";
    }
    ASSERT_EQ(got.failure, 0);
    const std::string block(8192, 'd');
    EXPECT_EQ(client_.call(write_of(got.reply.handle, 0, block)).reply.bytes, 8192U);
    EXPECT_EQ(client_.read(got.reply.handle, 0, 8192), block);
}

TEST_F(FileMessages, SeekAnswersWhatDependsOnTheFile) {
    const auto file = opened("f", O_RDWR);
    EXPECT_EQ(client_.call(protocol::seek{file, 0, SEEK_END}).reply.position, 10);
    EXPECT_EQ(client_.call(protocol::seek{file, 5, SEEK_END}).reply.position, 15);
    EXPECT_EQ(failure_of(protocol::seek{file, -11, SEEK_END}), EINVAL);
    EXPECT_EQ(client_.call(protocol::seek{file, 4, SEEK_HOLE}).reply.position, 10);
    EXPECT_EQ(client_.call(protocol::seek{file, 4, SEEK_DATA}).reply.position, 4);
    EXPECT_EQ(failure_of(protocol::seek{file, 10, SEEK_DATA}), ENXIO);
    EXPECT_EQ(failure_of(protocol::seek{file, 0, SEEK_CUR}), EINVAL);
    ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
    EXPECT_EQ(failure_of(protocol::seek{opened("fifo", O_RDWR), 0, SEEK_END}), ESPIPE);
}

TEST_F(FileMessages, SyncReachesTheDisk) {
    const auto file = opened("f", O_RDWR);
    for (const auto kind :
         {sync_kind::all, sync_kind::data, sync_kind::file_system, sync_kind::range}) {
        EXPECT_EQ(failure_of(protocol::sync{file, kind, 0, 10, SYNC_FILE_RANGE_WRITE}), 0);
    }
    EXPECT_EQ(failure_of(protocol::sync{file, sync_kind{9}, 0, 0, 0}), EINVAL);
    EXPECT_EQ(failure_of(protocol::sync{opened("f", O_PATH), sync_kind::all, 0, 0, 0}), EBADF);
    ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
    EXPECT_EQ(failure_of(protocol::sync{opened("fifo", O_RDWR), sync_kind::all, 0, 0, 0}), EINVAL);
}

TEST_F(FileMessages, AllocateAndCutHoles) {
    const auto file = opened("f", O_RDWR);
    EXPECT_EQ(failure_of(protocol::allocate{file, 0, 0, 1 << 20}), 0);
    EXPECT_EQ(fs::file_size(path("f")), 1U << 20U);
    EXPECT_EQ(failure_of(protocol::allocate{file, FALLOC_FL_KEEP_SIZE, 0, 1 << 21}), 0);
    EXPECT_EQ(fs::file_size(path("f")), 1U << 20U);
    EXPECT_EQ(failure_of(protocol::allocate{file, 0, 0, 0}), EINVAL);
    EXPECT_EQ(failure_of(protocol::allocate{opened("f", O_RDONLY), 0, 0, 10}), EBADF);
}

TEST_F(FileMessages, ReadDirectoryGivesEachEntryOnce) {
    std::set<std::string> expected{".", "..", "f"};
    for (int i = 0; i < 3000; ++i) {
        const auto name = "entry_" + std::to_string(i);
        expected.insert(name);
        write_file(path(name), "");
    }
    const auto directory = opened("", O_RDONLY | O_DIRECTORY);
    std::set<std::string> seen;
    std::int64_t position = 0;
    std::int64_t position_of_10th = 0;
    std::string eleventh;
    for (;;) {
        const auto got = client_.call(read_directory{directory, position, 32'768});
        ASSERT_EQ(got.failure, 0);
        if (got.reply.entries.empty()) {
            break;
        }
        for (const auto& entry : got.reply.entries) {
            EXPECT_TRUE(seen.insert(entry.name).second) << entry.name;
            EXPECT_NE(entry.inode, 0U);
            position = entry.next_position;
            if (seen.size() == 10) {
                position_of_10th = position;
            } else if (seen.size() == 11) {
                eleventh = entry.name;
            }
        }
    }
    EXPECT_EQ(seen, expected);
    const auto again = client_.call(read_directory{directory, position_of_10th, 4096});
    EXPECT_EQ(again.reply.entries.at(0).name, eleventh);
    EXPECT_EQ(client_.call(read_directory{directory, 0, 4096}).reply.entries.size(), 128U)
        << "32 bytes for each of the names here, so the room is the caller's";
}

TEST_F(FileMessages, ReadDirectoryHasTheErrorsOfGetdents) {
    const auto directory = opened("", O_RDONLY | O_DIRECTORY);
    EXPECT_EQ(failure_of(read_directory{directory, 0, 10}), EINVAL);
    EXPECT_EQ(failure_of(read_directory{opened("f", O_RDONLY), 0, 4096}), ENOTDIR);
    EXPECT_EQ(failure_of(read_directory{opened("", O_PATH), 0, 4096}), EBADF);
    fs::create_directory(path("gone"));
    const auto gone = opened("gone", O_RDONLY | O_DIRECTORY);
    fs::remove(path("gone"));
    EXPECT_EQ(failure_of(read_directory{gone, 0, 4096}), ENOENT);
    const auto types = client_.call(read_directory{directory, 0, 4096});
    for (const auto& entry : types.reply.entries) {
        EXPECT_EQ(entry.type, entry.name == "f" ? DT_REG : DT_DIR) << entry.name;
    }
}

TEST_F(FileMessages, CopyRangeCopiesOnTheTarget) {
    const auto from = opened("f", O_RDONLY);
    const auto to = client_.call(open_of("/copy", O_RDWR | O_CREAT)).reply.handle;
    EXPECT_EQ(client_.call(copy_range{from, 2, to, 1, 100}).reply.bytes, 8U);
    EXPECT_EQ(read_file(path("copy")), std::string("\0", 1) + "23456789");
    EXPECT_EQ(client_.call(copy_range{to, 1, to, 20, 3}).reply.bytes, 3U);
    EXPECT_EQ(failure_of(copy_range{from, 0, from, 0, 1}), EBADF);
    EXPECT_EQ(failure_of(copy_range{to, 0, to, 1, 5}), EINVAL);
    const unique_fd native{::open(path("copy").c_str(), O_RDWR | O_CLOEXEC)};
    off_t before_the_start = -1;
    off_t behind = 100;
    ::copy_file_range(native.get(), &before_the_start, native.get(), &behind, 5, 0);
    EXPECT_EQ(failure_of(copy_range{to, -1, to, 100, 5}), errno);
    EXPECT_EQ(failure_of(copy_range{from, 0, handle_id{99}, 1, 5}), EBADF);
}

TEST_F(FileMessages, SetFlagsChangesHowItWrites) {
    const auto file = opened("f", O_RDWR);
    EXPECT_EQ(failure_of(set_flags{file, O_APPEND}), 0);
    EXPECT_EQ(client_.call(write_of(file, -1, "end")).reply.position, 13);
    EXPECT_EQ(failure_of(set_flags{file, 0}), 0);
    EXPECT_EQ(failure_of(set_flags{opened("f", O_PATH), O_APPEND}), EBADF);
}

TEST_F(FileMessages, LocksBelongToTheHandle) {
    const auto a = opened("f", O_RDWR);
    const auto b = opened("f", O_RDWR);
    EXPECT_EQ(failure_of(lock_file{a, LOCK_EX}), 0);
    EXPECT_EQ(failure_of(lock_file{b, LOCK_EX | LOCK_NB}), EWOULDBLOCK);
    const auto waiting = client_.send(lock_file{b, LOCK_SH});
    EXPECT_EQ(failure_of(stat_of(at(b))), 0);  // what follows on the handle does not wait for it
    EXPECT_EQ(failure_of(protocol::close{a}), 0);
    EXPECT_EQ(client_.wait<lock_file>(waiting).failure, 0);
    EXPECT_EQ(failure_of(lock_file{b, 64}), EINVAL);
}

TEST_F(FileMessages, RecordLocksBelongToTheHandle) {
    const auto a = opened("f", O_RDWR);
    const auto b = opened("f", O_RDWR);
    const record_lock all{F_WRLCK, SEEK_SET, 0, 0, 0};
    EXPECT_EQ(failure_of(lock_record{a, F_OFD_SETLK, all}), 0);
    EXPECT_EQ(failure_of(lock_record{b, F_OFD_SETLK, all}), EAGAIN);
    const auto asked = client_.call(lock_record{b, F_OFD_GETLK, all});
    EXPECT_EQ(asked.reply.lock.type, F_WRLCK);
    EXPECT_EQ(asked.reply.lock.pid, -1);
    const auto waiting = client_.send(lock_record{b, F_OFD_SETLKW, all});
    const record_lock nothing{F_UNLCK, SEEK_SET, 0, 0, 0};
    EXPECT_EQ(failure_of(lock_record{a, F_OFD_SETLK, nothing}), 0);
    EXPECT_EQ(client_.wait<lock_record>(waiting).failure, 0);
    EXPECT_EQ(failure_of(lock_record{a, F_SETLK, all}), EINVAL);
    const record_lock here{F_WRLCK, SEEK_CUR, 0, 0, 0};
    EXPECT_EQ(failure_of(lock_record{a, F_OFD_SETLK, here}), EINVAL);
    EXPECT_EQ(failure_of(lock_record{opened("f", O_RDONLY), F_OFD_SETLK, all}), EBADF);
}

TEST_F(FileMessages, IoctlKnowsAFewCommands) {
    const auto file = opened("f", O_RDONLY);
    EXPECT_EQ(failure_of(protocol::ioctl{file, TCGETS, 0}), ENOTTY);
    EXPECT_EQ(client_.call(protocol::ioctl{file, FIONREAD, 0}).reply.value, 10);

    int native = 0;
    const unique_fd direct{::open(path("f").c_str(), O_RDONLY | O_CLOEXEC)};
    const int failure = ::ioctl(direct.get(), FS_IOC_GETFLAGS, &native) == 0 ? 0 : errno;
    const auto got = client_.call(protocol::ioctl{file, FS_IOC_GETFLAGS, 0});
    EXPECT_EQ(got.failure, failure);
    EXPECT_EQ(got.reply.value, native);
    const auto path_only = opened("f", O_PATH);
    EXPECT_EQ(failure_of(protocol::ioctl{path_only, TCGETS, 0}), EBADF);
    EXPECT_EQ(failure_of(protocol::ioctl{path_only, FIONREAD, 0}), EBADF);
}

TEST_F(FileMessages, ActOnTheOpenFileItself) {
    const auto file = opened("f", O_RDWR);
    fs::rename(path("f"), path("elsewhere"));
    write_file(path("f"), "somebody else's");
    EXPECT_EQ(client_.call(stat_of(at(file))).reply.attr.size, 10U);
    set_attributes change;
    change.at = at(file);
    change.mask = set_mask::size;
    change.size = 4;
    EXPECT_EQ(failure_of(change), 0);
    change.mask = set_mask::mode;
    change.mode = 0604;
    EXPECT_EQ(failure_of(change), 0);
    change.mask = set_mask::times;
    change.accessed = {1, 2};
    change.modified = {3, 4};
    EXPECT_EQ(failure_of(change), 0);
    const auto attr = client_.call(stat_of(at(file))).reply.attr;
    EXPECT_EQ(attr.mode & 07777U, 0604U);
    EXPECT_EQ(attr.modified, (timestamp{3, 4}));
    EXPECT_EQ(read_file(path("elsewhere")), "0123");
    EXPECT_EQ(failure_of(set_xattr{at(file), 0, "user.a", "value", 0}), 0);
    EXPECT_EQ(client_.call(get_xattr{at(file), 0, "user.a"}).reply.value, "value");
    EXPECT_EQ(client_.call(list_xattr{at(file), 0}).reply.value, std::string("user.a\0", 7));
    EXPECT_EQ(failure_of(remove_xattr{at(file), 0, "user.a"}), 0);
    EXPECT_EQ(failure_of(get_xattr{at(file), 0, "user.a"}), ENODATA);
    EXPECT_EQ(read_file(path("f")), "somebody else's");
}

TEST_F(FileMessages, PathOnlyHandlesDoOnlyWhatNeedsNoMore) {
    const auto file = opened("f", O_PATH);
    EXPECT_EQ(failure_of(stat_of(at(file))), 0);
    EXPECT_EQ(failure_of(file_system{at(file)}), 0);
    set_attributes change;
    change.at = at(file);
    change.mask = set_mask::mode;
    change.mode = 0600;
    EXPECT_EQ(failure_of(change), EBADF);
    change.flags = AT_EMPTY_PATH;  // fchmodat2 in place of fchmod
    EXPECT_EQ(failure_of(change), 0);
    EXPECT_EQ(failure_of(get_xattr{at(file), 0, "user.a"}), EBADF);
    EXPECT_EQ(failure_of(set_xattr{at(file), 0, "user.a", "x", 0}), EBADF);
    EXPECT_EQ(failure_of(list_xattr{at(file), 0}), EBADF);
    EXPECT_EQ(failure_of(write_of(file, 0, "x")), EBADF);
    EXPECT_EQ(failure_of(lock_file{file, LOCK_EX}), EBADF);
    EXPECT_EQ(failure_of(protocol::seek{file, 0, SEEK_END}), EBADF);
    fs::create_symlink("f", path("link"));
    const auto link = opened("link", O_PATH | O_NOFOLLOW);
    EXPECT_EQ(client_.call(read_link{at(link)}).reply.path, "f");
    EXPECT_EQ(failure_of(read_link{at(file)}), ENOENT);
    EXPECT_EQ(failure_of(protocol::close{file}), 0);
}

TEST_F(FileMessages, TenThousandFilesAreOpenAtOnce) {
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    const auto before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max < 11'000) {
        GTEST_SKIP() << "this system allows a process " << limit.rlim_max << " files";
    }
    std::vector<handle_id> files;
    for (int i = 0; i < 10'000; ++i) {
        const auto got = client_.call(open_of("/f"));
        ASSERT_EQ(got.failure, 0) << i;
        files.push_back(got.reply.handle);
    }
    EXPECT_EQ(client_.read(files.back(), 0, 10), "0123456789");
    for (const auto file : files) {
        ASSERT_EQ(failure_of(protocol::close{file}), 0);
    }
    limit.rlim_cur = before;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

TEST_F(FileMessages, ARunOutOfDescriptorsIsTheClientsErrno) {
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    const auto before = limit.rlim_cur;
    limit.rlim_cur = 40;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    int failure = 0;
    for (int i = 0; i < 60 && failure == 0; ++i) {
        failure = failure_of(open_of("/created_" + std::to_string(i), O_CREAT | O_RDWR));
        EXPECT_EQ(fs::exists(path("created_" + std::to_string(i))), failure == 0);
    }
    limit.rlim_cur = before;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    EXPECT_EQ(failure, EMFILE);
    EXPECT_EQ(failure_of(stat_of("/f")), 0);
}

}  // namespace
}  // namespace farside::agent::test
