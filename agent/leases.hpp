// What one client was promised to be told of: leased directories, each a handle and a watch of one
// inotify instance of the kernel, so that everything has one order; and leased files, see
// file_leases.hpp. A watch is placed before anything of its inode is read: what is told holds until
// a notice says otherwise.
//
// Everything runs on the loop thread, so no notice falls between the reading of an entry and its
// telling. Answers of many entries are made in pieces, see lease_answer.hpp.
#pragma once

#include "agent/asio.hpp"
#include "agent/file_leases.hpp"
#include "agent/lease_table.hpp"
#include "agent/mount_watch.hpp"
#include "agent/posix.hpp"
#include "agent/root_dir.hpp"
#include "protocol/codec.hpp"
#include "protocol/lease_messages.hpp"

#include <functional>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

struct statx;

namespace farside::agent {

// What a directory's listing says of an entry's type.
enum class entry_type : std::uint8_t { unknown, directory, regular, other };

// The bytes of an entry in a message.
[[nodiscard]] std::size_t encoded_bytes(const protocol::leased_entry& entry);

class leases final : private lease_owner {
public:
    // REQUIRES: the references outlive it.
    leases(
        const asio::any_io_executor& executor,
        const root_dir& root,
        mount_watch& mounts,
        file_leases& files,
        handle_table& handles
    );
    leases(const leases&) = delete;
    leases& operator=(const leases&) = delete;
    ~leases();

    // Called when there is something to drain.
    void on_change(std::function<void()> told) { tell_owner_ = std::move(told); }

    // Of the last notice.
    [[nodiscard]] std::uint64_t number() const { return number_; }

    // Null: no lease is on the handle (any more).
    [[nodiscard]] lease* find(protocol::handle_id handle) { return table_.find(handle); }

    // Whether names can be looked at without a risk to hang.
    [[nodiscard]] bool may_look() const { return mounts_.path_lane() == lane::here; }

    // ---- entries, as they are now ----

    [[nodiscard]] protocol::leased_entry tell_root();
    [[nodiscard]] protocol::leased_entry tell_itself(lease& told);

    // Reading what a symbolic link says may change when it was accessed, in the target for all to
    // see. Whoever follows it does so anyway; else it is told only where nothing changes.
    enum class links : bool { unchanged, followed };

    // Leases a directory of that name.
    [[nodiscard]] protocol::leased_entry tell_name(
        lease& directory, const std::string& name, entry_type type, links how = links::unchanged
    );

    // Takes a lease on a regular file and reads all of it into `room`. REQUIRES: the entry was
    // told just now. It stays as it is where the lease is refused or the file has more bytes.
    void add_data(lease& directory, protocol::leased_entry& entry, std::span<std::byte> room);

    // ---- open files ----

    // Leases what a client has opened as `reply.handle`, where it is a regular file that is only
    // read, and watches it. Attributes and first bytes are then under the lease.
    void lease_opened(
        const std::shared_ptr<open_file>& file,
        std::span<std::byte> room,
        protocol::open_leased_reply& reply
    );

    // The handle is closed.
    void forget(protocol::handle_id handle);
    void forget_all();

    // ---- notices ----

    // Appends what has changed, about limits::changed_names_max names. False: there is more, and
    // what waits to be written must wait for it.
    [[nodiscard]] bool drain(protocol::buffer& out);

    // Until there is something to drain; false: stop() was called. One waiter.
    [[nodiscard]] awaitable<bool> wait();
    void stop();

private:
    // A name of which something happened.
    struct change {
        protocol::handle_id lease{};
        std::string name;
        bool modified = false;
    };

    void on_broken(protocol::handle_id handle) override;

    [[nodiscard]] bool has_room() const;
    [[nodiscard]] bool open_instance();
    [[nodiscard]] int watch(int fd, std::uint32_t mask);
    void unwatch(int watch);
    [[nodiscard]] lease* lease_directory(
        unique_fd fd, std::optional<std::uint64_t> parent_mount, struct statx& told
    );
    [[nodiscard]] bool tell_directory(lease* parent, protocol::leased_entry& entry, unique_fd fd);
    lease take_away(protocol::handle_id handle);
    void end(protocol::handle_id handle);
    void end_all();

    // lease_notices.cpp
    [[nodiscard]] bool take_events();
    void note(int watch, std::uint32_t mask, const std::string& name);
    void note_name(lease& directory, std::uint32_t mask, const std::string& name);
    void note_itself(lease& changed, std::uint32_t mask);
    void note_change(protocol::handle_id held, const std::string& name, bool modified);
    void tell_changes(protocol::buffer& out);
    void tell_change(const change& happened);
    void end_data_of(const lease& watched, const std::string& name);
    void flush(protocol::buffer& out);

    const root_dir& root_;
    mount_watch& mounts_;
    file_leases& files_;
    handle_table& handles_;
    std::size_t leases_max_;
    lease_table table_;

    descriptor inotify_;  // none before the first lease
    notification changed_;
    bool told_ = false;  // wait() has returned, and nothing was drained since
    bool stopped_ = false;
    std::function<void()> tell_owner_;

    std::uint64_t mounts_seen_ = 0;
    std::uint64_t number_ = 0;
    std::vector<change> happened_;                              // in order, each name once
    std::unordered_map<std::string, std::size_t> happened_at_;  // by lease and name
    protocol::changes untold_;
    std::size_t untold_bytes_ = 0;
};

}  // namespace farside::agent
