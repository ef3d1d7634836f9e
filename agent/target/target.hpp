// What the agent serves, as the user names it: "docker/web", "pid/4711", "dir/srv/data". Names are
// parsed before anything is touched; reaching the target is each kind's own affair.
#pragma once

#include <boost/system/result.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace farside::agent {

// Why a target cannot be served: one line for the user. The reader adds who says it.
struct failure {
    std::string line;
};

template <typename T>
using or_failure = boost::system::result<T, failure>;

[[noreturn]] inline void throw_exception_from_error(
    const failure& f, const boost::source_location& /*where*/
) {
    throw std::runtime_error{f.line};
}

enum class target_kind : std::uint8_t { docker, process, directory };

struct target_name {
    target_kind kind{};
    std::string text;  // as the user wrote it
    std::string id;    // behind the kind: a container's name, a directory's path
    int pid = 0;       // of a process
};

[[nodiscard]] or_failure<target_name> parse_target(const std::string& text);

}  // namespace farside::agent
