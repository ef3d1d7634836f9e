// What a session is told before it starts. Plain data: the command line is parsed, patterns are
// compiled (path_policy) and paths are made absolute before it exists.
#pragma once

#include <string>

namespace farside::session {

enum class agent_source {
    program,  // start `agent` --stdio --target `target`
    command,  // start /bin/sh -c `agent`; it speaks the protocol on its standard input and output
    address,  // connect to `agent`: unix:PATH or HOST:PORT
};

struct stats_options {
    bool enabled = false;
    std::string file;  // empty: standard error
};

struct trace_options {
    bool enabled = false;
    std::string file;  // empty: standard error
};

struct session_config {
    std::string target;  // as the user named it: "docker/web"
    agent_source source = agent_source::program;
    std::string agent;         // see agent_source; a program is an absolute path
    std::string token;         // for a listening agent; empty: none
    std::string library;       // absolute path of libfarside.so, for the view
    bool use_caches = true;    // false: every call asks the target
    bool predict = true;       // ask for what the program is likely to want next
    bool allow_local = false;  // programs that cannot be covered run on local files
    bool write_behind = true;  // write(2) does not wait for the target
    stats_options stats;
    trace_options trace;
};

}  // namespace farside::session
