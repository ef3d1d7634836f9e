// Stores of a mapping come to the file in place: not appended, nothing beyond the end, and no byte
// between them.
#include "tests/agent/requests.hpp"
#include "tests/agent/running_agent.hpp"

#include <gtest/gtest.h>

namespace farside::agent::test {
namespace {

using namespace protocol;
using farside::test::read_file;
using farside::test::write_file;
namespace fs = std::filesystem;

class MapMessages : public testing::Test {
protected:
    MapMessages() { write_file(path("f"), "0123456789"); }

    fs::path path(const std::string& name) const { return agent_.root() / name; }

    handle_id opened(int flags) {
        const auto got = client_.call(open_of("/f", flags));
        EXPECT_EQ(got.failure, 0);
        return got.reply.handle;
    }

    answer<write_back> write(
        handle_id handle, std::vector<std::pair<std::int64_t, std::string>> to
    ) {
        write_back request;
        request.handle = handle;
        for (const auto& [offset, text] : to) {
            request.stores.push_back({offset, {std::as_bytes(std::span{text})}});
        }
        return client_.call(request);
    }

    running_agent agent_;
    fake_client client_ = agent_.session();
};

TEST_F(MapMessages, WriteBackTouchesOnlyTheStores) {
    const auto handle = opened(O_RDWR);
    const auto done = write(handle, {{1, "ab"}, {7, "c"}});
    ASSERT_EQ(done.failure, 0);
    EXPECT_EQ(done.reply.stores, 2U);
    EXPECT_EQ(read_file(path("f")), "0ab3456c89");
    EXPECT_EQ(done.reply.before.size, 10U);
    EXPECT_EQ(done.reply.after.inode, done.reply.before.inode);
}

TEST_F(MapMessages, WriteBackGoesInPlaceWhereTheHandleAppends) {
    const auto handle = opened(O_RDWR | O_APPEND);
    ASSERT_EQ(write(handle, {{2, "xy"}}).failure, 0);
    EXPECT_EQ(read_file(path("f")), "01xy456789");
    EXPECT_EQ(client_.call(write_of(handle, -1, "end")).failure, 0);
    EXPECT_EQ(read_file(path("f")), "01xy456789end");
}

TEST_F(MapMessages, WriteBackNeverMakesTheFileLonger) {
    const auto handle = opened(O_RDWR);
    const auto done = write(handle, {{8, "abcdef"}, {20, "beyond"}});
    ASSERT_EQ(done.failure, 0);
    EXPECT_EQ(done.reply.stores, 2U);
    EXPECT_EQ(done.reply.after.size, 10U);
    EXPECT_EQ(read_file(path("f")), "01234567ab");
}

TEST_F(MapMessages, WriteBackTellsOfChangesThatOthersMade) {
    const auto handle = opened(O_RDWR);
    const auto first = write(handle, {{0, "a"}});
    fs::resize_file(path("f"), 4);
    const auto second = write(handle, {{1, "b"}});
    EXPECT_EQ(first.reply.after.size, 10U);
    EXPECT_EQ(second.reply.before.size, 4U);
    EXPECT_EQ(read_file(path("f")), "ab23");
}

TEST_F(MapMessages, WriteBackFailsWhereTheFirstStoreDoes) {
    EXPECT_EQ(write(opened(O_RDONLY), {{0, "a"}}).failure, EBADF);
    EXPECT_EQ(write(opened(O_RDWR), {{-1, "a"}}).failure, EINVAL);
    EXPECT_EQ(write(handle_id{12345}, {{0, "a"}}).failure, EBADF);
    EXPECT_EQ(read_file(path("f")), "0123456789");
    const auto directory = client_.call(open_of("/"));
    EXPECT_EQ(write(directory.reply.handle, {{0, "a"}}).failure, EINVAL);
}

TEST_F(MapMessages, WriteBackIsRefusedToAReadOnlySession) {
    auto reader = agent_.session(true);
    write_back request;
    request.handle = reader.call(open_of("/f", O_RDONLY)).reply.handle;
    EXPECT_EQ(reader.call(request).failure, EBADF);
}

}  // namespace
}  // namespace farside::agent::test
