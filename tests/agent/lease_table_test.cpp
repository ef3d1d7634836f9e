// How often a name is worth a notice; how leases are found.
#include "agent/lease_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace farside::agent {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using verdict = notice_limit::verdict;
using std::chrono::milliseconds;

constexpr notice_limit::clock::time_point start{std::chrono::hours{1}};

TEST(NoticeLimit, TellsSomeChangesInAWindowThenHushes) {
    notice_limit names;
    for (std::uint32_t i = 0; i < limits::notices_per_window_max; ++i) {
        EXPECT_EQ(names.on_change("a", start), verdict::tell);
    }
    EXPECT_EQ(names.on_change("a", start), verdict::hush);
    EXPECT_EQ(names.on_change("a", start + std::chrono::hours{1}), verdict::silent);
    EXPECT_EQ(names.on_change("b", start), verdict::tell);
    names.on_question("a");
    EXPECT_EQ(names.on_change("a", start), verdict::tell);
}

TEST(NoticeLimit, TellsEveryChangeThatComesAlone) {
    notice_limit names;
    const milliseconds pause{limits::notice_window_ms + 1};
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(names.on_change("a", start + i * pause), verdict::tell);
    }
}

TEST(NoticeLimit, RemembersABoundedNumberOfNames) {
    notice_limit names;
    const milliseconds pause{limits::notice_window_ms + 1};
    for (int i = 0; i < 100'000; ++i) {
        EXPECT_EQ(names.on_change(std::to_string(i), start + i * pause), verdict::tell);
        ASSERT_FALSE(names.overflows());
    }
    notice_limit silent_names;
    for (std::uint32_t i = 0; i <= limits::noted_names_max; ++i) {
        EXPECT_FALSE(silent_names.overflows());
        for (std::uint32_t n = 0; n <= limits::notices_per_window_max; ++n) {
            [[maybe_unused]] const auto last = silent_names.on_change(std::to_string(i), start);
        }
    }
    EXPECT_TRUE(silent_names.overflows());
}

lease made(std::uint64_t handle, int watch, std::uint64_t mount, std::uint64_t inode) {
    lease made;
    made.handle = protocol::handle_id{handle};
    made.file = std::make_shared<open_file>();
    made.file->inode = {1, inode};
    made.file->kind = file_kind::path_only;
    made.watch = watch;
    made.mount = mount;
    return made;
}

TEST(LeaseTable, FindsByWatchMountAndInode) {
    lease_table table;
    table.add(made(1, 7, 100, 5));
    table.add(made(2, 7, 101, 5));
    auto file = made(3, no_watch, 100, 6);
    file.file->kind = file_kind::regular;
    file.has_data = true;
    table.add(std::move(file));
    using protocol::handle_id;
    EXPECT_THAT(table.watched_by(7), ElementsAre(handle_id{1}, handle_id{2}));
    EXPECT_EQ(table.find_directory(7, 101)->handle, handle_id{2});
    EXPECT_EQ(table.find_directory(7, 102), nullptr);
    EXPECT_THAT(table.with_data({1, 6}), ElementsAre(handle_id{3}));
    EXPECT_EQ(table.remove(handle_id{1}).handle, handle_id{1});
    EXPECT_THAT(table.watched_by(7), ElementsAre(handle_id{2}));
    EXPECT_EQ(table.remove(handle_id{2}).mount, 101U);
    EXPECT_FALSE(table.is_watched(7));
    EXPECT_TRUE(table.holds_data());
    EXPECT_EQ(table.remove(handle_id{3}).handle, handle_id{3});
    EXPECT_FALSE(table.holds_data());
    EXPECT_THAT(table.with_data({1, 6}), IsEmpty());
    EXPECT_EQ(table.size(), 0U);
}

}  // namespace
}  // namespace farside::agent
