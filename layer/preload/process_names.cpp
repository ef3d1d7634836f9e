// Our own descriptors are in the table. Another process's are recognised as an heir's are: by the
// template's inode, and by the file offset, which the kernel tells in fdinfo.
#include "layer/preload/process_names.hpp"

#include "layer/preload/process_state.hpp"
#include "layer/preload/syscall_x86_64.hpp"
#include "layer/preload/working_directory.hpp"

#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>

namespace farside::preload {
namespace {

bool take_prefix(std::string_view& text, std::string_view prefix) noexcept {
    if (!text.starts_with(prefix)) {
        return false;
    }
    text.remove_prefix(prefix.size());
    return true;
}

bool take_number(std::string_view& text, std::uint64_t& value) noexcept {
    constexpr std::size_t digits_max = 19;
    std::size_t digits = 0;
    value = 0;
    while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
        if (digits == digits_max) {
            return false;
        }
        value = value * 10 + static_cast<std::uint64_t>(text[digits++] - '0');
    }
    text.remove_prefix(digits);
    return digits != 0;
}

// A part of a path that is `name`, and then its end or more.
bool take_part(std::string_view& path, std::string_view name) noexcept {
    std::string_view left = path;
    if (!take_prefix(left, name) || (!left.empty() && left[0] != '/')) {
        return false;
    }
    path = left;
    return true;
}

// "fdinfo" has "pos:\t<file offset>" in its first line.
std::uint64_t offset_of(std::string_view process, unsigned fd) noexcept {
    constexpr std::string_view folder = "/fdinfo/";
    constexpr std::string_view key = "pos:\t";
    char name[64];
    if (process.size() + folder.size() + 11 > sizeof name) {
        return 0;
    }
    std::memcpy(name, process.data(), process.size());
    char* end = name + process.size();
    std::memcpy(end, folder.data(), folder.size());
    end += folder.size();
    end[write_number(end, fd)] = '\0';
    const long info = kernel(__NR_openat, AT_FDCWD, name, O_RDONLY | O_CLOEXEC);
    if (info < 0) {
        return 0;
    }
    char text[64];
    const long got = kernel(__NR_read, info, text, sizeof text);
    kernel(__NR_close, info);
    std::string_view line{text, got > 0 ? static_cast<std::size_t>(got) : 0};
    std::uint64_t offset = 0;
    return take_prefix(line, key) && take_number(line, offset) ? offset : 0;
}

// `process` is "/proc/PID", `name` "/proc/PID/fd/N".
std::uint64_t id_in(std::string_view process, std::string_view name, unsigned fd) noexcept {
    char path[64];
    if (name.size() >= sizeof path) {
        return 0;
    }
    std::memcpy(path, name.data(), name.size());
    path[name.size()] = '\0';

    struct stat st {};

    if (kernel(__NR_stat, path, &st) != 0 || st.st_ino != state.template_inode ||
        st.st_dev != state.template_device) {
        return 0;
    }
    return offset_of(process, fd);
}

process_name of_descriptor(std::uint64_t fd, std::string_view rest) noexcept {
    return {fd < descriptors_max ? open_file_of(static_cast<long>(fd)) : 0, rest};
}

process_name of_process(std::string_view path) noexcept {
    std::string_view rest = path;
    std::uint64_t pid = 0;
    rest.remove_prefix(std::string_view{"/proc/"}.size());
    bool ours = take_part(rest, "self") || take_part(rest, "thread-self");
    if (!ours) {
        if (!take_number(rest, pid)) {
            return {};
        }
        ours = static_cast<long>(pid) == kernel(__NR_getpid);
    }
    const std::string_view process = path.substr(0, path.size() - rest.size());
    std::uint64_t thread = 0;
    if (take_prefix(rest, "/task/") && !take_number(rest, thread)) {
        return {};
    }
    if (ours && take_part(rest, "/cwd")) {
        return {directory_is_remote() ? directory_id() : 0, rest};
    }
    std::uint64_t fd = 0;
    if (!take_prefix(rest, "/fd/") || !take_number(rest, fd) || (!rest.empty() && rest[0] != '/')) {
        return {};
    }
    if (ours) {
        return of_descriptor(fd, rest);
    }
    const std::string_view name = path.substr(0, path.size() - rest.size());
    return {fd < descriptors_max ? id_in(process, name, static_cast<unsigned>(fd)) : 0, rest};
}

}  // namespace

process_name find_process_name(std::string_view path) noexcept {
    if (path.starts_with("/proc/")) {
        return of_process(path);
    }
    std::uint64_t fd = 0;
    if (take_prefix(path, "/dev/fd/")) {
        const bool whole = take_number(path, fd) && (path.empty() || path[0] == '/');
        return whole ? of_descriptor(fd, path) : process_name{};
    }
    constexpr std::string_view standard[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
    for (const std::string_view name : standard) {
        if (path == name) {
            return of_descriptor(fd, {});
        }
        ++fd;
    }
    return {};
}

}  // namespace farside::preload
