// Reads a pattern (a regular expression, matched anywhere in a path, in either case) as what it
// mostly is: plain text with or without anchors. Those become literal rules, which the layer
// decides alone; of the others it learns what a match begins with.
#pragma once

#include "layer/common/path_policy.hpp"

#include <string>
#include <string_view>

namespace farside::session {

struct pattern_rule {
    rule_kind kind = rule_kind::expression;
    std::string text;  // see rule_kind
};

[[nodiscard]] pattern_rule read_pattern(std::string_view pattern);

}  // namespace farside::session
