// inotify(7) on remote paths. The program's descriptor is handed to the session, which gives it a
// watch of the kernel's and makes its events happen; reading and polling it is no business of ours.
#include "layer/preload/descriptor_path.hpp"
#include "layer/preload/dispatch.hpp"
#include "layer/preload/open_files.hpp"
#include "layer/preload/remote_call.hpp"
#include "layer/preload/watches.hpp"

#include <cstring>

#include <sys/inotify.h>

namespace farside::preload {
namespace {

// What inotify_add_watch(2) asks at least one bit of, before it looks at anything else.
constexpr std::uint32_t mask_bits = IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED |
                                    IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_CREATE |
                                    IN_MASK_ADD | IN_ISDIR | IN_ONESHOT;

bool something_is_watched() noexcept {
    return state.segment != nullptr &&
           state.segment->head.watch_instances.load(std::memory_order_acquire) != 0;
}

bool is_inotify(long fd) noexcept {
    constexpr char kind[] = "anon_inode:inotify";
    char path[descriptor_path_room];
    write_descriptor_path(path, static_cast<unsigned>(fd));
    char target[sizeof kind];
    const long bytes = kernel(__NR_readlink, path, target, sizeof target);
    return bytes == static_cast<long>(sizeof kind - 1) &&
           std::memcmp(target, kind, sizeof kind - 1) == 0;
}

void tell_closed() noexcept {
    session_call call{segment::call::watch_closed};
    [[maybe_unused]] const long told = call.run();
}

}  // namespace

bool may_end_watches(long fd) noexcept {
    // A vfork child's descriptors are copies: none that it closes is the last.
    return something_is_watched() && !in_vfork_child() && is_inotify(fd);
}

long close_inotify(long fd) noexcept {
    const long result = kernel(__NR_close, fd);
    tell_closed();
    return result;
}

void tell_closed_range() noexcept {
    if (something_is_watched() && !in_vfork_child()) {
        tell_closed();
    }
}

outcome on_inotify_add_watch(call_frame& frame) noexcept {
    const long fd = frame.argument(0);
    const auto mask = frame.argument<std::uint32_t>(2);
    if ((mask & mask_bits) == 0) {
        return outcome::pass;  // EINVAL
    }
    if (open_file_of(fd) == own_descriptor) {
        return answer(frame, -EBADF);
    }
    const bool keep = (mask & IN_DONT_FOLLOW) != 0;
    const place where{
        AT_FDCWD, frame.argument<const char*>(1), keep ? last_link::keep : last_link::follow};
    return serve_location(
        frame,
        where,
        1,
        segment::call::watch_add,
        [&](session_call& call) noexcept {
            call.argument(segment::first_argument, mask).attach(fd);
        }
    );
}

outcome on_inotify_rm_watch(call_frame& frame) noexcept {
    if (!something_is_watched()) {
        return outcome::pass;
    }
    const long fd = frame.argument(0);
    if (open_file_of(fd) == own_descriptor) {
        return answer(frame, -EBADF);
    }
    session_call call{segment::call::watch_remove};
    call.argument(0, frame.argument<std::uint32_t>(1)).attach(fd);
    const long result = call.run();
    // Where the session is gone, so are its watches, and the kernel knows the others.
    const bool kernels = result == -EIO || (result >= 0 && call.decided_side() == side::local);
    return kernels ? outcome::pass : answer(frame, result);
}

}  // namespace farside::preload
