// Messages about open files, and the parts that they share with name_messages.hpp. Fields, in
// order, are the wire format. Semantics are those of the Linux system call named beside each
// message; numbers (flags, modes, commands) are the x86-64 Linux ABI's. A failed request answers
// with its errno and no body, and has changed nothing.
#pragma once

#include "protocol/opcode.hpp"
#include "protocol/types.hpp"

#include <string>
#include <vector>

namespace farside::protocol {

// Where an operation acts. base == no_handle: `path` is absolute in the target. Otherwise `path` is
// relative to the directory `base`, or empty: the open file itself (as AT_EMPTY_PATH).
struct location {
    handle_id base = no_handle;
    std::string path;

    friend bool operator==(const location&, const location&) = default;
};

// What statx(2) tells. `mask` says which fields are valid.
struct attributes {
    std::uint32_t mask = 0;
    std::uint32_t block_bytes = 0;
    std::uint64_t flags = 0;       // stx_attributes
    std::uint64_t flags_mask = 0;  // stx_attributes_mask
    std::uint32_t links = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint32_t mode = 0;  // type and permission bits
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::uint64_t blocks = 0;  // of 512 bytes
    timestamp accessed;
    timestamp born;
    timestamp changed;
    timestamp modified;
    std::uint32_t rdev_major = 0;
    std::uint32_t rdev_minor = 0;
    std::uint32_t dev_major = 0;
    std::uint32_t dev_minor = 0;
    std::uint64_t mount_id = 0;

    friend bool operator==(const attributes&, const attributes&) = default;
};

// The reply of requests that answer with success alone.
struct empty_reply {
    friend bool operator==(const empty_reply&, const empty_reply&) = default;
};

struct attributes_reply {
    attributes attr;

    friend bool operator==(const attributes_reply&, const attributes_reply&) = default;
};

// ---- open files ----

struct open_reply {
    handle_id handle = no_handle;
    attributes attr;   // of the opened file
    std::string path;  // where it enters: absolute in the target, no symbolic links

    friend bool operator==(const open_reply&, const open_reply&) = default;
};

// openat2(2). `resolve` holds RESOLVE_* bits. O_CLOEXEC is the caller's affair and is ignored. With
// `enters` also what chdir(2) asks of the directory, and what getcwd(2) then tells. An empty path
// opens what `base` is anew: an open file of its own, of the same inode.
struct open {
    static constexpr opcode op = opcode::open;
    using reply = open_reply;

    location at;
    std::uint32_t flags = 0;
    std::uint32_t mode = 0;
    std::uint32_t umask = 0;  // the caller's: the kernel applies it unless a default ACL decides
    std::uint64_t resolve = 0;
    bool enters = false;

    friend bool operator==(const open&, const open&) = default;
};

// close(2). Runs after the requests on the same handle that came before it.
struct close {
    static constexpr opcode op = opcode::close;
    using reply = empty_reply;

    handle_id handle = no_handle;

    friend bool operator==(const close&, const close&) = default;
};

// The bytes of one frame; several frames make a longer reply. Short only at the end of the file, or
// as read(2) may be on pipes and devices; zero bytes are the end of the file.
struct read_reply {
    bytes_view data;

    friend bool operator==(const read_reply&, const read_reply&) = default;
};

// pread(2); with offset -1, read(2) on a file without a position (FIFO, device, socket, terminal).
struct read {
    static constexpr opcode op = opcode::read;
    using reply = read_reply;

    handle_id handle = no_handle;
    std::int64_t offset = 0;
    std::uint32_t bytes = 0;  // at most limits::read_bytes_max

    friend bool operator==(const read&, const read&) = default;
};

struct write_reply {
    std::uint32_t bytes = 0;    // written; may be short, as write(2)
    std::int64_t position = 0;  // of the byte after the last one written; -1: none, or unknown

    friend bool operator==(const write_reply&, const write_reply&) = default;
};

// pwrite(2) at `offset`; with offset -1, write(2): at the end for an O_APPEND handle, else for
// files without a position. `sync_flags` holds RWF_DSYNC, RWF_SYNC, RWF_APPEND of pwritev2(2).
struct write {
    static constexpr opcode op = opcode::write;
    using reply = write_reply;

    handle_id handle = no_handle;
    std::int64_t offset = 0;
    std::uint32_t sync_flags = 0;
    bytes_view data;  // at most limits::data_bytes_max

    friend bool operator==(const write&, const write&) = default;
};

struct position_reply {
    std::int64_t position = 0;

    friend bool operator==(const position_reply&, const position_reply&) = default;
};

// lseek(2) with SEEK_END, SEEK_DATA or SEEK_HOLE: the answer depends on the file, not on a position
// the agent keeps.
struct seek {
    static constexpr opcode op = opcode::seek;
    using reply = position_reply;

    handle_id handle = no_handle;
    std::int64_t offset = 0;
    std::uint32_t whence = 0;

    friend bool operator==(const seek&, const seek&) = default;
};

enum class sync_kind : std::uint8_t { all = 0, data = 1, file_system = 2, range = 3 };

// fsync(2), fdatasync(2), syncfs(2); sync_file_range(2) with offset, bytes and flags.
struct sync {
    static constexpr opcode op = opcode::sync;
    using reply = empty_reply;

