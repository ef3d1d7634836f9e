// A pattern read as a literal must mean exactly what the expression library makes of it: checked on
// random paths near to the pattern.
#include "layer/session/pattern.hpp"

#include <gtest/gtest.h>
#include <re2/re2.h>

#include <memory>
#include <random>

namespace farside::session {
namespace {

TEST(Pattern, ReadsPlainTextAsLiterals) {
    using enum rule_kind;

    struct row {
        const char* pattern;
        rule_kind kind;
        const char* text;
    };

    const row rows[] = {
        {"^/a/b", prefix, "/a/b"},
        {"^/a/b/", prefix, "/a/b/"},
        {"^/a/b$", exact, "/a/b"},
        {"/a/b/", contains, "/a/b/"},
        {R"(\.ext$)", suffix, ".ext"},
        {R"(^/etc/app\.conf$)", exact, "/etc/app.conf"},
        {R"(^/a\-b\/c)", prefix, "/a-b/c"},
        {"^/a/b(/|$)", subtree, "/a/b"},
        {"^/a/b/.*", prefix, "/a/b/"},
        {"^", prefix, ""},
        {"$", suffix, ""},
        {"", contains, ""},
        {"^/a/.*$", expression, "/a/"},
        {R"(^/a/.*\.txt$)", expression, "/a/"},
        {"^/abc*", expression, "/ab"},
        {"^/abc?d", expression, "/ab"},
        {"^/ab{2}", expression, "/a"},
        {"^/a(b|c)", expression, "/a"},
        {"^/a|^/b", expression, ""},
        {"^/a[|]b", expression, ""},
        {R"(^/a\Q|\E)", expression, ""},
        {"^/a/(|$)", expression, "/a/"},
        {"^/(/|$)", expression, ""},
        {"a.b", expression, ""},
        {"^/caf\xc3\xa9", expression, ""},
        {R"(^/a\d)", expression, "/a"},
    };
    for (const row& r : rows) {
        SCOPED_TRACE(r.pattern);
        const pattern_rule rule = read_pattern(r.pattern);
        EXPECT_EQ(rule.kind, r.kind);
        EXPECT_EQ(rule.text, r.text);
    }
}

class random_text {
public:
    explicit random_text(std::uint32_t seed) : random_(seed) {}

    std::string pattern() {
        static constexpr const char* pieces[] = {
            "/",     "a", "K",     "s", "b",   "\\.",  "-", "\\-", ".*", "?", "[ab]",
            "(a|b)", "|", "(/|$)", "+", "\\d", "x{2}", "$", "^",   "_",  " "};
        std::string text = random_() % 2 == 0 ? "^/" : "";
        for (std::size_t i = random_() % 5; i > 0; --i) {
            text += pieces[random_() % (random_() % 2 == 0 ? 8 : std::size(pieces))];
        }
        return text + (random_() % 3 == 0 ? "$" : "");
    }

    // Near to what the pattern says: its own plain characters, some changed.
    std::string path(const std::string& pattern) {
        static constexpr std::string_view alphabet = "/akKSs.b-x_1 \n\xe9\xc9\xff";
        std::string text = "/";
        for (const char c : pattern) {
            if (alphabet.find(c) != std::string_view::npos && random_() % 8 != 0) {
                text += c;
            }
            if (random_() % 6 == 0) {
                text += alphabet[random_() % alphabet.size()];
            }
        }
        return text;
    }

private:
    std::mt19937 random_;
};

TEST(Pattern, MeansWhatTheExpressionLibraryMakesOfIt) {
    random_text random{4};
    re2::RE2::Options options;
    options.set_case_sensitive(false);
    options.set_encoding(re2::RE2::Options::EncodingLatin1);
    options.set_log_errors(false);
    const auto table = std::make_unique<policy_table>();
    int literals = 0;
    int matched = 0;
    for (int round = 0; round < 20000; ++round) {
        const std::string pattern = random.pattern();
        const re2::RE2 expression{pattern, options};
        if (!expression.ok()) {
            continue;
        }
        const pattern_rule rule = read_pattern(pattern);
        table->rule_count = 0;
        table->fallback = side::local;
        ASSERT_TRUE(add_rule(*table, rule.kind, true, side::remote, rule.text));
        literals += rule.kind == rule_kind::expression ? 0 : 1;
        for (int tries = 0; tries < 20; ++tries) {
            const std::string path = random.path(pattern);
            const bool expected = re2::RE2::PartialMatch(path, expression);
            const side decided = decide(*table, path);
            matched += expected ? 1 : 0;
            if (rule.kind == rule_kind::expression) {
                ASSERT_TRUE(decided == side::undecided || !expected) << pattern << " on " << path;
            } else {
                ASSERT_EQ(decided == side::remote, expected) << pattern << " on " << path;
            }
        }
    }
    EXPECT_GT(literals, 5000);
    EXPECT_GT(matched, 50000);
}

}  // namespace
}  // namespace farside::session
