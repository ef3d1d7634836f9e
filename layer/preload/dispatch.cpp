// The rows, and the way from the gate to a handler: one look-up by number. A number without a row
// is the kernel's, untouched.
#include "layer/preload/dispatch.hpp"

#include "layer/preload/process_state.hpp"
#include "layer/preload/syscall_x86_64.hpp"

#include <array>

namespace farside::preload {
namespace {

// Newer than the headers we build with.
constexpr unsigned nr_cachestat = 451;
constexpr unsigned nr_fchmodat2 = 452;

struct row {
    unsigned number;
    const char* name;
    handler handle;
};

constexpr row rows[] = {
    {__NR_open, "open", on_open},
    {__NR_openat, "openat", on_openat},
    {__NR_openat2, "openat2", on_openat2},
    {__NR_creat, "creat", on_creat},

    {__NR_read, "read", on_read},
    {__NR_pread64, "pread64", on_pread64},
    {__NR_readv, "readv", on_readv},
    {__NR_preadv, "preadv", on_preadv},
    {__NR_preadv2, "preadv2", on_preadv},
    {__NR_write, "write", on_write},
    {__NR_pwrite64, "pwrite64", on_pwrite64},
    {__NR_writev, "writev", on_writev},
    {__NR_pwritev, "pwritev", on_pwritev},
    {__NR_pwritev2, "pwritev2", on_pwritev},
    {__NR_lseek, "lseek", on_lseek},
    {__NR_getdents64, "getdents64", on_getdents64},
    {__NR_getdents, "getdents", on_refused_descriptor},

    {__NR_sendfile, "sendfile", on_sendfile},
    {__NR_copy_file_range, "copy_file_range", on_copy_file_range},
    {__NR_splice, "splice", on_splice},
    {__NR_tee, "tee", on_refused_descriptor},
    {__NR_vmsplice, "vmsplice", on_refused_descriptor},

    {__NR_ftruncate, "ftruncate", on_ftruncate},
    {__NR_fallocate, "fallocate", on_fallocate},
    {__NR_fadvise64, "fadvise64", on_fadvise64},
    {__NR_readahead, "readahead", on_fadvise64},
    {__NR_fsync, "fsync", on_sync},
    {__NR_fdatasync, "fdatasync", on_sync},
    {__NR_syncfs, "syncfs", on_sync},
    {__NR_sync_file_range, "sync_file_range", on_sync_file_range},
    {__NR_flock, "flock", on_flock},
    {__NR_ioctl, "ioctl", on_ioctl},
    {nr_cachestat, "cachestat", on_refused_descriptor},

    {__NR_close, "close", on_close},
    {__NR_close_range, "close_range", on_close_range},
    {__NR_dup, "dup", on_dup},
    {__NR_dup2, "dup2", on_dup2},
    {__NR_dup3, "dup3", on_dup2},
    {__NR_fcntl, "fcntl", on_fcntl},
    {__NR_recvmsg, "recvmsg", on_recvmsg},
    {__NR_recvmmsg, "recvmmsg", on_arrival},
    {__NR_pidfd_getfd, "pidfd_getfd", on_arrival},

    {__NR_stat, "stat", on_stat},
    {__NR_lstat, "lstat", on_stat},
    {__NR_fstat, "fstat", on_fstat},
    {__NR_newfstatat, "newfstatat", on_newfstatat},
    {__NR_statx, "statx", on_statx},
    {__NR_statfs, "statfs", on_statfs},
    {__NR_fstatfs, "fstatfs", on_fstatfs},
    {__NR_access, "access", on_access},
    {__NR_faccessat, "faccessat", on_faccessat},
    {__NR_faccessat2, "faccessat2", on_faccessat},
    {__NR_readlink, "readlink", on_readlink},
    {__NR_readlinkat, "readlinkat", on_readlinkat},

    {__NR_mkdir, "mkdir", on_mkdir},
    {__NR_mkdirat, "mkdirat", on_mkdirat},
    {__NR_mknod, "mknod", on_mknod},
    {__NR_mknodat, "mknodat", on_mknodat},
    {__NR_unlink, "unlink", on_unlink},
    {__NR_rmdir, "rmdir", on_unlink},
    {__NR_unlinkat, "unlinkat", on_unlinkat},
    {__NR_rename, "rename", on_rename},
    {__NR_renameat, "renameat", on_renameat},
    {__NR_renameat2, "renameat2", on_renameat},
    {__NR_link, "link", on_link},
    {__NR_linkat, "linkat", on_linkat},
    {__NR_symlink, "symlink", on_symlink},
    {__NR_symlinkat, "symlinkat", on_symlinkat},
    {__NR_inotify_add_watch, "inotify_add_watch", on_refused_path},
    {__NR_fanotify_mark, "fanotify_mark", on_refused_path},
    {__NR_name_to_handle_at, "name_to_handle_at", on_refused_path},
    {__NR_open_tree, "open_tree", on_refused_path},
    {__NR_chroot, "chroot", on_refused_path},
    {__NR_umount2, "umount2", on_refused_path},
    {__NR_swapon, "swapon", on_refused_path},
    {__NR_swapoff, "swapoff", on_refused_path},
    {__NR_acct, "acct", on_refused_path},
    {__NR_mount, "mount", on_refused_path},

    {__NR_chmod, "chmod", on_chmod},
    {__NR_fchmod, "fchmod", on_fchmod},
    {__NR_fchmodat, "fchmodat", on_fchmodat},
    {nr_fchmodat2, "fchmodat2", on_fchmodat},
    {__NR_chown, "chown", on_chown},
    {__NR_lchown, "lchown", on_chown},
    {__NR_fchown, "fchown", on_fchown},
    {__NR_fchownat, "fchownat", on_fchownat},
    {__NR_truncate, "truncate", on_truncate},
    {__NR_utime, "utime", on_utime},
    {__NR_utimes, "utimes", on_utime},
    {__NR_futimesat, "futimesat", on_utime},
    {__NR_utimensat, "utimensat", on_utimensat},

    {__NR_getxattr, "getxattr", on_getxattr},
    {__NR_lgetxattr, "lgetxattr", on_getxattr},
    {__NR_fgetxattr, "fgetxattr", on_getxattr},
    {__NR_listxattr, "listxattr", on_listxattr},
    {__NR_llistxattr, "llistxattr", on_listxattr},
    {__NR_flistxattr, "flistxattr", on_listxattr},
    {__NR_setxattr, "setxattr", on_setxattr},
    {__NR_lsetxattr, "lsetxattr", on_setxattr},
    {__NR_fsetxattr, "fsetxattr", on_setxattr},
    {__NR_removexattr, "removexattr", on_removexattr},
    {__NR_lremovexattr, "lremovexattr", on_removexattr},
    {__NR_fremovexattr, "fremovexattr", on_removexattr},

    {__NR_mmap, "mmap", on_mmap},

    {__NR_chdir, "chdir", on_chdir},
    {__NR_fchdir, "fchdir", on_fchdir},
    {__NR_getcwd, "getcwd", on_getcwd},
    {__NR_umask, "umask", on_umask},

    {__NR_fork, "fork", on_fork},
    {__NR_clone, "clone", on_clone},
    {__NR_clone3, "clone3", on_clone3},
    {__NR_execve, "execve", on_execve},
    {__NR_execveat, "execveat", on_execveat},
    {__NR_io_uring_setup, "io_uring_setup", on_io_uring_setup},
};

constexpr std::size_t numbers_max = 512;

constexpr auto handlers = [] {
    std::array<handler, numbers_max> table{};
    for (const row& r : rows) {
        table[r.number] = r.handle;
    }
    return table;
}();

}  // namespace

bool is_dispatched(unsigned number) noexcept {
    return number < numbers_max && handlers[number] != nullptr;
}

}  // namespace farside::preload

// From the gate: 1 where the call is answered.
extern "C" long farside_dispatch(farside::preload::call_frame* frame) {
    using namespace farside::preload;
    const auto number = static_cast<unsigned long>(frame->number);
    if (number >= numbers_max || handlers[number] == nullptr) {
        return static_cast<long>(outcome::pass);
    }
    return static_cast<long>(handlers[number](*frame));
}
