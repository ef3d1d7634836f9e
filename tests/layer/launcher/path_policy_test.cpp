// Which side a path is on, by mode, list and order; and what is said about why.
#include "layer/session/path_policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace farside::session {
namespace {

policy_options options_for(policy_mode mode) {
    policy_options options;
    options.mode = mode;
    options.home = "/root";
    options.surroundings = {
        {"/project/app", rule_kind::subtree, "working directory"},
        {"/scratch/run.sh", rule_kind::exact, "program"},
    };
    return options;
}

path_policy compile(const policy_options& options) {
    path_policy::compiled built = path_policy::compile(options);
    EXPECT_TRUE(built.policy.has_value()) << built.error;
    return std::move(*built.policy);
}

TEST(PathPolicy, BuiltInListsDecideInModeRead) {
    const path_policy policy = compile(options_for(policy_mode::read));

    struct row {
        const char* path;
        side where;
    };

    const row rows[] = {
        {"/usr/lib/x86_64-linux-gnu/libc.so.6", side::local},
        {"/lib64/ld-linux-x86-64.so.2", side::local},
        {"/library/book", side::remote_read_only},
        {"/etc/ld.so.cache", side::local},
        {"/etc/nsswitch.conf", side::local},
        {"/etc/passwd", side::local},
        {"/etc/hosts", side::remote_read_only},
        {"/etc/hosts.allow", side::local},
        {"/etc/resolv.conf", side::remote_read_only},
        {"/etc/hostname", side::remote_read_only},
        {"/etc/ssl/certs/ca.pem", side::remote_read_only},
        {"/etc/ssl/openssl.cnf", side::local},
        {"/proc/self/maps", side::local},
        {"/tmp/x", side::local},
        {"/var/tmp/x", side::local},
        {"/var/run/secrets/token", side::remote_read_only},
        {"/var/lib/data", side::remote_read_only},
        {"/srv/app/config.js", side::remote_read_only},
        {"/srv/data/x.py", side::remote_read_only},
        {"/srv/data/x.so", side::remote_read_only},
        {"/project/app/test.py", side::local},
        {"/project/app", side::local},
        {"/project/apple", side::remote_read_only},
        {"/work", side::remote_read_only},
        {"/", side::local},
        {"/root/.bashrc", side::local},
        {"/root/.kube/config", side::hidden},
        {"/root/.azure", side::hidden},
        {"/root/.config/gcloud/x", side::hidden},
        {"/root/.config/other", side::local},
        {"/root/data", side::remote_read_only},
        {"/scratch/run.sh", side::local},
        {"/scratch/x", side::remote_read_only},
        {"/data", side::remote_read_only},
    };
    for (const row& r : rows) {
        SCOPED_TRACE(r.path);
        EXPECT_EQ(policy.decide(r.path), r.where) << policy.explain(r.path).rule;
        EXPECT_EQ(decide(policy.table(), r.path), r.where);
    }
    EXPECT_TRUE(policy.read_only());
}

TEST(PathPolicy, TheModeDecidesTheRest) {
    const auto where = [](policy_mode mode, const char* path) {
        return compile(options_for(mode)).decide(path);
    };
    EXPECT_EQ(where(policy_mode::write, "/srv/x"), side::remote);
    EXPECT_EQ(where(policy_mode::write, "/etc/hosts"), side::remote_read_only);
    EXPECT_EQ(where(policy_mode::local, "/srv/x"), side::local);
    EXPECT_EQ(where(policy_mode::local, "/etc/hosts"), side::local);
    EXPECT_EQ(where(policy_mode::local, "/root/.kube"), side::local);
    EXPECT_EQ(where(policy_mode::local_with_overrides, "/srv/x"), side::local);
    EXPECT_EQ(where(policy_mode::local_with_overrides, "/etc/hosts"), side::remote_read_only);
}

TEST(PathPolicy, OnlyWriteAndReadWritePatternsAllowWrites) {
    policy_options options = options_for(policy_mode::write);
    EXPECT_FALSE(compile(options).read_only());
    options.mode = policy_mode::local_with_overrides;
    EXPECT_TRUE(compile(options).read_only());
    options.read_write = {"^/srv"};
    EXPECT_FALSE(compile(options).read_only());
    options.mode = policy_mode::local;
    EXPECT_TRUE(compile(options).read_only());
}

TEST(PathPolicy, ListsDecideInTheirOrderAndBeforeTheBuiltInOnes) {
    policy_options options = options_for(policy_mode::read);
    options.not_found = {"secret"};
    options.read_write = {"^/etc/app/"};
    options.read_only = {"^/etc"};
    options.local = {"^/etc", R"(^/srv/.*\.log$)"};
    const path_policy policy = compile(options);
    EXPECT_EQ(policy.decide("/etc/app/secret"), side::hidden);
    EXPECT_EQ(policy.decide("/etc/app/x"), side::remote);
    EXPECT_EQ(policy.decide("/ETC/passwd"), side::remote_read_only);
    EXPECT_EQ(policy.decide("/srv/a/b.log"), side::local);
    EXPECT_EQ(policy.decide("/srv/a/b.txt"), side::remote_read_only);
    EXPECT_EQ(decide(policy.table(), "/srv/a/b.log"), side::undecided);
    EXPECT_EQ(decide(policy.table(), "/usr/lib/x"), side::local);
}

TEST(PathPolicy, APatternBeyondAsciiMatchesCharacters) {
    policy_options options = options_for(policy_mode::read);
    options.local = {"^/srv/caf.$", "^/d\xc3\xa9", "^/bytes/.$"};
    const path_policy policy = compile(options);
    EXPECT_EQ(policy.decide("/d\xc3\x89p\xc3\xb4t"), side::local);  // the other case
    EXPECT_EQ(policy.decide("/bytes/\xff"), side::local);
}

TEST(PathPolicy, TheRootAsHomeHidesNothing) {
    policy_options options = options_for(policy_mode::read);
    options.home = "/";
    const path_policy policy = compile(options);
    EXPECT_EQ(policy.decide("/srv"), side::remote_read_only);
    EXPECT_EQ(policy.decide("/.kube"), side::remote_read_only);
}

TEST(PathPolicy, ExplainsWhichRuleDecided) {
    policy_options options = options_for(policy_mode::write);
    options.local = {"^/srv/cache", "x+y"};
    const path_policy policy = compile(options);
    EXPECT_EQ(policy.explain("/srv/cache/1").rule, "--local '^/srv/cache'");
    EXPECT_EQ(policy.explain("/srv/xxy").rule, "--local 'x+y'");
    EXPECT_EQ(policy.explain("/usr/x").rule, "built-in: /usr");
    EXPECT_EQ(policy.explain("/project/app/x").rule, "working directory: /project/app");
    EXPECT_EQ(policy.explain("/srv/x").rule, "mode write");
}

TEST(PathPolicy, RefusesABadPatternInOneLine) {
    policy_options options = options_for(policy_mode::read);
    options.read_only = {"^/ok", "^/a(b"};
    const path_policy::compiled built = path_policy::compile(options);
    EXPECT_FALSE(built.policy.has_value());
    EXPECT_EQ(built.error, "--read-only '^/a(b': bad pattern: missing ): ^/a(b");
}

TEST(PathPolicy, RefusesMorePatternsThanFit) {
    policy_options options = options_for(policy_mode::read);
    options.local.assign(policy_table::rules_max, "^/a");
    const path_policy::compiled built = path_policy::compile(options);
    EXPECT_FALSE(built.policy.has_value());
    EXPECT_THAT(built.error, ::testing::HasSubstr("too many patterns"));
}

}  // namespace
}  // namespace farside::session
