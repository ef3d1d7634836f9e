// Every system call number that has no row in THE table of file-related calls, with the reason.
// x86-64, Linux 6.12.
#pragma once

#include <vector>

namespace farside::preload {

struct number_range {
    unsigned first;
    unsigned last;
};

struct not_about_files {
    const char* reason;
    std::vector<number_range> numbers;
};

inline constexpr unsigned numbers_end = 463;  // mseal is 462

inline const not_about_files other_calls[] = {
    {"the memory of the process: mprotect, brk, mincore, madvise, mlock and "
     "kin, remap_file_pages, mbind and kin, pkeys, process_madvise, memfd_secret, "
     "map_shadow_stack, "
     "mseal",
     {{10, 10},
      {12, 12},
      {27, 28},
      {149, 152},
      {216, 216},
      {237, 239},
      {256, 256},
      {279, 279},
      {325, 325},
      {329, 331},
      {440, 440},
      {447, 447},
      {450, 450},
      {453, 453},
      {462, 462}}},
    {"signals: rt_sig*, pause, kill and kin, sigaltstack, signalfd, pidfd_send_signal",
     {{13, 15},
      {34, 34},
      {62, 62},
      {127, 131},
      {200, 200},
      {282, 282},
      {289, 289},
      {297, 297},
      {424, 424}}},
    {"descriptors of this kernel that have no name among files: pipe, eventfd, timerfd, "
     "epoll_create, "
     "memfd_create, userfaultfd, pidfd_open",
     {{22, 22},
      {213, 213},
      {283, 284},
      {286, 287},
      {290, 291},
      {293, 293},
      {319, 319},
      {323, 323},
      {434, 434}}},
    {"waiting in an epoll set, which holds no remote file: epoll_wait, and its unused older forms",
     {{214, 215}, {232, 232}}},
    {"sockets, without the address of another: socket, accept, recvfrom, shutdown, listen, "
     "getsockname, getpeername, socketpair, setsockopt, getsockopt",
     {{41, 41}, {43, 43}, {45, 45}, {48, 48}, {50, 55}, {288, 288}}},
    {"System V and POSIX messages, semaphores, shared memory: names of their own",
     {{29, 31}, {64, 71}, {220, 220}, {240, 245}}},
    {"time and timers: nanosleep, itimers, clocks, timer_*",
     {{35, 38}, {96, 96}, {159, 159}, {164, 164}, {201, 201}, {222, 230}, {305, 305}}},
    {"processes and threads: exit, wait, ids, credentials, limits, scheduling, ptrace, futexes, "
     "restart_syscall, seccomp, membarrier, rseq",
     {{24, 24},   {39, 39},   {60, 61},   {97, 98},   {100, 102}, {104, 126}, {135, 135},
      {140, 148}, {154, 154}, {158, 158}, {160, 160}, {186, 186}, {202, 205}, {211, 211},
      {218, 219}, {247, 247}, {251, 252}, {273, 274}, {302, 302}, {309, 309}, {314, 315},
      {317, 317}, {324, 324}, {334, 334}, {448, 449}, {454, 456}}},
    {"the memory of another process: process_vm_readv, process_vm_writev", {{310, 311}}},
    {"facts and settings of this machine: uname, sysinfo, syslog, vhangup, sysfs, iopl, ioperm, "
     "reboot, host name, getrandom",
     {{63, 63}, {99, 99}, {103, 103}, {139, 139}, {153, 153}, {169, 173}, {318, 318}}},
    {"kernel modules and kernels given as memory: init_module, delete_module, kexec_load",
     {{175, 176}, {246, 246}}},
    {"keys, which have names of their own: add_key, request_key, keyctl", {{248, 250}}},
    {"contexts of kernel AIO; what goes through them is looked at by io_submit",
     {{206, 208}, {210, 210}, {333, 333}}},
    {"kinds of file systems and mounts by number, not by path: fsopen, fsmount, statmount, "
     "listmount",
     {{430, 430}, {432, 432}, {457, 458}}},
    {"security modules of this kernel: lsm_*", {{459, 461}}},
    {"not implemented by any kernel that we run on: _sysctl, create_module, get_kernel_syms, "
     "query_module, nfsservctl, getpmsg, putpmsg, afs_syscall, tuxcall, security, lookup_dcookie, "
     "vserver",
     {{156, 156}, {174, 174}, {177, 178}, {180, 185}, {212, 212}, {236, 236}}},
    {"no call has this number", {{335, 423}}},
};

}  // namespace farside::preload
