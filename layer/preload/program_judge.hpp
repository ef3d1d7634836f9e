// Whether a program that is about to be executed can be covered: where it cannot, its remote paths
// would silently be local ones.
#pragma once

#include "layer/common/exec_image.hpp"
#include "layer/preload/environment.hpp"

namespace farside::preload {

inline constexpr int script_depth_max = 5;  // as the kernel's BINPRM limit

// What is known of a program before it runs.
struct verdict {
    const char* why = nullptr;  // it cannot be covered; nullptr: it can, or the kernel refuses it
    loads_library loads = loads_library::yes;
    bool is_elsewhere = false;      // the kernel would not find the interpreter of a script
    const char* program = nullptr;  // which one; nullptr: the one that was asked about
};

[[nodiscard]] image_report inspect_local(long fd) noexcept;

[[nodiscard]] verdict judge(image_kind kind) noexcept;

// `path` is looked at where it leads on the local side; follows scripts to their interpreters.
[[nodiscard]] verdict judge_path(const char* path, int depth) noexcept;

// The same of all that this exec starts: Valgrind's tools are static, and run another program in
// themselves, whose loader loads the library.
[[nodiscard]] verdict judge_program(
    const char* path, char* const* arguments, char* const* variables
) noexcept;

// 0, or -EACCES with a line on standard error.
[[nodiscard]] long admit(const char* path, const verdict& judged) noexcept;

}  // namespace farside::preload
