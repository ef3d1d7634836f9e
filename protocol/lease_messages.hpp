// Leases: what the server says of names and files, and its promise to say so when that changes.
//
// A leased directory is a handle (opened as with O_PATH) that the server watches: each entry it
// sends of that directory holds until a notice says otherwise. A leased file is a handle, open for
// reading, on which the server holds a lease of the kernel (fcntl(2) F_SETLEASE, F_RDLCK): its
// bytes hold until a notice names the handle. Notices are sent before every reply that was not
// written yet when the change was made; so what a client can learn from a reply is never newer than
// what it was told before.
//
// Handles of both kinds are closed like any other, which ends the lease. A directory has one handle
// as long as it is leased, whatever is asked; one that is renamed keeps it. Of files each answer
// brings handles of its own.
//
// A regular file with several links changes through all of them: none is covered, and a client that
// sees a second one appear knows the same of the first (by device and inode).
#pragma once

#include "protocol/file_messages.hpp"

#include <string>
#include <vector>

namespace farside::protocol {

// `unknown`: forget what was said of the name.
enum class name_state : std::uint8_t { present = 0, missing = 1, unknown = 2 };

// What is known of one name in a leased directory.
struct leased_entry {
    handle_id directory = no_handle;  // no_handle: the root, or the file `handle` itself
    std::string name;                 // one component; empty: the directory itself
    name_state state = name_state::present;
    // `attr` holds until told otherwise, all but the time of the last access and the blocks; else
    // it is only from now.
    bool covered = false;
    bool plain = false;  // and so does that it has no extended attributes, and could have ACLs
    // Read from the directory: such entries come in its order. "." and ".." are told so, too: only
    // where they stand.
    bool listed = false;
    attributes attr;   // of the entry, not of what a symbolic link leads to
    std::string link;  // what a symbolic link says; empty: it was not asked
    // Of a directory: its own lease; no_handle where its file system or a limit forbids that. Of a
    // regular file whose data is here: leased. Notices bring no data, and say by `ended` alone that
    // a file's lease is over.
    handle_id handle = no_handle;
    bytes_view data;  // of a leased file: all of it, from the first byte to the end

    friend bool operator==(const leased_entry&, const leased_entry&) = default;
};

// One frame of an answer. `as_of` is the number of the last notice that was made before the work on
// the request began: what a later notice says of a name is newer than an entry here.
struct lookup_reply {
    std::uint64_t as_of = 0;
    std::vector<leased_entry> entries;
    // Directories all of whose names have been told now: a name that was not told is not there.
    std::vector<handle_id> complete;

    friend bool operator==(const lookup_reply&, const lookup_reply&) = default;
};

// Walks `path` from `base`, component by component, and tells each: the chain. Components are names
// (no "", "." or ".."); an empty path is `base` itself. The walk ends early, without failing,
// behind a component that is missing, a symbolic link, no directory, or not leased. With `list`,
// where it came to the end and that is a leased directory: all its names with their attributes, and
// those of directories below, breadth first, as long as there is budget. Directories come before
// the names in them. The answer is several frames; ESTALE where the base is not leased (any more).
struct lookup {
    static constexpr opcode op = opcode::lookup;
    using reply = lookup_reply;

    handle_id base = no_handle;  // a leased directory; no_handle: the root, told as a first entry
    std::string path;
    bool list = false;
    std::uint32_t entries_max = 0;      // of the listing; a directory with more is not complete
    std::uint32_t below_bytes_max = 0;  // of entries of directories below the last; 0: none
    std::uint32_t file_bytes_max = 0;   // regular files up to this size come with data; 0: none
    std::uint32_t data_bytes_max = 0;   // of all those data

    friend bool operator==(const lookup&, const lookup&) = default;
};

// Tells several names of a leased directory, with data of regular files up to `file_bytes_max`: as
// far as their leases are granted. The answer is several frames.
struct fetch {
    static constexpr opcode op = opcode::fetch;
    using reply = lookup_reply;

    handle_id directory = no_handle;
    std::vector<std::string> names;
    std::uint32_t file_bytes_max = 0;

    friend bool operator==(const fetch&, const fetch&) = default;
};

struct open_leased_reply {
    handle_id handle = no_handle;
    attributes attr;
    bool leased = false;      // both the file and `attr` are
    std::uint64_t as_of = 0;  // as in lookup_reply
    bytes_view data;          // of a leased file, its first bytes; fewer than asked for: all

    friend bool operator==(const open_leased_reply&, const open_leased_reply&) = default;
};

// As `open`; and a regular file that was opened for reading only is leased, where that is granted.
struct open_leased {
    static constexpr opcode op = opcode::open_leased;
    using reply = open_leased_reply;

    location at;
    std::uint32_t flags = 0;
    std::uint32_t mode = 0;
    std::uint32_t umask = 0;
    std::uint64_t resolve = 0;
    std::uint32_t inline_bytes = 0;  // at most limits::data_bytes_max

    friend bool operator==(const open_leased&, const open_leased&) = default;
};

// Push. What changed, in the order in which it did.
struct changes {
    static constexpr opcode op = opcode::changes;

    std::uint64_t number = 0;           // grows by one with each
    std::vector<leased_entry> entries;  // as they are now
    std::vector<handle_id> ended;       // leases that ended; the handles stay open
    bool all_ended = false;             // every lease there was

    friend bool operator==(const changes&, const changes&) = default;
};

}  // namespace farside::protocol
