// The judging of an image is layer/common/exec_image; here are the files, the rights that a program
// gains when it starts, and who runs other programs.
#include "layer/preload/program_judge.hpp"

#include "layer/preload/place.hpp"
#include "layer/preload/program_memory.hpp"
#include "layer/preload/syscall_x86_64.hpp"

#include <climits>

#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>

namespace farside::preload {
namespace {

long read_local(void* context, void* buffer, std::size_t bytes, std::uint64_t offset) noexcept {
    return kernel(__NR_pread64, *static_cast<long*>(context), buffer, bytes, offset);
}

// Then the loader is told (AT_SECURE) to preload nothing.
bool gains_rights(long fd) noexcept {
    struct stat st {};

    if (kernel(__NR_fstat, fd, &st) != 0) {
        return false;
    }
    const bool other_user =
        (st.st_mode & S_ISUID) != 0 && static_cast<long>(st.st_uid) != kernel(__NR_getuid);
    const bool other_group = (st.st_mode & S_ISGID) != 0 && (st.st_mode & S_IXGRP) != 0 &&
                             static_cast<long>(st.st_gid) != kernel(__NR_getgid);
    return other_user || other_group ||
           (kernel(__NR_getuid) != 0 &&
            kernel(__NR_fgetxattr, fd, "security.capability", nullptr, 0) > 0);
}

// The value of a variable; nullptr: there is none.
const char* value_of(std::string_view name, char* const* variables) noexcept {
    for (; variables != nullptr && *variables != nullptr; ++variables) {
        const std::string_view variable{*variables};
        if (variable.size() > name.size() && variable.starts_with(name) &&
            variable[name.size()] == '=') {
            return *variables + name.size() + 1;
        }
    }
    return nullptr;
}

// Valgrind's launcher says who it is to its tools, which lie in a directory of that name.
bool is_valgrind_tool(std::string_view path, char* const* variables) noexcept {
    constexpr std::string_view directory = "/valgrind";
    const auto end = path.rfind('/');
    return end != std::string_view::npos && path.substr(0, end).ends_with(directory) &&
           value_of("VALGRIND_LAUNCHER", variables) != nullptr;
}

// Its first argument that is no option; nullptr: none.
const char* guest_of(char* const* arguments) noexcept {
    if (arguments == nullptr || arguments[0] == nullptr) {
        return nullptr;
    }
    for (++arguments; *arguments != nullptr && (*arguments)[0] == '-'; ++arguments) {
        if (std::string_view{*arguments} == "--") {
            return arguments[1];
        }
    }
    return *arguments;
}

// As valgrind looks for it; nullptr: it is not in `path`, which is like the variable.
const char* find_program(std::string_view name, const char* path, char* room) noexcept {
    while (path != nullptr && *path != '\0') {
        std::size_t bytes = 0;
        while (path[bytes] != '\0' && path[bytes] != ':') {
            ++bytes;
        }
        if (bytes + 1 + name.size() < PATH_MAX) {
            std::memcpy(room, path, bytes);
            room[bytes] = '/';
            std::memcpy(room + bytes + 1, name.data(), name.size());
            room[bytes + 1 + name.size()] = '\0';
            if (kernel(__NR_faccessat, AT_FDCWD, room, X_OK) == 0) {
                return room;
            }
        }
        path += path[bytes] == ':' ? bytes + 1 : bytes;
    }
    return nullptr;
}

verdict judge_guest(const char* guest, char* const* variables) noexcept {
    const scratch memory;
    const std::string_view name{guest};
    const char* const file = name.rfind('/') != std::string_view::npos
                                 ? guest
                                 : find_program(name, value_of("PATH", variables), memory.data());
    verdict judged = file == nullptr ? verdict{} : judge_path(file, 0);
    if (judged.is_elsewhere) {
        judged = {"in the target, where valgrind does not look,", loads_library::yes, false};
    }
    judged.program = guest;
    return judged;
}

}  // namespace

image_report inspect_local(long fd) noexcept {
    return inspect_image({read_local, &fd});
}

verdict judge(image_kind kind) noexcept {
    const bool stumbles = kind == image_kind::musl || kind == image_kind::other_loader ||
                          kind == image_kind::elf32 || kind == image_kind::other_machine;
    return {describe(kind), stumbles ? loads_library::no : loads_library::yes, false};
}

verdict judge_path(const char* path, int depth) noexcept {
    const place where{AT_FDCWD, path};
    if (!where.is_local()) {
        return {nullptr, loads_library::yes, true};  // looked at when it is executed
    }
    long fd = kernel(
        __NR_openat,
        AT_FDCWD,
        where.what() == place::kind::local ? where.path().data() : path,
        O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK
    );
    if (fd < 0) {
        return {fd == -EACCES ? "not readable" : nullptr, loads_library::yes, false};
    }
    const image_report found = inspect_local(fd);
    verdict result{};
    switch (found.kind) {
        case image_kind::covered:
            result.why = gains_rights(fd) ? "a program that gains rights when it starts" : nullptr;
            break;
        case image_kind::foreign:
        case image_kind::malformed:
        case image_kind::script:
            break;
        default:
            result = judge(found.kind);
            break;
    }
    kernel(__NR_close, fd);
    if (found.kind == image_kind::script && depth < script_depth_max) {
        return judge_path(found.interpreter, depth + 1);
    }
    return result;
}

verdict judge_program(const char* path, char* const* arguments, char* const* variables) noexcept {
    const verdict judged = judge_path(path, 0);
    if (judged.why == nullptr || !is_valgrind_tool(path, variables)) {
        return judged;
    }
    const char* const guest = guest_of(arguments);
    return guest == nullptr ? verdict{} : judge_guest(guest, variables);
}

long admit(const char* path, const verdict& judged) noexcept {
    if (judged.why == nullptr || state.view->allow_local != 0) {
        return 0;
    }
    report(
        {judged.program != nullptr ? judged.program : path,
         " is ",
         judged.why,
         " and cannot be covered; farside exec --allow-local runs it on local files"}
    );
    return -EACCES;
}

}  // namespace farside::preload
