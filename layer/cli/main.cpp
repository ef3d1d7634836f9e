// farside: chooses the command. Each command has a file of its own.
#include "layer/cli/command_line.hpp"
#include "layer/cli/exec_command.hpp"
#include "layer/cli/explain_command.hpp"

#include <cstdio>

namespace {

constexpr char usage[] =
    "farside: run a program here that sees a container's files\n"
    "\n"
    "  farside exec [OPTIONS] [--] PROGRAM [ARGUMENTS...]  run it; --help lists the options\n"
    "  farside explain [OPTIONS] [--] PATH...              say which side a path is on, and why\n"
    "  farside --version\n";

}  // namespace

int main(int argc, char** argv) {
    using namespace farside::cli;
    const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
    const std::string command = arguments.empty() ? "" : arguments[0];
    if (command == "exec") {
        return exec_command({arguments.begin() + 1, arguments.end()});
    }
    if (command == "explain") {
        return explain_command({arguments.begin() + 1, arguments.end()});
    }
    if (command == "--version") {
        std::puts("farside " FARSIDE_VERSION);
        return 0;
    }
    if (command == "--help" || command == "help") {
        std::fputs(usage, stdout);
        return 0;
    }
    return fail(
        command.empty() ? "no command: exec or explain; see farside --help"
                        : "unknown command '" + command + "'; see farside --help"
    );
}
