// What statx(2) tells, as the wire has it.
#pragma once

#include "protocol/file_messages.hpp"

struct statx;

namespace farside::agent {

[[nodiscard]] protocol::attributes to_wire(const struct ::statx& told);

}  // namespace farside::agent