    handle_id handle = no_handle;
    sync_kind kind = sync_kind::all;
    std::int64_t offset = 0;
    std::int64_t bytes = 0;
    std::uint32_t flags = 0;

    friend bool operator==(const sync&, const sync&) = default;
};

// fallocate(2).
struct allocate {
    static constexpr opcode op = opcode::allocate;
    using reply = empty_reply;

    handle_id handle = no_handle;
    std::uint32_t mode = 0;
    std::int64_t offset = 0;
    std::int64_t bytes = 0;

    friend bool operator==(const allocate&, const allocate&) = default;
};

struct directory_entry {
    std::uint64_t inode = 0;
    std::int64_t next_position = 0;  // d_off: where a read continues after this entry
    std::uint8_t type = 0;           // DT_*
    std::string name;

    friend bool operator==(const directory_entry&, const directory_entry&) = default;
};

struct read_directory_reply {
    std::vector<directory_entry> entries;  // none: the end

    friend bool operator==(const read_directory_reply&, const read_directory_reply&) = default;
};

// getdents64(2) from `position` (0, or a next_position of this directory). `bytes` is the room in
// the caller's buffer in linux_dirent64 records; EINVAL where not even one entry fits.
struct read_directory {
    static constexpr opcode op = opcode::read_directory;
    using reply = read_directory_reply;

    handle_id handle = no_handle;
    std::int64_t position = 0;
    std::uint32_t bytes = 0;  // at most limits::directory_bytes_max is used

    friend bool operator==(const read_directory&, const read_directory&) = default;
};

struct copy_range_reply {
    std::uint64_t bytes = 0;

    friend bool operator==(const copy_range_reply&, const copy_range_reply&) = default;
};

// copy_file_range(2) between two open files of the target. Offsets are explicit.
struct copy_range {
    static constexpr opcode op = opcode::copy_range;
    using reply = copy_range_reply;

    handle_id from = no_handle;
    std::int64_t from_offset = 0;
    handle_id to = no_handle;
    std::int64_t to_offset = 0;
    std::uint64_t bytes = 0;

    friend bool operator==(const copy_range&, const copy_range&) = default;
};

// fcntl(2) F_SETFL: O_APPEND, O_NONBLOCK, O_NOATIME, O_DIRECT.
struct set_flags {
    static constexpr opcode op = opcode::set_flags;
    using reply = empty_reply;

    handle_id handle = no_handle;
    std::uint32_t flags = 0;

    friend bool operator==(const set_flags&, const set_flags&) = default;
};

// flock(2) with LOCK_SH, LOCK_EX, LOCK_UN and LOCK_NB. The lock belongs to the handle.
struct lock_file {
    static constexpr opcode op = opcode::lock_file;
    using reply = empty_reply;

    handle_id handle = no_handle;
    std::uint32_t operation = 0;

    friend bool operator==(const lock_file&, const lock_file&) = default;
};

struct record_lock {
    std::int16_t type = 0;    // F_RDLCK, F_WRLCK, F_UNLCK
    std::int16_t whence = 0;  // SEEK_SET or SEEK_END: a position is the caller's affair
    std::int64_t start = 0;
    std::int64_t bytes = 0;
    std::int32_t pid = 0;

    friend bool operator==(const record_lock&, const record_lock&) = default;
};

struct lock_record_reply {
    record_lock lock;

    friend bool operator==(const lock_record_reply&, const lock_record_reply&) = default;
};

// fcntl(2) F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW. The lock belongs to the handle.
struct lock_record {
    static constexpr opcode op = opcode::lock_record;
    using reply = lock_record_reply;

    handle_id handle = no_handle;
    std::uint32_t command = 0;
    record_lock lock;

    friend bool operator==(const lock_record&, const lock_record&) = default;
};

struct ioctl_reply {
    std::int64_t result = 0;
    std::int64_t value = 0;

    friend bool operator==(const ioctl_reply&, const ioctl_reply&) = default;
};

// ioctl(2) with an integer in and out: FIONREAD, FS_IOC_GETFLAGS, FS_IOC_SETFLAGS; others ENOTTY.
struct ioctl {
    static constexpr opcode op = opcode::ioctl;
    using reply = ioctl_reply;

    handle_id handle = no_handle;
    std::uint64_t command = 0;
    std::int64_t value = 0;

    friend bool operator==(const ioctl&, const ioctl&) = default;
};

// ---- mappings ----

// Bytes that were stored into a shared mapping.
struct store {
    std::int64_t offset = 0;
    bytes_view data;

    friend bool operator==(const store&, const store&) = default;
};

// `before` and `after` let the caller tell its own changes from those of others.
struct write_back_reply {
    std::uint32_t stores = 0;  // done; fewer than asked where one failed
    attributes before;
    attributes after;

    friend bool operator==(const write_back_reply&, const write_back_reply&) = default;
};

// What msync(2) does with dirty pages: the stores are written in place, whatever O_APPEND or
// O_DIRECT say of the handle. What lies beyond the end of the file is dropped, as a mapping's bytes
// there are. Fails where the first store does.
struct write_back {
    static constexpr opcode op = opcode::write_back;
    using reply = write_back_reply;

    handle_id handle = no_handle;
    std::vector<store> stores;

    friend bool operator==(const write_back&, const write_back&) = default;
};

}  // namespace farside::protocol
