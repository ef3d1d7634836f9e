// Reads and checks the options; the work is session::run().
#include "layer/cli/exec_command.hpp"

#include "layer/cli/command_line.hpp"
#include "layer/cli/installation.hpp"
#include "layer/cli/policy_flags.hpp"
#include "layer/cli/target_name.hpp"
#include "layer/session/run.hpp"
#include "layer/session/surroundings.hpp"

#include <CLI/CLI.hpp>

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

namespace farside::cli {
namespace {

struct exec_flags {
    std::string target;
    std::string agent;
    std::string token_file;
    std::string agent_command;
    std::string stats_file;
    std::string trace_file;
    bool allow_local = false;
    bool no_cache = false;
    bool no_predict = false;
    bool sync = false;
};

CLI::Option* add_flags(CLI::App& app, exec_flags& flags) {
    app.footer(
        "Behind the options: [--] PROGRAM [ARGUMENTS...]\n"
        "Paths on the remote side are the target's; farside explain PATH says which those are.\n"
        "Exit status: the program's; 125: farside failed; 126, 127: PROGRAM cannot run, is not "
        "there."
    );
    app.add_option("--target", flags.target, "docker/NAME, pid/NUMBER or dir/PATH")
        ->type_name("KIND/NAME")
        ->envname("FARSIDE_TARGET");
    auto* const agent =
        app.add_option("--agent", flags.agent, "an agent that listens: unix:PATH or HOST:PORT")
            ->type_name("ADDRESS");
    app.add_option("--token-file", flags.token_file, "the listening agent's token")
        ->type_name("FILE")
        ->needs(agent);
    app.add_option("--agent-command", flags.agent_command, "starts an agent: sh -c 'CMD...'")
        ->type_name("CMD")
        ->excludes(agent);
    app.add_flag(
        "--allow-local", flags.allow_local, "run programs that cannot be covered on local files"
    );
    app.add_flag("--no-cache", flags.no_cache, "remember nothing of the target: ask for each call");
    app.add_flag("--no-predict", flags.no_predict, "ask the target for nothing ahead of its use");
    app.add_flag("--sync", flags.sync, "every write waits for the target");
    app.add_option("--trace", flags.trace_file, "a line for each call on remote files; -: here")
        ->type_name("FILE");
    return app.add_option("--stats", flags.stats_file, "print counts at the end, as JSON")
        ->type_name("[=FILE]")
        ->expected(0, 1);
}

// The token is the file's first line.
bool read_token(const std::string& file, std::string& token) {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    char text[4096];
    const ssize_t bytes = fd < 0 ? -1 : ::read(fd, text, sizeof text);
    const int error = errno;
    if (fd >= 0) {
        ::close(fd);
    }
    errno = error;
    if (bytes >= 0) {
        token.assign(text, static_cast<std::size_t>(bytes));
        token.resize(std::min(token.find('\n'), token.size()));
    }
    return bytes >= 0;
}

session::session_config make_config(
    const exec_flags& flags, const CLI::Option& stats, const installation& here
) {
    session::session_config config;
    config.target = flags.target;
    config.library = here.library;
    config.allow_local = flags.allow_local;
    config.use_caches = !flags.no_cache;
    config.predict = !flags.no_cache && !flags.no_predict;
    config.stats.enabled = stats.count() > 0;
    if (!flags.stats_file.empty()) {
        config.stats.file = session::absolute(flags.stats_file);
    }
    config.write_behind = !flags.sync;
    config.trace.enabled = !flags.trace_file.empty();
    if (config.trace.enabled && flags.trace_file != "-") {
        config.trace.file = session::absolute(flags.trace_file);
    }
    if (!flags.agent.empty()) {
        config.source = session::agent_source::address;
        config.agent = flags.agent;
    } else if (!flags.agent_command.empty()) {
        config.source = session::agent_source::command;
        config.agent = flags.agent_command;
    } else {
        config.agent = here.agent;
    }
    // An agent of the user's own serves what it serves: the target is only what we call it.
    if (config.target.empty() && config.source != session::agent_source::program) {
        config.target = config.agent;
    }
    return config;
}

}  // namespace

int exec_command(const std::vector<std::string>& arguments) {
    CLI::App app{"Run a program on this machine that sees the target's files", "farside exec"};
    exec_flags flags;
    const CLI::Option* const stats = add_flags(app, flags);
    const policy_flags policy{app};
    const split_arguments words = split(app, arguments);
    if (const std::optional<int> status = parse(app, words.options)) {
        return *status;
    }
    if (words.rest.empty()) {
        return fail("no program: farside exec [OPTIONS] [--] PROGRAM [ARGUMENTS...]");
    }
    const installation here = find_installation();
    if (!here.problem.empty()) {
        return fail(here.problem);
    }
    session::run_request request;
    request.config = make_config(flags, *stats, here);
    const std::string problem = check_target(request.config.target);
    if (request.config.source == session::agent_source::program && !problem.empty()) {
        return fail(problem);
    }
    if (!flags.token_file.empty() && !read_token(flags.token_file, request.config.token)) {
        return fail("token file " + flags.token_file + ": " + std::strerror(errno));
    }
    request.policy = policy.options();
    request.command = words.rest;
    request.self = here.self;
    return session::run(std::move(request));
}

}  // namespace farside::cli
