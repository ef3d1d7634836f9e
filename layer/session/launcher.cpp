// The child is single-threaded and owns a copy of everything, so ordinary code may run in it.
#include "layer/session/launcher.hpp"

#include "layer/session/notice.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace farside::session {
namespace {

constexpr std::string_view preload_name = "LD_PRELOAD=";
constexpr std::string_view asan_name = "ASAN_OPTIONS=";

// The address sanitizer refuses to start behind another preloaded library, unless told not to look.
constexpr std::string_view asan_setting = "verify_asan_link_order=0";

// What is read through io_uring would pass the layer by; libuv has a switch.
constexpr std::string_view uring_name = "UV_USE_IO_URING=";

bool is_used(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}

// Numbers near the ceiling are the last that a program comes across by itself.
int place(int fd, int& below) {
    while (--below > STDERR_FILENO) {
        if (!is_used(below)) {
            return ::dup2(fd, below);
        }
    }
    return -1;
}

int descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return segment::descriptor_ceiling;
    }
    return static_cast<int>(
        std::min<rlim_t>(limit.rlim_cur, static_cast<rlim_t>(segment::descriptor_ceiling))
    );
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> result;
    result.reserve(texts.size() + 1);
    for (const std::string& text : texts) {
        result.push_back(const_cast<char*>(text.c_str()));
    }
    result.push_back(nullptr);
    return result;
}

}  // namespace

std::vector<std::string> program_environment(
    const char* const* given, const std::string& library, const std::string& session, bool preload
) {
    std::vector<std::string> result;
    std::string preloaded{preload_name};
    preloaded += library;
    std::string asan{asan_name};
    asan += asan_setting;
    for (; *given != nullptr; ++given) {
        const std::string_view variable{*given};
        if (variable.starts_with(preload_name)) {
            std::string_view others = variable.substr(preload_name.size());
            if (others.starts_with(library + ":")) {
                others.remove_prefix(library.size() + 1);
            }
            if (!preload) {
                result.emplace_back(variable);
            } else if (!others.empty() && others != library) {
                preloaded.append(":").append(others);
            }
        } else if (variable.starts_with(asan_name)) {
            // The last setting of a name is the one that counts.
            asan = std::string{variable};
            asan += asan.size() > asan_name.size() ? ":" : "";
            asan += asan_setting;
        } else if (!variable.starts_with(uring_name) &&
                   !variable.starts_with(segment::environment_session) &&
                   !variable.starts_with(segment::environment_directory)) {
            result.emplace_back(variable);
        }
    }
    if (preload) {
        result.push_back(std::move(preloaded));
    }
    result.push_back(std::move(asan));
    result.push_back(std::string{uring_name} + "0");
    result.push_back(segment::environment_session + session);
    return result;
}

std::optional<std::string> place_descriptors(const shared_memory& memory) {
    const shared_memory::inherited_descriptors from = memory.inherited();
    int below = descriptor_limit();
    std::string value = "1";
    for (const int fd : {from.segment, from.view, from.template_, from.doorbell}) {
        const int placed = place(fd, below);
        if (placed < 0) {
            return std::nullopt;
        }
        value += ":" + std::to_string(placed);
    }
    value += ":" + std::to_string(memory.segment_inode());
    value += ":" + std::to_string(memory.template_inode());
    if (from.trace >= 0) {
        const int placed = place(from.trace, below);
        if (placed < 0) {
            return std::nullopt;
        }
        value += ":" + std::to_string(placed);
    }
    return value;
}

int execute(const program_start& start, const std::vector<std::string>& environment) {
    std::vector<std::string> arguments = start.arguments;
    const std::vector<char*> variables = pointers(environment);
    ::execve(start.file.c_str(), pointers(arguments).data(), variables.data());
    if (errno == ENOEXEC) {
        arguments.insert(arguments.begin() + 1, start.file);
        arguments[0] = "/bin/sh";
        ::execve("/bin/sh", pointers(arguments).data(), variables.data());
    }
    const int error = errno;
    notices{STDERR_FILENO}.say(start.arguments[0] + ": " + std::strerror(error));
    return error == ENOENT ? 127 : 126;
}

void become_program(
    const program_start& start,
    const shared_memory& memory,
    const std::string& library,
    const signal_state& signals,
    pid_t supervisor
) {
    // Whoever kills farside with SIGKILL means the program.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != supervisor) {
        ::raise(SIGKILL);
    }
    const std::optional<std::string> session = place_descriptors(memory);
    if (!session) {
        notices{STDERR_FILENO}.say(
            "no room for five descriptors below the limit of open files (ulimit -n)"
        );
        ::_exit(125);
    }
    const std::vector<std::string> environment =
        program_environment(environ, library, *session, start.preload);
    signals.restore();
    ::_exit(execute(start, environment));
}

}  // namespace farside::session
