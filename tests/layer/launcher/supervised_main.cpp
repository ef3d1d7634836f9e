// supervised TARGET PROGRAM [ARGUMENTS...]: supervise() with a session that is a fake.
#include "layer/session/program.hpp"
#include "layer/session/supervisor.hpp"

#include <cstdlib>

int main(int argc, char** argv) {
    using namespace farside::session;
    if (argc < 3) {
        return 2;
    }
    session_config config;
    config.target = argv[1];
    program_start start;
    start.arguments.assign(argv + 2, argv + argc);
    const char* const path = std::getenv("PATH");
    start.file = find_program(argv[2], path == nullptr ? "" : path).file;
    start.preload = false;
    const path_policy::compiled policy = path_policy::compile({});
    return policy.policy ? supervise(config, *policy.policy, start) : 2;
}
