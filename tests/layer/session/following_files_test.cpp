// In which order the files of a tree follow one another, and where they end.
#include "layer/session/following_files.hpp"

#include "tests/layer/session/told_names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace farside::session {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using order = following_files::order;
using reach = following_files::reach;

constexpr auto root_handle = handle(1);
constexpr auto top = handle(2);
constexpr auto first = handle(3);
constexpr auto below = handle(4);
constexpr auto second = handle(5);

//     /top: first: x, below: (b, a), c      second: z, y      dark: not listed      last
class FollowingFiles : public ::testing::Test {
protected:
    FollowingFiles() {
        const auto began = tree.recent().begin();
        tree.apply(reply({root(root_handle), directory(root_handle, "top", 10, top)}), began);
        tree.apply(
            reply(
                {directory(top, "first", 11, first),
                 directory(top, "second", 12, second),
                 directory(top, "dark", 13, handle(6)),
                 file(top, "last", 14)},
                {top}
            ),
            began
        );
        tree.apply(
            reply(
                {file(first, "x", 20), directory(first, "below", 21, below), file(first, "c", 22)},
                {first}
            ),
            began
        );
        tree.apply(reply({file(below, "b", 30), file(below, "a", 31)}, {below}), began);
        tree.apply(reply({file(second, "z", 40), file(second, "y", 41)}, {second}), began);
        tree.apply(reply({file(handle(6), "one", 50)}), began);
        tree.recent().end();
    }

    name_node& at(const std::string& path) {
        return *tree.resolve(nullptr, path, last_link::keep).node;
    }

    static std::vector<std::string> names_of(following_files files) {
        std::vector<std::string> names;
        while (const name_node* const file = files.next()) {
            names.emplace_back(file->name);
        }
        return names;
    }

    std::vector<std::string> behind(const std::string& path, order o, reach r) {
        return names_of(following_files::behind(tree, at(path), o, r));
    }

    name_tree tree{[](protocol::handle_id) {}, {}};
};

TEST_F(FollowingFiles, AreThoseOfTheDirectory) {
    EXPECT_THAT(behind("/top/first/x", order::as_listed, reach::directory), ElementsAre("c"));
    EXPECT_THAT(behind("/top/first/c", order::as_listed, reach::directory), IsEmpty());
    EXPECT_THAT(behind("/top/second/y", order::by_name, reach::directory), ElementsAre("z"));
}

TEST_F(FollowingFiles, AreThoseOfTheTreeWhereTheyStand) {
    EXPECT_THAT(
        behind("/top/first/x", order::as_listed, reach::tree),
        ElementsAre("b", "a", "c", "z", "y", "last")
    );
    EXPECT_THAT(
        behind("/top/first/below/a", order::as_listed, reach::tree),
        ElementsAre("c", "z", "y", "last")
    );
    EXPECT_THAT(
        behind("/top/first/c", order::by_name, reach::tree), ElementsAre("x", "last", "y", "z")
    );
}

TEST_F(FollowingFiles, OfAWholeDirectoryEndWithIt) {
    EXPECT_THAT(
        names_of(following_files::within(tree, at("/top/first"), order::as_listed, reach::tree)),
        ElementsAre("x", "b", "a", "c")
    );
    EXPECT_THAT(
        names_of(following_files::within(tree, at("/top/first"), order::as_listed, reach::directory)
        ),
        ElementsAre("x", "c")
    );
}

}  // namespace
}  // namespace farside::session
