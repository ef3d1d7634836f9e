// mmap(2) of remote files: private mappings, and shared ones that cannot be written, come from a
// memfd with the file's bytes. A shared mapping that can be written would have to send stores back;
// it is refused (ENODEV) until it can.
#include "layer/preload/descriptor_path.hpp"
#include "layer/preload/dispatch.hpp"
#include "layer/preload/file_image.hpp"
#include "layer/preload/patcher.hpp"
#include "layer/preload/remote_call.hpp"

#include <sys/mman.h>
#include <sys/stat.h>

namespace farside::preload {
namespace {

constexpr std::uint64_t page = 4096;

long reopen_read_only(long fd) noexcept {
    char path[descriptor_path_room];
    write_descriptor_path(path, static_cast<unsigned>(fd));
    return kernel(__NR_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
}

long map_image(const call_frame& frame, long image) noexcept {
    long fd = image;
    const bool shared = (frame.argument(3) & MAP_TYPE) != MAP_PRIVATE;
    if (shared) {
        // As with the file itself, mprotect() must not make the mapping writable.
        fd = reopen_read_only(image);
        if (fd < 0) {
            return fd;
        }
    }
    const long mapped = syscall6(
        __NR_mmap, frame.argument(0), frame.argument(1), frame.argument(2), frame.argument(3), fd, 0
    );
    if (shared) {
        kernel(__NR_close, fd);
    }
    return mapped;
}

// libpthread was a library of its own before glibc 2.34 and may come late, with a plugin.
void look_at_new_code(const call_frame& frame, long mapped) noexcept {
    char link[256];
    char path[descriptor_path_room];
    write_descriptor_path(path, frame.argument<unsigned>(4));
    const long got = kernel(__NR_readlink, path, link, sizeof link - 1);
    if (got > 0) {
        link[got] = '\0';
        patch_mapping(link, reinterpret_cast<void*>(mapped), frame.argument<std::size_t>(1));
    }
}

}  // namespace

outcome on_mmap(call_frame& frame) noexcept {
    if ((frame.argument(3) & MAP_ANONYMOUS) != 0) {
        return outcome::pass;
    }
    const std::uint64_t id = open_file_of(static_cast<int>(frame.argument(4)));
    if (id == 0) {
        if ((frame.argument(2) & PROT_EXEC) == 0) {
            return outcome::pass;
        }
        const long mapped = syscall6(
            __NR_mmap,
            frame.argument(0),
            frame.argument(1),
            frame.argument(2),
            frame.argument(3),
            frame.argument(4),
            frame.argument(5)
        );
        if (mapped > 0) {
            look_at_new_code(frame, mapped);
        }
        return answer(frame, mapped);
    }
    if (id == own_descriptor) {
        return answer(frame, -EBADF);
    }
    const auto bytes = frame.argument<std::uint64_t>(1);
    const std::int64_t offset = frame.argument(5);
    const long type = frame.argument(3) & MAP_TYPE;
    if (path_only(id)) {
        return answer(frame, -EBADF);
    }
    if (!readable(id)) {
        return answer(frame, -EACCES);
    }
    if (bytes == 0 || offset < 0 || (static_cast<std::uint64_t>(offset) & (page - 1)) != 0) {
        return answer(frame, -EINVAL);
    }
    if (type != MAP_PRIVATE && (frame.argument(2) & PROT_WRITE) != 0) {
        return answer(frame, writable(id) ? -ENODEV : -EACCES);
    }
    if (!S_ISREG(entry_of(id).mode.load(std::memory_order_relaxed))) {
        return answer(frame, -ENODEV);
    }
    const long image = make_image(id, offset, bytes, "farside-map");
    if (image < 0) {
        return answer(frame, image);
    }
    const long mapped = map_image(frame, image);
    kernel(__NR_close, image);
    return answer(frame, mapped);
}

}  // namespace farside::preload
