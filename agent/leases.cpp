// Taking leases of directories, telling entries, giving leases up.
#include "agent/leases.hpp"

#include "agent/attributes.hpp"
#include "agent/lease_status.hpp"
#include "protocol/limits.hpp"

#include <algorithm>
#include <array>

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace farside::agent {
namespace {

// Whatever changes attributes, contents or names; not what only looks.
constexpr std::uint32_t directory_changes = IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_DELETE |
                                            IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF |
                                            IN_MOVE_SELF | IN_ONLYDIR;

// The kernel's setting where it does not say: its default for small machines.
constexpr std::uint64_t watches_assumed = 8192;

std::size_t most_leases(const root_dir& root, const handle_table& handles) {
    const auto watches = root.descriptors().watches_max();
    rlimit files{};
    const auto descriptors =
        ::getrlimit(RLIMIT_NOFILE, &files) == 0 ? std::uint64_t{files.rlim_cur} : 0;
    return std::min({
        std::uint64_t{limits::leases_max},
        std::uint64_t{handles.files_max()} / 2,
        (watches != 0 ? watches : watches_assumed) / 2,
        descriptors / 2,
    });
}

}  // namespace

std::size_t encoded_bytes(const protocol::leased_entry& entry) {
    static const std::size_t fixed = [] {
        protocol::buffer empty;
        protocol::encode(protocol::leased_entry{}, empty);
        return empty.size();
    }();
    return fixed + entry.name.size() + entry.link.size() + entry.data.bytes.size();
}

leases::leases(
    const asio::any_io_executor& executor,
    const root_dir& root,
    mount_watch& mounts,
    file_leases& files,
    handle_table& handles
)
    : root_{root},
      mounts_{mounts},
      files_{files},
      handles_{handles},
      leases_max_{most_leases(root, handles)},
      inotify_{executor},
      changed_{executor} {}

leases::~leases() {
    forget_all();
}

bool leases::has_room() const {
    return table_.size() < leases_max_ && !handles_.full() && !stopped_;
}

bool leases::open_instance() {
    if (inotify_.is_open()) {
        return true;
    }
    unique_fd made{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
    boost::system::error_code ec;
    inotify_.assign(made.get(), ec);
    if (!made || ec || stopped_) {
        return false;
    }
    [[maybe_unused]] const int now_owned_by_asio = made.release();
    mounts_seen_ = mounts_.changes();
    changed_.notify();
    return true;
}

int leases::watch(int fd, std::uint32_t mask) {
    if (!open_instance()) {
        return no_watch;
    }
    const auto name = process_descriptors::name_of(fd);
    return ::inotify_add_watch(inotify_.native_handle(), name.c_str(), mask);
}

void leases::unwatch(int watch) {
    if (watch != no_watch && !table_.is_watched(watch)) {
        ::inotify_rm_watch(inotify_.native_handle(), watch);
    }
}

// Null where it cannot be leased; `told` is then only from now, and zero where nothing is known.
lease* leases::lease_directory(
    unique_fd fd, std::optional<std::uint64_t> parent_mount, struct statx& told
) {
    const int watched = watch(fd.get(), directory_changes);
    if (!stat_file(fd.get(), told)) {
        told = {};
        unwatch(watched);
        return nullptr;
    }
    if (watched == no_watch) {
        return nullptr;
    }
    if (auto* const known = table_.find_directory(watched, told.stx_mnt_id)) {
        known->notices.on_question({});
        return known;
    }
    const bool same_mount = knows_mount(told) && parent_mount == told.stx_mnt_id;
    if (!has_room() || (!same_mount && !is_leasable(fd.get()))) {
        unwatch(watched);
        return nullptr;
    }
    lease made;
    made.file = std::make_shared<open_file>();
    made.file->fd = std::move(fd);
    made.file->inode = key_of(told);
    made.file->kind = file_kind::path_only;
    made.file->flags = O_PATH;
    made.watch = watched;
    made.mount = told.stx_mnt_id;
    made.handle = handles_.add(made.file);
    return &table_.add(std::move(made));
}

bool leases::tell_directory(lease* parent, protocol::leased_entry& entry, unique_fd fd) {
    struct statx told {};

    const auto parent_mount = parent != nullptr ? std::optional{parent->mount} : std::nullopt;
    const auto* const own = lease_directory(std::move(fd), parent_mount, told);
    if (told.stx_mask == 0) {
        return false;
    }
    entry.attr = to_wire(told);
    entry.covered = own != nullptr;
    if (own != nullptr) {
        entry.plain = is_plain(own->fd());
        entry.handle = own->handle;
        if (parent != nullptr) {
            parent->below.insert_or_assign(entry.name, own->handle);
        }
    }
    return true;
}

protocol::leased_entry leases::tell_root() {
    protocol::leased_entry entry;
    entry.state = protocol::name_state::unknown;
    // A look at what may hang must not be had here. See agent/README.md.
    if (!may_look()) {
        return entry;
    }
    const std::string path{"/"};
    const place root{-1, path};
    auto fd = root_.open(root, {O_PATH | O_DIRECTORY, 0, 0});
    if (fd && tell_directory(nullptr, entry, std::move(*fd))) {
        entry.state = protocol::name_state::present;
    }
    return entry;
}

protocol::leased_entry leases::tell_itself(lease& told) {
    protocol::leased_entry entry;
    entry.directory = told.is_directory() ? told.handle : protocol::no_handle;
    entry.handle = told.handle;

    struct statx now {};

    if (stat_file(told.fd(), now)) {
        entry.attr = to_wire(now);
        entry.covered = true;
        entry.plain = is_plain(told.fd());
    } else {
        entry.state = protocol::name_state::unknown;
    }
    return entry;
}

protocol::leased_entry leases::tell_name(
    lease& directory, const std::string& name, entry_type type, links how
) {
    using protocol::name_state;
    protocol::leased_entry entry;
    entry.directory = directory.handle;
    entry.name = name;
    entry.state = name_state::unknown;

    struct statx told {};

    bool is_directory = type == entry_type::directory;
    if (!is_directory && !stat_name(directory.fd(), name, told)) {
        const bool missing = errno == ENOENT;
        entry.state = missing ? name_state::missing : name_state::unknown;
        entry.covered = missing;
        return entry;
    }
    is_directory = is_directory || S_ISDIR(told.stx_mode);
    if (is_directory) {
        constexpr int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        unique_fd fd{::openat(directory.fd(), name.c_str(), flags)};
        if (fd) {
            const bool known = tell_directory(&directory, entry, std::move(fd));
            entry.state = known ? name_state::present : name_state::unknown;
            return entry;
        }
        // It is something else by now, or there is no descriptor for it.
        if (!stat_name(directory.fd(), name, told)) {
            entry.state = errno == ENOENT ? name_state::missing : name_state::unknown;
            entry.covered = errno == ENOENT;
            return entry;
        }
    }
    entry.state = name_state::present;
    entry.attr = to_wire(told);
    entry.covered = is_covered(directory, told);
    entry.plain = entry.covered && is_plain(directory.fd(), name, told);
    if (S_ISLNK(told.stx_mode) && (how == links::followed || stays_accessed(told))) {
        std::array<char, protocol::limits::path_bytes_max + 1> link{};
        const auto bytes = ::readlinkat(directory.fd(), name.c_str(), link.data(), link.size());
        if (bytes < 0 || static_cast<std::size_t>(bytes) == link.size()) {
            entry.state = name_state::unknown;
        } else {
            entry.link.assign(link.data(), static_cast<std::size_t>(bytes));
        }
    }
    return entry;
}

lease leases::take_away(protocol::handle_id handle) {
    auto removed = table_.remove(handle);
    if (removed.has_data) {
        files_.release(removed.fd());
    }
    unwatch(removed.watch);
    return removed;
}

void leases::forget(protocol::handle_id handle) {
    if (table_.find(handle) != nullptr) {
        take_away(handle);
    }
}

void leases::end(protocol::handle_id handle) {
    take_away(handle);
    untold_.ended.push_back(handle);
}

void leases::on_broken(protocol::handle_id handle) {
    end(handle);
    if (tell_owner_) {
        tell_owner_();
    }
}

void leases::forget_all() {
    table_.for_each([this](lease& held) {
        if (held.has_data) {
            files_.release(held.fd());
        }
    });
    table_.clear();
    happened_.clear();
    happened_at_.clear();
    boost::system::error_code ignored;
    inotify_.close(ignored);  // and with it all watches
}

void leases::end_all() {
    forget_all();
    untold_ = {};
    untold_.all_ended = true;
    untold_bytes_ = 0;
}

void leases::stop() {
    stopped_ = true;
    forget_all();
    changed_.notify();
}

}  // namespace farside::agent
