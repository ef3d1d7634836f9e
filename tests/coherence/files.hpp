// Small helpers on files, by plain system calls. A call that must not fail ends the process.
#pragma once

#include <string>

#include <sys/stat.h>

namespace farside::coherence {

// Says what failed, with errno, and exits.
[[noreturn]] void fail(const std::string& what);

void make_directory(const std::string& path);

// Opens to write, truncates, writes, closes.
void write_whole(const std::string& path, const std::string& text);

// Beside it, then renamed over it.
void replace(const std::string& path, const std::string& text);

// "missing", or the bytes; "-" for NUL.
[[nodiscard]] std::string read_whole(const std::string& path);

// "missing", or what stat(2) tells but the time of access.
[[nodiscard]] std::string describe(const std::string& path, int flags = 0);

[[nodiscard]] std::string link_target(const std::string& path);

// The names in a directory, sorted.
[[nodiscard]] std::string list(const std::string& path);

// As digits of fixed width, so that a text of one round is as long as that of another.
[[nodiscard]] std::string digits(int round);

}  // namespace farside::coherence
