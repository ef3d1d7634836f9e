// Directories: their entries from any position, and where they are.
#include "agent/attributes.hpp"
#include "agent/services.hpp"
#include "protocol/limits.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace farside::agent {
namespace {

// struct linux_dirent64 of getdents64(2), up to its name.
struct entry_head {
    std::uint64_t inode;
    std::int64_t next_position;
    std::uint16_t record_bytes;
    std::uint8_t type;
};

constexpr std::size_t name_offset = offsetof(entry_head, type) + 1;

std::vector<protocol::directory_entry> parse_entries(std::span<const std::byte> records) {
    std::vector<protocol::directory_entry> entries;
    while (records.size() > name_offset) {
        entry_head head{};
        std::memcpy(&head, records.data(), name_offset);
        if (head.record_bytes <= name_offset || head.record_bytes > records.size()) {
            break;
        }
        const auto room = records.subspan(name_offset, head.record_bytes - name_offset);
        const auto end = std::ranges::find(room, std::byte{0});
        auto& entry = entries.emplace_back();
        entry.inode = head.inode;
        entry.next_position = head.next_position;
        entry.type = head.type;
        entry.name.resize(static_cast<std::size_t>(end - room.begin()));
        std::memcpy(entry.name.data(), room.data(), entry.name.size());
        records = records.subspan(head.record_bytes);
    }
    return entries;
}

}  // namespace

result<protocol::read_directory_reply> execute(
    const protocol::read_directory& request, const work_context& context
) {
    auto& file = *context.file;
    if (file.kind != file_kind::directory) {
        return errno_code(file.kind == file_kind::path_only ? EBADF : ENOTDIR);
    }
    if (request.position != file.directory_position) {
        if (::lseek(context.fd(), request.position, SEEK_SET) < 0) {
            return last_error();
        }
        file.directory_position = request.position;
    }
    const auto room =
        context.data->room(std::min(request.bytes, protocol::limits::directory_bytes_max));
    const auto got = unless_interrupted(context, [&] {
        return ::syscall(SYS_getdents64, context.fd(), room.data(), room.size());
    });
    if (got < 0) {
        return last_error();
    }
    protocol::read_directory_reply reply{parse_entries(room.first(static_cast<std::size_t>(got)))};
    if (!reply.entries.empty()) {
        file.directory_position = reply.entries.back().next_position;
    }
    return reply;
}

namespace {

// chdir(2) asks for search permission with the effective identity.
result<void> check_entry(int fd, std::uint32_t mode) {
    if (!S_ISDIR(mode)) {
        return errno_code(ENOTDIR);
    }
    if (::syscall(SYS_faccessat2, fd, "", X_OK, AT_EMPTY_PATH | AT_EACCESS) != 0) {
        return last_error();
    }
    return {};
}

}  // namespace

result<std::string> entered_path(int fd, std::uint32_t mode, const root_dir& root) {
    if (const auto may = check_entry(fd, mode); !may) {
        return may.error();
    }
    return root.path_of(fd, removed_file::is_error);
}

result<protocol::canonicalize_reply> execute(
    const protocol::canonicalize& request, const work_context& context
) {
    const auto at = context.at(request.at);
    object found;
    if (request.purpose > protocol::name_purpose::descriptor) {
        return errno_code(EINVAL);
    }
    if (at.is_handle()) {
        found.fd = at.base;
    } else {
        const bool enters = request.purpose == protocol::name_purpose::enter;
        const std::uint32_t kind = enters ? O_DIRECTORY : O_NOFOLLOW;
        auto fd = context.root->open(at, {O_PATH | kind, 0, 0});
        if (!fd) {
            return fd.error();
        }
        found.owned = std::move(*fd);
        found.fd = found.owned.get();
    }

    struct statx told {};

    constexpr unsigned mask = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID;
    if (::statx(found.fd, "", AT_EMPTY_PATH, mask, &told) != 0) {
        return last_error();
    }
    const auto removed = request.purpose == protocol::name_purpose::descriptor
                             ? removed_file::is_marked
                             : removed_file::is_error;
    auto path = request.purpose == protocol::name_purpose::enter
                    ? entered_path(found.fd, told.stx_mode, *context.root)
                    : context.root->path_of(found.fd, removed);
    if (!path) {
        return path.error();
    }
    return protocol::canonicalize_reply{std::move(*path), to_wire(told)};
}

}  // namespace farside::agent
