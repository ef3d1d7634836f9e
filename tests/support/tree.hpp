// A directory tree as text, the same text for equal trees: what two runs of a program have left is
// compared by comparing it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace farside::test {

// One line for each entry, sorted by path: type, permissions, owner, link count, time of the last
// change where that is over an hour ago ("now" otherwise), path, and what it holds: content, or
// size and hash where that is long, or where a link leads.
[[nodiscard]] std::string describe_tree(const std::filesystem::path& root);

// Every byte but printable ASCII becomes \xNN.
enum class newlines { keep, escape };
[[nodiscard]] std::string printable(std::string_view bytes, newlines how);

[[nodiscard]] std::string replace_all(
    std::string text, std::string_view what, std::string_view with
);

// A tree with something for every program to find: text, numbers, 300 KB of noise, an empty file, a
// script, directories to descend, links of all kinds, a FIFO, names that are hard to handle. All
// times are set, so that two of them are equal.
void make_sample_tree(const std::filesystem::path& root);

}  // namespace farside::test
