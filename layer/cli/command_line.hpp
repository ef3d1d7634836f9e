// What the commands share in reading their command lines: where options end and the program begins,
// and errors of one line.
#pragma once

#include <CLI/App.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farside::cli {

inline constexpr int status_failed = 125;

struct split_arguments {
    std::vector<std::string> options;
    std::vector<std::string> rest;  // from the first word that is no option, or from behind "--"
};

// The program's own options are never looked at.
[[nodiscard]] split_arguments split(const CLI::App& app, const std::vector<std::string>& arguments);

// Parses options, with nothing behind them. Returns the status to exit with where there is nothing
// more to do: an error was printed, or the help that was asked for.
[[nodiscard]] std::optional<int> parse(CLI::App& app, std::vector<std::string> options);

// Prints "farside: line" to standard error.
int fail(std::string_view line, int status = status_failed);

}  // namespace farside::cli
