// The rules, line by line with regular expressions: exact enough for code that clang-format wrote.
#include "tests/tidy/rules.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <regex>
#include <sstream>

namespace farside::tidy {
namespace {

struct numbered_line {
    std::size_t number = 0;
    std::string text;
};

std::vector<numbered_line> lines_of(const std::string& text) {
    std::vector<numbered_line> lines;
    std::istringstream in{text};
    for (std::string line; std::getline(in, line);) {
        lines.push_back({lines.size() + 1, line});
    }
    return lines;
}

std::string at(const source_file& file, std::size_t line, std::string_view what) {
    return file.path + ':' + std::to_string(line) + ": " + std::string{what};
}

bool is_header(std::string_view path) {
    return path.ends_with(".hpp") || path.ends_with(".h");
}

// A continuation byte of UTF-8 takes no column.
std::size_t columns_of(std::string_view line) {
    return static_cast<std::size_t>(std::ranges::count_if(line, [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
    }));
}

using parts = std::vector<std::string_view>;

// What each part may include besides itself.
const std::map<std::string_view, parts>& allowed_includes() {
    static const parts everything{
        "protocol",
        "agent",
        "layer/common",
        "layer/segment",
        "layer/preload",
        "layer/session",
        "layer/cli",
        "bench",
        "fuzz",
        "tests",
    };
    static const std::map<std::string_view, parts> allowed{
        {"protocol", {}},
        {"agent", {"protocol"}},
        {"layer/common", {}},
        {"layer/segment", {"layer/common"}},
        {"layer/preload", {"layer/segment", "layer/common"}},
        {"layer/session", {"protocol", "layer/segment", "layer/common"}},
        {"layer/cli", {"layer/session", "layer/common"}},
        {"bench", everything},
        {"fuzz", everything},
        {"tests", everything},
    };
    return allowed;
}

struct ban {
    std::string_view text;
    std::string_view why;
    bool (*applies)(std::string_view path);
    bool in_comments;
};

bool everywhere(std::string_view /*path*/) {
    return true;
}

bool starts_coroutines(std::string_view path) {
    return path == "agent/task_group.hpp" || path == "layer/session/task_group.hpp" ||
           path.starts_with("tests/") || path.starts_with("bench/");
}

constexpr std::string_view no_notes = "file an issue instead of a note in the code";
constexpr std::array<ban, 6> bans{{
    {"co_spawn",
     "only a task_group starts coroutines: nothing is detached",
     [](std::string_view path) { return !starts_coroutines(path); },
     false},
    {"using namespace",
     "a header must not open a namespace for those who include it",
     is_header,
     false},
    {"#include <iostream>",
     "streams do not belong here",
     [](std::string_view path) {
         return path.starts_with("layer/") || path.starts_with("protocol/");
     },
     false},
    {"TODO", no_notes, everywhere, true},
    {"FIXME", no_notes, everywhere, true},
    {"XXX", no_notes, everywhere, true},
}};

bool is_word_byte(char c) {
    return c == '_' || (std::isalnum(static_cast<unsigned char>(c)) != 0);
}

// Whether `text` stands in `line` as a word of its own.
bool has_word(std::string_view line, std::string_view text) {
    for (auto at = line.find(text); at != std::string_view::npos; at = line.find(text, at + 1)) {
        const auto end = at + text.size();
        if ((at == 0 || !is_word_byte(line[at - 1])) &&
            (end == line.size() || !is_word_byte(line[end]))) {
            return true;
        }
    }
    return false;
}

std::string without_comment(const std::string& line) {
    return line.substr(0, line.find("//"));
}

}  // namespace

std::string_view part_of(std::string_view path) {
    auto end = path.find('/');
    if (path.substr(0, end) == "layer" && end != std::string_view::npos) {
        end = path.find('/', end + 1);
    }
    return path.substr(0, end);
}

violations check_includes(const source_file& file) {
    const auto part = part_of(file.path);
    const auto rule = allowed_includes().find(part);
    if (rule == allowed_includes().end()) {
        return {};
    }
    violations found;
    const std::regex include{R"(\s*#\s*include\s+"([^"]+)\".*)"};
    for (const auto& [number, line] : lines_of(file.text)) {
        std::smatch match;
        if (!has_word(line, "include") || !std::regex_match(line, match, include)) {
            continue;
        }
        const std::string target = match[1];
        const auto other = part_of(target);
        if (!allowed_includes().contains(other)) {
            found.push_back(at(file, number, "include from the root: " + target));
        } else if (other != part && std::ranges::count(rule->second, other) == 0) {
            found.push_back(at(file, number, std::string{part} + " must not see " + target));
        }
    }
    return found;
}

violations check_lengths(const source_file& file) {
    constexpr std::size_t columns_max = 100;
    const std::size_t lines_max = file.path.starts_with("tests/") ? 700 : 400;
    violations found;
    const auto lines = lines_of(file.text);
    for (const auto& [number, line] : lines) {
        if (columns_of(line) > columns_max) {
            found.push_back(at(file, number, "more than 100 columns"));
        }
    }
    if (lines.size() > lines_max) {
        found.push_back(at(file, lines.size(), "more than " + std::to_string(lines_max) + " lines")
        );
    }
    return found;
}

violations check_opening(const source_file& file) {
    violations found;
    const auto lines = lines_of(file.text);
    if (lines.empty() || !lines.front().text.starts_with("// ")) {
        found.push_back(at(file, 1, "a file opens by saying what it is"));
    }
    if (!is_header(file.path)) {
        return found;
    }
    const std::regex guard{R"(\s*#\s*ifndef \w+_(H|HPP|INCLUDED)_*)"};
    bool once = false;
    for (const auto& [number, line] : lines) {
        once = once || line == "#pragma once";
        if (has_word(line, "ifndef") && std::regex_match(line, guard)) {
            found.push_back(at(file, number, "#pragma once instead of a guard"));
        }
    }
    if (!once) {
        found.push_back(at(file, 1, "no #pragma once"));
    }
    return found;
}

violations check_banned(const source_file& file) {
    violations found;
    for (const auto& [number, line] : lines_of(file.text)) {
        for (const auto& ban : bans) {
            if (has_word(ban.in_comments ? line : without_comment(line), ban.text) &&
                ban.applies(file.path)) {
                found.push_back(at(file, number, ban.why));
            }
        }
    }
    return found;
}

violations check_awaits(const source_file& file) {
    violations found;
    const std::regex temporary{R"(\{|\[[&=]|\[this|\[\w+ =)"};
    std::string statement;
    for (const auto& [number, line] : lines_of(file.text)) {
        std::string code = without_comment(line);
        if (statement.empty()) {
            const auto begin = code.find("co_await");
            if (begin == std::string::npos) {
                continue;
            }
            code.erase(0, begin);
        }
        statement += code;
        const auto end = statement.find(';');
        if (std::regex_search(statement.substr(0, end), temporary)) {
            found.push_back(at(file, number, "co_await stands alone, with named locals"));
            statement.clear();
        } else if (end != std::string::npos) {
            statement.clear();
        }
    }
    return found;
}

}  // namespace farside::tidy
