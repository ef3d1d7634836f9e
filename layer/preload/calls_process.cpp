// Calls that make processes and programs. A program that cannot be covered is refused before it
// runs: its remote paths would silently be local ones.
#include "layer/common/exec_image.hpp"
#include "layer/preload/dispatch.hpp"
#include "layer/preload/environment.hpp"
#include "layer/preload/file_image.hpp"
#include "layer/preload/open_files.hpp"
#include "layer/preload/remote_call.hpp"

#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace farside::preload {
namespace {

// In the child of a fork: whoever is known by this pid is the process itself, and no vfork child.
long forked(long result) noexcept {
    if (result == 0) {
        state.wiped->pid.store(static_cast<int>(kernel(__NR_getpid)), std::memory_order_relaxed);
    }
    return result;
}

}  // namespace

outcome on_fork(call_frame& frame) noexcept {
    return answer(frame, forked(kernel(__NR_fork)));
}

// clone(2) as fork(3) makes it. Threads and vfork children get a stack of their own or share
// memory, and would return into a frame that is not theirs: those calls stay at their original
// instruction.
outcome on_clone(call_frame& frame) noexcept {
    const long flags = frame.argument(0);
    if ((flags & (CLONE_VM | CLONE_VFORK)) != 0 || frame.argument(1) != 0) {
        return outcome::pass;
    }
    return answer(
        frame,
        forked(syscall6(
            __NR_clone, flags, 0, frame.argument(2), frame.argument(3), frame.argument(4), 0
        ))
    );
}

outcome on_clone3(call_frame& frame) noexcept {
    const auto* const how = frame.argument<const clone_args*>(0);
    if (how == nullptr || frame.argument<std::size_t>(1) < CLONE_ARGS_SIZE_VER0 ||
        (how->flags & (CLONE_VM | CLONE_VFORK)) != 0 || how->stack != 0) {
        return outcome::pass;
    }
    return answer(frame, forked(kernel(__NR_clone3, frame.argument(0), frame.argument(1))));
}

// Refused to covered processes: its submissions would pass the layer by. Callers fall back.
outcome on_io_uring_setup(call_frame& frame) noexcept {
    return answer(frame, -ENOSYS);
}

namespace {

constexpr int script_depth_max = 5;  // as the kernel's BINPRM limit
constexpr std::size_t arguments_max = 1024 * 1024;

long read_local(void* context, void* buffer, std::size_t bytes, std::uint64_t offset) noexcept {
    return kernel(__NR_pread64, *static_cast<long*>(context), buffer, bytes, offset);
}

long read_remote(void* context, void* buffer, std::size_t bytes, std::uint64_t offset) noexcept {
    const std::uint64_t id = *static_cast<std::uint64_t*>(context);
    const std::size_t wanted = bytes < segment::data_room ? bytes : segment::data_room;
    session_call call{segment::call::read};
    const long got = call.argument(0, id).argument(1, offset).argument(2, wanted).run();
    if (got > 0) {
        __builtin_memcpy(buffer, call.data(), static_cast<std::size_t>(got));
    }
    return got;
}

bool runs_with_other_rights(long fd) noexcept {
    struct stat st {};

    if (kernel(__NR_fstat, fd, &st) == 0 &&
        ((st.st_mode & S_ISUID) != 0 || ((st.st_mode & S_ISGID) != 0 && (st.st_mode & S_IXGRP) != 0)
        )) {
        // The kernel honours neither for the file's own user; the loader then ignores nothing.
        const bool own_user =
            (st.st_mode & S_ISUID) == 0 || static_cast<long>(st.st_uid) == kernel(__NR_geteuid);
        const bool own_group =
            (st.st_mode & S_ISGID) == 0 || static_cast<long>(st.st_gid) == kernel(__NR_getegid);
        return !(own_user && own_group);
    }
    return kernel(__NR_fgetxattr, fd, "security.capability", nullptr, 0) > 0 &&
           kernel(__NR_geteuid) != 0;
}

long refuse_program(const char* path, const char* why) noexcept {
    report(path, why, "; refused (farside exec --allow-local runs it on local files)");
    return -EACCES;
}

// 0: the layer can live in it, or the kernel will refuse it by itself. `fd` is the program's file.
long check_program(const char* path, long fd, int depth) noexcept;

long check_path(const char* path, int depth) noexcept {
    const place where{AT_FDCWD, path};
    if (!where.is_local()) {
        return 0;  // a remote interpreter is looked at when it is executed
    }
    const long fd = kernel(
        __NR_openat,
        AT_FDCWD,
        where.what() == place::kind::local ? where.path().data() : path,
        O_RDONLY | O_CLOEXEC
    );
    if (fd < 0) {
        return 0;  // the kernel says why it cannot be executed
    }
    const long result = check_program(path, fd, depth);
    kernel(__NR_close, fd);
    return result;
}

long check_program(const char* path, long fd, int depth) noexcept {
    const image_report found = inspect_image({read_local, &fd});
    switch (found.kind) {
        case image_kind::covered:
            break;
        case image_kind::foreign:
        case image_kind::malformed:
            return 0;
        case image_kind::script:
            return depth < script_depth_max ? check_path(found.interpreter, depth + 1) : 0;
        default:
            report(path, " is ", describe(found.kind));
            return refuse_program(path, " cannot be covered");
    }
    return runs_with_other_rights(fd)
               ? refuse_program(path, " runs with other rights and cannot be covered")
               : 0;
}

}  // namespace

