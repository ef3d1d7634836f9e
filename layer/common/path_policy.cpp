// The table is walked once per path; nearly every rule is passed over by one byte compare.
#include "layer/common/path_policy.hpp"

#include <cstring>

namespace farside {
namespace {

constexpr std::uint8_t case_bit = 0x20;

char folded(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 0x20) : c;
}

std::uint8_t probe_of(char c) noexcept {
    return static_cast<std::uint8_t>(c) | case_bit;
}

// Eight bytes at a time: the preload library's memcmp is a plain loop.
bool same_bytes(const char* a, const char* b, std::size_t bytes) noexcept {
    for (; bytes >= sizeof(std::uint64_t); bytes -= sizeof(std::uint64_t)) {
        std::uint64_t x = 0;
        std::uint64_t y = 0;
        std::memcpy(&x, a, sizeof x);
        std::memcpy(&y, b, sizeof y);
        if (x != y) {
            return false;
        }
        a += sizeof x;
        b += sizeof y;
    }
    for (; bytes > 0; --bytes) {
        if (*a++ != *b++) {
            return false;
        }
    }
    return true;
}

bool same(const char* a, const char* b, std::size_t bytes, bool fold_case) noexcept {
    if (!fold_case) {
        return same_bytes(a, b, bytes);
    }
    for (std::size_t i = 0; i < bytes; ++i) {
        if (folded(a[i]) != folded(b[i])) {
            return false;
        }
    }
    return true;
}

bool begins(std::string_view path, std::string_view text, bool fold_case) noexcept {
    return path.size() >= text.size() && same(path.data(), text.data(), text.size(), fold_case);
}

bool ends(std::string_view path, std::string_view text, bool fold_case) noexcept {
    return path.size() >= text.size() &&
           same(path.data() + (path.size() - text.size()), text.data(), text.size(), fold_case);
}

// Whether `path` is `text` or below it.
bool covers(std::string_view text, std::string_view path, bool fold_case) noexcept {
    return begins(path, text, fold_case) &&
           (path.size() == text.size() || path[text.size()] == '/' || text.size() == 1);
}

bool has(std::string_view path, std::string_view text, bool fold_case) noexcept {
    for (std::size_t at = 0; at + text.size() <= path.size(); ++at) {
        if (same(path.data() + at, text.data(), text.size(), fold_case)) {
            return true;
        }
    }
    return false;
}

std::string_view text_of(const policy_table& table, const policy_rule& rule) noexcept {
    return {table.text + rule.text_offset, rule.text_bytes};
}

bool matches(const policy_rule& rule, std::string_view text, std::string_view path) noexcept {
    switch (rule.kind) {
        case rule_kind::subtree:
            return covers(text, path, rule.fold_case);
        case rule_kind::prefix:
        case rule_kind::expression:
            return begins(path, text, rule.fold_case);
        case rule_kind::suffix:
            return ends(path, text, rule.fold_case);
        case rule_kind::exact:
            return path.size() == text.size() && begins(path, text, rule.fold_case);
        case rule_kind::contains:
            return has(path, text, rule.fold_case);
    }
    return false;
}

// What a rule says about the names below a directory, whose path ("" for the root) is given without
// the slash that they all go on with.
enum class reach { none, some, all };

reach reach_below(const policy_rule& rule, std::string_view text, std::string_view above) noexcept {
    const bool fold = rule.fold_case;
    const std::size_t bytes = above.size();
    const bool inside = text.size() > bytes && begins(text, above, fold) && text[bytes] == '/';
    // "above/" itself has the text only where the text ends with that slash.
    const bool last_slash = !text.empty() && text[text.size() - 1] == '/';
    switch (rule.kind) {
        case rule_kind::subtree:
            if (text.size() == 1 || covers(text, above, fold)) {
                return reach::all;
            }
            return inside ? reach::some : reach::none;
        case rule_kind::prefix:
            if (begins(above, text, fold) || (inside && text.size() == bytes + 1)) {
                return reach::all;
            }
            return inside ? reach::some : reach::none;
        case rule_kind::exact:
            return inside && text.size() > bytes + 1 ? reach::some : reach::none;
        case rule_kind::contains:
            if (has(above, text, fold) ||
                (last_slash && ends(above, {text.data(), text.size() - 1}, fold))) {
                return reach::all;
            }
            return reach::some;
        case rule_kind::expression:
            return inside || begins(above, text, fold) ? reach::some : reach::none;
        case rule_kind::suffix:
            break;
    }
    return reach::some;
}

// Whether `wanted` is true of the verdict of every path below `directory`.
template <typename Wanted>
bool subtree_is(const policy_table& table, std::string_view directory, Wanted wanted) noexcept {
    const std::string_view above = directory.size() == 1 ? std::string_view{} : directory;
    for (std::uint32_t i = 0; i < table.rule_count; ++i) {
        const policy_rule& rule = table.rules[i];
        const reach how = reach_below(rule, text_of(table, rule), above);
        if (how == reach::none) {
            continue;
        }
        // An expression is told apart only by the session, but if it matches it has this verdict.
        if (!wanted(rule.verdict)) {
            return false;
        }
        if (how == reach::all) {
            return true;
        }
    }
    return wanted(table.fallback);
}

}  // namespace

