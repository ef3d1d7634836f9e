// Everything of the target is opened first, then the pidfd is asked whether it is still the same
// process, and only then anything is entered: a process id that was used again cannot mislead us.
#include "agent/target/process.hpp"

#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace farside::agent {
namespace {

struct process_view {
    unique_fd pidfd;
    unique_fd mounts;
    unique_fd users;
    unique_fd root;
};

failure cannot(const std::string& target, const char* what, int error) {
    if (error == EPERM || error == EACCES) {
        return {
            target + ": no permission to " + what +
            "; run as root (CAP_SYS_ADMIN, CAP_SYS_CHROOT, CAP_SYS_PTRACE)"};
    }
    if (error == ESRCH || error == ENOENT) {
        return {target + ": no such process"};
    }
    return {target + ": cannot " + what + ": " + std::strerror(error)};
}

unique_fd open_at(const unique_fd& directory, const char* name, int flags) {
    return unique_fd{::openat(directory.get(), name, flags | O_CLOEXEC)};
}

bool has_ended(const unique_fd& pidfd) {
    pollfd asked{pidfd.get(), POLLIN, 0};
    return ::poll(&asked, 1, 0) != 0;
}

or_failure<process_view> look_at(const std::string& target, int pid) {
    process_view view;
    view.pidfd = unique_fd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
    if (!view.pidfd) {
        return cannot(target, "watch the process", errno);
    }
    const auto path = "/proc/" + std::to_string(pid);
    const unique_fd entry{::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!entry) {
        return cannot(target, "look at the process", errno);
    }
    view.mounts = open_at(entry, "ns/mnt", O_RDONLY);
    if (!view.mounts) {
        return cannot(target, "look into the mount namespace of the process", errno);
    }
    view.users = open_at(entry, "ns/user", O_RDONLY);
    view.root = open_at(entry, "root", O_PATH | O_DIRECTORY);
    if (!view.users || !view.root) {
        return cannot(target, "look at the root of the process", errno);
    }
    if (has_ended(view.pidfd)) {
        return failure{target + ": the process has ended"};
    }
    return view;
}

bool same_file(int a, const char* path) {
    struct stat of_a {};

    struct stat of_path {};

    return ::fstat(a, &of_a) == 0 && ::stat(path, &of_path) == 0 && of_a.st_dev == of_path.st_dev &&
           of_a.st_ino == of_path.st_ino;
}

// The same directory by another mount is another root.
bool same_root(int root) {
    struct statx theirs {};

    struct statx ours {};

    constexpr unsigned mask = STATX_INO | STATX_MNT_ID;
    return ::statx(root, "", AT_EMPTY_PATH, mask, &theirs) == 0 &&
           ::statx(AT_FDCWD, "/", 0, mask, &ours) == 0 && theirs.stx_ino == ours.stx_ino &&
           theirs.stx_mnt_id == ours.stx_mnt_id && theirs.stx_dev_major == ours.stx_dev_major &&
           theirs.stx_dev_minor == ours.stx_dev_minor;
}

// Without rights over the namespace, those that its user namespace gives may do.
bool join_mounts(const process_view& view) {
    if (::setns(view.mounts.get(), CLONE_NEWNS) == 0) {
        return true;
    }
    const int error = errno;
    if (error == EPERM && ::setns(view.users.get(), CLONE_NEWUSER) == 0) {
        return ::setns(view.mounts.get(), CLONE_NEWNS) == 0;
    }
    errno = error;
    return false;
}

}  // namespace

or_failure<unique_fd> enter_process(
    const std::string& target, int pid, const process_descriptors& descriptors
) {
    auto looked = look_at(target, pid);
    if (!looked) {
        return looked.error();
    }
    auto& view = *looked;
    if (!same_file(view.mounts.get(), "/proc/self/ns/mnt") && !join_mounts(view)) {
        return cannot(target, "join the mount namespace of the process", errno);
    }
    if (!same_root(view.root.get())) {
        if (::fchdir(view.root.get()) != 0 || ::chroot(".") != 0) {
            return cannot(target, "take the root of the process", errno);
        }
    }
    // Both steps may have changed the working directory.
    if (const auto returned = descriptors.return_to(); !returned) {
        return cannot(target, "return to /proc", returned.error().value());
    }
    return std::move(view.pidfd);
}

}  // namespace farside::agent
