// What is around a program on this machine, and stays local whatever the mode: where it is started,
// what it is started from, where its temporary files go.
#pragma once

#include "layer/session/path_policy.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace farside::session {

// `path` as seen from the working directory, normalised. Empty: longer than any path may be.
[[nodiscard]] std::string absolute(std::string_view path);

// The working directory (as the kernel and as the shell has it), the repository that it is part of,
// and $TMPDIR.
[[nodiscard]] std::vector<local_path> surroundings_here();

// A program's file and, for one in P/bin, what is installed in P: under the name it was called by,
// and where links lead.
void add_program(std::vector<local_path>& to, const std::string& file, const std::string& why);

}  // namespace farside::session
