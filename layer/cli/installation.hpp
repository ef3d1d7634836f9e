// Where farside's own files are: build/<preset> and an installation have the same shape.
#pragma once

#include <string>

namespace farside::cli {

struct installation {
    std::string self;     // PREFIX/bin/farside
    std::string agent;    // PREFIX/bin/farside-agent
    std::string library;  // PREFIX/lib/farside/libfarside.so
    std::string problem;  // what is missing; empty: nothing
};

[[nodiscard]] installation find_installation();

}  // namespace farside::cli
