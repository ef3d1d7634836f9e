// The table of literal rules: what each kind matches, that the first match decides, and that
// subtree_is_local never says yes where some name below would not be.
#include "layer/common/path_policy.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

namespace farside {
namespace {

std::unique_ptr<policy_table> empty_table(side fallback) {
    auto table = std::make_unique<policy_table>();
    table->fallback = fallback;
    return table;
}

struct match_row {
    rule_kind kind;
    bool fold_case;
    const char* text;
    const char* path;
    bool matches;
};

TEST(PolicyTable, EachKindMatchesWhatItSays) {
    using enum rule_kind;
    const match_row rows[] = {
        {subtree, false, "/usr", "/usr", true},
        {subtree, false, "/usr", "/usr/lib", true},
        {subtree, false, "/usr", "/usrx", false},
        {subtree, false, "/usr", "/us", false},
        {subtree, false, "/usr", "/USR/lib", false},
        {subtree, true, "/usr", "/USR/lib", true},
        {subtree, false, "/", "/", true},
        {subtree, false, "/", "/anything", true},
        {prefix, false, "/home/me/.", "/home/me/.bashrc", true},
        {prefix, false, "/home/me/.", "/home/me/data", false},
        {prefix, false, "", "/x", true},
        {prefix, true, "/Srv", "/sRVx", true},
        {suffix, false, ".pem", "/a/b.pem", true},
        {suffix, false, ".pem", "/a/b.PEM", false},
        {suffix, true, ".pem", "/a/b.PEM", true},
        {suffix, false, ".pem", "/a/b.pem/c", false},
        {suffix, false, "/a/longer/than/the/path", "/path", false},
        {suffix, false, "", "/path", true},
        {exact, false, "/etc/hosts", "/etc/hosts", true},
        {exact, false, "/etc/hosts", "/etc/hosts2", false},
        {exact, false, "/etc/hosts", "/etc/host", false},
        {exact, true, "/etc/[hosts", "/etc/{hosts", false},
        {contains, false, "/node_modules", "/a/node_modules/b", true},
        {contains, false, "/node_modules", "/a/node-modules/b", false},
        {contains, true, "SECRET", "/a/my-secret", true},
        {contains, false, "", "/", true},
        {exact, false, "/a\xff", "/a\xff", true},
        {exact, true, "/a\xc1", "/a\xe1", false},
    };
    for (const match_row& r : rows) {
        SCOPED_TRACE(std::string{r.text} + " on " + r.path);
        const auto table = empty_table(side::remote);
        ASSERT_TRUE(add_rule(*table, r.kind, r.fold_case, side::hidden, r.text));
        EXPECT_EQ(decide(*table, r.path), r.matches ? side::hidden : side::remote);
    }
}

TEST(PolicyTable, TheFirstMatchDecides) {
    const auto table = empty_table(side::remote_read_only);
    ASSERT_TRUE(add_rule(*table, rule_kind::exact, false, side::hidden, "/etc/secret"));
    ASSERT_TRUE(add_rule(*table, rule_kind::subtree, false, side::local, "/etc"));
    ASSERT_TRUE(add_rule(*table, rule_kind::subtree, false, side::remote, "/etc/late"));
    EXPECT_EQ(decide(*table, "/etc/secret"), side::hidden);
    EXPECT_EQ(decide(*table, "/etc/late"), side::local);
    EXPECT_EQ(decide(*table, "/srv"), side::remote_read_only);
    EXPECT_EQ(next_match(*table, "/etc/late", 2), 2U);
    EXPECT_EQ(next_match(*table, "/etc/late", 3), 3U);
}

TEST(PolicyTable, AnExpressionIsUndecidedWhereItMayMatch) {
    const auto table = empty_table(side::local);
    ASSERT_TRUE(add_rule(*table, rule_kind::exact, false, side::remote, "/srv/sure"));
    ASSERT_TRUE(add_rule(*table, rule_kind::expression, true, side::remote, "/srv/"));
    EXPECT_EQ(decide(*table, "/srv/sure"), side::remote);
    EXPECT_EQ(decide(*table, "/SRV/x"), side::undecided);
    EXPECT_EQ(decide(*table, "/usr/x"), side::local);
}

TEST(PolicyTable, RefusesMoreThanFits) {
    const auto table = empty_table(side::local);
    const std::string half(policy_table::text_bytes_max / 2, 'x');
    EXPECT_TRUE(add_rule(*table, rule_kind::exact, false, side::local, half));
    EXPECT_TRUE(add_rule(*table, rule_kind::exact, false, side::local, half));
    EXPECT_FALSE(add_rule(*table, rule_kind::exact, false, side::local, "x"));
    EXPECT_EQ(table->rule_count, 2U);
    while (table->rule_count < policy_table::rules_max) {
        ASSERT_TRUE(add_rule(*table, rule_kind::exact, false, side::local, ""));
    }
    EXPECT_FALSE(add_rule(*table, rule_kind::exact, false, side::local, ""));
}

TEST(SubtreeIsLocal, FollowsTheTable) {
    const auto table = empty_table(side::remote);
    ASSERT_TRUE(add_rule(*table, rule_kind::exact, false, side::remote_read_only, "/etc/hosts"));
    ASSERT_TRUE(add_rule(*table, rule_kind::subtree, false, side::local, "/etc"));
    ASSERT_TRUE(add_rule(*table, rule_kind::subtree, false, side::local, "/usr"));
    EXPECT_TRUE(subtree_is_local(*table, "/usr"));
    EXPECT_TRUE(subtree_is_local(*table, "/usr/lib/x"));
    EXPECT_FALSE(subtree_is_local(*table, "/etc"));
    EXPECT_TRUE(subtree_is_local(*table, "/etc/ssl"));
    EXPECT_FALSE(subtree_is_local(*table, "/us"));
    EXPECT_FALSE(subtree_is_local(*table, "/srv"));
    EXPECT_FALSE(subtree_is_local(*table, "/"));
    ASSERT_TRUE(add_rule(*table, rule_kind::suffix, false, side::remote, ".x"));
    EXPECT_TRUE(subtree_is_local(*table, "/usr"));  // decided before
    ASSERT_TRUE(add_rule(*table, rule_kind::subtree, false, side::local, "/late"));
    EXPECT_FALSE(subtree_is_local(*table, "/late"));
}

TEST(SubtreeIsLocal, EverythingIsWhereTheModeSaysSo) {
    const auto table = empty_table(side::local);
    EXPECT_TRUE(subtree_is_local(*table, "/"));
    ASSERT_TRUE(add_rule(*table, rule_kind::expression, true, side::local, "/a"));
    EXPECT_TRUE(subtree_is_local(*table, "/a/b"));
    ASSERT_TRUE(add_rule(*table, rule_kind::expression, true, side::hidden, "/a/b"));
    EXPECT_FALSE(subtree_is_local(*table, "/a"));
    EXPECT_FALSE(subtree_is_local(*table, "/a/b/c"));
    EXPECT_TRUE(subtree_is_local(*table, "/a/c"));
}

TEST(SubtreeIsRemote, FollowsTheTable) {
    const auto table = empty_table(side::remote);
    ASSERT_TRUE(add_rule(*table, rule_kind::subtree, false, side::local, "/usr"));
    ASSERT_TRUE(add_rule(*table, rule_kind::exact, false, side::local, "/"));
    ASSERT_TRUE(add_rule(*table, rule_kind::subtree, false, side::remote_read_only, "/srv/read"));
    EXPECT_TRUE(subtree_is_remote(*table, "/srv"));
    EXPECT_TRUE(subtree_is_remote(*table, "/srv/read"));
    EXPECT_FALSE(subtree_is_remote(*table, "/usr/lib"));
    EXPECT_FALSE(subtree_is_remote(*table, "/"));
    ASSERT_TRUE(add_rule(*table, rule_kind::suffix, false, side::hidden, ".secret"));
    EXPECT_FALSE(subtree_is_remote(*table, "/srv"));
    EXPECT_TRUE(subtree_is_remote(*table, "/srv/read"));  // decided before
}

// Random tables and directories over a small alphabet: whatever is below must be decided as was
// said, or by an expression that would make it so. Verdicts are mostly `usual`.
void compare_with_random_tables(
    bool (*subtree_is)(const policy_table&, std::string_view), side usual, side other
) {
    std::mt19937 random{2};
    const auto random_path = [&random](std::size_t components) {
        std::string path;
        for (std::size_t i = 0; i < components; ++i) {
            path += '/';
            path += "abA"[random() % 3];
        }
        return path;
    };
    int said_yes = 0;
    for (int round = 0; round < 5000; ++round) {
        const auto table = empty_table(random() % 2 == 0 ? usual : other);
        for (std::size_t i = 1 + random() % 4; i > 0; --i) {
            const auto kind = static_cast<rule_kind>(random() % 6);
            const side verdict = random() % 3 != 0 ? usual : side::hidden;
            std::string text = random_path(random() % 3);
            if (kind != rule_kind::subtree && kind != rule_kind::exact && random() % 3 == 0) {
                text += '/';
            }
            if (kind == rule_kind::subtree && text.empty()) {
                text = "/";
            }
            ASSERT_TRUE(add_rule(*table, kind, random() % 2 == 0, verdict, text));
        }
        std::string directory = random_path(random() % 3);
        if (!subtree_is(*table, directory.empty() ? "/" : directory)) {
            continue;
        }
        ++said_yes;
        for (int tries = 0; tries < 50; ++tries) {
            const std::string below = directory + random_path(1 + random() % 3);
            const std::uint32_t found = next_match(*table, below, 0);
            const side where =
                found < table->rule_count ? table->rules[found].verdict : table->fallback;
            ASSERT_EQ(where, usual) << below << " below " << directory;
        }
    }
    EXPECT_GT(said_yes, 500);
}

TEST(SubtreeIsLocal, IsNeverWrongOnRandomTables) {
    compare_with_random_tables(subtree_is_local, side::local, side::remote);
}

TEST(SubtreeIsRemote, IsNeverWrongOnRandomTables) {
    compare_with_random_tables(subtree_is_remote, side::remote, side::local);
}

}  // namespace
}  // namespace farside
