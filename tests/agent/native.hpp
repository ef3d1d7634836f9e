// The truth about a request: what the kernel answers to the system call beside it, made directly. A
// location's path is absolute in the target; here it is taken below a directory. Absolute symbolic
// links do not occur in the trees that this is used on.
#pragma once

#include "protocol/message_table.hpp"

#include <string>

namespace farside::agent::test {

struct native_root {
    std::string directory;

    [[nodiscard]] std::string path(const protocol::location& at) const {
        return directory + at.path;
    }
};

// Each makes the system call and answers with its errno; an opened file is closed again.
[[nodiscard]] int native(const native_root&, const protocol::open&);
[[nodiscard]] int native(const native_root&, const protocol::stat&);
[[nodiscard]] int native(const native_root&, const protocol::access&);
[[nodiscard]] int native(const native_root&, const protocol::read_link&);
[[nodiscard]] int native(const native_root&, const protocol::file_system&);
[[nodiscard]] int native(const native_root&, const protocol::canonicalize&);
[[nodiscard]] int native(const native_root&, const protocol::set_attributes&);
[[nodiscard]] int native(const native_root&, const protocol::make_directory&);
[[nodiscard]] int native(const native_root&, const protocol::make_node&);
[[nodiscard]] int native(const native_root&, const protocol::make_link&);
[[nodiscard]] int native(const native_root&, const protocol::make_symlink&);
[[nodiscard]] int native(const native_root&, const protocol::rename&);
[[nodiscard]] int native(const native_root&, const protocol::remove&);
[[nodiscard]] int native(const native_root&, const protocol::get_xattr&);
[[nodiscard]] int native(const native_root&, const protocol::list_xattr&);
[[nodiscard]] int native(const native_root&, const protocol::set_xattr&);
[[nodiscard]] int native(const native_root&, const protocol::remove_xattr&);

// Every name below the directory with its type, mode, link count, size and content or target: two
// trees on which the same happened have the same listing.
[[nodiscard]] std::string listing(const std::string& directory);

}  // namespace farside::agent::test
