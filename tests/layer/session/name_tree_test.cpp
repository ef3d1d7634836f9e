// What is known after what an agent told: names, walks, notices against replies, leases that end,
// agents that lie.
#include "layer/session/name_tree.hpp"

#include "tests/layer/session/told_names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include <dirent.h>

namespace farside::session {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using kind = resolution::kind;

constexpr auto root_handle = handle(1);
constexpr auto home = handle(2);
constexpr auto sub = handle(3);

class NameTree : public ::testing::Test {
protected:
    explicit NameTree(name_tree::limits most = {})
        : tree{[this](protocol::handle_id h) { closed.push_back(h); }, most} {}

    // As the reply to a lookup that began and ended now.
    void tell(const protocol::lookup_reply& frame) {
        const auto began = tree.recent().begin();
        tree.apply(frame, began);
        tree.recent().end();
    }

    // "/", "/home" and "/home/sub", all complete; files "a", a link "l" to it.
    void tell_some() {
        tell(reply(
            {root(root_handle),
             directory(root_handle, "home", 10, home),
             file(home, "a", 11),
             link(home, "l", 12, "a"),
             directory(home, "sub", 13, sub),
             file(sub, "b", 14)},
            {root_handle, home, sub}
        ));
    }

    resolution at(std::string_view path, last_link last = last_link::follow) {
        return tree.resolve(nullptr, path, last);
    }

    kind what(std::string_view path, last_link last = last_link::follow) {
        return at(path, last).what;
    }

    std::uint64_t inode(std::string_view path, last_link last = last_link::follow) {
        const auto found = at(path, last);
        return found.what == kind::found ? found.node->attr.inode : 0;
    }

    bool was_closed(protocol::handle_id h) const { return std::ranges::count(closed, h) == 1; }

