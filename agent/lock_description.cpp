// Reopened through this process's own descriptors: no name of the file is needed.
#include "agent/lock_description.hpp"

#include "agent/process_descriptors.hpp"

#include <fcntl.h>

namespace farside::agent {

result<lock_description> open_again(const open_file& file) {
    if (is_stream(file.kind) || file.kind == file_kind::path_only) {
        return errno_code(ENOLCK);
    }
    const auto name = process_descriptors::name_of(file.fd.get());
    const auto own = static_cast<int>(file.flags & O_ACCMODE);
    for (const int access : {own == O_WRONLY ? O_RDWR : own, own}) {
        unique_fd fd{::open(name.c_str(), access | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
        if (fd) {
            return lock_description{std::move(fd), access};
        }
    }
    return errno_code(ENOLCK);
}

bool permits(int access, std::int16_t type) {
    return type == F_UNLCK || access == O_RDWR || access == (type == F_RDLCK ? O_RDONLY : O_WRONLY);
}

}  // namespace farside::agent
