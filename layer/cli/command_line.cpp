// CLI11 knows the options; which words are options is found out before it sees them, because it
// would go on looking for options behind the program.
#include "layer/cli/command_line.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>

namespace farside::cli {
namespace {

// Whether the word behind `name` is its value.
bool takes_next(const CLI::App& app, const std::string& name) {
    const CLI::Option* const option = app.get_option_no_throw(name);
    return option != nullptr && option->get_items_expected_min() > 0;
}

}  // namespace

split_arguments split(const CLI::App& app, const std::vector<std::string>& arguments) {
    split_arguments result;
    auto at = arguments.begin();
    while (at != arguments.end() && at->size() > 1 && at->front() == '-') {
        if (*at == "--") {
            ++at;
            break;
        }
        result.options.push_back(*at);
        const bool has_value = takes_next(app, *at);
        ++at;
        if (has_value && at != arguments.end()) {
            // Joined, so that a value that begins with "-" stays one.
            result.options.back() += "=" + *at;
            ++at;
        }
    }
    result.rest.assign(at, arguments.end());
    return result;
}

std::optional<int> parse(CLI::App& app, std::vector<std::string> options) {
    app.allow_extras();
    std::ranges::reverse(options);
    try {
        app.parse(std::move(options));
    } catch (const CLI::CallForHelp&) {
        std::fputs(app.help().c_str(), stdout);
        return 0;
    } catch (const CLI::ParseError& error) {
        const std::string_view text{error.what()};
        return fail(text.substr(0, text.find('\n')));
    }
    const std::vector<std::string> unknown = app.remaining();
    if (!unknown.empty()) {
        return fail("unknown option " + unknown[0] + "; see " + app.get_name() + " --help");
    }
    return std::nullopt;
}

int fail(std::string_view line, int status) {
    const std::string text = "farside: " + std::string{line} + "\n";
    std::fputs(text.c_str(), stderr);
    return status;
}

}  // namespace farside::cli