    std::vector<protocol::handle_id> closed;
    name_tree tree;
};

TEST_F(NameTree, KnowsNothingAtFirst) {
    const auto unknown = at("/home/a");
    EXPECT_EQ(unknown.what, kind::unknown);
    EXPECT_EQ(unknown.directory, nullptr);
    EXPECT_TRUE(unknown.leasable);
    EXPECT_EQ(unknown.rest, "/home/a");
}

TEST_F(NameTree, WalksAsTheKernel) {
    tell_some();
    EXPECT_EQ(inode("/home/a"), 11U);
    EXPECT_EQ(inode("//home///sub/../a"), 11U);
    EXPECT_EQ(inode("/../home/./l"), 11U);
    EXPECT_EQ(inode("/home/l", last_link::keep), 12U);
    EXPECT_EQ(inode("/home/sub/"), 13U);
    EXPECT_EQ(inode("/home/sub/.."), 10U);
    EXPECT_EQ(inode("/"), 2U);
    EXPECT_EQ(what("/home/l/", last_link::keep), kind::not_directory);
    EXPECT_EQ(what("/home/a/"), kind::not_directory);
    EXPECT_EQ(what("/home/a/x"), kind::not_directory);
    EXPECT_EQ(what("/home/a/.."), kind::not_directory);
    EXPECT_EQ(what("/home/none"), kind::missing);
    EXPECT_EQ(what("/home/none/x/.."), kind::missing);
    EXPECT_EQ(what("/home/" + std::string(256, 'n')), kind::unknown);
    EXPECT_EQ(tree.resolve(at("/home").node, "sub/b", last_link::follow).node->attr.inode, 14U);
}

TEST_F(NameTree, FollowsFortyLinksAndNoMore) {
    tell(reply({root(root_handle)}, {}));
    std::vector<protocol::leased_entry> chain{file(root_handle, "0", 100)};
    for (unsigned i = 1; i <= 41; ++i) {
        chain.push_back(link(root_handle, std::to_string(i), 100 + i, std::to_string(i - 1)));
    }
    chain.push_back(link(root_handle, "up", 200, "/"));
    tell(reply(chain, {root_handle}));
    EXPECT_EQ(inode("/40"), 100U);
    EXPECT_EQ(what("/41"), kind::loop);
    EXPECT_EQ(inode("/up/0"), 100U);
    EXPECT_EQ(inode("/up/up/up/.."), 2U);
}

TEST_F(NameTree, LinksOfOthersInSharedDirectoriesAreLeftToTheAgent) {
    auto shared = directory(root_handle, "tmp", 10, home, 01777);
    auto foreign = link(home, "l", 12, "a");
    foreign.attr.uid = 1000;
    tell(reply({root(root_handle), shared, file(home, "a", 11), foreign}, {home}));
    EXPECT_EQ(what("/tmp/l"), kind::unknown);
    EXPECT_EQ(inode("/tmp/l", last_link::keep), 12U);
}

TEST_F(NameTree, OnlyWhatWasToldIsMissingUntilAllIs) {
    tell(reply({root(root_handle), file(root_handle, "a", 5), missing(root_handle, "m")}));
    EXPECT_EQ(what("/m"), kind::missing);
    EXPECT_EQ(what("/x"), kind::unknown);
    EXPECT_EQ(at("/x").rest, "x");
    tell(reply({}, {root_handle}));
    EXPECT_EQ(what("/x"), kind::missing);
}

TEST_F(NameTree, NoticesChangeWhatIsKnown) {
    tell_some();
    const auto before = at("/home/a").node->id;
    tree.apply(notice(1, {missing(home, "a"), file(home, "new", 20)}));
    EXPECT_EQ(what("/home/a"), kind::missing);
    EXPECT_EQ(inode("/home/new"), 20U);
    EXPECT_EQ(tree.find(before), nullptr);

    tree.apply(notice(2, {unknown(home, "new")}));
    EXPECT_EQ(what("/home/new"), kind::unknown);
    EXPECT_EQ(what("/home/other"), kind::unknown);  // no longer all is known
}

TEST_F(NameTree, AnotherInodeIsAnotherNode) {
    tell_some();
    const auto first = at("/home/a").node->id;
    auto grown = file(home, "a", 11);
    grown.attr.size = 99;
    tree.apply(notice(1, {grown}));
    EXPECT_EQ(at("/home/a").node->id, first);
    EXPECT_EQ(at("/home/a").node->attr.size, 99U);
    tree.apply(notice(2, {file(home, "a", 15)}));
    EXPECT_NE(at("/home/a").node->id, first);
    tree.apply(notice(3, {directory(home, "a", 15, handle(9))}));
    EXPECT_TRUE(at("/home/a").node->directory());
}

TEST_F(NameTree, AReplyIsOlderThanALaterNotice) {
    tell_some();
    const auto began = tree.recent().begin();
    tree.apply(notice(5, {missing(home, "a"), file(home, "new", 20)}));
    tree.apply(
        reply({file(home, "a", 11), missing(home, "new"), file(home, "c", 21)}, {}, 4), began
    );
    EXPECT_EQ(what("/home/a"), kind::missing);
    EXPECT_EQ(inode("/home/new"), 20U);
    EXPECT_EQ(inode("/home/c"), 21U);
    // The same in a reply that was begun after the notice is newer.
    tree.apply(reply({file(home, "a", 22)}, {}, 5), began);
    EXPECT_EQ(inode("/home/a"), 22U);
    tree.recent().end();
}

TEST_F(NameTree, ANoticeOfADirectoryThatIsNotKnownYetCounts) {
    tell(reply({root(root_handle)}));
    const auto began = tree.recent().begin();
    auto itself = directory(home, "", 10, home);
    tree.apply(notice(1, {file(home, "a", 30), itself}));  // told to nobody yet
    EXPECT_TRUE(closed.empty());
    tree.apply(
        reply({directory(root_handle, "home", 10, home), file(home, "a", 11)}, {home}, 0), began
    );
    tree.recent().end();
    EXPECT_EQ(what("/home/a"), kind::unknown);
    EXPECT_EQ(what("/home/b"), kind::unknown);
    EXPECT_FALSE(at("/home").node->covered);
    tell(reply({directory(root_handle, "home", 10, home)}, {}, 1));
    EXPECT_TRUE(at("/home").node->covered);
}

TEST_F(NameTree, AnEndedLeaseTakesAllBelowWithIt) {
    tell_some();
    tree.apply(notice(1, {}, {home}));
    EXPECT_EQ(what("/home"), kind::found);
    EXPECT_FALSE(at("/home").node->covered);
    const auto below = at("/home/a");
    EXPECT_EQ(below.what, kind::unknown);
    EXPECT_TRUE(below.leasable);  // it may be leased anew, from above
    EXPECT_EQ(below.directory, tree.root());
    EXPECT_EQ(below.rest, "home/a");
    EXPECT_TRUE(was_closed(home));
    EXPECT_TRUE(was_closed(sub));
}

TEST_F(NameTree, ALeaseThatEndedMeanwhileIsNotHeld) {
    tell(reply({root(root_handle)}));
    const auto began = tree.recent().begin();
    tree.apply(notice(1, {}, {home}));
    tree.apply(
        reply({directory(root_handle, "home", 10, home), file(home, "a", 11)}, {home}, 0), began
    );
    tree.recent().end();
    EXPECT_EQ(what("/home/a"), kind::unknown);
    EXPECT_EQ(what("/home"), kind::found);
    EXPECT_TRUE(was_closed(home));
}

TEST_F(NameTree, AllEnd) {
    tell_some();
    auto all = notice(3, {});
    all.all_ended = true;
    const auto began = tree.recent().begin();
    tree.apply(all);
    EXPECT_EQ(what("/"), kind::unknown);
    EXPECT_TRUE(was_closed(root_handle));
    tree.apply(reply({root(handle(7)), file(handle(7), "a", 3)}, {}, 2), began);
    EXPECT_EQ(what("/a"), kind::unknown);
    EXPECT_TRUE(was_closed(handle(7)));
    tree.recent().end();
    EXPECT_EQ(tree.leases(), 0U);
}

TEST_F(NameTree, AMovedDirectoryKeepsWhatIsKnownBelow) {
    tell_some();
    const auto node = at("/home/sub").node->id;
    tree.apply(notice(1, {missing(home, "sub"), directory(root_handle, "moved", 13, sub)}));
    EXPECT_EQ(what("/home/sub"), kind::missing);
    EXPECT_EQ(inode("/moved/b"), 14U);
    EXPECT_EQ(at("/moved").node->id, node);
    EXPECT_EQ(inode("/moved/.."), 2U);
    // The other way round: the new name first.
    tree.apply(notice(2, {directory(home, "sub", 13, sub), missing(root_handle, "moved")}));
    EXPECT_EQ(inode("/home/sub/b"), 14U);
    EXPECT_EQ(what("/moved"), kind::missing);
    EXPECT_TRUE(closed.empty());
}

TEST_F(NameTree, ExchangedDirectoriesKeepWhatIsKnownBelow) {
    constexpr auto other = handle(4);
    tell_some();
    tell(reply({directory(home, "other", 15, other), file(other, "c", 16)}, {other}));
    tree.apply(notice(1, {directory(home, "sub", 15, other), directory(home, "other", 13, sub)}));
    EXPECT_EQ(inode("/home/sub/c"), 16U);
    EXPECT_EQ(inode("/home/other/b"), 14U);
    EXPECT_TRUE(closed.empty());
}

TEST_F(NameTree, ARemovedDirectoryIsClosed) {
    tell_some();
    tree.apply(notice(1, {missing(home, "sub")}));
    EXPECT_TRUE(was_closed(sub));
    EXPECT_EQ(what("/home/sub/b"), kind::missing);
}

TEST_F(NameTree, WhatDecidesWhoMayLookForgetsTheNames) {
    tell_some();
    auto closed_to_others = directory(root_handle, "home", 10, home, 0700);
    tree.apply(notice(1, {closed_to_others}));
    EXPECT_EQ(what("/home/a"), kind::unknown);
    // An access list is none of the attributes, but it changes the time of the last change.
    tell_some();
    ASSERT_EQ(inode("/home/a"), 11U);
    auto listed = directory(root_handle, "home", 10, home);
    listed.attr.changed = {450, 0};
    tree.apply(notice(2, {listed}));
    EXPECT_EQ(what("/home/a"), kind::unknown);
    // A new name changes both times, and nothing is forgotten.
    tell_some();
    listed.attr.changed = listed.attr.modified = {460, 0};
    tree.apply(notice(3, {listed}));
    EXPECT_EQ(inode("/home/a"), 11U);
}

TEST_F(NameTree, ListsWhereAllIsKnown) {
    tell_some();
    tree.apply(notice(1, {missing(home, "a")}));
    const auto all = tree.list(*at("/home").node);
    ASSERT_NE(all, nullptr);
    std::vector<std::string> told;
    for (const auto& listed : *all) {
        told.push_back(
            listed.name + " " + std::to_string(listed.inode) + " " + std::to_string(listed.type) +
            " " + std::to_string(listed.next_position)
        );
    }
    EXPECT_EQ(told, (std::vector<std::string>{". 10 4 1", ".. 2 4 2", "l 12 10 3", "sub 13 4 4"}));
    EXPECT_EQ(tree.list(*at("/home").node), all);  // the same, until something changes
    tree.apply(notice(2, {unknown(home, "x")}));
    EXPECT_EQ(tree.list(*at("/home").node), nullptr);
    EXPECT_EQ(tree.list(*tree.root()), nullptr);  // what is above it is not known
}

TEST_F(NameTree, ListsInTheOrderOfTheDirectory) {
    const auto names = [&] {
        std::vector<std::string> told;
        if (const auto all = tree.list(*at("/home").node)) {
            for (const auto& listed : *all) {
                told.push_back(listed.name);
            }
        }
        return told;
    };
    tell(reply({root(root_handle), directory(root_handle, "home", 10, home)}));
    tell(reply({file(home, "b", 11), file(home, "c", 12), file(home, "a", 13)}, {home}));
    EXPECT_THAT(names(), ElementsAre(".", "..", "b", "c", "a"));
    // Told again alone it stays where it is, and so do the others where one is gone.
    tell(reply({file(home, "b", 11)}));
    tree.apply(notice(1, {missing(home, "c")}));
    EXPECT_THAT(names(), ElementsAre(".", "..", "b", "a"));
    EXPECT_FALSE(name_tree::to_be_listed(*at("/home").node));
    // Where a new one is only the directory can tell.
    tree.apply(notice(2, {file(home, "new", 14)}));
    EXPECT_EQ(inode("/home/new"), 14U);
    EXPECT_THAT(names(), IsEmpty());
    EXPECT_TRUE(name_tree::to_be_listed(*at("/home").node));
    tell(reply({file(home, "new", 14), file(home, "b", 11), file(home, "a", 13)}, {home}, 2));
    EXPECT_THAT(names(), ElementsAre(".", "..", "new", "b", "a"));
}

TEST_F(NameTree, AMountPointInADirectoryIsNotListed) {
    tell_some();
    auto mounted = directory(home, "mounted", 2, handle(8));
    mounted.attr.mount_id = 2;
    tree.apply(notice(1, {mounted}));
    EXPECT_EQ(tree.list(*at("/home").node), nullptr);
}

TEST_F(NameTree, ReadingUnsettlesUntilAskedAgain) {
    tell_some();
    auto* const node = at("/home/a").node;
    const auto attr = node->attr;
    tree.unsettle(*node);
    EXPECT_FALSE(node->covered);
    tree.settle(*node, attr);  // read, and yet as before: it will not change by that again
    EXPECT_TRUE(node->covered);
    tree.unsettle(*node);
    EXPECT_TRUE(node->covered);
    auto changed = file(home, "a", 11);
    changed.attr.modified = changed.attr.changed = {600, 0};
    tree.apply(notice(1, {changed}));
    tree.unsettle(*node);
    EXPECT_FALSE(node->covered);
}

TEST_F(NameTree, ASecondNameUncoversTheFirst) {
    tell_some();
    ASSERT_TRUE(at("/home/a").node->covered);
    auto second = file(sub, "second", 11);
    second.attr.links = 2;
    second.covered = false;
    tree.apply(notice(1, {second}));
    EXPECT_FALSE(at("/home/a").node->covered);
    EXPECT_FALSE(at("/home/sub/second").node->covered);
    EXPECT_TRUE(at("/home/sub/b").node->covered);
    tree.apply(notice(2, {missing(sub, "second"), file(home, "a", 11)}));
    EXPECT_TRUE(at("/home/a").node->covered);
}

TEST_F(NameTree, WhatIsDoubtfulIsNotCovered) {
    tell_some();
    std::uint64_t doubtful = 11;
    tree.doubt([&](const name_node& node) { return node.attr.inode == doubtful; });
    EXPECT_TRUE(at("/home/a").node->covered);
    tree.apply(notice(1, {file(home, "a", 11), file(sub, "b", 14)}));
    EXPECT_FALSE(at("/home/a").node->covered);
    EXPECT_TRUE(at("/home/a").node->doubted);
    EXPECT_TRUE(at("/home/sub/b").node->covered);
    doubtful = 0;
    tree.apply(notice(2, {file(home, "a", 11)}));
    EXPECT_TRUE(at("/home/a").node->covered);
    EXPECT_FALSE(at("/home/a").node->doubted);
}

TEST_F(NameTree, RepliesMayBeOlderThanASilentChange) {
    tell_some();
    const auto began = tree.recent().begin();
    tree.recent().changed_silently(identity_of(at("/home/a").node->attr));
    tree.apply(reply({file(home, "a", 11), file(sub, "b", 14)}), began);
    EXPECT_FALSE(at("/home/a").node->covered);
    EXPECT_TRUE(at("/home/sub/b").node->covered);
    tree.recent().end();
    tell(reply({file(home, "a", 11)}));
    EXPECT_TRUE(at("/home/a").node->covered);
}

TEST_F(NameTree, LiesAreWorthNothing) {
    tell_some();
    std::vector<protocol::leased_entry> lies{
        file(handle(77), "x", 1),
        file(home, "..", 1),
        file(home, ".", 1),
        file(home, "a/b", 1),
        file(home, std::string("a\0b", 3), 1),
        file(home, std::string(256, 'n'), 1),
        directory(sub, "up", 10, home),          // a directory in itself
        directory(sub, "root", 2, root_handle),  // and another one
        directory(home, "sub", 13, protocol::no_handle),
        file(protocol::no_handle, "x", 1),
    };
    tree.apply(notice(1, lies, {handle(79), handle(80)}));
    auto unasked = file(handle(77), "x", 1);
    unasked.handle = handle(78);
    tell(reply({unasked}));
    EXPECT_EQ(inode("/home/a"), 11U);
    EXPECT_EQ(what("/home/sub/b"), kind::unknown);
    EXPECT_EQ(what("/home/sub/up/sub"), kind::unknown);
    EXPECT_TRUE(was_closed(handle(78)));
    EXPECT_EQ(tree.list(*at("/home").node)->size(), 5U);
}

TEST_F(NameTree, DeepTreesEndWithoutRecursion) {
    tell(reply({root(root_handle)}));
    constexpr std::uint64_t depth = 100'000;
    for (std::uint64_t i = 0; i < depth; ++i) {
        tree.apply(notice(
            i + 1,
            {directory(handle(i + 1), "d", 100 + i, handle(i + 2)), file(handle(i + 2), "f", 1)}
        ));
    }
    EXPECT_LE(tree.leases(), name_tree::leases_max);
    tree.forget_all();
    EXPECT_EQ(tree.bytes(), 0U);
    EXPECT_EQ(tree.leases(), 0U);
}

struct SmallNameTree : NameTree {
    SmallNameTree() : NameTree{{.bytes = 200'000, .leases = 8}} {}
};

TEST_F(SmallNameTree, WhatWasNotUsedForLongestIsForgotten) {
    tell(reply({root(root_handle)}, {root_handle}));
    for (std::uint64_t i = 0; i < 20; ++i) {
        const auto name = std::to_string(i);
        const auto own = handle(100 + i);
        tell(reply({directory(root_handle, name, 100 + i, own), file(own, "f", 500 + i)}, {own}));
        EXPECT_EQ(inode("/0/f"), 500U) << i;  // always used
    }
    EXPECT_EQ(tree.leases(), 8U);
    EXPECT_TRUE(was_closed(handle(101)));
    EXPECT_EQ(what("/1/f"), kind::unknown);
    EXPECT_EQ(inode("/19/f"), 519U);
}

TEST_F(SmallNameTree, AListingThatHasNoRoomIsNotComplete) {
    tell(reply({root(root_handle), directory(root_handle, "home", 10, home)}));
    std::vector<protocol::leased_entry> many;
    for (unsigned i = 0; i < 5000; ++i) {
        many.push_back(file(home, "file " + std::to_string(i), 1000 + i));
    }
    tell(reply(many));
    tell(reply({}, {home}));
    EXPECT_LE(tree.bytes(), 200'000U);
    EXPECT_EQ(what("/home/none"), kind::unknown);
    EXPECT_TRUE(was_closed(home));
}

TEST_F(SmallNameTree, NamesThatComeAndGoDoNotPileUp) {
    tell(reply({root(root_handle), file(root_handle, "a", 5)}, {root_handle}));
    for (std::uint64_t i = 1; i < 20'000; i += 2) {
        const auto name = std::to_string(i);
        tree.apply(notice(i, {file(root_handle, name, 100)}));
        tree.apply(notice(i + 1, {missing(root_handle, name)}));
    }
    EXPECT_EQ(inode("/a"), 5U);
    EXPECT_EQ(what("/1"), kind::missing);
    EXPECT_LE(tree.root()->leased->names.size(), name_tree::missing_min + 4);
}

TEST_F(NameTree, AnOpenDirectoryKeepsItsLease) {
    tell_some();
    auto held = at("/home/sub").node->leased->lease;
    tree.lose_lease(sub);
    EXPECT_TRUE(closed.empty());
    held.reset();
    EXPECT_TRUE(was_closed(sub));
}

TEST_F(NameTree, AHandleThatIsBeingClosedIsNoLease) {
    tell_some();
    tree.lose_lease(sub);
    ASSERT_TRUE(was_closed(sub));
    const auto began = tree.recent().begin();
    tree.apply(reply({directory(home, "sub", 13, sub)}), began);
    EXPECT_EQ(what("/home/sub/b"), kind::unknown);
    tree.recent().closed(sub);
    tree.apply(reply({directory(home, "sub", 13, sub)}), began);
    EXPECT_EQ(what("/home/sub/b"), kind::unknown);  // the reply may be older
    tree.recent().end();
    EXPECT_EQ(std::ranges::count(closed, sub), 1);
}

TEST_F(NameTree, FilesAreHandedOn) {
    std::vector<std::string> told;
    tree.hand_files_to(
        {[&](const name_node& node, const protocol::leased_entry& e) {
             told.push_back(
                 "told " + std::to_string(node.attr.inode) + " " +
                 std::to_string(static_cast<std::uint64_t>(e.handle))
             );
         },
         [&](const protocol::leased_entry& e) {
             told.push_back("changed " + std::to_string(static_cast<std::uint64_t>(e.handle)));
         },
         [&](protocol::handle_id h) {
             told.push_back("ended " + std::to_string(static_cast<std::uint64_t>(h)));
         },
         [&] { told.emplace_back("all"); }}
    );
    tell_some();
    auto with_data = file(home, "a", 11);
    with_data.handle = handle(40);
    tell(reply({with_data}));
    auto itself = file(protocol::no_handle, "", 11);
    itself.handle = handle(40);
    tree.apply(notice(1, {itself}, {handle(40)}));
    EXPECT_EQ(told, (std::vector<std::string>{"told 11 40", "changed 40", "ended 40"}));
    EXPECT_TRUE(closed.empty());
}

}  // namespace
}  // namespace farside::session
