// The handlers of THE table of system calls (system_calls.inc), grouped by family in calls_*.cpp.
// Semantics and results are the kernel ABI's.
#pragma once

#include "layer/preload/call_frame.hpp"
#include "layer/preload/system_calls.hpp"

namespace farside::preload {

// Whether the table has a handler for the number.
[[nodiscard]] bool is_dispatched(unsigned number) noexcept;

// The row of a call that is dispatched.
[[nodiscard]] const system_call& row_of(const call_frame& frame) noexcept;

// Handlers are named after their call; one that serves several calls looks at the frame's number.
#define FARSIDE_HANDLER(name) outcome name(call_frame& frame) noexcept

// calls_open.cpp
FARSIDE_HANDLER(on_open);
FARSIDE_HANDLER(on_openat);
FARSIDE_HANDLER(on_openat2);
FARSIDE_HANDLER(on_creat);

// calls_io.cpp
FARSIDE_HANDLER(on_read);
FARSIDE_HANDLER(on_pread64);
FARSIDE_HANDLER(on_readv);
FARSIDE_HANDLER(on_preadv);
FARSIDE_HANDLER(on_write);
FARSIDE_HANDLER(on_pwrite64);
FARSIDE_HANDLER(on_writev);
FARSIDE_HANDLER(on_pwritev);
FARSIDE_HANDLER(on_lseek);
FARSIDE_HANDLER(on_getdents64);
FARSIDE_HANDLER(on_getdents);

// calls_copy.cpp
FARSIDE_HANDLER(on_sendfile);
FARSIDE_HANDLER(on_copy_file_range);

// calls_splice.cpp
FARSIDE_HANDLER(on_splice);
FARSIDE_HANDLER(on_tee);

// calls_file.cpp
FARSIDE_HANDLER(on_ftruncate);
FARSIDE_HANDLER(on_fallocate);
FARSIDE_HANDLER(on_fadvise64);
FARSIDE_HANDLER(on_sync);
FARSIDE_HANDLER(on_sync_file_range);
FARSIDE_HANDLER(on_flock);
FARSIDE_HANDLER(on_ioctl);

// calls_wait.cpp
FARSIDE_HANDLER(on_poll);
FARSIDE_HANDLER(on_select);
FARSIDE_HANDLER(on_epoll_ctl);
FARSIDE_HANDLER(on_io_submit);

// calls_socket.cpp
FARSIDE_HANDLER(on_connect);
FARSIDE_HANDLER(on_bind);
FARSIDE_HANDLER(on_sendto);
FARSIDE_HANDLER(on_sendmsg);

// calls_refused.cpp
FARSIDE_HANDLER(on_refused);
FARSIDE_HANDLER(on_refused_descriptor);
FARSIDE_HANDLER(on_refused_path);
FARSIDE_HANDLER(on_chroot);
FARSIDE_HANDLER(on_mount);
FARSIDE_HANDLER(on_move_mount);
FARSIDE_HANDLER(on_fsconfig);
FARSIDE_HANDLER(on_quotactl);
FARSIDE_HANDLER(on_unshare);
FARSIDE_HANDLER(on_setns);
FARSIDE_HANDLER(on_prctl);
FARSIDE_HANDLER(on_bpf);
FARSIDE_HANDLER(on_perf_event_open);

// calls_descriptor.cpp
FARSIDE_HANDLER(on_close);
FARSIDE_HANDLER(on_close_range);
FARSIDE_HANDLER(on_dup);
FARSIDE_HANDLER(on_dup2);
FARSIDE_HANDLER(on_fcntl);
FARSIDE_HANDLER(on_recvmsg);
FARSIDE_HANDLER(on_arrival);

// calls_stat.cpp
FARSIDE_HANDLER(on_stat);
FARSIDE_HANDLER(on_fstat);
FARSIDE_HANDLER(on_newfstatat);
FARSIDE_HANDLER(on_statx);
FARSIDE_HANDLER(on_statfs);
FARSIDE_HANDLER(on_fstatfs);
FARSIDE_HANDLER(on_access);
FARSIDE_HANDLER(on_faccessat);
FARSIDE_HANDLER(on_readlink);
FARSIDE_HANDLER(on_readlinkat);

// calls_watch.cpp
FARSIDE_HANDLER(on_inotify_add_watch);
FARSIDE_HANDLER(on_inotify_rm_watch);

// calls_name.cpp
FARSIDE_HANDLER(on_mkdir);
FARSIDE_HANDLER(on_mkdirat);
FARSIDE_HANDLER(on_mknod);
FARSIDE_HANDLER(on_mknodat);
FARSIDE_HANDLER(on_unlink);
FARSIDE_HANDLER(on_unlinkat);
FARSIDE_HANDLER(on_rename);
FARSIDE_HANDLER(on_renameat);
FARSIDE_HANDLER(on_link);
FARSIDE_HANDLER(on_linkat);
FARSIDE_HANDLER(on_symlink);
FARSIDE_HANDLER(on_symlinkat);

// calls_attribute.cpp
FARSIDE_HANDLER(on_chmod);
FARSIDE_HANDLER(on_fchmod);
FARSIDE_HANDLER(on_fchmodat);
FARSIDE_HANDLER(on_chown);
FARSIDE_HANDLER(on_fchown);
FARSIDE_HANDLER(on_fchownat);
FARSIDE_HANDLER(on_truncate);
FARSIDE_HANDLER(on_utime);
FARSIDE_HANDLER(on_utimensat);

// calls_xattr.cpp
FARSIDE_HANDLER(on_getxattr);
FARSIDE_HANDLER(on_listxattr);
FARSIDE_HANDLER(on_setxattr);
FARSIDE_HANDLER(on_removexattr);

// calls_map.cpp
FARSIDE_HANDLER(on_mmap);
FARSIDE_HANDLER(on_munmap);
FARSIDE_HANDLER(on_mremap);
FARSIDE_HANDLER(on_msync);

// calls_directory.cpp
FARSIDE_HANDLER(on_chdir);
FARSIDE_HANDLER(on_fchdir);
FARSIDE_HANDLER(on_getcwd);
FARSIDE_HANDLER(on_umask);

// calls_process.cpp
FARSIDE_HANDLER(on_fork);
FARSIDE_HANDLER(on_clone);
FARSIDE_HANDLER(on_clone3);
FARSIDE_HANDLER(on_execve);
FARSIDE_HANDLER(on_tgkill);
FARSIDE_HANDLER(on_execveat);
FARSIDE_HANDLER(on_exit_group);
FARSIDE_HANDLER(on_sync_here);

#undef FARSIDE_HANDLER

}  // namespace farside::preload
