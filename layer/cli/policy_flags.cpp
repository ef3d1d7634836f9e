// A pattern is a regular expression as in mirrord's feature.fs: found anywhere in the path, in
// either case.
#include "layer/cli/policy_flags.hpp"

#include "layer/session/surroundings.hpp"

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <map>

namespace farside::cli {
namespace {

const std::map<std::string, session::policy_mode>& modes() {
    static const std::map<std::string, session::policy_mode> all{
        {"read", session::policy_mode::read},
        {"write", session::policy_mode::write},
        {"local", session::policy_mode::local},
        {"localwithoverrides", session::policy_mode::local_with_overrides},
    };
    return all;
}

}  // namespace

policy_flags::policy_flags(CLI::App& app) {
    app.add_option("--fs-mode", mode_, "read (default), write, local or localwithoverrides")
        ->type_name("MODE")
        ->check([](const std::string& value) {
            return modes().contains(value)
                       ? std::string{}
                       : "unknown mode '" + value + "': read, write, local or localwithoverrides";
        });
    const auto list = [&app](const char* name, std::vector<std::string>& to, const char* help) {
        app.add_option(name, to, help)->type_name("PATTERN")->expected(1)->take_all();
    };
    list("--read-write", options_.read_write, "remote, can be written to (may be repeated)");
    list("--read-only", options_.read_only, "remote, cannot be written to (may be repeated)");
    list("--local", options_.local, "on this machine (may be repeated)");
    list("--not-found", options_.not_found, "does not exist (may be repeated)");
}

session::policy_options policy_flags::options() const {
    session::policy_options result = options_;
    result.mode = modes().at(mode_);
    const char* const home = std::getenv("HOME");
    if (home != nullptr && home[0] == '/') {
        result.home = session::absolute(home);
    }
    return result;
}

}  // namespace farside::cli
