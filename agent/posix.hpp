// Errors of system calls as values: errno becomes an error_code where the call was made.
#pragma once

#include "protocol/error.hpp"
#include "protocol/types.hpp"

#include <boost/system/error_code.hpp>

#include <cerrno>

namespace farside::agent {

template <typename T>
using result = protocol::result<T>;

[[nodiscard]] inline boost::system::error_code errno_code(int number) {
    return {number, boost::system::system_category()};
}

[[nodiscard]] inline boost::system::error_code last_error() {
    return errno_code(errno);
}

// Errors that are not the kernel's have no number of their own on the wire.
[[nodiscard]] inline protocol::wire_errno to_wire(const boost::system::error_code& ec) {
    const bool ours = ec.category() == boost::system::system_category() ||
                      ec.category() == boost::system::generic_category();
    return protocol::wire_errno{ours && ec.value() > 0 ? ec.value() : EIO};
}

// The result of a system call that answers with 0 or more, or -1.
template <typename Number>
[[nodiscard]] result<Number> checked(Number returned) {
    if (returned == Number{-1}) {
        return last_error();
    }
    return returned;
}

}  // namespace farside::agent
