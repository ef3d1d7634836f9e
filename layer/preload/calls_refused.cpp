// Calls whose meaning on a remote file cannot be kept, or not on this machine while its paths lead
// to two sides. They must not act on a local file of the same name: they fail, with an errno that
// their callers know (system_calls.inc). Among local files they are done.
#include "layer/preload/dispatch.hpp"
#include "layer/preload/remote_call.hpp"

#include <linux/bpf.h>
#include <linux/nsfs.h>
#include <linux/perf_event.h>
#include <linux/prctl.h>
#include <linux/quota.h>
#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

namespace farside::preload {
namespace {

outcome refuse_by_row(call_frame& frame) noexcept {
    const system_call& row = row_of(frame);
    return refuse(frame, -row.stands.error, row.special);
}

// One path of a call: as it is or, where it is local by another path, as it must be handed on.
struct path_argument {
    const place& where;
    std::size_t index;
};

// Refuses where one of the paths is remote. A path relative to a remote directory counts as remote:
// that it might climb out of the target is not worth a question to the session.
outcome refuse_remote(call_frame& frame, std::initializer_list<path_argument> paths) noexcept {
    call_frame rewritten = frame;
    bool differs = false;
    for (const path_argument& path : paths) {
        switch (path.where.what()) {
            case place::kind::untouched:
                break;
            case place::kind::failed:
                return answer(frame, path.where.failure());
            case place::kind::remote:
                return refuse_by_row(frame);
            case place::kind::local:
                rewritten.arguments[path.index] = reinterpret_cast<long>(path.where.path().data());
                differs = true;
                break;
        }
    }
    return differs ? answer(frame, repeat(rewritten)) : outcome::pass;
}

}  // namespace

outcome on_refused(call_frame& frame) noexcept {
    return refuse_by_row(frame);
}

// Of the descriptors among the arguments one is remote.
outcome on_refused_descriptor(call_frame& frame) noexcept {
    const system_call& row = row_of(frame);
    bool remote = false;
    for (std::size_t i = 0; i < 6; ++i) {
        if (row.arguments[i] == argument_kind::fd) {
            const std::uint64_t id = open_file_of(frame.argument(i));
            if (id == own_descriptor || (id != 0 && path_only(id))) {
                return answer(frame, -EBADF);
            }
            remote = remote || id != 0;
        }
    }
    return remote ? refuse_by_row(frame) : outcome::pass;
}

// The one path among the arguments is remote, or no path is given and its descriptor is.
outcome on_refused_path(call_frame& frame) noexcept {
    const system_call& row = row_of(frame);
    std::size_t index = 0;
    while (row.arguments[index] != argument_kind::path) {
        ++index;
    }
    const bool at = index > 0 && row.arguments[index - 1] == argument_kind::at;
    const place where{
        at ? frame.argument(index - 1) : AT_FDCWD,
        frame.argument<const char*>(index),
        last_link::follow,
        at ? empty_path::is_descriptor : empty_path::is_error};
    return refuse_remote(frame, {{where, index}});
}

// Below another root the names of remote files would be those of local ones.
outcome on_chroot(call_frame& frame) noexcept {
    const place where{AT_FDCWD, frame.argument<const char*>(0)};
    if (where.what() == place::kind::failed) {
        return answer(frame, where.failure());
    }
    if (where.remote()) {
        return refuse_by_row(frame);
    }
    const char* const path =
        where.what() == place::kind::local ? where.path().data() : frame.argument<const char*>(0);
    struct stat root;
    struct stat wanted;
    const long found = kernel(__NR_newfstatat, AT_FDCWD, path, &wanted, 0);
    if (found < 0 || !S_ISDIR(wanted.st_mode)) {
        return answer(frame, found < 0 ? found : -ENOTDIR);
    }
    const long known = kernel(__NR_newfstatat, AT_FDCWD, "/", &root, 0);
    const bool same = known == 0 && root.st_dev == wanted.st_dev && root.st_ino == wanted.st_ino;
    return same ? answer(frame, kernel(__NR_chroot, path)) : refuse_by_row(frame);
}

// What is mounted is a path only for some: bind mounts, and block devices.
outcome on_mount(call_frame& frame) noexcept {
    const char* source = frame.argument<const char*>(0);
    const bool names_a_file = (frame.argument(3) & (MS_BIND | MS_MOVE)) != 0 ||
                              (text_length(source, PATH_MAX) > 0 && source[0] == '/');
    const place from{AT_FDCWD, names_a_file ? source : nullptr};
    const place on{AT_FDCWD, frame.argument<const char*>(1)};
    return refuse_remote(frame, {{from, 0}, {on, 1}});
}

outcome on_move_mount(call_frame& frame) noexcept {
    const auto rule = empty_path::is_descriptor;
    const place from{frame.argument(0), frame.argument<const char*>(1), last_link::follow, rule};
    const place to{frame.argument(2), frame.argument<const char*>(3), last_link::follow, rule};
    return refuse_remote(frame, {{from, 1}, {to, 3}});
}

// fsconfig(2): values that are paths or descriptors, and the "source" of a block device.
outcome on_fsconfig(call_frame& frame) noexcept {
    const char* const key = frame.argument<const char*>(2);
    const char* const value = frame.argument<const char*>(3);
    switch (frame.argument<unsigned>(1)) {
        case FSCONFIG_SET_STRING: {
            const bool source = text_length(key, PATH_MAX) > 0 &&
                                std::string_view{key} == "source" &&
                                text_length(value, PATH_MAX) > 0 && value[0] == '/';
            const place where{AT_FDCWD, source ? value : nullptr};
            return refuse_remote(frame, {{where, 3}});
        }
        case FSCONFIG_SET_PATH:
        case FSCONFIG_SET_PATH_EMPTY: {
            const place where{
                frame.argument(4), value, last_link::follow, empty_path::is_descriptor};
            return refuse_remote(frame, {{where, 3}});
        }
        case FSCONFIG_SET_FD: {
            FARSIDE_REMOTE_DESCRIPTOR(id, frame.argument(4))
            return refuse_by_row(frame);
        }
        default:
            return outcome::pass;
    }
}

// The device and, where quotas are turned on, the file that keeps them.
outcome on_quotactl(call_frame& frame) noexcept {
    const bool names_a_file = frame.argument<unsigned>(0) >> SUBCMDSHIFT == Q_QUOTAON;
    const place device{AT_FDCWD, frame.argument<const char*>(1)};
    const place file{AT_FDCWD, names_a_file ? frame.argument<const char*>(3) : nullptr};
    return refuse_remote(frame, {{device, 1}, {file, 3}});
}

// A mount namespace of its own shows the same files until something is mounted, which on remote
// paths is refused. But one working directory is known for all threads of a process: a thread
// cannot have its own. (Whether there are other threads the kernel tells: CLONE_THREAD alone does
// nothing, and is EINVAL where there are.)
outcome on_unshare(call_frame& frame) noexcept {
    constexpr long own_directory = CLONE_FS | CLONE_NEWNS;
    if ((frame.argument(0) & own_directory) == 0 || kernel(__NR_unshare, CLONE_THREAD) == 0) {
        return outcome::pass;
    }
    return refuse(frame, -EPERM, "one of several threads cannot have a working directory alone");
}

// In another mount namespace paths would mean other files. A pidfd says by its flags which
// namespaces are meant, a file of /proc/PID/ns by what it is.
outcome on_setns(call_frame& frame) noexcept {
    const long fd = frame.argument(0);
    const std::uint64_t id = open_file_of(fd);
    if (id != 0) {
        // No file of the target is a namespace of this machine.
        return answer(frame, id == own_descriptor || path_only(id) ? -EBADF : -EINVAL);
    }
    const long type = kernel(__NR_ioctl, fd, NS_GET_NSTYPE);
    const long entered = type > 0 ? type : frame.argument(1);
    return (entered & CLONE_NEWNS) != 0 ? refuse_by_row(frame) : outcome::pass;
}

// The program's own file, as the kernel tells it to others.
outcome on_prctl(call_frame& frame) noexcept {
    if (frame.argument(0) != PR_SET_MM || frame.argument(1) != PR_SET_MM_EXE_FILE) {
        return outcome::pass;
    }
    FARSIDE_REMOTE_DESCRIPTOR(id, frame.argument(2))
    return refuse(frame, -EACCES, row_of(frame).special);
}

outcome on_bpf(call_frame& frame) noexcept {
    // As union bpf_attr says for BPF_OBJ_PIN and BPF_OBJ_GET.
    struct object {
        std::uint64_t path;
        std::uint32_t fd;
        std::uint32_t flags;
        std::int32_t path_fd;
    };

    constexpr std::uint32_t has_path_fd = 1U << 14U;  // BPF_F_PATH_FD, newer than our headers
    const auto command = frame.argument<unsigned>(0);
    const auto* const attributes = frame.argument<const object*>(1);
    if ((command != BPF_OBJ_PIN && command != BPF_OBJ_GET) ||
        frame.argument<unsigned>(2) < sizeof(object) || !can_read(attributes)) {
        return outcome::pass;
    }
    const place where{
        (attributes->flags & has_path_fd) != 0 ? attributes->path_fd : AT_FDCWD,
        reinterpret_cast<const char*>(attributes->path)};
    switch (where.what()) {
        case place::kind::untouched:
            return outcome::pass;
        case place::kind::failed:
            return answer(frame, where.failure());
        case place::kind::remote:
            return refuse_by_row(frame);
        case place::kind::local:
            break;
    }
    object rewritten = *attributes;
    rewritten.path = reinterpret_cast<std::uint64_t>(where.path().data());
    return answer(frame, kernel(__NR_bpf, command, &rewritten, sizeof rewritten));
}

// Counting for a control group, which is given as a descriptor of its directory.
outcome on_perf_event_open(call_frame& frame) noexcept {
    if ((frame.argument<std::uint64_t>(4) & PERF_FLAG_PID_CGROUP) == 0) {
        return outcome::pass;
    }
    FARSIDE_REMOTE_DESCRIPTOR(id, frame.argument(1))
    return refuse_by_row(frame);
}

}  // namespace farside::preload
