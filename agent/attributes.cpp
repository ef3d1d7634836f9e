// Field by field: the kernel's structure has reserved parts that must not travel.
#include "agent/attributes.hpp"

#include <sys/stat.h>

namespace farside::agent {
namespace {

protocol::timestamp to_wire(const struct ::statx_timestamp& t) {
    return {t.tv_sec, t.tv_nsec};
}

}  // namespace

protocol::attributes to_wire(const struct ::statx& told) {
    protocol::attributes attr;
    attr.mask = told.stx_mask;
    attr.block_bytes = told.stx_blksize;
    attr.flags = told.stx_attributes;
    attr.flags_mask = told.stx_attributes_mask;
    attr.links = told.stx_nlink;
    attr.uid = told.stx_uid;
    attr.gid = told.stx_gid;
    attr.mode = told.stx_mode;
    attr.inode = told.stx_ino;
    attr.size = told.stx_size;
    attr.blocks = told.stx_blocks;
    attr.accessed = to_wire(told.stx_atime);
    attr.born = to_wire(told.stx_btime);
    attr.changed = to_wire(told.stx_ctime);
    attr.modified = to_wire(told.stx_mtime);
    attr.rdev_major = told.stx_rdev_major;
    attr.rdev_minor = told.stx_rdev_minor;
    attr.dev_major = told.stx_dev_major;
    attr.dev_minor = told.stx_dev_minor;
    attr.mount_id = told.stx_mnt_id;
    return attr;
}

}  // namespace farside::agent
