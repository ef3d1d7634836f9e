// The shared segment: how the threads of user processes call the session, and the state of open
// files that they share. Plain structs in a memfd, mapped read-write by the session and by every
// covered process; each field says who writes it. The session trusts nothing it reads here: it
// copies a call's fields once and checks them. No process ever waits without bound for another one:
//
//   - A caller waits on its slot's `state` word. While the session lives the word holds its thread
//   id,
//     and every slot's word is on the robust futex list of the session's main thread
//     (set_robust_list(2)): when the session dies, by whatever signal, the kernel marks each word
//     FUTEX_OWNER_DIED and wakes its waiter.
//   - The session never waits for a caller: calls of a process that died are dropped when its pidfd
//     says so.
//
// A second memfd, the view (view.hpp) with the cache (cache.hpp), is written by the session and
// mapped read-only by the others.
#pragma once

#include "layer/segment/cache.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace farside::segment {

inline constexpr std::uint64_t magic = 0x31676573'64697366;  // "fsidseg1"

// Calls under way at once, over all processes of the session. A thread that finds none free rings
// (the session then looks for slots of dead owners) and waits on `slot_releases`.
inline constexpr std::uint32_t slot_count = 256;

// As PATH_MAX: a path with its terminating NUL.
inline constexpr std::uint32_t path_room = 4096;

// Bulk bytes of one call; larger transfers are several calls. Equal to the protocol's data message.
inline constexpr std::uint32_t data_room = 128 * 1024;

// Open files (open file descriptions) at once, over all processes of the session.
inline constexpr std::uint32_t open_file_count = 65536;

// What is asked of the session. Arguments by position in call_slot::arguments; paths and data in
// the slot's area. Numbers (flags, modes, whence, commands) are the x86-64 Linux ABI's. The result
// is that of the system call: a value, or -errno.
//
// A "location" is a base (0, or the id of an open directory) in an argument and a path. With base 0
// the path is absolute and the layer has found it to be remote (or the session would be asked with
// `classify` first). With a base the path is relative to it, or empty: the open file itself; then
// the session decides the side, and where that is local the reply's `side` is local and the path in
// the area is the absolute one to use locally.
enum class call : std::uint32_t {
    classify = 1,          // path 0 (absolute, normalised) -> result: a farside::side
    open = 2,              // base0, open file id, flags, mode, umask, resolve; path 0
    close = 3,             // id: its last descriptor is gone
    read = 4,              // id, offset (or position_current), bytes, bytes that will be read from
                           // there in all (0: not known) -> data
    write = 5,             // id, offset (or position_current), RWF_* flags, 1 where the program's
                           // call has written something already; data
    seek = 6,              // id, offset, whence (all five); sets the position
    sync = 7,              // id, sync kind, offset, bytes, flags
    allocate = 8,          // id, mode, offset, bytes
    read_directory = 9,    // id, bytes of room -> data: linux_dirent64 records; moves the position
    copy_range = 10,       // id from, offset, id to, offset, bytes (offsets or position_current)
    set_flags = 11,        // id, flags (F_SETFL)
    lock_file = 12,        // id, operation (flock)
    lock_record = 13,      // id, command (F_SETLK, F_OFD_SETLK, ...); data: struct flock in and out
    ioctl = 14,            // id, command, value -> result; value in arguments[2]
    stat = 15,             // base0, AT_* flags, mask; path 0 -> data: struct statx
    access = 16,           // base0, mode, AT_* flags; path 0
    read_link = 17,        // base0; path 0 -> data: the target, result its length
    file_system = 18,      // base0; path 0 -> data: struct statfs
    canonicalize = 19,     // base0, purpose; path 0 -> path 0: the name that a file has now, result
                           // its length. Purposes are below
    set_attributes = 20,   // base0, AT_* flags, set mask, mode | uid | size, gid; path 0;
                           // data: struct timespec[2] for times
    make_directory = 21,   // base0, mode, umask; path 0
    make_node = 22,        // base0, mode, umask, dev_t; path 0
    make_link = 23,        // base0 and path 0 -> base1 and path 1, AT_* flags
    make_symlink = 24,     // data: what the link says; base0; path 0
    rename = 25,           // base0 and path 0 -> base1 and path 1, RENAME_* flags
    remove = 26,           // base0, AT_* flags; path 0
    get_xattr = 27,        // base0, AT_* flags; path 0; path 1: the name -> data, result its length
    list_xattr = 28,       // base0, AT_* flags; path 0 -> data, result its length
    set_xattr = 29,        // base0, AT_* flags, how; path 0; path 1: the name; data: the value
    remove_xattr = 30,     // base0, AT_* flags; path 0; path 1: the name
    reclaim = 31,          // all entries of open_files are taken: drop those without a descriptor
    release_locks = 32,    // id: the process closes a descriptor of it, which ends its record locks
    enter_directory = 46,  // base0, open file id; path 0 -> path 0: where the directory is, result
                           // its length; the id is then open as with O_PATH
    watch_add = 36,        // base0, mask; path 0; descriptor: the inotify instance -> the watch
    watch_remove = 37,     // watch; descriptor: the inotify instance. Side local: it is not remote
    watch_closed = 38,     // a descriptor of an inotify instance is gone
    map_shared = 40,  // id, PROT_* flags; hands over a socket -> result: the image's number, and
                      // over the socket a descriptor of the image, to be mapped with MAP_SHARED
    sync_map = 41,    // image (0: all), sync_map kind: its stores go to the file
    settle = 42,      // the process ends or executes: what was written behind goes to the target
};

