// farside explain [options] PATH...
#pragma once

#include <string>
#include <vector>

namespace farside::cli {

// Prints which side each path is on, and which rule decided.
[[nodiscard]] int explain_command(const std::vector<std::string>& arguments);

}  // namespace farside::cli
