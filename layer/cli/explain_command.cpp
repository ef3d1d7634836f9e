// Answers as farside exec with the same options would, started here; except that no program is
// known, whose own files would be local.
#include "layer/cli/explain_command.hpp"

#include "layer/cli/command_line.hpp"
#include "layer/cli/policy_flags.hpp"
#include "layer/session/path_policy.hpp"
#include "layer/session/surroundings.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>

namespace farside::cli {

int explain_command(const std::vector<std::string>& arguments) {
    CLI::App app{"Say which side paths are on, and why", "farside explain"};
    app.footer("Behind the options: [--] PATH...");
    const policy_flags flags{app};
    const split_arguments words = split(app, arguments);
    if (const std::optional<int> status = parse(app, words.options)) {
        return *status;
    }
    if (words.rest.empty()) {
        return fail("no path: farside explain [OPTIONS] [--] PATH...");
    }
    session::policy_options options = flags.options();
    options.surroundings = session::surroundings_here();
    const session::path_policy::compiled compiled = session::path_policy::compile(options);
    if (!compiled.policy) {
        return fail(compiled.error);
    }
    for (const std::string& path : words.rest) {
        const std::string normalised = session::absolute(path);
        if (normalised.empty()) {
            return fail("longer than any path may be: " + path.substr(0, 100) + "...");
        }
        const session::path_policy::explanation why = compiled.policy->explain(normalised);
        const std::string line = normalised + ": " + std::string{session::name_of(why.verdict)} +
                                 " (" + why.rule + ")\n";
        std::fputs(line.c_str(), stdout);
    }
    return 0;
}

}  // namespace farside::cli
