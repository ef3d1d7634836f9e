// Leases on the bytes of files, and reading under them. The lease is taken first: from then on
// nobody writes, and who wants to waits; so attributes and bytes that are read behind it belong
// together.
#include "agent/attributes.hpp"
#include "agent/lease_status.hpp"
#include "agent/leases.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

namespace farside::agent {
namespace {

constexpr std::uint32_t file_changes = IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;

// Without making it look used, where that is permitted.
unique_fd open_to_read(int descriptors, int fd) {
    const auto name = process_descriptors::name_of(fd);
    constexpr int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    unique_fd opened{::openat(descriptors, name.c_str(), flags | O_NOATIME)};
    if (!opened && errno == EPERM) {
        opened = unique_fd{::openat(descriptors, name.c_str(), flags)};
    }
    return opened;
}

// Under a lease nobody can write, and whoever wants to truncate waits: the size is the file's, and
// it is read in one piece of time however many calls that takes.
bool read_all(int fd, std::span<std::byte> room) {
    std::size_t bytes = 0;
    while (bytes < room.size()) {
        const auto rest = room.subspan(bytes);
        const auto got = ::pread(fd, rest.data(), rest.size(), static_cast<off_t>(bytes));
        if (got <= 0) {
            return false;
        }
        bytes += static_cast<std::size_t>(got);
    }
    return true;
}

}  // namespace

void leases::add_data(lease& directory, protocol::leased_entry& entry, std::span<std::byte> room) {
    if (!has_room()) {
        return;
    }
    // What the name leads to may be something else by now, whose opening would be noticed: so it is
    // found first and opened then.
    constexpr int find_only = O_PATH | O_NOFOLLOW | O_CLOEXEC;
    const unique_fd found{::openat(directory.fd(), entry.name.c_str(), find_only)};

    struct statx told {};

    if (!found || !stat_file(found.get(), told) || !S_ISREG(told.stx_mode) ||
        (told.stx_mnt_id != directory.mount && !is_leasable(found.get()))) {
        return;
    }
    lease made;
    made.file = std::make_shared<open_file>();
    made.file->fd = open_to_read(root_.descriptors().directory(), found.get());
    made.file->inode = key_of(told);
    made.file->flags = O_RDONLY;
    made.has_data = true;
    if (!made.file->fd) {
        return;
    }
    made.handle = handles_.add(made.file);
    const int fd = made.fd();
    const bool taken = files_.take(fd, *this, made.handle);
    // Anew: what was told before the lease may have changed before it.
    if (!taken || !stat_file(fd, told) || told.stx_size > room.size() ||
        !read_all(fd, room.first(told.stx_size))) {
        files_.release(fd);
        handles_.remove(made.handle);
        return;
    }
    entry.attr = to_wire(told);
    entry.covered = is_covered(directory, told);
    entry.handle = made.handle;
    entry.data.bytes = room.first(told.stx_size);
    table_.add(std::move(made));
}

void leases::lease_opened(
    const std::shared_ptr<open_file>& file,
    std::span<std::byte> room,
    protocol::open_leased_reply& reply
) {
    const int fd = file->fd.get();
    reply.as_of = number_;
    if (file->kind != file_kind::regular || (file->flags & O_ACCMODE) != O_RDONLY ||
        file->foreign || !has_room() || !is_leasable(fd) || !files_.take(fd, *this, reply.handle)) {
        return;
    }
    const int watched = watch(fd, file_changes);

    struct statx told {};

    const bool known = watched != no_watch && stat_file(fd, told);
    const auto wanted = room.first(std::min<std::size_t>(room.size(), told.stx_size));
    if (!known || !read_all(fd, wanted)) {
        files_.release(fd);
        unwatch(watched);
        return;
    }
    lease made;
    made.handle = reply.handle;
    made.file = file;
    made.has_data = true;
    made.watch = watched;
    table_.add(std::move(made));
    reply.attr = to_wire(told);
    reply.leased = true;
    reply.data.bytes = wanted;
}

}  // namespace farside::agent
