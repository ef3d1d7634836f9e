// Requests in few words.
#pragma once

#include "protocol/message_table.hpp"

#include <string>
#include <string_view>

#include <fcntl.h>

namespace farside::agent::test {

inline protocol::location at(std::string path) {
    return {protocol::no_handle, std::move(path)};
}

inline protocol::location at(protocol::handle_id base, std::string path = {}) {
    return {base, std::move(path)};
}

inline protocol::open open_of(
    protocol::location where,
    int flags = O_RDONLY,
    std::uint32_t mode = 0666,
    std::uint32_t umask = 022
) {
    return {std::move(where), static_cast<std::uint32_t>(flags), mode, umask, 0};
}

inline protocol::open open_of(std::string path, int flags = O_RDONLY, std::uint32_t mode = 0666) {
    return open_of(at(std::move(path)), flags, mode);
}

inline protocol::stat stat_of(protocol::location where, int flags = 0) {
    return {std::move(where), static_cast<std::uint32_t>(flags), 0xfff};
}

inline protocol::stat stat_of(std::string path, int flags = 0) {
    return stat_of(at(std::move(path)), flags);
}

inline protocol::bytes_view bytes_of(std::string_view text) {
    return {std::as_bytes(std::span{text})};
}

inline protocol::write write_of(
    protocol::handle_id handle, std::int64_t offset, std::string_view text
) {
    return {handle, offset, 0, bytes_of(text)};
}

}  // namespace farside::agent::test
