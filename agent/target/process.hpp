// Entering another process's view of files: its mount namespace, and its root in there.
#pragma once

#include "agent/process_descriptors.hpp"
#include "agent/target/target.hpp"
#include "protocol/support/unique_fd.hpp"

namespace farside::agent {

// Makes the root of process `pid` the root of this process, in the same mount namespace. The result
// is a pidfd that tells when the process ends. REQUIRES: this process has one thread; where it
// fails, this process must not go on, since it may be half-way.
[[nodiscard]] or_failure<unique_fd> enter_process(
    const std::string& target, int pid, const process_descriptors& descriptors
);

}  // namespace farside::agent
