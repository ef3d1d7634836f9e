// The open files (open file descriptions) of all covered processes, by id: what the session knows
// of each, and their entries in the segment, where position and flags are.
//
// Life of an entry:   claimed by a process (id in the segment's entry)
//                  -> added, when the agent opened the file
//                  -> dropped, when its last descriptor is gone (close, sweep)
//                  -> closed at the agent, when the last call that still uses it has ended
//
// The segment's entry is writable by user processes: nothing read from it is trusted.
#pragma once

#include "layer/common/side.hpp"
#include "layer/segment/segment.hpp"
#include "layer/session/async_event.hpp"
#include "layer/session/file_identity.hpp"
#include "protocol/file_messages.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <sys/stat.h>

namespace farside::session {

class file_reader;

struct open_file {
    open_file(const asio::any_io_executor& executor, segment::open_file& shared_entry)
        : position_turn{executor}, entry{shared_entry} {}

    std::uint64_t id = 0;
    protocol::handle_id handle = protocol::no_handle;
    side where = side::remote;
    std::string path;  // absolute and normalised; of a directory: what names in it are seen from
    std::uint32_t flags = 0;  // as F_GETFL tells
    std::uint32_t mode = 0;   // st_mode
    file_identity identity;
    std::uint64_t node = 0;  // among the names that are known; 0: not known yet
    // Of a directory that was opened without asking the agent: its handle there, which is as one of
    // O_PATH and shared. Null: the handle is its own.
    std::shared_ptr<const protocol::handle_id> lease;
    // Of a directory whose entries are told from here: those that its reader began with. Or it
    // began at the agent, whose positions are others.
    std::shared_ptr<const std::vector<protocol::directory_entry>> listed;
    bool read_at_agent = false;
    bool locked = false;      // was asked to hold a lock of its own: flock, F_OFD_SETLK
    bool closed = false;      // the agent was told already
    bool on_its_way = false;  // bytes of it are, behind the programs that wrote them
    // Why something that was written behind could not be written; told once (errno, 0: nothing).
    int write_failure = 0;
    // With such a failure: when it was first seen to have no descriptor any more.
    std::optional<std::chrono::steady_clock::time_point> unheld_since;
    bool failure_was_told = false;        // to the user
    bool owns_handle = true;              // else it is the leased file's, which others may share
    std::shared_ptr<file_reader> reader;  // null: its bytes are not kept
    async_mutex position_turn;  // held by calls that use and move the position, in their order
    segment::open_file& entry;

    [[nodiscard]] bool readable() const;
    [[nodiscard]] bool writable() const;
    [[nodiscard]] bool path_only() const;

    // From now on its bytes are not kept, nor read from what is kept.
    void read_past_cache();

    // FIFOs, sockets and character devices: read and written without an offset.
    [[nodiscard]] bool streams() const { return S_ISFIFO(mode) || S_ISSOCK(mode) || S_ISCHR(mode); }

    [[nodiscard]] std::int64_t position() const {
        return entry.position.load(std::memory_order_acquire);
    }
};

class open_files {
public:
    // `close` is told each handle that nobody uses any more.
    open_files(
        asio::any_io_executor executor,
        segment::segment& shared,
        std::function<void(protocol::handle_id)> close
    );

    open_files(const open_files&) = delete;
    open_files& operator=(const open_files&) = delete;
    ~open_files();

    // Whether `id` was claimed and is not in use yet.
    [[nodiscard]] bool claimed(std::uint64_t id) const;

    struct description {
        protocol::handle_id handle = protocol::no_handle;
        side where = side::remote;
        std::string path;
        std::uint32_t flags = 0;
        std::uint32_t mode = 0;
        file_identity identity;
        std::uint64_t node = 0;
        std::shared_ptr<const protocol::handle_id> lease;
        std::shared_ptr<file_reader> reader;  // of a leased file, which keeps the handle
    };

    // The file is open at the agent: from now on `id` names it. False where the claim is gone in
    // the meantime (then the handle is closed).
    [[nodiscard]] bool add(std::uint64_t id, description what);

    // Who learns of files that are open now, and of those to which nothing is done any more: they
    // are about to be closed at the agent.
    struct observer {
        std::function<void(open_file&)> added;
        std::function<void(open_file&)> released;
    };

    void tell(observer who) { observer_ = std::move(who); }

    // Who learns of files that go with a write failure that no call was told.
    void on_untold_failure(std::function<void(const open_file&)> who) { untold_ = std::move(who); }

    // A handle that belongs to no open file after all.
    void close_unused(protocol::handle_id handle) { close_(handle); }

    // Null: no such open file. The pointer keeps the file open at the agent.
    [[nodiscard]] std::shared_ptr<open_file> find(std::uint64_t id) const;

    // It is about to hold a lock of its own: locked_beside() has it from now on.
    void note_lock(open_file& file);

    // Those open files of the same inode, other than `file`, that may hold a lock of their own.
    [[nodiscard]] std::vector<std::uint64_t> locked_beside(const open_file& file) const;

    // All that have the inode, directories aside, as long as the agent has them open.
    [[nodiscard]] std::vector<open_file*> of_inode(const file_identity& inode) const;

    // FIFOs that are open: all of them, or those of the same inode, other than `file`.
    [[nodiscard]] std::vector<std::uint64_t> fifos() const;
    [[nodiscard]] std::vector<std::uint64_t> fifos_beside(const open_file& file) const;

    // Its last descriptor is gone, or it was never opened: the entry is free again.
    void drop(std::uint64_t id);

    // Forgets everything without telling the agent: its connection ends anyway.
    void clear();

    [[nodiscard]] std::size_t size() const { return files_.size(); }

    [[nodiscard]] std::vector<std::uint64_t> ids() const;
    // Entries of the segment that are claimed for an id that is not open here.
    [[nodiscard]] std::vector<std::uint64_t> unopened_claims() const;

    // F_GETFL of a file opened with `open_flags`.
    [[nodiscard]] static std::uint32_t status_flags(std::uint32_t open_flags);

private:
    using ids_of_inodes = std::set<std::pair<file_identity, std::uint64_t>>;

    [[nodiscard]] segment::open_file& entry_of(std::uint64_t id) const;
    [[nodiscard]] static std::vector<std::uint64_t> beside(
        const open_file& file, const ids_of_inodes& among
    );
    void release(open_file* file);

    asio::any_io_executor executor_;
    segment::segment& shared_;
    std::function<void(protocol::handle_id)> close_;
    observer observer_;
    std::function<void(const open_file&)> untold_;
    bool cleared_ = false;
    std::unordered_map<std::uint64_t, std::shared_ptr<open_file>> files_;
    ids_of_inodes locked_;
    ids_of_inodes fifos_;
    std::set<std::pair<file_identity, open_file*>> by_inode_;
};

}  // namespace farside::session
