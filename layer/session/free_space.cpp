// Asking statfs(2), at most one question per file system at a time.
#include "layer/session/free_space.hpp"

#include <algorithm>
#include <array>

#include <linux/magic.h>

namespace farside::session {
namespace {

// Not in the kernel's headers for programs.
constexpr std::uint64_t zfs_magic = 0x2fc12fc1;
constexpr std::uint64_t xfs_magic = 0x58465342;

// Where a write is bytes in a file, and nothing else.
constexpr std::array<std::uint64_t, 7> allowed{
    EXT4_SUPER_MAGIC,
    BTRFS_SUPER_MAGIC,
    F2FS_SUPER_MAGIC,
    OVERLAYFS_SUPER_MAGIC,
    TMPFS_MAGIC,
    xfs_magic,
    zfs_magic};

std::uint64_t product(std::uint64_t a, std::uint64_t b) {
    std::uint64_t result = 0;
    return __builtin_mul_overflow(a, b, &result) ? UINT64_MAX : result;
}

}  // namespace

void free_space::look(const std::shared_ptr<open_file>& file) {
    auto& at = known_[device_of(*file)];
    const bool fresh = at.known && clock::now() < at.asked + limits::free_space_stale;
    if (!fresh && !at.asking && link_.usable()) {
        at.asking = true;
        tasks_.spawn(ask(file));
    }
}

bool free_space::allows(
    const std::shared_ptr<open_file>& file, std::uint64_t bytes, std::uint64_t window
) {
    look(file);
    const auto& at = known_[device_of(*file)];
    const std::uint64_t needed = at.used + bytes + window + limits::free_bytes_min;
    return at.known && clock::now() < at.asked + limits::free_space_unknown &&
           at.available >= needed;
}

void free_space::use(const open_file& file, std::uint64_t bytes) {
    known_[device_of(file)].used += bytes;
}

awaitable<> free_space::ask(std::shared_ptr<open_file> file) {
    const device where = device_of(*file);
    const auto asked = clock::now();
    const std::uint64_t used_before = known_[where].used;
    link_caller nobody{session_stats::waited::no};
    protocol::file_system request;
    request.at.base = file->handle;
    reply_collector<protocol::file_system> reply;
    const auto ec = co_await link_.call(request, reply, nobody);
    auto& at = known_[where];
    at.asking = false;
    at.known = !ec;
    at.asked = asked;
    at.used -= used_before;
    const bool takes_writes =
        std::find(allowed.begin(), allowed.end(), reply.value.type) != allowed.end();
    at.available =
        takes_writes ? product(reply.value.blocks_available, reply.value.block_bytes) : 0;
}

}  // namespace farside::session
