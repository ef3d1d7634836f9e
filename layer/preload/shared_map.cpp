// Getting the image's descriptor, and telling the session that stores are to be written.
#include "layer/preload/shared_map.hpp"

#include "layer/preload/descriptor_passing.hpp"
#include "layer/preload/remote_call.hpp"

namespace farside::preload {
namespace {

struct received_image {
    long fd = -1;  // or -errno
    std::uint64_t number = 0;
};

// The descriptor is a new one for each mapping: that the mapping lives is told by it.
received_image ask_for_image(std::uint64_t id, std::uint64_t protection) noexcept {
    const return_socket socket;
    if (socket.failure() < 0) {
        return {socket.failure(), 0};
    }
    session_call call{segment::call::map_shared};
    const long image = call.argument(0, id).argument(1, protection).attach(socket.far()).run();
    if (image <= 0) {
        return {image == 0 ? -EIO : image, 0};
    }
    return {socket.receive(), static_cast<std::uint64_t>(image)};
}

}  // namespace

long map_shared(const call_frame& frame, std::uint64_t id) noexcept {
    const received_image image = ask_for_image(id, frame.argument<std::uint64_t>(2));
    if (image.fd < 0) {
        return image.fd;
    }
    const long mapped = repeat(frame, {{4, image.fd}});
    kernel(__NR_close, image.fd);
    if (mapped < 0 && mapped > -4096) {
        return mapped;
    }
    const auto begin = static_cast<std::uintptr_t>(mapped);
    state.maps.add({begin, begin + frame.argument<std::uintptr_t>(1), image.number});
    return mapped;
}

long sync_parts(const mapped_parts& parts, segment::sync_map how) noexcept {
    long failure = 0;
    for (const mapped_part& part : parts) {
        session_call call{segment::call::sync_map};
        const long result =
            call.argument(0, part.image).argument(1, static_cast<std::uint64_t>(how)).run();
        failure = failure != 0 ? failure : result;
    }
    return failure;
}

void write_back_mappings() noexcept {
    if (!state.maps.none() && !in_vfork_child()) {
        // A failure has nobody to go to here; the session tries again, and tells the user.
        sync_parts(state.maps.find(0, UINTPTR_MAX), segment::sync_map::write);
    }
}

}  // namespace farside::preload
