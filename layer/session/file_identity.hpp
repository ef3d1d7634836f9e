// Which file it is, whatever it is called.
#pragma once

#include "protocol/file_messages.hpp"

#include <compare>
#include <cstdint>

namespace farside::session {

// The file behind a name, among the target's files.
struct file_identity {
    std::uint32_t device_major = 0;
    std::uint32_t device_minor = 0;
    std::uint64_t inode = 0;

    friend auto operator<=>(const file_identity&, const file_identity&) = default;
};

[[nodiscard]] inline file_identity identity_of(const protocol::attributes& attr) {
    return {attr.dev_major, attr.dev_minor, attr.inode};
}

}  // namespace farside::session
