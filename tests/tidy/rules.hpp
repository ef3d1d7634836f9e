// Rules about source text, as functions of a file's path and content: each returns one line per
// violation. What they look for and why is in STYLE terms: direction of includes, sizes, banned
// text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace farside::tidy {

using violations = std::vector<std::string>;

// `path` is relative to the root of the source tree.
struct source_file {
    std::string path;
    std::string text;
};

// The part of the tree that a path belongs to and that include rules are about: "protocol",
// "layer/session", ...
[[nodiscard]] std::string_view part_of(std::string_view path);

// Quoted includes are written from the root and go only where the part may look.
[[nodiscard]] violations check_includes(const source_file& file);

// At most 400 lines (tests: 700) of at most 100 columns.
[[nodiscard]] violations check_lengths(const source_file& file);

// Opens with a comment; headers have #pragma once and no guard.
[[nodiscard]] violations check_opening(const source_file& file);

// Text that has no place where it stands.
[[nodiscard]] violations check_banned(const source_file& file);

// g++ 12 destroys temporaries in a co_await expression twice: no capturing lambda, no braces there.
[[nodiscard]] violations check_awaits(const source_file& file);

}  // namespace farside::tidy
