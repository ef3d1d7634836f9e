// The kinds are those that our own agent can find.
#include "layer/cli/target_name.hpp"

#include <algorithm>

namespace farside::cli {

std::string check_target(std::string_view target) {
    constexpr std::string_view kinds[] = {"docker", "pid", "dir"};
    constexpr std::size_t name_bytes_max = 511;  // what processes of the session are told of it
    if (target.empty()) {
        return {};
    }
    const std::string quoted = "'" + std::string{target.substr(0, 100)} + "'";
    const std::size_t slash = target.find('/');
    if (slash == std::string_view::npos) {
        return quoted + " is no target: it must be docker/NAME, pid/NUMBER or dir/PATH";
    }
    const std::string_view kind = target.substr(0, slash);
    const std::string_view name = target.substr(slash + 1);
    if (std::ranges::find(kinds, kind) == std::end(kinds)) {
        return "unknown kind of target in " + quoted + ": docker, pid and dir are known";
    }
    const bool number = !name.empty() && name.find_first_not_of("0123456789") == name.npos;
    if (name.empty() || (kind == "pid" && !number)) {
        return quoted + " names no " +
               (kind == "docker" ? "container"
                : kind == "pid"  ? "process"
                                 : "directory");
    }
    return target.size() > name_bytes_max ? "the name of the target is too long: " + quoted : "";
}

}  // namespace farside::cli
