// The one door to the target's paths: turns a location into something that a system call can act on
// and that lies inside the target, whatever its symbolic links say.
//
// Two strategies behind one class:
//   - joined: this process's root is the target's root, so the kernel's own resolution is right as
//   it
//     is, and a location is passed on unchanged;
//   - confined: the target is a directory of this file system. Paths are resolved by openat2(2)
//   with
//     RESOLVE_IN_ROOT, and an operation on a name opens the parent and acts on the last component,
//     which the kernel never follows there.
#pragma once

#include "agent/posix.hpp"
#include "agent/process_descriptors.hpp"
#include "protocol/support/unique_fd.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace farside::agent {

// A location whose handle was looked up. Views its path: it lives no longer than the message.
struct place {
    int base = -1;  // the open file that `path` starts at, or -1: `path` is absolute
    const std::string& path;

    [[nodiscard]] bool is_handle() const { return base >= 0 && path.empty(); }
};

enum class removed_file : bool { is_error, is_marked };  // " (deleted)" behind its last name
enum class follow : bool { no, yes };                    // a symbolic link in the last component

// What openat2(2) takes.
struct open_request {
    std::uint32_t flags = 0;
    std::uint32_t mode = 0;
    std::uint64_t resolve = 0;
};

// Arguments for an *at system call: (directory, name, flags).
struct spot {
    unique_fd owned;  // keeps `directory` open, where it was opened for this
    int directory = -1;
    const char* name = "";
    int flags = 0;  // AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW
};

// An object without opening its contents: an O_PATH descriptor, or the handle itself.
struct object {
    unique_fd owned;
    int fd = -1;
};

// Immutable; used by all threads.
class root_dir {
public:
    // REQUIRES: `descriptors` outlives the result, here and below.
    [[nodiscard]] static root_dir of_process(const process_descriptors& descriptors);

    // `path` is this process's own; a relative one starts at `start`.
    [[nodiscard]] static result<root_dir> of_directory(
        const process_descriptors& descriptors, int start, const std::string& path
    );

    [[nodiscard]] result<unique_fd> open(const place& at, const open_request& how) const;

    // For calls on the object that a location names (statx, faccessat2, fchownat, ...).
    [[nodiscard]] result<spot> object_spot(const place& at, follow links) const;

    // For calls on the name itself (mkdirat, unlinkat, renameat2, ...).
    [[nodiscard]] result<spot> name_spot(const place& at) const;

    [[nodiscard]] result<object> find(const place& at, follow links) const;

    // Where an open file is: absolute in the target, without symbolic links on the way. ENOENT
    // where it is outside of the target, or was removed and that is an error.
    [[nodiscard]] result<std::string> path_of(int fd, removed_file how) const;

    [[nodiscard]] const process_descriptors& descriptors() const { return *descriptors_; }

    // The directory that holds the target, below this process's root: "/" when joined.
    [[nodiscard]] result<std::string> own_path() const;

private:
    explicit root_dir(const process_descriptors& descriptors) : descriptors_{&descriptors} {}

    [[nodiscard]] bool joined() const { return !root_; }

    [[nodiscard]] result<unique_fd> reopen(int handle, const open_request& how) const;
    [[nodiscard]] result<unique_fd> open_confined(const place& at, const open_request& how) const;
    [[nodiscard]] result<unique_fd> open_from_base_path(const place& at, const open_request& how)
        const;

    const process_descriptors* descriptors_;
    unique_fd root_;  // confined: the target's root
};

}  // namespace farside::agent
