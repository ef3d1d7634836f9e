// The judging itself is layer/common/exec_image; here are the files, and the rights that a program
// gains when it starts.
#include "layer/session/program.hpp"

#include "protocol/support/unique_fd.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace farside::session {
namespace {

constexpr int script_depth_max = 5;  // the kernel follows no more

int executable_error(const std::string& file) {
    struct stat status {};

    if (::stat(file.c_str(), &status) != 0) {
        return errno;
    }
    if (!S_ISREG(status.st_mode)) {
        return EACCES;
    }
    return ::faccessat(AT_FDCWD, file.c_str(), X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

long read_file(void* context, void* buffer, std::size_t bytes, std::uint64_t offset) noexcept {
    const int fd = static_cast<const unique_fd*>(context)->get();
    const ssize_t got = ::pread(fd, buffer, bytes, static_cast<off_t>(offset));
    return got < 0 ? -errno : got;
}

// Then the loader is told (AT_SECURE) to preload nothing.
bool gains_rights(int fd) {
    struct stat status {};

    if (::fstat(fd, &status) != 0) {
        return false;
    }
    const bool other_user = (status.st_mode & S_ISUID) != 0 && status.st_uid != ::getuid();
    const bool other_group = (status.st_mode & S_ISGID) != 0 && (status.st_mode & S_IXGRP) != 0 &&
                             status.st_gid != ::getgid();
    return other_user || other_group ||
           (::getuid() != 0 && ::fgetxattr(fd, "security.capability", nullptr, 0) > 0);
}

}  // namespace

found_program find_program(std::string_view name, std::string_view path) {
    if (name.empty()) {
        return {{}, ENOENT};
    }
    if (name.find('/') != std::string_view::npos) {
        std::string file{name};
        const int error = executable_error(file);
        return error == 0 ? found_program{std::move(file), 0} : found_program{{}, error};
    }
    int error = ENOENT;
    for (bool more = true; more;) {
        const std::size_t colon = path.find(':');
        const std::string_view directory = path.substr(0, colon);
        std::string file = directory.empty() ? "./" : std::string{directory} + "/";
        file += name;
        const int found = executable_error(file);
        if (found == 0) {
            return {std::move(file), 0};
        }
        if (found == EACCES) {
            error = EACCES;
        }
        more = colon != std::string_view::npos;
        path.remove_prefix(more ? colon + 1 : path.size());
    }
    return {{}, error};
}

std::optional<refusal> judge_program(const std::string& file) {
    std::string at = file;
    for (int depth = 0; depth <= script_depth_max; ++depth) {
        unique_fd fd{::open(at.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
        if (!fd) {
            if (errno == EACCES) {
                return refusal{"cannot be read"};
            }
            return std::nullopt;
        }
        const image_report report = inspect_image({read_file, &fd});
        switch (report.kind) {
            case image_kind::script:
                at = report.interpreter;
                continue;
            case image_kind::foreign:
            case image_kind::malformed:
                return std::nullopt;
            case image_kind::covered:
                if (gains_rights(fd.get())) {
                    return refusal{"gains rights when it starts", report.kind};
                }
                return std::nullopt;
            default:
                return refusal{std::string{"is "} + describe(report.kind), report.kind};
        }
    }
    return std::nullopt;
}

}  // namespace farside::session