// How far sync_map goes.
enum class sync_map : std::uint64_t {
    write = 0,    // the file has what was stored
    sync = 1,     // and fsync(2) was done
    refresh = 2,  // and what others changed is taken over
    unmap = 3,    // as write; a mapping may have ended
};

// Purposes of canonicalize.
inline constexpr std::uint64_t name_to_enter = 0;
inline constexpr std::uint64_t name_of_directory = 1;
inline constexpr std::uint64_t name_of_descriptor = 2;

// In place of an offset: use the open file's position and move it.
inline constexpr std::int64_t position_current = INT64_MIN;

// Argument positions that all calls with a location share.
inline constexpr std::size_t base0 = 0;  // base of path 0
inline constexpr std::size_t base1 = 1;  // base of path 1; only make_link and rename have one
inline constexpr std::size_t first_argument = 2;  // the other arguments of calls with a location
// Calls without a location have the id in arguments[0] and the others from arguments[1] on.

// Values of call_slot::state.
inline constexpr std::uint32_t state_tid_mask = 0x3fffffff;    // FUTEX_TID_MASK
inline constexpr std::uint32_t state_posted = 0x80000000;      // FUTEX_WAITERS
inline constexpr std::uint32_t state_owner_died = 0x40000000;  // FUTEX_OWNER_DIED

// One call. A thread claims a free slot (owner 0 -> its pid) and fills it. It posts by turning
// `state` from the session's thread id to that | state_posted with compare-and-swap: where the swap
// fails the session has died (state_owner_died), and no call can slip in unseen between the
// kernel's walk of the dead session's robust list and the end of the doorbell. Then it sets the
// slot's bit in header::posted and rings, waits until state_posted is gone, reads the answer and
// stores owner 0. The session stores its thread id into every `state` before any caller exists, and
// answers by storing it again, then waking the word.
struct alignas(64) call_slot {
    std::atomic<std::uint32_t> state;      // see above; a futex
    std::atomic<std::uint32_t> owner;      // pid of the caller, 0: free
    std::atomic<std::uint32_t> cancelled;  // set to 1 by the caller that got a signal: answer EINTR
    call op;
    std::int64_t arguments[8];    // in; some calls answer here too
    std::uint32_t path_bytes[2];  // in, and out for local sides and canonicalize; without NUL
    std::uint32_t data_bytes;     // in and out: valid bytes in the data area
    std::uint32_t side;           // out: farside::side of location 0, where the session decided it
    std::int64_t result;          // out
    std::uint32_t carries_descriptor;  // in: 1 where one was sent over the doorbell for this call
    std::uint32_t round_trips;         // out: requests that the agent was asked for this call
};

// Where the bytes of a call are.
struct slot_area {
    char path[2][path_room];
    alignas(64) std::byte data[data_room];
};

