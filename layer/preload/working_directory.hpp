// The virtual working directory. While it is local the kernel's is the truth and only its path is
// remembered; while it is remote the path is ours alone, passed on over exec in FARSIDE_CWD.
#pragma once

#include <cstddef>
#include <string_view>

namespace farside::preload {

// At start: the directory the parent left us in.
void inherit_directory(std::string_view path) noexcept;

// The working directory is now remote, at this canonical path.
void enter_remote_directory(std::string_view path) noexcept;

// The kernel's working directory was changed and counts.
void enter_local_directory() noexcept;

[[nodiscard]] bool directory_is_remote() noexcept;

// Whether every name below the working directory is local, as long as it does not climb with "..".
[[nodiscard]] bool directory_is_all_local() noexcept;

// Copies the path, at most `room` bytes; its length, or 0 where it is unknown (deleted,
// unreachable).
[[nodiscard]] std::size_t copy_directory(char* out, std::size_t room) noexcept;

}  // namespace farside::preload
