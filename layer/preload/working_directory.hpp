// The working directory. While it is local the kernel's is the truth and only its path is
// remembered. While it is remote it is an open file: a descriptor of ours, parked at a high number,
// that children inherit and that exec passes on in FARSIDE_CWD; so it stays the same directory
// wherever it is moved to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace farside::preload {

// At start, from FARSIDE_CWD: the directory the parent left us in. REQUIRES: attached.
void inherit_directory(std::string_view text) noexcept;

// The open file `id` behind `fd` is now the working directory; `path` is its canonical name. Takes
// the descriptor over, also where it fails: -ENOMEM without room for it at a high number.
[[nodiscard]] long enter_remote_directory(
    std::string_view path, long fd, std::uint64_t id
) noexcept;

// The kernel's working directory was changed and counts.
void enter_local_directory() noexcept;

[[nodiscard]] bool directory_is_remote() noexcept;

// The id of the remote working directory; 0 where only its path is known, because a program closed
// its descriptor behind our back.
[[nodiscard]] std::uint64_t directory_id() noexcept;

// Its descriptor, or -1: one of ours, for the calling process.
[[nodiscard]] int directory_descriptor() noexcept;

// Whether every name below the working directory is local, as long as it does not climb with "..".
[[nodiscard]] bool directory_is_all_local() noexcept;

// Copies the path, at most `room` bytes; its length, or 0 where it is unknown (deleted,
// unreachable). Of a remote directory it is the path that it had when it was entered.
[[nodiscard]] std::size_t copy_directory(char* out, std::size_t room) noexcept;

}  // namespace farside::preload
