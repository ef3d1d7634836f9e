// The path policy as the layer evaluates it: an ordered table of literal rules; the first match
// decides. Freestanding and reentrant: it runs inside user processes on every call with a path.
//
// The table is compiled by the session (layer/session/path_policy) from the user's patterns, the
// built-in lists and the mode. A rule that needs a regular expression is in the table as its place
// in the order only: a path that reaches it undecided is the session's to decide (side::undecided).
#pragma once

#include "layer/common/side.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace farside {

enum class rule_kind : std::uint8_t {
    subtree,     // the path is `text`, or below it; `text` has no trailing slash, or is "/"
    prefix,      // the path begins with `text`
    suffix,      // the path ends with `text`
    exact,       // the path is `text`
    contains,    // the path has `text` somewhere
    expression,  // a regular expression, known to the session only; where it matches, the path
                 // begins with `text`, which may be empty
};

struct policy_rule {
    rule_kind kind;
    bool fold_case;  // ASCII letters match either case
    // One byte of the text, with bit 0x20 set, so that most rules are passed over without a look at
    // it: the second byte, or the last of a suffix. 0: there is none that would tell.
    std::uint8_t probe;
    std::uint8_t reserved;
    side verdict;
    std::uint32_t text_offset;  // in policy_table::text
    std::uint32_t text_bytes;
};

// Lives in the view. Bounds: the session refuses more rules than fit, at start.
struct policy_table {
    static constexpr std::uint32_t rules_max = 1024;
    static constexpr std::uint32_t text_bytes_max = 64 * 1024;

    std::uint32_t rule_count;
    side fallback;  // where no rule matches: the mode
    policy_rule rules[rules_max];
    char text[text_bytes_max];
};

// Appends a rule; false where it does not fit.
[[nodiscard]] bool add_rule(
    policy_table& table, rule_kind kind, bool fold_case, side verdict, std::string_view text
) noexcept;

// The first rule from `from` on that matches, or, an expression, may match; rule_count: none does.
[[nodiscard]] std::uint32_t next_match(
    const policy_table& table, std::string_view path, std::uint32_t from
) noexcept;

// `path` is absolute and normalised (path.hpp).
[[nodiscard]] side decide(const policy_table& table, std::string_view path) noexcept;

// Whether every path below `directory` (absolute, normalised), whatever its name, is local: then
// nothing about names relative to it needs to be looked at. False where it cannot be told cheaply.
[[nodiscard]] bool subtree_is_local(const policy_table& table, std::string_view directory) noexcept;

// Likewise that it is remote, whether or not it may be written.
[[nodiscard]] bool subtree_is_remote(
    const policy_table& table, std::string_view directory
) noexcept;

}  // namespace farside
