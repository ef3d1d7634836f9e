// The rule: a pattern is literal only where that is certain. Whatever is not understood stays an
// expression.
#include "layer/session/pattern.hpp"

namespace farside::session {
namespace {

constexpr std::string_view special = R"(\.+*?()|[]{}^$)";

bool is_punctuation(char c) {
    return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
           (c >= '{' && c <= '~');
}

bool is_quantifier(char c) {
    return c == '*' || c == '+' || c == '?' || c == '{';
}

// The plain text that `rest` begins with, and what is left. A character that a quantifier follows
// is not plain.
struct literal {
    std::string text;
    std::string_view rest;
};

literal read_literal(std::string_view rest) {
    literal found;
    while (!rest.empty()) {
        const bool escaped = rest[0] == '\\' && rest.size() > 1 && is_punctuation(rest[1]);
        const std::size_t bytes = escaped ? 2 : 1;
        if (!escaped && special.find(rest[0]) != std::string_view::npos) {
            break;
        }
        if (rest.size() > bytes && is_quantifier(rest[bytes])) {
            break;
        }
        found.text += rest[bytes - 1];
        rest.remove_prefix(bytes);
    }
    found.rest = rest;
    return found;
}

// Whether `rest` may have an alternative outside of all parentheses, which would be an alternative
// to what comes before it too. Where classes or quoted text make that hard to tell: yes.
bool may_have_alternative(std::string_view rest) {
    if (rest.find('|') == std::string_view::npos) {
        return false;
    }
    int depth = 0;
    for (std::size_t i = 0; i < rest.size(); ++i) {
        switch (rest[i]) {
            case '\\':
                ++i;
                if (i < rest.size() && rest[i] == 'Q') {
                    return true;
                }
                break;
            case '[':
                return true;
            case '(':
                ++depth;
                break;
            case ')':
                --depth;
                break;
            case '|':
                if (depth <= 0) {
                    return true;
                }
                break;
            default:
                break;
        }
    }
    return false;
}

bool is_ascii(std::string_view text) {
    for (const char c : text) {
        if (static_cast<unsigned char>(c) >= 0x80 || c == '\0') {
            return false;
        }
    }
    return true;
}

}  // namespace

pattern_rule read_pattern(std::string_view pattern) {
    // The case of other letters is the expression library's business.
    if (!is_ascii(pattern)) {
        return {};
    }
    const bool anchored = pattern.starts_with('^');
    const literal begin = read_literal(pattern.substr(anchored ? 1 : 0));
    const std::string_view rest = begin.rest;
    if (rest.empty()) {
        return {anchored ? rule_kind::prefix : rule_kind::contains, begin.text};
    }
    if (rest == "$") {
        return {anchored ? rule_kind::exact : rule_kind::suffix, begin.text};
    }
    if (!anchored) {
        return {};
    }
    if (rest == "(/|$)" || rest == "(?:/|$)" || rest == "($|/)" || rest == "(?:$|/)") {
        // A subtree's text has no slash at its end, or is "/", which means something else here.
        if (!begin.text.empty() && !begin.text.ends_with('/')) {
            return {rule_kind::subtree, begin.text};
        }
        return {};
    }
    if (rest == ".*") {
        return {rule_kind::prefix, begin.text};
    }
    if (is_quantifier(rest[0]) || may_have_alternative(rest)) {
        return {};
    }
    return {rule_kind::expression, begin.text};
}

}  // namespace farside::session
