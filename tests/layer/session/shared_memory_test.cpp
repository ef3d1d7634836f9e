// The descriptors and mappings that a session shares, and what the kernel keeps others from doing
// with them.
#include "layer/session/shared_memory.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace farside::session {
namespace {

shared_memory make() {
    return std::move(shared_memory::create().value());
}

unique_fd reopen(int fd, int flags) {
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    return unique_fd{::open(path.c_str(), flags | O_CLOEXEC)};
}

bool can_map_writable(int fd) {
    void* const address = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (address != MAP_FAILED) {
        ::munmap(address, 4096);
    }
    return address != MAP_FAILED;
}

TEST(SharedMemory, BeginsAsTheLayerExpects) {
    const auto memory = make();
    EXPECT_EQ(memory.shared().head.magic, segment::magic);
    EXPECT_EQ(memory.shared().head.version, segment::layout_version);
    EXPECT_EQ(memory.shared().slots[segment::slot_count - 1].owner.load(), 0U);
    EXPECT_EQ(memory.shared().open_files[segment::open_file_count - 1].id.load(), 0U);

    struct stat found {};

    ASSERT_EQ(::fstat(memory.inherited().segment, &found), 0);
    EXPECT_EQ(found.st_ino, memory.segment_inode());
    EXPECT_EQ(found.st_size, static_cast<off_t>(sizeof(segment::segment)));
    ASSERT_EQ(::fstat(memory.inherited().template_, &found), 0);
    EXPECT_EQ(found.st_ino, memory.template_inode());
    EXPECT_EQ(found.st_dev, memory.template_device());
    EXPECT_EQ(found.st_size, 0);
}

TEST(SharedMemory, IsInheritedOnlyOnPurpose) {
    const auto memory = make();
    const auto fds = memory.inherited();
    for (const int fd : {fds.segment, fds.view, fds.template_, fds.doorbell}) {
        EXPECT_EQ(::fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    }
}

TEST(SharedMemory, CannotBeResizedUnderThoseWhoMappedIt) {
    const auto memory = make();
    EXPECT_NE(::ftruncate(memory.inherited().segment, 0), 0);
    EXPECT_TRUE(can_map_writable(memory.inherited().segment));
}

TEST(SharedMemory, LetsOthersOnlyReadTheView) {
    const auto memory = make();
    EXPECT_FALSE(can_map_writable(memory.inherited().view));
    // Not even where the permissions of the file would allow it.
    const auto writable = reopen(memory.inherited().view, O_RDWR);
    if (writable) {
        EXPECT_FALSE(can_map_writable(writable.get()));
        EXPECT_NE(::pwrite(writable.get(), "x", 1, 0), 1);
    }
    memory.view().allow_local = 1;
    std::uint32_t seen = 0;
    ASSERT_EQ(
        ::pread(memory.inherited().view, &seen, sizeof seen, offsetof(segment::view, allow_local)),
        static_cast<ssize_t>(sizeof seen)
    );
    EXPECT_EQ(seen, 1U);
}

TEST(SharedMemory, TemplateTakesNoBytes) {
    const auto memory = make();
    const auto descriptor = reopen(memory.inherited().template_, O_WRONLY);
    ASSERT_TRUE(descriptor);
    EXPECT_EQ(::write(descriptor.get(), "x", 1), -1);
    EXPECT_EQ(errno, EPERM);
    EXPECT_EQ(::read(descriptor.get(), nullptr, 0), -1);
    EXPECT_EQ(errno, EBADF);
    EXPECT_EQ(::lseek(descriptor.get(), 1'000'000, SEEK_SET), 1'000'000);
}

TEST(SharedMemory, DoorbellEndsWithTheLastCoveredProcess) {
    auto memory = make();
    const unique_fd program{::dup(memory.inherited().doorbell)};
    auto session = memory.take_session_doorbell();
    memory.release_descriptors();

    struct pollfd end {
        session.get(), POLLIN, 0
    };

    EXPECT_EQ(::poll(&end, 1, 0), 0);
    ASSERT_EQ(::write(program.get(), "x", 1), 1);
    EXPECT_EQ(::poll(&end, 1, 0), 1);
}

// The end of the thread that adopted the segment marks every slot, used or not.
TEST(SharedMemory, MarksAllSlotsWhenItsThreadEnds) {
    auto memory = make();
    std::uint32_t tid = 0;
    std::thread session{[&] {
        EXPECT_FALSE(memory.adopt());
        tid = memory.shared().head.session_tid;
        for (const auto& slot : memory.shared().slots) {
            EXPECT_EQ(slot.state.load(), tid);
        }
        memory.shared().slots[7].state.store(tid | segment::state_posted);
    }};
    session.join();
    // The kernel marks them before it tells that the thread ended.
    for (const auto& slot : memory.shared().slots) {
        EXPECT_EQ(slot.state.load() & segment::state_owner_died, segment::state_owner_died);
        EXPECT_EQ(slot.state.load() & segment::state_tid_mask, 0U);
    }
    EXPECT_EQ(
        memory.shared().slots[7].state.load(), segment::state_owner_died | segment::state_posted
    );
}

}  // namespace
}  // namespace farside::session
