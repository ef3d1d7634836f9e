// Copies a remote file into a memfd, a call at a time. What the file has when it is copied is what
// the mapping shows: changes after that do not reach it.
#include "layer/preload/file_image.hpp"

#include "layer/preload/remote_call.hpp"

#include <linux/memfd.h>

namespace farside::preload {
namespace {

long write_all(long fd, const std::byte* data, std::size_t bytes) noexcept {
    while (bytes > 0) {
        const long put = kernel(__NR_write, fd, data, bytes);
        if (put < 0) {
            return put;
        }
        data += put;
        bytes -= static_cast<std::size_t>(put);
    }
    return 0;
}

}  // namespace

long make_image(
    std::uint64_t id, std::int64_t offset, std::uint64_t bytes, const char* name
) noexcept {
    const long fd = kernel(__NR_memfd_create, name, MFD_CLOEXEC);
    if (fd < 0) {
        return fd;
    }
    long result = 0;
    while (bytes > 0) {
        const std::size_t wanted = bytes < segment::data_room ? bytes : segment::data_room;
        session_call call{segment::call::read};
        const long got = call.argument(0, id)
                             .argument(1, static_cast<std::uint64_t>(offset))
                             .argument(2, wanted)
                             .argument(3, bytes)
                             .run();
        result = got <= 0 ? got : write_all(fd, call.data(), static_cast<std::size_t>(got));
        if (got <= 0 || result < 0) {
            break;
        }
        offset += got;
        bytes -= static_cast<std::uint64_t>(got);
    }
    if (result < 0) {
        kernel(__NR_close, fd);
        return result;
    }
    return fd;
}

}  // namespace farside::preload
