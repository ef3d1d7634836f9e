// Numbers and bytes as a transcript shows them: one line, printable, the same on every way.
#pragma once

#include "tests/conformance/file_api.hpp"

#include <string>
#include <string_view>

#include <fcntl.h>

namespace farside::conformance::text {

// In double quotes, every byte that is not plain text as \xHH.
[[nodiscard]] std::string quoted(std::string_view bytes);

// The same, but long ones as their beginning, length and hash.
[[nodiscard]] std::string shortened(std::string_view bytes);

// "ENOENT" for -2; the number where there is no error.
[[nodiscard]] std::string of_outcome(outcome value);

[[nodiscard]] std::string octal(unsigned number);
[[nodiscard]] std::string of_open_flags(unsigned flags);
[[nodiscard]] std::string of_at_flags(int flags);
[[nodiscard]] std::string of_whence(int whence);
[[nodiscard]] std::string of_lock(const struct flock& lock);
[[nodiscard]] std::string of_lock_command(int command);
[[nodiscard]] std::string of_type(unsigned mode);        // of S_IFMT: "file", "directory", ...
[[nodiscard]] std::string of_entry_type(unsigned type);  // of DT_*
[[nodiscard]] std::string of_moment(const moment& m);

// Type, permissions, links, size, owner; no inode and no times. Sizes of directories and what
// depends on them is the file system's affair.
[[nodiscard]] std::string of_status(const file_status& status);

// Bytes that are unlike at every position that matters, so that a misplaced block is noticed.
[[nodiscard]] std::string pattern(std::size_t bytes, unsigned seed = 0);

}  // namespace farside::conformance::text
