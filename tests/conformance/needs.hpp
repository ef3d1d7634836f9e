// What a case needs, which says where it can run. The runner's list of cases tells it as a number.
#pragma once

#include <cstdint>

namespace farside::conformance {

enum class needs : std::uint8_t {
    nothing,
    // A process of its own: fork, mmap, stdio, the working directory. Not for the agent alone.
    process,
    // A tree whose root is "/": absolute symbolic links. Natively in a chroot, so only as root.
    own_root,
    // Both: the working directory reached through absolute links.
    process_in_own_root,
    // A tree that is mounted read-only, or a read-only session.
    read_only_tree,
};

}  // namespace farside::conformance
