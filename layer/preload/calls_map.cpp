// mmap(2) of remote files, and the calls on what was mapped. Private mappings come from a memfd
// with the file's bytes, as they are at that moment; shared ones from the session's image
// (shared_map.hpp), where stores, write(2) and other processes meet.
#include "layer/preload/descriptor_path.hpp"
#include "layer/preload/dispatch.hpp"
#include "layer/preload/file_image.hpp"
#include "layer/preload/patcher.hpp"
#include "layer/preload/remote_call.hpp"
#include "layer/preload/shared_map.hpp"

#include <sys/mman.h>
#include <sys/stat.h>

namespace farside::preload {
namespace {

constexpr std::uint64_t page = 4096;
constexpr long errno_max = 4095;

bool failed(long result) noexcept {
    return result < 0 && result >= -errno_max;
}

std::uintptr_t pages_up(std::uintptr_t bytes) noexcept {
    return (bytes + page - 1) & ~(page - 1);
}

long map_private(const call_frame& frame, std::uint64_t id) noexcept {
    const long image =
        make_image(id, frame.argument(5), frame.argument<std::uint64_t>(1), "farside-map");
    if (image < 0) {
        return image;
    }
    const long mapped = repeat(frame, {{4, image}, {5, 0L}});
    kernel(__NR_close, image);
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

// Of what is anonymous or local.
outcome map_local(call_frame& frame) noexcept {
    if ((frame.argument(3) & MAP_ANONYMOUS) != 0 || (frame.argument(2) & PROT_EXEC) == 0) {
        return outcome::pass;
    }
    const long mapped = repeat(frame);
    if (!failed(mapped)) {
        look_at_new_code(frame, mapped);
    }
    return answer(frame, mapped);
}

// What mmap(2) checks of a file, in its order. 0 or -errno.
long check_file(const call_frame& frame, std::uint64_t id) noexcept {
    const auto bytes = frame.argument<std::uint64_t>(1);
    const auto offset = frame.argument<std::uint64_t>(5);
    const long type = frame.argument(3) & MAP_TYPE;
    const bool shared = type == MAP_SHARED || type == MAP_SHARED_VALIDATE;
    if (id == own_descriptor || path_only(id)) {
        return -EBADF;
    }
    if (bytes == 0) {
        return -EINVAL;
    }
    if (pages_up(bytes) < bytes) {
        return -ENOMEM;
    }
    if (static_cast<std::int64_t>(offset) < 0 ||
        static_cast<std::int64_t>(offset + pages_up(bytes)) < 0) {
        return -EOVERFLOW;
    }
    if (!shared && type != MAP_PRIVATE) {
        return -EINVAL;
    }
    if (!readable(id) || (shared && (frame.argument(2) & PROT_WRITE) != 0 && !writable(id))) {
        return -EACCES;
    }
    return S_ISREG(entry_of(id).mode.load(std::memory_order_relaxed)) ? 0 : -ENODEV;
}

outcome map_file(call_frame& frame, std::uint64_t id) noexcept {
    if (const long refused = check_file(frame, id); refused != 0) {
        return answer(frame, refused);
    }
    const bool is_private = (frame.argument(3) & MAP_TYPE) == MAP_PRIVATE;
    return answer(frame, is_private ? map_private(frame, id) : map_shared(frame, id));
}

outcome map_any(call_frame& frame) noexcept {
    if ((frame.argument(3) & MAP_ANONYMOUS) != 0) {
        return map_local(frame);
    }
    if ((frame.argument<std::uint64_t>(5) & (page - 1)) != 0) {
        return answer(frame, -EINVAL);
    }
    const std::uint64_t id = open_file_of(static_cast<int>(frame.argument(4)));
    return id == 0 ? map_local(frame) : map_file(frame, id);
}

// The mapping takes the place of others.
outcome map_over(call_frame& frame) noexcept {
    const auto begin = frame.argument<std::uintptr_t>(0);
    const mapped_parts replaced =
        state.maps.take(begin, begin + pages_up(frame.argument<std::uintptr_t>(1)));
    if (map_any(frame) == outcome::pass) {
        frame.result = repeat(frame);
    }
    if (failed(frame.result)) {
        for (const mapped_part& part : replaced) {
            state.maps.add(part);
        }
    } else {
        sync_parts(replaced, segment::sync_map::unmap);
    }
    return outcome::answered;
}

}  // namespace

outcome on_mmap(call_frame& frame) noexcept {
    const bool fixed = (frame.argument(3) & MAP_FIXED) != 0;
    return fixed && !state.maps.none() ? map_over(frame) : map_any(frame);
}

// The parts are taken out of the table before the kernel gives their addresses to somebody else.
outcome on_munmap(call_frame& frame) noexcept {
    if (state.maps.none()) {
        return outcome::pass;
    }
    const auto begin = frame.argument<std::uintptr_t>(0);
    const mapped_parts parts =
        state.maps.take(begin, begin + pages_up(frame.argument<std::uintptr_t>(1)));
    if (parts.count == 0) {
        return outcome::pass;
    }
    const long result = repeat(frame);
    if (failed(result)) {
        for (const mapped_part& part : parts) {
            state.maps.add(part);
        }
    } else {
        // What could not be written is told by msync(2), fsync(2) and close(2), not here.
        sync_parts(parts, segment::sync_map::unmap);
    }
    return answer(frame, result);
}

outcome on_mremap(call_frame& frame) noexcept {
    if (state.maps.none()) {
        return outcome::pass;
    }
    const auto begin = frame.argument<std::uintptr_t>(0);
    const std::uintptr_t old_bytes = pages_up(frame.argument<std::uintptr_t>(1));
    const std::uintptr_t new_bytes = pages_up(frame.argument<std::uintptr_t>(2));
    const long flags = frame.argument(3);
    // Without a length the mapping is doubled, and stays where it is too.
    const bool stays = old_bytes == 0 || (flags & MREMAP_DONTUNMAP) != 0;
    const mapped_parts source = state.maps.find(begin, begin + (stays ? page : old_bytes));
    const long result = repeat(frame);
    if (failed(result)) {
        return answer(frame, result);
    }
    if (!stays) {
        state.maps.take(begin, begin + old_bytes);
    }
    const auto moved = static_cast<std::uintptr_t>(result);
    const mapped_parts replaced = state.maps.take(moved, moved + new_bytes);
    if (source.count != 0) {
        state.maps.add({moved, moved + new_bytes, source.parts[0].image});
    }
    sync_parts(source, segment::sync_map::unmap);
    sync_parts(replaced, segment::sync_map::unmap);
    return answer(frame, result);
}

outcome on_msync(call_frame& frame) noexcept {
    if (state.maps.none()) {
        return outcome::pass;
    }
    const auto begin = frame.argument<std::uintptr_t>(0);
    const long flags = frame.argument(2);
    const mapped_parts parts =
        state.maps.find(begin, begin + pages_up(frame.argument<std::uintptr_t>(1)));
    if (parts.count == 0) {
        return outcome::pass;
    }
    const long result = repeat(frame);
    if (result != 0 && result != -ENOMEM) {
        return answer(frame, result);
    }
    // Holes in the range are an error of their own; what is mapped is written nevertheless.
    const auto how = (flags & MS_INVALIDATE) != 0 ? segment::sync_map::refresh
                     : (flags & MS_SYNC) != 0     ? segment::sync_map::sync
                                                  : segment::sync_map::write;
    const long written = sync_parts(parts, how);
    return answer(frame, result != 0 ? result : written);
}

}  // namespace farside::preload
