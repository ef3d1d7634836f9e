// What the cache answers without a call: where a path leads, what a file is, which bytes it has. Of
// what is not known for certain nothing is said, and the session is asked as ever.
#pragma once

#include "layer/preload/place.hpp"
#include "layer/preload/process_state.hpp"
#include "layer/segment/cache_reader.hpp"

#include <cstddef>
#include <cstdint>

#include <sys/stat.h>

namespace farside::preload {

using cached_node = segment::cache_reader::node_view;
using cached_answer = segment::cache_reader::answer;

// Where a remote place leads, by its own rule for a link at the end. REQUIRES: where.remote().
[[nodiscard]] cached_answer look_up(const place& where, cached_node& out) noexcept;

// -errno where the place leads nowhere, 0 where it leads somewhere or that is not known. REQUIRES:
// where.remote().
[[nodiscard]] long cached_failure(const place& where) noexcept;

// -errno of an answer; 0: found or unknown.
[[nodiscard]] long failure_of(cached_answer known) noexcept;

// The open file's attributes; false: not known.
[[nodiscard]] bool look_up(std::uint64_t id, cached_node& out) noexcept;

void fill_stat(struct stat& out, const segment::node_attributes& from) noexcept;
void fill_statx(struct statx& out, const segment::node_attributes& from) noexcept;

// Bytes of an open regular file.
[[nodiscard]] segment::cache_reader::piece cached_bytes(
    std::uint64_t id, std::uint64_t offset
) noexcept;

// Says that they were used.
void note_use(const segment::cache_reader::piece& piece) noexcept;

}  // namespace farside::preload
