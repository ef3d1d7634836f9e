// A target that is reached: its name, its root, and the process whose end is its end.
#pragma once

#include "agent/asio.hpp"
#include "agent/root_dir.hpp"
#include "agent/target/target.hpp"

#include <string>

namespace farside::agent {

struct entered_target {
    target_name name;
    root_dir root;
    unique_fd pidfd;  // none for a directory

    // "docker/web: the container ended"
    [[nodiscard]] std::string last_word() const;
};

// Finds and enters the target. REQUIRES: one thread; `descriptors` outlives the result; where it
// fails, nothing else is done but telling why.
[[nodiscard]] or_failure<entered_target> enter_target(
    const std::string& text, process_descriptors& descriptors
);

}  // namespace farside::agent
