// Names of targets.
#include "agent/target/target.hpp"

#include <climits>

#include <charconv>

namespace farside::agent {
namespace {

constexpr std::size_t name_bytes_max = 4096;

or_failure<int> parse_pid(const std::string& text, const std::string& id) {
    int pid = 0;
    const auto* end = id.data() + id.size();
    const auto [stopped, problem] = std::from_chars(id.data(), end, pid);
    if (problem != std::errc{} || stopped != end || pid <= 0) {
        return failure{text + ": a process target is pid/N with a number above 0"};
    }
    return pid;
}

}  // namespace

or_failure<target_name> parse_target(const std::string& text) {
    if (text.size() > name_bytes_max || text.find('\0') != std::string::npos) {
        return failure{"the name of the target is too long or has a NUL in it"};
    }
    const auto slash = text.find('/');
    const auto kind = text.substr(0, slash);
    target_name name;
    name.text = text;
    name.id = slash == std::string::npos ? std::string{} : text.substr(slash + 1);
    if (kind != "docker" && kind != "pid" && kind != "dir") {
        return failure{
            text + ": unknown kind of target; there are docker/NAME-or-ID, pid/N and dir/PATH"};
    }
    if (name.id.empty()) {
        return failure{text + ": the name behind " + kind + "/ is missing"};
    }
    if (kind != "pid") {
        name.kind = kind == "docker" ? target_kind::docker : target_kind::directory;
        return name;
    }
    name.kind = target_kind::process;
    const auto pid = parse_pid(text, name.id);
    if (!pid) {
        return pid.error();
    }
    name.pid = *pid;
    return name;
}

}  // namespace farside::agent
