// THE table of messages. Whatever needs to know them all (dispatch, dump, golden files, fuzz seeds,
// the README's check) folds over these lists; a message that is not here does not exist.
#pragma once

#include <tuple>

#include "protocol/file_messages.hpp"
#include "protocol/session_messages.hpp"

namespace farside::protocol {

template <typename... Message>
struct type_list {};

// Requests that act on files. A server must handle each: dispatch does not compile otherwise.
using file_requests = type_list<
    open, close, read, write, seek, sync, allocate, read_directory, copy_range, set_flags, lock_file,
    lock_record, ioctl, stat, access, read_link, file_system, canonicalize, set_attributes,
    make_directory, make_node, make_link, make_symlink, rename, remove, get_xattr, list_xattr,
    set_xattr, remove_xattr>;

using session_requests = type_list<hello, ping>;
using one_way_requests = type_list<cancel>;
using pushes = type_list<goodbye>;

}  // namespace farside::protocol
