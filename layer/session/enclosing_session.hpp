// Whether this process is itself covered, by which session's target: `farside exec` inside `farside
// exec`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace farside::session {

// `variable` is the value of FARSIDE_SESSION. Nothing where its descriptors are not what it says: a
// leftover of a session that this process does not belong to.
[[nodiscard]] std::optional<std::string> enclosing_target(std::string_view variable);

}  // namespace farside::session