bool add_rule(
    policy_table& table, rule_kind kind, bool fold_case, side verdict, std::string_view text
) noexcept {
    if (table.rule_count >= policy_table::rules_max) {
        return false;
    }
    policy_rule rule{};
    rule.kind = kind;
    rule.fold_case = fold_case;
    rule.verdict = verdict;
    if (table.rule_count > 0) {
        const policy_rule& last = table.rules[table.rule_count - 1];
        rule.text_offset = last.text_offset + last.text_bytes;
    }
    if (text.size() > policy_table::text_bytes_max - rule.text_offset) {
        return false;
    }
    rule.text_bytes = static_cast<std::uint32_t>(text.size());
    if (!text.empty()) {
        std::memcpy(table.text + rule.text_offset, text.data(), text.size());
    }
    if (kind == rule_kind::suffix) {
        rule.probe = text.empty() ? std::uint8_t{0} : probe_of(text[text.size() - 1]);
    } else if (kind != rule_kind::contains && text.size() > 1) {
        rule.probe = probe_of(text[1]);
    }
    table.rules[table.rule_count++] = rule;
    return true;
}

std::uint32_t next_match(
    const policy_table& table, std::string_view path, std::uint32_t from
) noexcept {
    const std::uint8_t second = path.size() > 1 ? probe_of(path[1]) : case_bit;
    const std::uint8_t last = path.empty() ? case_bit : probe_of(path[path.size() - 1]);
    for (std::uint32_t i = from; i < table.rule_count; ++i) {
        const policy_rule& rule = table.rules[i];
        const std::uint8_t wanted = rule.kind == rule_kind::suffix ? last : second;
        if (rule.probe != 0 && rule.probe != wanted) {
            continue;
        }
        if (matches(rule, text_of(table, rule), path)) {
            return i;
        }
    }
    return table.rule_count;
}

side decide(const policy_table& table, std::string_view path) noexcept {
    const std::uint32_t found = next_match(table, path, 0);
    if (found == table.rule_count) {
        return table.fallback;
    }
    const policy_rule& rule = table.rules[found];
    return rule.kind == rule_kind::expression ? side::undecided : rule.verdict;
}

bool subtree_is_local(const policy_table& table, std::string_view directory) noexcept {
    return subtree_is(table, directory, [](side verdict) { return verdict == side::local; });
}

bool subtree_is_remote(const policy_table& table, std::string_view directory) noexcept {
    return subtree_is(table, directory, [](side verdict) {
        return verdict == side::remote || verdict == side::remote_read_only;
    });
}

}  // namespace farside
