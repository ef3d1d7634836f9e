// Field by field.
#include "layer/session/kernel_structs.hpp"

#include "protocol/limits.hpp"

#include <cstdint>
#include <cstring>

namespace farside::session {
namespace {

struct statx_timestamp to_statx_time(const protocol::timestamp& from) {
    struct statx_timestamp to {};

    to.tv_sec = from.seconds;
    to.tv_nsec = from.nanoseconds;
    return to;
}

// struct linux_dirent64 of the kernel (getdents64(2)); the C library has none by that name.
//
//     0       8       16       18     19
//     | d_ino | d_off | reclen | type | name, NUL, padding to 8 bytes
constexpr std::size_t record_head_bytes = 19;
constexpr std::size_t record_alignment = 8;

std::size_t record_bytes(const protocol::directory_entry& entry) {
    const std::size_t bytes = record_head_bytes + entry.name.size() + 1;
    return (bytes + record_alignment - 1) / record_alignment * record_alignment;
}

bool valid_name(const std::string& name) {
    return !name.empty() && name.size() <= protocol::limits::name_bytes_max &&
           name.find('\0') == std::string::npos && name.find('/') == std::string::npos;
}

template <typename T>
void put(std::byte*& out, T value) {
    std::memcpy(out, &value, sizeof value);
    out += sizeof value;
}

void put_record(std::byte* out, const protocol::directory_entry& entry, std::size_t bytes) {
    std::byte* const begin = out;
    put(out, entry.inode);
    put(out, entry.next_position);
    put(out, static_cast<std::uint16_t>(bytes));
    put(out, entry.type);
    std::memcpy(out, entry.name.data(), entry.name.size());
    out += entry.name.size();
    std::memset(out, 0, bytes - static_cast<std::size_t>(out - begin));
}

}  // namespace

struct statx to_statx(const protocol::attributes& from) {
    struct statx to {};

    to.stx_mask = from.mask;
    to.stx_blksize = from.block_bytes;
    to.stx_attributes = from.flags;
    to.stx_attributes_mask = from.flags_mask;
    to.stx_nlink = from.links;
    to.stx_uid = from.uid;
    to.stx_gid = from.gid;
    to.stx_mode = static_cast<std::uint16_t>(from.mode);
    to.stx_ino = from.inode;
    to.stx_size = from.size;
    to.stx_blocks = from.blocks;
    to.stx_atime = to_statx_time(from.accessed);
    to.stx_btime = to_statx_time(from.born);
    to.stx_ctime = to_statx_time(from.changed);
    to.stx_mtime = to_statx_time(from.modified);
    to.stx_rdev_major = from.rdev_major;
    to.stx_rdev_minor = from.rdev_minor;
    to.stx_dev_major = from.dev_major;
    to.stx_dev_minor = from.dev_minor;
    to.stx_mnt_id = from.mount_id;
    return to;
}

struct statfs to_statfs(const protocol::file_system_reply& from) {
    struct statfs to {};

    to.f_type = static_cast<decltype(to.f_type)>(from.type);
    to.f_bsize = static_cast<decltype(to.f_bsize)>(from.block_bytes);
    to.f_blocks = from.blocks;
    to.f_bfree = from.blocks_free;
    to.f_bavail = from.blocks_available;
    to.f_files = from.files;
    to.f_ffree = from.files_free;
    static_assert(sizeof to.f_fsid == sizeof from.id);
    std::memcpy(&to.f_fsid, &from.id, sizeof from.id);
    to.f_namelen = static_cast<decltype(to.f_namelen)>(from.name_bytes_max);
    to.f_frsize = static_cast<decltype(to.f_frsize)>(from.fragment_bytes);
    to.f_flags = static_cast<decltype(to.f_flags)>(from.flags);
    return to;
}

protocol::record_lock to_record_lock(const struct flock& from) {
    protocol::record_lock to;
    to.type = from.l_type;
    to.whence = from.l_whence;
    to.start = from.l_start;
    to.bytes = from.l_len;
    to.pid = from.l_pid;
    return to;
}

struct flock to_flock(const protocol::record_lock& from) {
    struct flock to {};

    to.l_type = from.type;
    to.l_whence = from.whence;
    to.l_start = from.start;
    to.l_len = from.bytes;
    to.l_pid = from.pid;
    return to;
}

packed_entries pack_entries(
    std::span<const protocol::directory_entry> entries, std::span<std::byte> room
) {
    packed_entries packed;
    for (const auto& entry : entries) {
        if (!valid_name(entry.name)) {
            packed.malformed = true;
            break;
        }
        const std::size_t bytes = record_bytes(entry);
        if (bytes > room.size() - packed.bytes) {
            break;
        }
        put_record(room.data() + packed.bytes, entry, bytes);
        packed.bytes += bytes;
        ++packed.count;
    }
    return packed;
}

}  // namespace farside::session
