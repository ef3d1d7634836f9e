// The working directory and the umask, which processes inherit.
#include "layer/preload/dispatch.hpp"
#include "layer/preload/open_files.hpp"
#include "layer/preload/remote_call.hpp"
#include "layer/preload/working_directory.hpp"

namespace farside::preload {
namespace {

// A local chdir succeeded. The kernel is the truth about where that is.
outcome entered_local(call_frame& frame, long result) noexcept {
    if (result == 0) {
        enter_local_directory();
    }
    return answer(frame, result);
}

}  // namespace

outcome on_chdir(call_frame& frame) noexcept {
    const char* const path = frame.argument<const char*>(0);
    const place where{AT_FDCWD, path};
    if (where.is_local()) {
        return entered_local(
            frame,
            kernel(__NR_chdir, where.what() == place::kind::local ? where.path().data() : path)
        );
    }
    if (where.what() == place::kind::failed) {
        return answer(frame, where.failure());
    }
    const placeholder made = make_placeholder(O_CLOEXEC);
    if (made.fd < 0) {
        return answer(frame, -ENOMEM);
    }
    session_call call{segment::call::enter_directory};
    const long result = call.location(0, where.base(), where.path())
                            .argument(segment::first_argument, made.id)
                            .run();
    if (result < 0 || call.decided_side() == side::local) {
        discard(made);
    }
    if (result < 0) {
        return answer(frame, result);
    }
    if (call.decided_side() == side::local) {
        return entered_local(frame, kernel(__NR_chdir, call.path(0).data()));
    }
    return answer(frame, enter_remote_directory(call.path(0), made.fd, made.id));
}

outcome on_fchdir(call_frame& frame) noexcept {
    const std::uint64_t id = open_file_of(frame.argument(0));
    if (id == own_descriptor) {
        return answer(frame, -EBADF);
    }
    if (id == 0) {
        return entered_local(frame, kernel(__NR_fchdir, frame.argument(0)));
    }
    session_call call{segment::call::canonicalize};
    const long result =
        call.location(0, id, {}).argument(segment::first_argument, segment::name_to_enter).run();
    if (result < 0) {
        return answer(frame, result);
    }
    const long copy = kernel(__NR_fcntl, frame.argument(0), F_DUPFD_CLOEXEC, 0);
    return answer(frame, copy < 0 ? -ENOMEM : enter_remote_directory(call.path(0), copy, id));
}

namespace {

// Into the program's buffer, as getcwd(2) does it. `path` is followed by a NUL.
long give_directory(const call_frame& frame, std::string_view path) noexcept {
    if (frame.argument<std::uint64_t>(1) < path.size() + 1) {
        return -ERANGE;
    }
    const long given = copy_out(frame.argument<char*>(0), path.data(), path.size() + 1);
    return given < 0 ? given : static_cast<long>(path.size()) + 1;
}

}  // namespace

outcome on_getcwd(call_frame& frame) noexcept {
    if (!directory_is_remote()) {
        return outcome::pass;
    }
    if (const std::uint64_t id = directory_id(); id != 0) {
        session_call call{segment::call::canonicalize};
        const long result = call.location(0, id, {})
                                .argument(segment::first_argument, segment::name_of_directory)
                                .run();
        return answer(frame, result < 0 ? result : give_directory(frame, call.path(0)));
    }
    const scratch memory;
    if (memory.data() == nullptr) {
        return answer(frame, -ENOMEM);
    }
    const std::size_t bytes = copy_directory(memory.data(), PATH_MAX - 1);
    memory.data()[bytes] = '\0';
    return answer(frame, bytes == 0 ? -ENOENT : give_directory(frame, {memory.data(), bytes}));
}

outcome on_umask(call_frame& frame) noexcept {
    const long before = kernel(__NR_umask, frame.argument(0));
    if (!in_vfork_child()) {
        state.umask_cache.store(
            static_cast<int>(frame.argument(0) & 0777), std::memory_order_relaxed
        );
    }
    return answer(frame, before);
}

}  // namespace farside::preload
