// What differs between two texts, line by line, for a person to read.
#pragma once

#include <string>

namespace farside::conformance {

// Lines of the first alone begin with "-", of the second alone with "+"; a few that both have are
// shown around them. Empty: the texts are equal.
[[nodiscard]] std::string difference(const std::string& before, const std::string& after);

}  // namespace farside::conformance
