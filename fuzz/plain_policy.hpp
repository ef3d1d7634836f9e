// The path policy said again in the plainest way, with none of the shortcuts of layer/common: what
// fuzz_path_policy compares it with.
#pragma once

#include "layer/common/path.hpp"
#include "layer/common/path_policy.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace farside {

inline std::string plain_normal(const std::string& path) {
    std::vector<std::string> names;
    for (std::size_t begin = 0; begin <= path.size();) {
        const auto end = std::min(path.find('/', begin), path.size());
        const auto name = path.substr(begin, end - begin);
        if (name == ".." && !names.empty()) {
            names.pop_back();
        } else if (!name.empty() && name != "." && name != "..") {
            names.push_back(name);
        }
        begin = end + 1;
    }
    std::string normal;
    for (const auto& name : names) {
        normal += '/' + name;
    }
    return normal.empty() ? "/" : normal;
}

// "" where the normal form takes more than `bytes`, which are all there are.
inline std::string normal_form(
    const std::string& base, const std::string& path, std::size_t bytes
) {
    std::vector<char> room(bytes);
    const auto length = normalise(base, path, room.data(), room.size());
    return length < 0 ? std::string{} : std::string{room.data(), static_cast<std::size_t>(length)};
}

inline void add_plain_rule(policy_table& table, const std::string& line) {
    if (line.size() < 3) {
        return;
    }
    const auto kind = static_cast<rule_kind>(static_cast<unsigned char>(line[0]) % 6);
    const auto verdict = static_cast<side>(static_cast<unsigned char>(line[1]) % 4);
    const auto text = line.substr(3);
    // The session compiles no other subtrees.
    if (kind != rule_kind::subtree || is_normal(text)) {
        (void)add_rule(table, kind, line[2] == 'i', verdict, text);
    }
}

inline bool plain_match(const policy_table& table, const policy_rule& rule, std::string path) {
    std::string text{table.text + rule.text_offset, rule.text_bytes};
    if (rule.fold_case) {
        const auto fold = [](char c) {
            return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        };
        std::ranges::transform(text, text.begin(), fold);
        std::ranges::transform(path, path.begin(), fold);
    }
    switch (rule.kind) {
        case rule_kind::subtree:
            return path == text || text == "/" || path.starts_with(text + '/');
        case rule_kind::prefix:
        case rule_kind::expression:
            return path.starts_with(text);
        case rule_kind::suffix:
            return path.ends_with(text);
        case rule_kind::exact:
            return path == text;
        case rule_kind::contains:
            return path.find(text) != std::string::npos;
    }
    return false;
}

inline side plain_decision(const policy_table& table, const std::string& path) {
    for (std::uint32_t i = 0; i < table.rule_count; ++i) {
        if (plain_match(table, table.rules[i], path)) {
            const bool expression = table.rules[i].kind == rule_kind::expression;
            return expression ? side::undecided : table.rules[i].verdict;
        }
    }
    return table.fallback;
}

// Whether `path` is local however the expressions on its way turn out.
inline bool only_local(const policy_table& table, const std::string& path) {
    for (std::uint32_t i = 0; i < table.rule_count; ++i) {
        const auto& rule = table.rules[i];
        if (!plain_match(table, rule, path)) {
            continue;
        }
        if (rule.verdict != side::local) {
            return false;
        }
        if (rule.kind != rule_kind::expression) {
            return true;
        }
    }
    return table.fallback == side::local;
}

}  // namespace farside
