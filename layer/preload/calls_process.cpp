// Calls that make processes and programs. A program that cannot be covered is refused before it
// runs: its remote paths would silently be local ones.
#include "layer/common/exec_image.hpp"
#include "layer/preload/dispatch.hpp"
#include "layer/preload/environment.hpp"
#include "layer/preload/file_image.hpp"
#include "layer/preload/open_files.hpp"
#include "layer/preload/program_judge.hpp"
#include "layer/preload/record_locks.hpp"
#include "layer/preload/remote_call.hpp"
#include "layer/preload/shared_map.hpp"

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
    if (!can_read(how, CLONE_ARGS_SIZE_VER0) ||
        frame.argument<std::size_t>(1) < CLONE_ARGS_SIZE_VER0 ||
        (how->flags & (CLONE_VM | CLONE_VFORK)) != 0 || how->stack != 0) {
        return outcome::pass;
    }
    return answer(frame, forked(kernel(__NR_clone3, frame.argument(0), frame.argument(1))));
}

namespace {

constexpr std::size_t arguments_max = 1024 * 1024;

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

long run_path(
    const char* path, char* const* arguments, char* const* environment, int depth
) noexcept;

// The arguments of a script's interpreter: interpreter, its argument, the script, then what
// follows.
long run_script(
    const image_report& found,
    const char* path,
    char* const* arguments,
    char* const* environment,
    int depth
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
    const long result =
        run_path(found.interpreter, reinterpret_cast<char* const*>(got), environment, depth + 1);
    kernel(__NR_munmap, got, bytes);
    return result;
}

// A script of this machine with an interpreter that the kernel would look for on the wrong side.
long run_local_script(
    const char* path, char* const* arguments, char* const* environment, int depth
) noexcept {
    long fd = kernel(__NR_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        return fd;
    }
    const long allowed = kernel(__NR_access, path, X_OK);
    const image_report found = inspect_local(fd);
    kernel(__NR_close, fd);
    if (allowed < 0 || found.kind != image_kind::script) {
        return allowed < 0 ? allowed : -ENOEXEC;
    }
    return run_script(found, path, arguments, environment, depth);
}

long run_image(std::uint64_t id, char* const* arguments, char* const* environment) noexcept {
    const long image = make_image(id, 0, UINT64_MAX, "farside-program");
    if (image < 0) {
        return image;
    }
    release_record_locks_at_exec(AT_FDCWD, nullptr);
    const long result = kernel(__NR_execveat, image, "", arguments, environment, AT_EMPTY_PATH);
    kernel(__NR_close, image);
    return result;
}

long run_opened(
    std::uint64_t id, const char* path, char* const* arguments, char* const* environment, int depth
) noexcept {
    const auto mode = entry_of(id).mode.load(std::memory_order_relaxed);
    if (!S_ISREG(mode) || (mode & 0111) == 0) {
        return -EACCES;
    }
    const image_report found = inspect_image({read_remote, &id});
    switch (found.kind) {
        case image_kind::foreign:
        case image_kind::malformed:
            return -ENOEXEC;
        case image_kind::script:
            return run_script(found, path, arguments, environment, depth);
        case image_kind::covered:
            return run_image(id, arguments, environment);
        default: {
            const long refused = admit(path, judge(found.kind));
            return refused < 0 ? refused : run_image(id, arguments, environment);
        }
    }
}

// A program that lies in the target: a script's interpreter opens it there by its path; an ELF file
// is fetched and executed from memory.
long run_remote(
    const place& where,
    const char* path,
    char* const* arguments,
    char* const* environment,
    int depth
) noexcept {
    const placeholder made = make_placeholder(O_CLOEXEC);
    if (made.fd < 0) {
        return made.fd;
    }
    long result = 0;
    {
        session_call opening{segment::call::open};
        result = opening.location(0, where.base(), where.path())
                     .argument(segment::first_argument, made.id)
                     .argument(segment::first_argument + 1, O_RDONLY)
                     .run();
    }
    if (result < 0) {
        discard(made);
        return result;
    }
    result = run_opened(made.id, path, arguments, environment, depth);
    kernel(__NR_close, made.fd);
    closed_descriptor(made.id);
    return result;
}

// The interpreter of a script, on whichever side it is.
long run_path(
    const char* path, char* const* arguments, char* const* environment, int depth
) noexcept {
    if (depth > script_depth_max) {
        return -ELOOP;
    }
    const place where{AT_FDCWD, path};
    if (where.what() == place::kind::failed) {
        return where.failure();
    }
    if (where.remote()) {
        return run_remote(where, path, arguments, environment, depth);
    }
    const char* const file = where.what() == place::kind::local ? where.path().data() : path;
    const verdict judged = judge_path(file, depth);
    if (const long refused = admit(file, judged); refused < 0) {
        return refused;
    }
    if (judged.is_elsewhere) {
        return run_local_script(file, arguments, environment, depth);
    }
    release_record_locks_at_exec(AT_FDCWD, file);
    return kernel(__NR_execve, file, arguments, environment);
}

outcome execute(
    call_frame& frame, const place& where, std::size_t path_index, std::size_t arguments_index
) noexcept {
    if (where.what() == place::kind::failed) {
        return answer(frame, where.failure());
    }
    auto* const given = frame.argument<char* const*>(arguments_index);
    auto* const variables = frame.argument<char* const*>(arguments_index + 1);
    const char* const path = frame.argument<const char*>(path_index);
    if (where.remote()) {
        const exec_environment environment{variables, loads_library::yes};
        return answer(
            frame,
            environment.get() == nullptr ? -ENOMEM
                                         : run_remote(where, path, given, environment.get(), 0)
        );
    }
    if (text_length(path, PATH_MAX) < 0) {
        return outcome::pass;
    }
    const char* const file = where.what() == place::kind::local ? where.path().data() : path;
    const verdict judged = path[0] == '\0' ? verdict{} : judge_program(file, given, variables);
    if (const long refused = admit(file, judged); refused < 0) {
        return answer(frame, refused);
    }
    const exec_environment environment{variables, judged.loads};
    if (environment.get() == nullptr) {
        return answer(frame, -ENOMEM);
    }
    if (judged.is_elsewhere) {
        return answer(frame, run_local_script(file, given, environment.get(), 0));
    }
    const long directory = path_index == 0 ? AT_FDCWD : frame.argument(0);
    release_record_locks_at_exec(directory, path[0] == '\0' ? nullptr : file);
    return answer(
        frame, repeat(frame, {{path_index, file}, {arguments_index + 1, environment.get()}})
    );
}

// Before this process's memory and descriptors go: who learns of its end finds at the target what
// it stored and wrote.
void leave_nothing_behind() noexcept {
    write_back_mappings();
    settle_writes();
}

}  // namespace

outcome on_execve(call_frame& frame) noexcept {
    leave_nothing_behind();
    const place where{AT_FDCWD, frame.argument<const char*>(0)};
    return execute(frame, where, 0, 1);
}

outcome on_execveat(call_frame& frame) noexcept {
    leave_nothing_behind();
    const long flags = frame.argument(4);
    const place where{
        frame.argument(0), frame.argument<const char*>(1), link_rule(flags), empty_rule(flags)};
    return execute(frame, where, 1, 2);
}

outcome on_exit_group(call_frame& /*frame*/) noexcept {
    leave_nothing_behind();
    return outcome::pass;
}

// pthread_cancel(3): the thread may be waiting for something that never comes, with the signal
// blocked. Sent first, so that the thread ends rather than see that its wait was interrupted.
outcome on_tgkill(call_frame& frame) noexcept {
    if (frame.argument(2) != signal_of_cancellation) {
        return outcome::pass;
    }
    const long sent = kernel(__NR_tgkill, frame.argument(0), frame.argument(1), frame.argument(2));
    if (sent == 0) {
        session_call::cancel_those_of(frame.argument<std::uint32_t>(1));
    }
    return answer(frame, sent);
}

}  // namespace farside::preload
