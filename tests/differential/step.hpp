// One step of a random sequence of file operations: an operation and up to four numbers. Steps are
// plain values with a text form, so that a sequence that fails can be cut down, kept and run again.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farside::differential {

// Files are named by slots, numbers 0 to slots - 1, that hold a descriptor or nothing; mappings by
// slots of their own; paths by their place in `path_names`.
inline constexpr std::int64_t slots = 6;
inline constexpr std::int64_t mappings = 3;

inline constexpr std::array<const char*, 11> path_names{
    "a", "b", "c", "d", "d/a", "d/b", "e", "e/a", "l", "./d/../a", "."};

enum class action : std::uint8_t {
    open,              // slot, path, flags, mode
    open_at,           // slot, path, flags, slot of the directory
    close,             // slot
    dup,               // slot, slot
    dup2,              // slot, slot; both taken
    read,              // slot, bytes
    pread,             // slot, bytes, offset
    readv,             // slot, bytes, bytes
    write,             // slot, bytes, first byte
    pwrite,            // slot, bytes, offset, first byte
    writev,            // slot, bytes, bytes, first byte
    seek,              // slot, offset, whence
    truncate_open,     // slot, bytes
    truncate,          // path, bytes
    allocate,          // slot, mode, offset, bytes
    sync,              // slot, 0: fsync, 1: fdatasync
    stat_open,         // slot
    stat,              // path, AT_* flags
    access,            // path, mode
    list,              // path
    list_on,           // slot, bytes of room
    unlink,            // path
    make_directory,    // path, mode
    remove_directory,  // path
    rename,            // path, path, RENAME_* flags
    link,              // path, path
    make_symlink,      // path, path
    read_link,         // path
    change_mode,       // path, mode
    set_times,         // path, seconds, seconds
    get_flags,         // slot
    set_flags,         // slot, flags
    lock_file,         // slot, operation
    lock_record,       // slot, command and type (see lock_steps), first byte, bytes
    copy_range,        // slot, slot, bytes, offset of the first or -1
    send_file,         // slot, slot, bytes
    splice,            // slot, bytes, 0: out of the file, 1: into it
    map,               // mapping, slot, PROT_* | MAP_* << 8, pages << 8 | first page
    map_private,       // slot, bytes
    load,              // mapping, offset, bytes
    store,             // mapping, offset, bytes, first byte
    sync_map,          // mapping, MS_* flags
    unmap,             // mapping
    remap,             // mapping, pages
    fork,              // the next n steps happen in a child
    spawn,             // the next n steps happen in a program of its own
    change_directory,  // path
    leave_directory,   // back to where the sequence began
    set_umask,         // mask
};

struct step {
    action what = action::close;
    std::array<std::int64_t, 4> numbers{};

    friend bool operator==(const step&, const step&) = default;
};

using sequence = std::vector<step>;

[[nodiscard]] std::string_view name_of(action what);

// "pwrite 3 100 4096 65", and a line each.
[[nodiscard]] std::string to_text(const step& one);
[[nodiscard]] std::string to_text(const sequence& all);

// Nothing where a line is no step.
[[nodiscard]] std::optional<sequence> parse(std::string_view text);

// The same for the same seed, on every machine. Each sequence uses some kinds of operation and
// leaves others out, so that more of them go deep.
[[nodiscard]] sequence generate(std::uint64_t seed, std::size_t steps);

}  // namespace farside::differential
