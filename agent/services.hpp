// What each request does, as one system call or a few: an overload of execute() per message. They
// know files and errors, no sockets, no ids, no other request. Any thread; see work.hpp.
#pragma once

#include "agent/work.hpp"
#include "protocol/file_messages.hpp"
#include "protocol/lease_messages.hpp"
#include "protocol/lock_messages.hpp"
#include "protocol/name_messages.hpp"
#include "protocol/watch_messages.hpp"

namespace farside::agent {

// What an open makes; the handle is given out on the loop thread.
struct opened_file {
    std::shared_ptr<open_file> file;
    protocol::attributes attr;
    std::string path;                // where the request enters a directory
    std::uint32_t inline_bytes = 0;  // of its contents are wanted with the reply
};

// open_service.cpp

// Where an open may run. Looks at the file that it would open; loop thread, or a foreign worker.
[[nodiscard]] lane lane_of_open(const protocol::open& request, const work_context& context);
[[nodiscard]] lane lane_of_open(const protocol::open_leased& request, const work_context& context);

[[nodiscard]] protocol::open as_open(const protocol::open_leased& request);

// Outside of the patient lane an open that would wait answers EWOULDBLOCK and has changed nothing;
// it is then to be repeated there.
[[nodiscard]] result<opened_file> execute(const protocol::open&, const work_context&);
// Opens; what can be leased is leased on the loop thread.
[[nodiscard]] result<opened_file> execute(const protocol::open_leased&, const work_context&);
[[nodiscard]] result<protocol::empty_reply> execute(const protocol::close&, const work_context&);

// io_service.cpp

// Answers at most one data message; the view points into context.data.
[[nodiscard]] result<protocol::read_reply> execute(const protocol::read&, const work_context&);
[[nodiscard]] result<protocol::write_reply> execute(const protocol::write&, const work_context&);
[[nodiscard]] result<protocol::position_reply> execute(const protocol::seek&, const work_context&);
[[nodiscard]] result<protocol::empty_reply> execute(const protocol::sync&, const work_context&);
[[nodiscard]] result<protocol::empty_reply> execute(const protocol::allocate&, const work_context&);
[[nodiscard]] result<protocol::copy_range_reply>
execute(const protocol::copy_range&, const work_context&);

// map_service.cpp
[[nodiscard]] result<protocol::write_back_reply>
execute(const protocol::write_back&, const work_context&);

// control_service.cpp
[[nodiscard]] result<protocol::empty_reply>
execute(const protocol::set_flags&, const work_context&);
[[nodiscard]] result<protocol::empty_reply>
execute(const protocol::lock_file&, const work_context&);
[[nodiscard]] result<protocol::lock_record_reply>
execute(const protocol::lock_record&, const work_context&);
[[nodiscard]] result<protocol::ioctl_reply> execute(const protocol::ioctl&, const work_context&);

// lock_service.cpp

// F_SETLKW that would have to wait answers EAGAIN outside of the patient lane, and has changed
// nothing; it is then to be repeated there.
[[nodiscard]] result<protocol::lock_process_reply>
execute(const protocol::lock_process&, const work_context&);
[[nodiscard]] result<protocol::empty_reply>
execute(const protocol::release_locks&, const work_context&);
[[nodiscard]] result<protocol::empty_reply>
execute(const protocol::end_lock_owner&, const work_context&);

// directory_service.cpp
[[nodiscard]] result<protocol::read_directory_reply>
execute(const protocol::read_directory&, const work_context&);
// The path of a directory that chdir(2) may enter.
[[nodiscard]] result<std::string> entered_path(int fd, std::uint32_t mode, const root_dir& root);
[[nodiscard]] result<protocol::canonicalize_reply>
execute(const protocol::canonicalize&, const work_context&);

// name_service.cpp

// What mknod(2) says of a type before it looks at the path.
[[nodiscard]] boost::system::error_code check_node_type(std::uint32_t mode);
[[nodiscard]] result<protocol::path_reply> execute(const protocol::read_link&, const work_context&);
[[nodiscard]] result<protocol::empty_reply>
execute(const protocol::make_directory&, const work_context&);
[[nodiscard]] result<protocol::empty_reply>
execute(const protocol::make_node&, const work_context&);
[[nodiscard]] result<protocol::empty_reply>
execute(const protocol::make_link&, const work_context&);
[[nodiscard]] result<protocol::empty_reply>
execute(const protocol::make_symlink&, const work_context&);
[[nodiscard]] result<protocol::empty_reply> execute(const protocol::rename&, const work_context&);
[[nodiscard]] result<protocol::empty_reply> execute(const protocol::remove&, const work_context&);

// attribute_service.cpp
[[nodiscard]] result<protocol::attributes_reply>
execute(const protocol::stat&, const work_context&);
[[nodiscard]] result<protocol::empty_reply> execute(const protocol::access&, const work_context&);
[[nodiscard]] result<protocol::file_system_reply>
execute(const protocol::file_system&, const work_context&);
[[nodiscard]] result<protocol::empty_reply>
execute(const protocol::set_attributes&, const work_context&);

// xattr_service.cpp
[[nodiscard]] result<protocol::xattr_reply>
execute(const protocol::get_xattr&, const work_context&);
[[nodiscard]] result<protocol::xattr_reply>
execute(const protocol::list_xattr&, const work_context&);
[[nodiscard]] result<protocol::empty_reply>
execute(const protocol::set_xattr&, const work_context&);
[[nodiscard]] result<protocol::empty_reply>
execute(const protocol::remove_xattr&, const work_context&);

// watch_service.cpp. The new watch is not known to the instance yet.
[[nodiscard]] result<added_watch> execute(const protocol::watch_add&, const work_context&);
[[nodiscard]] result<protocol::empty_reply>
execute(const protocol::watch_remove&, const work_context&);

}  // namespace farside::agent
