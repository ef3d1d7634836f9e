// An open file description of its own for the record locks of one owner on one file.
#pragma once

#include "agent/open_file.hpp"
#include "agent/posix.hpp"
#include "protocol/support/unique_fd.hpp"

#include <cstdint>

namespace farside::agent {

struct lock_description {
    unique_fd fd;
    int access = 0;  // O_RDONLY, O_WRONLY or O_RDWR
};

// Opens the file of a handle once more. As the handle is, so that nobody sees a file opened for
// writing that is only read; but what is only written may be locked for reading by another handle,
// and then its locks could not move. ENOLCK of files that do something when they are opened, and
// where the file can no longer be opened so.
[[nodiscard]] result<lock_description> open_again(const open_file& file);

// Whether a description with this access may have locks of `type`.
[[nodiscard]] bool permits(int access, std::int16_t type);

}  // namespace farside::agent
