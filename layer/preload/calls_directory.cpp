// The working directory and the umask, which processes inherit.
#include "layer/preload/dispatch.hpp"
#include "layer/preload/remote_call.hpp"
#include "layer/preload/working_directory.hpp"

namespace farside::preload {
namespace {

void nothing_more(session_call&) noexcept {}

// The session answered where the directory is: from now on paths are seen from there.
long entered(session_call& call, long result) noexcept {
    if (result < 0) {
        return result;
    }
    enter_remote_directory(call.path(0));
    return 0;
}

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
    session_call call{segment::call::canonicalize};
    const long result = call.location(0, where.base(), where.path()).run();
    if (result >= 0 && call.decided_side() == side::local) {
        return entered_local(frame, kernel(__NR_chdir, call.path(0).data()));
    }
    return answer(frame, entered(call, result));
}

outcome on_fchdir(call_frame& frame) noexcept {
    const std::uint64_t id = open_file_of(frame.argument(0));
    if (id == own_descriptor) {
        return answer(frame, -EBADF);
    }
    if (id == 0) {
        return entered_local(frame, kernel(__NR_fchdir, frame.argument(0)));
    }
    return serve_descriptor(frame, id, segment::call::canonicalize, nothing_more, entered);
}

outcome on_getcwd(call_frame& frame) noexcept {
    if (!directory_is_remote()) {
        return outcome::pass;
    }
    const scratch memory;
    if (memory.data() == nullptr) {
        return answer(frame, -ENOMEM);
    }
    const std::size_t bytes = copy_directory(memory.data(), PATH_MAX - 1);
    if (bytes == 0) {
        return answer(frame, -ENOENT);
    }
    memory.data()[bytes] = '\0';
    if (frame.argument<std::uint64_t>(1) < bytes + 1) {
        return answer(frame, -ERANGE);
    }
    const long given = copy_out(frame.argument<char*>(0), memory.data(), bytes + 1);
    count_hit();
    return answer(frame, given < 0 ? given : static_cast<long>(bytes) + 1);
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
