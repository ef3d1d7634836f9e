// What a call of the C library told, as the kernel said it: a value or -errno.
#pragma once

#include "tests/conformance/file_api.hpp"

#include <cerrno>

namespace farside::conformance {

template <typename Returned>
outcome told(Returned returned) {
    return returned < 0 ? -outcome{errno} : outcome{returned};
}

}  // namespace farside::conformance