// An open file description. Claimed by the process that opens (id 0 -> the new id), after it locked
// the id's byte of the template (below): an entry without a lock belongs to nobody. Released by the
// session. The entry of id N is open_files[N % open_file_count].
struct alignas(64) open_file {
    std::atomic<std::uint64_t> id;       // 0: free
    std::atomic<std::int64_t> position;  // of the next read or write; moved by compare-and-swap
    std::atomic<std::uint32_t> flags;    // O_* as F_GETFL tells; written by the session
    std::atomic<std::uint32_t> mode;     // st_mode of the opened file; written by the session
    // What the cache knows of it: 0 where that is nothing. Written by the session, and as
    // everything here only as good as the processes that can write it.
    std::atomic<std::uint64_t> node;       // for its attributes, and for names in it
    std::atomic<std::uint64_t> data;       // for its bytes
    std::atomic<std::uint32_t> names_far;  // 1: a directory below which all names are remote
};

struct alignas(64) header {
    std::uint64_t magic;
    std::uint32_t version;      // of the layout: the layer's own version must be equal
    std::uint32_t session_tid;  // of the session's main thread, in its pid namespace

    alignas(64
    ) std::atomic<std::uint64_t> posted[slot_count / 64];  // callers set, the session clears
    // 1 while the session is awake and will look at `posted` again before it sleeps. Only the
    // session writes it: a caller that could be killed or stopped between setting a flag and
    // sending the byte would leave everybody else waiting. A caller that reads 0 after it set its
    // bit sends a byte.
    alignas(64) std::atomic<std::uint32_t> doorbell_rung;
    alignas(64
    ) std::atomic<std::uint32_t> slot_releases;  // a futex: grows when a slot becomes free
    std::atomic<std::uint32_t> slot_waiters;
    alignas(64) std::atomic<std::uint64_t> last_open_file_id;  // ids only grow, are never reused
    std::atomic<std::uint64_t> hits;                           // calls the layer answered alone
    // Inotify instances that watch something remote. Only the session writes it; while it is 0
    // nobody need tell the session of an inotify descriptor.
    alignas(64) std::atomic<std::uint32_t> watch_instances;
    // 1 while something that programs wrote is on its way to the target. Only the session writes
    // it. What is known of files is not to be answered without the session meanwhile.
    std::atomic<std::uint32_t> unsettled_writes;
};

inline constexpr std::uint32_t layout_version = 4;

struct segment {
    header head;
    call_slot slots[slot_count];
    open_file open_files[open_file_count];
    slot_area areas[slot_count];
    // Covered processes set that of a slab of the cache's arena that they read.
    std::atomic<std::uint8_t> slab_used[slabs_max];
};

static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(std::atomic<std::int64_t>::is_always_lock_free);
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);
static_assert(sizeof(open_file) == 64);
static_assert(sizeof(call_slot) == 128 || sizeof(call_slot) == 192);

// How an open file's life is known, without counting: the descriptor that stands for it in a user
// process is a kernel open file description of its own (the template memfd reopened O_WRONLY, its
// file offset set to the id), and it holds an open-file-description write lock (F_OFD_SETLK) on
// byte [id, id + 1) of the template. The kernel keeps that lock through dup, fork, exec and
// SCM_RIGHTS and drops it with the last descriptor, however its holder ended. F_OFD_GETLK on any
// descriptor of the template asks whether an id lives.
inline constexpr std::uint64_t open_file_id_max = std::uint64_t{1} << 62;

// Descriptors that every covered process inherits, without close-on-exec, at numbers just below
// descriptor_ceiling (or the soft limit, where that is lower):
//   segment   the segment's memfd, read-write
//   view      the view's memfd, read-only
//   template  the sealed, empty memfd behind every descriptor of a remote file, read-only
//   doorbell  a stream socket: a byte wakes the session; its end tells the session that no covered
//             process is left. A descriptor that a call hands over (SCM_RIGHTS) is sent before the
//             call is posted, with the index of its slot as the byte
inline constexpr int descriptor_ceiling = 1024;

// Environment of a covered process, besides LD_PRELOAD:
//   FARSIDE_SESSION=1:<segment>:<view>:<template>:<doorbell>:<inode of segment>:<inode of template>
//                   and :<trace> where calls are traced: a descriptor that appends
//   FARSIDE_CWD=<descriptor>:<path>
//                   the working directory, only while that is remote: a descriptor of it that is
//                   inherited beside those above, and its name
inline constexpr char environment_session[] = "FARSIDE_SESSION=";
inline constexpr char environment_directory[] = "FARSIDE_CWD=";

}  // namespace farside::segment
