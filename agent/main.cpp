// farside-agent: reads its command line and runs. Everything else is in run.cpp, and in the
// library.
#include "agent/config.hpp"
#include "agent/run.hpp"

#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
    using namespace farside::agent;
    try {
        const auto parsed = parse_command_line(argc, argv);
        if (!parsed) {
            std::fprintf(stderr, "farside-agent: %s\n", parsed.error().line.c_str());
            return exit_usage;
        }
        if (const auto* asked = std::get_if<information>(&*parsed)) {
            std::fputs(asked->text.c_str(), stdout);
            return exit_success;
        }
        return run(std::get<config>(*parsed));
    } catch (const std::exception& e) {
        std::fprintf(stderr, "farside-agent: %s\n", e.what());
        return exit_failure;
    }
}
