// The variable may say anything: descriptors are known by their inodes, and the view by its magic.
#include "layer/session/enclosing_session.hpp"

#include "layer/segment/segment.hpp"
#include "layer/segment/view.hpp"

#include <array>
#include <charconv>
#include <cstring>

#include <sys/mman.h>
#include <sys/stat.h>

namespace farside::session {
namespace {

// "1:<segment>:<view>:<template>:<doorbell>:<inode of segment>:<inode of template>"
constexpr std::size_t field_count = 7;
using fields = std::array<std::uint64_t, field_count>;

std::optional<fields> parse(std::string_view variable) {
    fields result{};
    for (std::size_t i = 0; i < field_count; ++i) {
        const char* const end = variable.data() + variable.size();
        const auto [stop, error] = std::from_chars(variable.data(), end, result[i]);
        const bool last = i + 1 == field_count;
        if (error != std::errc{} || (last ? stop != end : stop == end || *stop != ':')) {
            return std::nullopt;
        }
        variable.remove_prefix(static_cast<std::size_t>(stop - variable.data()) + (last ? 0 : 1));
    }
    return result;
}

bool is_inode(std::uint64_t fd, std::uint64_t inode) {
    struct stat status {};

    return fd < static_cast<std::uint64_t>(segment::descriptor_ceiling) &&
           ::fstat(static_cast<int>(fd), &status) == 0 && status.st_ino == inode;
}

}  // namespace

std::optional<std::string> enclosing_target(std::string_view variable) {
    const std::optional<fields> found = parse(variable);
    if (!found || (*found)[0] != 1 || !is_inode((*found)[1], (*found)[5]) ||
        !is_inode((*found)[3], (*found)[6])) {
        return std::nullopt;
    }

    struct stat status {};

    const int fd = static_cast<int>((*found)[2]);
    if ((*found)[2] >= static_cast<std::uint64_t>(segment::descriptor_ceiling) ||
        ::fstat(fd, &status) != 0 || status.st_size < static_cast<off_t>(sizeof(segment::view))) {
        return std::nullopt;
    }
    void* const address = ::mmap(nullptr, sizeof(segment::view), PROT_READ, MAP_SHARED, fd, 0);
    if (address == MAP_FAILED) {
        return std::nullopt;
    }
    const auto& view = *static_cast<const segment::view*>(address);
    std::optional<std::string> target;
    if (view.magic == segment::view_magic && view.version == segment::layout_version) {
        target.emplace(view.target, ::strnlen(view.target, sizeof view.target));
    }
    ::munmap(address, sizeof(segment::view));
    return target;
}

}  // namespace farside::session
