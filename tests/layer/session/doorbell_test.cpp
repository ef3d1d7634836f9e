// The doorbell's bytes and descriptors: whose they are, whatever is sent around them.
#include "layer/session/doorbell.hpp"

#include "layer/session/descriptor_passing.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace farside::session::testing {
namespace {

class Doorbell : public ::testing::Test {
protected:
    Doorbell() {
        std::array<int, 2> ends{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
        caller = unique_fd{ends[0]};
        bell.emplace(context.get_executor(), unique_fd{ends[1]});
    }

    void ring(const std::string& bytes) const {
        ASSERT_EQ(
            ::send(caller.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size())
        );
    }

    // A memfd of `name`, handed over for slot `index`; returns its inode.
    ino_t hand_over(unsigned char index, int copies = 1) const {
        const unique_fd file{::memfd_create("handed over", MFD_CLOEXEC)};
        std::array<int, 2> fds{file.get(), file.get()};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof fds)> control{};
        iovec data{&index, 1};
        msghdr message{};
        message.msg_iov = &data;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        const std::size_t bytes = sizeof(int) * static_cast<std::size_t>(copies);
        message.msg_controllen = CMSG_SPACE(bytes);
        cmsghdr* const part = CMSG_FIRSTHDR(&message);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(bytes);
        std::memcpy(CMSG_DATA(part), fds.data(), bytes);
        EXPECT_EQ(::sendmsg(caller.get(), &message, 0), 1);
        return inode(file);
    }

    static ino_t inode(const unique_fd& file) {
        struct stat found {};

        return ::fstat(file.get(), &found) == 0 ? found.st_ino : 0;
    }

    asio::io_context context;
    unique_fd caller;
    std::optional<doorbell> bell;
};

TEST_F(Doorbell, TellsBytesFromDescriptors) {
    ring(std::string(3, '\0'));
    const ino_t first = hand_over(7);
    ring(std::string(2, '\7'));
    const ino_t second = hand_over(255);
    ASSERT_TRUE(bell->collect());
    EXPECT_EQ(inode(bell->take_descriptor(7)), first);
    EXPECT_EQ(inode(bell->take_descriptor(255)), second);
    EXPECT_FALSE(bell->take_descriptor(0));
}

TEST_F(Doorbell, GivesADescriptorOnce) {
    hand_over(9);
    ASSERT_TRUE(bell->collect());
    EXPECT_TRUE(bell->take_descriptor(9));
    EXPECT_FALSE(bell->take_descriptor(9));
}

TEST_F(Doorbell, KeepsTheLastOfASlot) {
    hand_over(9);
    const ino_t last = hand_over(9);
    ASSERT_TRUE(bell->collect());
    EXPECT_EQ(inode(bell->take_descriptor(9)), last);
}

TEST_F(Doorbell, TakesOneDescriptorOfAMessage) {
    const ino_t both = hand_over(9, 2);
    ASSERT_TRUE(bell->collect());
    EXPECT_EQ(inode(bell->take_descriptor(9)), both);
    EXPECT_FALSE(bell->take_descriptor(9));
}

TEST_F(Doorbell, TakesDescriptorsBeforeTheEnd) {
    const ino_t last = hand_over(1);
    caller.reset();
    EXPECT_FALSE(bell->collect());
    EXPECT_EQ(inode(bell->take_descriptor(1)), last);
}

TEST_F(Doorbell, SendsADescriptorBack) {
    const unique_fd file{::memfd_create("sent back", MFD_CLOEXEC)};
    ASSERT_EQ(send_descriptor(caller.get(), file.get()), 0);
    ASSERT_TRUE(bell->collect());
    EXPECT_EQ(inode(bell->take_descriptor(0)), inode(file));
}

TEST_F(Doorbell, SaysThatNobodyListens) {
    bell->close();
    EXPECT_EQ(send_descriptor(caller.get(), caller.get()), EPIPE);
}

}  // namespace
}  // namespace farside::session::testing
