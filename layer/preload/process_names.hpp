// Names under /proc and /dev that the kernel makes up from a process: its descriptors and its
// working directory. Where these are remote the kernel would lead to the empty file that stands for
// them, or to the local directory that the process happens to be in.
#pragma once

#include <cstdint>
#include <string_view>

namespace farside::preload {

struct process_name {
    std::uint64_t id = 0;   // of the remote open file, or own_descriptor; 0: an ordinary name
    std::string_view rest;  // the path from there on: empty, or beginning with '/'
};

// /dev/std*, /dev/fd/N, /proc/{self,thread-self,PID}[/task/TID]/{fd/N,cwd}. `path` is normalised.
[[nodiscard]] process_name find_process_name(std::string_view path) noexcept;

}  // namespace farside::preload
