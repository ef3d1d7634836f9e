// `farside exec`, from a parsed command line to an exit status: joins the session it is in already,
// or finds the program, decides whether it can be covered, and supervises it.
#pragma once

#include "layer/session/path_policy.hpp"
#include "layer/session/session_config.hpp"

#include <string>
#include <vector>

namespace farside::session {

struct run_request {
    session_config config;
    policy_options policy;             // without surroundings: those are found here
    std::vector<std::string> command;  // the program and its arguments; not empty
    std::string self;                  // the path of farside's own program
};

// As supervise(): may end by a signal. One line on standard error says what went wrong.
[[nodiscard]] int run(run_request request);

}  // namespace farside::session
