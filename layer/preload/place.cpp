// Decides lexically: absolute, normalised, matched. What is sent to a file system keeps its "..",
// since the component before one may be a symbolic link there.
#include "layer/preload/place.hpp"

#include "layer/common/path.hpp"
#include "layer/preload/descriptor_path.hpp"
#include "layer/preload/process_names.hpp"
#include "layer/preload/program_memory.hpp"
#include "layer/preload/session_call.hpp"
#include "layer/preload/syscall_x86_64.hpp"
#include "layer/preload/working_directory.hpp"

#include <cstring>
#include <new>

#include <asm/errno.h>
#include <fcntl.h>
#include <sys/stat.h>

namespace farside::preload {
namespace {

// What the session decided before, or asks it. `path` is normalised.
side decide_undecided(std::string_view path) noexcept {
    const auto& table = state.view->decisions;
    const std::uint64_t hash = segment::path_hash(path.data(), path.size());
    for (std::uint32_t i = 0; i < segment::decision_table::entries; ++i) {
        const auto& entry = table.slots[(hash + i) % segment::decision_table::entries];
        const std::uint64_t found = entry.hash.load(std::memory_order_acquire);
        if (found == 0) {
            break;
        }
        if (found == hash &&
            std::string_view{table.text + entry.text_offset, entry.text_bytes} == path) {
            return entry.verdict;
        }
    }
    session_call call{segment::call::classify};
    call.location(0, 0, path);
    const long answer = call.run();
    return answer < 0 ? side::undecided : static_cast<side>(answer);
}

side side_of(std::string_view normalised) noexcept {
    const side first = decide(state.view->policy, normalised);
    return first == side::undecided ? decide_undecided(normalised) : first;
}

// Whether a ".." in the path steps out of a directory that is on another side than `wanted`: then
// neither side could walk the path as it is written.
bool crosses_sides(
    std::string_view path, char* out, std::size_t room, bool wanted_remote
) noexcept {
    for (std::size_t i = 0; i + 2 < path.size(); ++i) {
        const bool dots = path[i] == '/' && path[i + 1] == '.' && path[i + 2] == '.' &&
                          (i + 3 == path.size() || path[i + 3] == '/');
        if (!dots) {
            continue;
        }
        const long length = normalise("/", {path.data(), i}, out, room);
        if (length <= 0) {
            continue;
        }
        const side before = side_of({out, static_cast<std::size_t>(length)});
        const bool before_remote = before == side::remote || before == side::remote_read_only;
        if (before_remote != wanted_remote) {
            return true;
        }
    }
    return false;
}

}  // namespace

bool climbs(std::string_view path) noexcept {
    for (std::size_t i = 0; i + 1 < path.size(); ++i) {
        if (path[i] == '.' && path[i + 1] == '.' && (i == 0 || path[i - 1] == '/') &&
            (i + 2 == path.size() || path[i + 2] == '/')) {
            return true;
        }
    }
    return false;
}

place::place(long fd, const char* path, last_link link, empty_path empty) noexcept : link_{link} {
    const long length = path == nullptr ? 0 : text_length(path, PATH_MAX);
    if (length < 0 || length == PATH_MAX) {
        return;  // the kernel's EFAULT or ENAMETOOLONG
    }
    if (length == 0) {
        if (empty == empty_path::is_error) {
            return;  // the kernel's EFAULT or ENOENT
        }
        const auto id = static_cast<int>(fd) == AT_FDCWD ? 0 : open_file_of(fd);
        if (id == own_descriptor) {
            fail(-EBADF);
        } else if (id != 0) {
            kind_ = kind::remote;
            base_ = id;
        } else if (static_cast<int>(fd) == AT_FDCWD && directory_is_remote()) {
            resolve_in_directory({});
        }
        return;
    }
    resolve(fd, {path, static_cast<std::size_t>(length)});
}

place::~place() {
    if (has_scratch_) {
        reinterpret_cast<scratch*>(scratch_)->~scratch();
    }
}

char* place::buffer() noexcept {
    if (!has_scratch_) {
        new (scratch_) scratch{};
        has_scratch_ = true;
    }
    return reinterpret_cast<scratch*>(scratch_)->data();
}

void place::fail(long error) noexcept {
    kind_ = kind::failed;
    failure_ = error;
}

void place::resolve(long fd, std::string_view path) noexcept {
    if (path[0] == '/') {
        resolve_absolute(path, false);
    } else if (static_cast<int>(fd) == AT_FDCWD) {
        if (directory_is_remote()) {
            resolve_in_directory(path);
        } else if (!directory_is_all_local() || climbs(path)) {
            resolve_joined({}, path, true);
        }
    } else {
        resolve_descriptor(fd, path);
    }
}

// The remote working directory, as a descriptor of it would be.
void place::resolve_in_directory(std::string_view path) noexcept {
    base_ = directory_id();
    if (base_ == 0) {
        resolve_joined({}, path, false);
        return;
    }
    kind_ = kind::remote;
    path_ = path;
}

void place::resolve_descriptor(long fd, std::string_view path) noexcept {
    const std::uint64_t id = open_file_of(fd);
    if (id == own_descriptor) {
        fail(-EBADF);
        return;
    }
    if (id != 0) {
        kind_ = kind::remote;
        base_ = id;
        path_ = path;
        return;
    }
    const auto index = static_cast<unsigned>(fd);
    if (index >= descriptors_max) {
        return;
    }
    if (state.hints[index].load(std::memory_order_relaxed) == descriptor_hint::all_local &&
        !climbs(path)) {
        return;
    }
    char link[PATH_MAX / 8];
    char name[descriptor_path_room];
    write_descriptor_path(name, index);
    const long got = kernel(__NR_readlink, name, link, sizeof link);
    if (got <= 0 || link[0] != '/' || got == static_cast<long>(sizeof link)) {
        return;  // no directory, or none whose path is known: the kernel's answer
    }
    const std::string_view directory{link, static_cast<std::size_t>(got)};
    if (subtree_is_local(state.view->policy, directory)) {
        state.hints[index].store(descriptor_hint::all_local, std::memory_order_relaxed);
        if (!climbs(path)) {
            return;
        }
    }
    resolve_joined(directory, path, true);
}

void place::resolve_joined(
    std::string_view directory, std::string_view path, bool kernel_agrees
) noexcept {
    char* const out = buffer();
    if (out == nullptr) {
        fail(-ENOMEM);
        return;
    }
    std::size_t length = directory.size();
    if (directory.empty()) {
        length = copy_directory(out, PATH_MAX - 1);
        if (length == 0) {
            if (!kernel_agrees) {
                fail(-ENOENT);
            }
            return;
        }
    } else {
        std::memcpy(out, directory.data(), length);
    }
    if (!path.empty()) {
        if (length + 1 + path.size() >= PATH_MAX) {
            fail(-ENAMETOOLONG);
            return;
        }
        out[length] = '/';
        std::memcpy(out + length + 1, path.data(), path.size());
        length += 1 + path.size();
    }
    out[length] = '\0';
    resolve_absolute({out, length}, !kernel_agrees);
}

// `rewritten`: the kernel does not see the program's path as `path`, so a local one is handed on.
void place::resolve_absolute(std::string_view path, bool rewritten) noexcept {
    std::string_view normal = path;
    bool climbing = false;
    if (!is_normal(path)) {
        char* const out = buffer();
        if (out == nullptr) {
            fail(-ENOMEM);
            return;
        }
        const long length = normalise("/", path, out + PATH_MAX, PATH_MAX - 1);
        if (length < 0) {
            fail(-ENAMETOOLONG);
            return;
        }
        normal = {out + PATH_MAX, static_cast<std::size_t>(length)};
        climbing = climbs(path);
    }
    // As written first: ".." after such a name starts where it leads.
    if (resolve_process_name(path) || resolve_process_name(normal)) {
        return;
    }
    const side where = side_of(normal);
    if (where == side::undecided) {
        fail(-EIO);  // the session is gone
        return;
    }
    if (where == side::hidden) {
        fail(-ENOENT);
        return;
    }
    const bool remote = where != side::local;
    if (climbing) {
        char* const out = buffer();
        if (crosses_sides(path, out + PATH_MAX, PATH_MAX - 1, remote)) {
            const long length = normalise("/", path, out + PATH_MAX, PATH_MAX - 1);
            out[PATH_MAX + length] = '\0';
            path = {out + PATH_MAX, static_cast<std::size_t>(length)};
            rewritten = true;
        }
    }
    if (remote || rewritten) {
        kind_ = remote ? kind::remote : kind::local;
        path_ = path;
    }
}

// The names themselves are symbolic links, and stay so for calls that do not follow the last one.
bool place::resolve_process_name(std::string_view path) noexcept {
    const bool may_be = path.starts_with("/proc/") || path.starts_with("/dev/");
    const process_name name = may_be ? find_process_name(path) : process_name{};
    if (name.id == 0) {
        return false;
    }
    if (name.id == own_descriptor) {
        fail(-ENOENT);
        return true;
    }
    if (name.rest.empty() && link_ == last_link::keep) {
        link_to_ = name.id;
        return false;
    }
    kind_ = kind::remote;
    base_ = name.id;
    path_ = name.rest;
    while (path_.starts_with('/')) {
        path_.remove_prefix(1);
    }
    if (path_.empty() && !name.rest.empty()) {
        path_ = ".";
    }
    return true;
}

}  // namespace farside::preload
