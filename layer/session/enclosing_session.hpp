// Whether this process is itself covered, and by which session: `farside exec` inside `farside
// exec`.
#pragma once

#include <optional>
#include <string>

namespace farside::session {

struct enclosing_session {
    std::string target;
};

[[nodiscard]] std::optional<enclosing_session> find_enclosing_session();

}  // namespace farside::session
