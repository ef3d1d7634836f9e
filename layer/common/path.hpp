// Paths as bytes: joining and normalising without asking any file system. Freestanding, reentrant,
// no allocation.
#pragma once

#include <cstddef>
#include <string_view>

namespace farside {

// Whether `path` is absolute and has no empty, "." or ".." component and no trailing slash ("/" is
// normal). Most paths are: then there is nothing to copy.
[[nodiscard]] bool is_normal(std::string_view path) noexcept;

// Writes the normal form of `path`, seen from the absolute directory `base` (ignored where `path`
// is absolute), to `out`: no empty or "." components, ".." removed with the component before it, no
// trailing slash. "/.." is "/". No NUL is added. Returns the length, or -1 where it exceeds `room`.
// This is the form that the policy matches; what is sent to a file system keeps its "..", because
// the component before one may be a symbolic link.
[[nodiscard]] long normalise(
    std::string_view base, std::string_view path, char* out, std::size_t room
) noexcept;

// Writes `path` seen from `base` to `out`, only joined: "base/path". Same result as normalise().
[[nodiscard]] long join(
    std::string_view base, std::string_view path, char* out, std::size_t room
) noexcept;

}  // namespace farside
