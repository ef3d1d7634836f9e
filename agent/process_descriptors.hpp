// This process's own entry in /proc, opened before it joins a namespace that may have no /proc. It
// serves two ends: /proc/self/fd/N names an open file for the system calls that take only paths,
// and tells where in the tree a directory is.
//
// The constructor makes /proc/self/fd the working directory of the process: truncate(2) and the
// xattr calls have no variant with a directory descriptor, so they are given the bare number as a
// path. Nothing else of the agent may use a path that is relative to the working directory.
#pragma once

#include "agent/posix.hpp"
#include "protocol/support/unique_fd.hpp"

#include <cstdint>
#include <string>
#include <utility>

namespace farside::agent {

class process_descriptors {
public:
    // REQUIRES: one thread; no other object of this class in the process is in use.
    [[nodiscard]] static result<process_descriptors> open();

    // After joining another namespace or root, which change the working directory.
    [[nodiscard]] result<void> return_to() const;

    // A descriptor of /proc/self/fd; "N" in it names descriptor N.
    [[nodiscard]] int directory() const { return directory_.get(); }

    [[nodiscard]] static std::string name_of(int fd) { return std::to_string(fd); }

    // The path of an open file as the kernel knows it, below the root of this process.
    [[nodiscard]] result<std::string> path_of(int fd) const;

    // Where this process was before, for paths of its command line; only the first time.
    [[nodiscard]] unique_fd take_start_directory() { return std::move(started_in_); }

    // The inotify(7) watches that the kernel allows a user; 0 where it does not say.
    [[nodiscard]] std::uint64_t watches_max() const;

    // /proc/self/mountinfo as it is in the namespace that is joined now.
    [[nodiscard]] result<unique_fd> open_mount_table() const;

private:
    unique_fd started_in_;
    unique_fd self_;
    unique_fd directory_;
};

}  // namespace farside::agent
