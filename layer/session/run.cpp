// The program is looked for on this machine first: what is run here is a local program. One that
// only the other side has is started by a covered program, env(1), since only the layer can fetch
// it.
#include "layer/session/run.hpp"

#include "layer/session/enclosing_session.hpp"
#include "layer/session/launcher.hpp"
#include "layer/session/notice.hpp"
#include "layer/session/program.hpp"
#include "layer/session/supervisor.hpp"
#include "layer/session/surroundings.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

#include <unistd.h>

namespace farside::session {
namespace {

constexpr const char* search_path_default = "/bin:/usr/bin";  // as the C library's

int say(int status, std::string_view line) {
    notices{STDERR_FILENO}.say(line);
    return status;
}

found_program find(const std::string& name) {
    const char* const path = std::getenv("PATH");
    return find_program(name, path == nullptr ? search_path_default : path);
}

// The layer in this process covers the program: it is executed like any other.
int join(const run_request& request) {
    const found_program found = find(request.command[0]);
    if (found.file.empty()) {
        return say(
            found.error == ENOENT ? 127 : 126,
            request.command[0] + ": " + std::strerror(found.error)
        );
    }
    std::vector<std::string> environment;
    for (char** variable = environ; *variable != nullptr; ++variable) {
        environment.emplace_back(*variable);
    }
    return execute({found.file, request.command}, environment);
}

// "A=B" in front of a program is a setting to env(1), and an "=" in its path would make it one.
program_start start_through_helper(const std::vector<std::string>& command) {
    program_start start{"/usr/bin/env", {"env", "--"}};
    if (command[0].find('=') != std::string::npos) {
        start = {"/bin/sh", {"sh", "-c", "exec \"$0\" \"$@\""}};
    }
    start.arguments.insert(start.arguments.end(), command.begin(), command.end());
    return start;
}

bool is_remote(const path_policy& policy, const std::string& name) {
    if (name.find('/') == std::string::npos) {
        return false;
    }
    const side where = policy.decide(absolute(name));
    return where == side::remote || where == side::remote_read_only;
}

// What its loader would trip over when asked to preload a library for glibc on x86-64.
bool takes_preload(const std::optional<refusal>& refused) {
    if (!refused) {
        return true;
    }
    switch (refused->kind) {
        case image_kind::musl:
        case image_kind::other_loader:
        case image_kind::elf32:
        case image_kind::other_machine:
            return false;
        default:
            return true;
    }
}

}  // namespace

int run(run_request request) {
    const std::string& name = request.command[0];
    if (const auto around = find_enclosing_session()) {
        if (request.config.target.empty() || around->target == request.config.target) {
            return join(request);
        }
        return say(
            status_failed,
            "already inside a session for " + around->target + "; leave it to reach " +
                request.config.target
        );
    }
    if (request.config.target.empty()) {
        return say(status_failed, "no target: say --target KIND/NAME or set FARSIDE_TARGET");
    }
    if (request.config.library.find_first_of(": ") != std::string::npos) {
        return say(
            status_failed,
            "the path of libfarside.so must have no space and no colon: " + request.config.library
        );
    }

    const found_program found = find(name);
    request.policy.surroundings = surroundings_here();
    if (!found.file.empty()) {
        add_program(request.policy.surroundings, found.file, "program");
    }
    add_program(request.policy.surroundings, request.self, "farside");
    const path_policy::compiled compiled = path_policy::compile(request.policy);
    if (!compiled.policy) {
        return say(status_failed, compiled.error);
    }
    if (is_remote(*compiled.policy, name)) {
        return supervise(request.config, *compiled.policy, start_through_helper(request.command));
    }
    if (found.file.empty()) {
        return say(found.error == ENOENT ? 127 : 126, name + ": " + std::strerror(found.error));
    }
    const std::optional<refusal> refused = judge_program(found.file);
    if (refused && !request.config.allow_local) {
        return say(
            126,
            name + " " + refused->reason +
                " and cannot be covered; use --allow-local to run it on local files"
        );
    }
    return supervise(
        request.config, *compiled.policy, {found.file, request.command, takes_preload(refused)}
    );
}

}  // namespace farside::session
