// Finds the program that a command line names, and judges before it runs whether the layer can live
// inside it.
#pragma once

#include "layer/common/exec_image.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace farside::session {

// As execvp(3) looks for it: a name with a slash as it is, others in the directories of `path`.
struct found_program {
    std::string file;  // what to execute; empty: not found
    int error = 0;     // why: ENOENT, or EACCES where there are files by that name, none executable
};

[[nodiscard]] found_program find_program(std::string_view name, std::string_view path);

// Why the layer cannot be inside it: "is statically linked", ... Nothing: it can, or it is no
// program and the kernel will say so.
struct refusal {
    std::string reason;
    image_kind kind = image_kind::foreign;  // covered: the program is, but the loader obeys no one
};

// Follows "#!" as deep as the kernel does.
[[nodiscard]] std::optional<refusal> judge_program(const std::string& file);

}  // namespace farside::session
