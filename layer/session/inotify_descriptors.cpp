// Reading /proc.
#include "layer/session/inotify_descriptors.hpp"

#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

#include <unistd.h>

namespace farside::session {
namespace {

namespace fs = std::filesystem;

bool is_inotify_link(const std::string& path) {
    constexpr std::string_view kind = "anon_inode:inotify";
    std::array<char, kind.size() + 1> target{};
    const auto bytes = ::readlink(path.c_str(), target.data(), target.size());
    return bytes == static_cast<ssize_t>(kind.size()) &&
           std::string_view{target.data(), kind.size()} == kind;
}

// The hexadecimal number after `key`.
std::optional<std::uint64_t> field(std::string_view line, std::string_view key) {
    const auto found = line.find(key);
    if (found == std::string_view::npos) {
        return std::nullopt;
    }
    const auto digits = line.substr(found + key.size());
    std::uint64_t value = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    return parsed.ec == std::errc{} ? std::optional{value} : std::nullopt;
}

// Calls `each(inode)` until it answers true.
template <typename Each>
void for_each_inode(const std::string& fdinfo, std::uint64_t device, Each each) {
    std::ifstream lines{fdinfo};
    for (std::string line; std::getline(lines, line);) {
        const auto inode = inode_of_line(line, device);
        if (inode && each(*inode)) {
            return;
        }
    }
}

// False: we may not look.
bool collect(
    const std::string& process, std::uint64_t device, std::unordered_set<std::uint64_t>& inodes
) {
    std::error_code ec;
    fs::directory_iterator descriptors{process + "/fd", ec};
    if (ec) {
        return ec != std::errc::permission_denied;
    }
    for (; descriptors != fs::directory_iterator{}; descriptors.increment(ec)) {
        const auto number = descriptors->path().filename().string();
        if (is_inotify_link(descriptors->path().string())) {
            for_each_inode(process + "/fdinfo/" + number, device, [&](std::uint64_t inode) {
                inodes.insert(inode);
                return false;
            });
        }
    }
    return true;  // where it ended meanwhile too
}

}  // namespace

std::optional<std::uint64_t> inode_of_line(const std::string& line, std::uint64_t device) {
    if (!line.starts_with("inotify wd:") || field(line, " sdev:") != device) {
        return std::nullopt;
    }
    return field(line, " ino:");
}

bool is_inotify(int descriptor) {
    return is_inotify_link("/proc/self/fd/" + std::to_string(descriptor));
}

std::optional<std::uint64_t> watched_inode(
    int descriptor, std::uint64_t device, const std::function<bool(std::uint64_t)>& wanted
) {
    std::optional<std::uint64_t> found;
    const auto fdinfo = "/proc/self/fdinfo/" + std::to_string(descriptor);
    for_each_inode(fdinfo, device, [&](std::uint64_t inode) {
        if (wanted(inode)) {
            found = inode;
        }
        return found.has_value();
    });
    return found;
}

std::optional<std::unordered_set<std::uint64_t>> inodes_watched_elsewhere(
    std::uint64_t device, const std::function<bool(pid_t)>& matters
) {
    std::unordered_set<std::uint64_t> inodes;
    std::error_code ec;
    fs::directory_iterator processes{"/proc", ec};
    if (ec) {
        return std::nullopt;
    }
    for (; processes != fs::directory_iterator{}; processes.increment(ec)) {
        const auto name = processes->path().filename().string();
        pid_t pid = 0;
        const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
        const bool is_process = parsed.ec == std::errc{} && parsed.ptr == name.data() + name.size();
        if (is_process && pid != ::getpid() &&
            !collect(processes->path().string(), device, inodes) && matters(pid)) {
            return std::nullopt;
        }
    }
    if (ec) {
        return std::nullopt;
    }
    return inodes;
}

}  // namespace farside::session