namespace {

// The arguments of a script's interpreter: interpreter, its argument, the script, then what
// follows.
long run_script(
    const image_report& found, const char* path, char* const* arguments, char* const* environment
) noexcept {
    std::size_t count = 0;
    while (arguments != nullptr && arguments[count] != nullptr) {
        ++count;
    }
    const std::size_t bytes = (count + 4) * sizeof(char*);
    if (bytes > arguments_max) {
        return -E2BIG;
    }
    const long got = kernel(
        __NR_mmap, nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0
    );
    if (got < 0) {
        return got;
    }
    auto** const out = reinterpret_cast<const char**>(got);
    std::size_t used = 0;
    out[used++] = found.interpreter;
    if (found.argument[0] != '\0') {
        out[used++] = found.argument;
    }
    out[used++] = path;
    for (std::size_t i = 1; i < count; ++i) {
        out[used++] = arguments[i];
    }
    const long result = kernel(__NR_execve, found.interpreter, out, environment);
    kernel(__NR_munmap, got, bytes);
    return result;
}

// A program that lies in the target: a script's interpreter opens it there by its path; an ELF file
// is fetched and executed from memory.
long run_remote(
    const place& where, const char* path, char* const* arguments, char* const* environment
) noexcept {
    const placeholder made = make_placeholder(O_CLOEXEC);
    if (made.fd < 0) {
        return made.fd;
    }
    session_call opening{segment::call::open};
    long result = opening.location(0, where.base(), where.path())
                      .argument(segment::first_argument, made.id)
                      .argument(segment::first_argument + 1, O_RDONLY)
                      .run();
    if (result < 0) {
        discard(made);
        return result;
    }
    std::uint64_t id = made.id;
    const auto mode = entry_of(id).mode.load(std::memory_order_relaxed);
    if (!S_ISREG(mode) || (mode & 0111) == 0) {
        result = -EACCES;
    } else {
        const image_report found = inspect_image({read_remote, &id});
        if (found.kind == image_kind::script) {
            result = check_path(found.interpreter, 1);
            if (result == 0 || state.view->allow_local != 0) {
                result = run_script(found, path, arguments, environment);
            }
        } else if (found.kind == image_kind::covered) {
            const long image = make_image(id, 0, UINT64_MAX, "farside-program");
            result = image < 0
                         ? image
                         : kernel(__NR_execveat, image, "", arguments, environment, AT_EMPTY_PATH);
            if (image >= 0) {
                kernel(__NR_close, image);
            }
        } else if (found.kind == image_kind::foreign || found.kind == image_kind::malformed) {
            result = -ENOEXEC;
        } else {
            report(path, " is ", describe(found.kind));
            result = refuse_program(path, " cannot be covered");
        }
    }
    kernel(__NR_close, made.fd);
    closed_descriptor(made.id);
    return result;
}

outcome execute(
    call_frame& frame, const place& where, std::size_t path_index, std::size_t arguments_index
) noexcept {
    if (where.what() == place::kind::failed) {
        return answer(frame, where.failure());
    }
    auto* const given = frame.argument<char* const*>(arguments_index);
    const exec_environment environment{frame.argument<char* const*>(arguments_index + 1)};
    if (environment.get() == nullptr) {
        return answer(frame, -ENOMEM);
    }
    const char* const path = frame.argument<const char*>(path_index);
    if (where.remote()) {
        return answer(frame, run_remote(where, path, given, environment.get()));
    }
    if (path == nullptr) {
        return outcome::pass;
    }
    const char* const file = where.what() == place::kind::local ? where.path().data() : path;
    if (state.view->allow_local == 0 && path[0] != '\0') {
        const long refused = check_path(file, 0);
        if (refused != 0) {
            return answer(frame, refused);
        }
    }
    long a[6];
    for (std::size_t i = 0; i < 6; ++i) {
        a[i] = frame.arguments[i];
    }
    a[path_index] = reinterpret_cast<long>(file);
    a[arguments_index + 1] = reinterpret_cast<long>(environment.get());
    return answer(frame, syscall6(frame.number, a[0], a[1], a[2], a[3], a[4], a[5]));
}

}  // namespace

outcome on_execve(call_frame& frame) noexcept {
    const place where{AT_FDCWD, frame.argument<const char*>(0)};
    return execute(frame, where, 0, 1);
}

outcome on_execveat(call_frame& frame) noexcept {
    const long flags = frame.argument(4);
    const place where{
        frame.argument(0), frame.argument<const char*>(1), link_rule(flags), empty_rule(flags)};
    return execute(frame, where, 1, 2);
}

}  // namespace farside::preload
