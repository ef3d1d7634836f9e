// farside exec [options] [--] PROGRAM [ARGUMENTS...]
#pragma once

#include <string>
#include <vector>

namespace farside::cli {

[[nodiscard]] int exec_command(const std::vector<std::string>& arguments);

}  // namespace farside::cli
