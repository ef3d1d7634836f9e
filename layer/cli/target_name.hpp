// "docker/web": a kind of target, and which one of them.
#pragma once

#include <string>
#include <string_view>

namespace farside::cli {

// One line that says what is wrong with a target's name; empty: nothing is, as far as can be told
// without looking for it. No name at all is nothing wrong: it may come from an enclosing session.
[[nodiscard]] std::string check_target(std::string_view target);

}  // namespace farside::cli
