// Taking leases, telling entries, giving leases up.
#include "agent/leases.hpp"

#include "agent/attributes.hpp"
#include "agent/file_systems.hpp"
#include "protocol/limits.hpp"

#include <algorithm>
#include <array>

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace farside::agent {
namespace {

constexpr unsigned told_of_names = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID;

// Whatever changes attributes, contents or names; not what only looks.
constexpr std::uint32_t directory_changes = IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_DELETE |
                                            IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF |
                                            IN_MOVE_SELF | IN_ONLYDIR;
constexpr std::uint32_t file_changes = IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;

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

bool is_leasable(int fd) {
    struct statfs told {};

    return ::fstatfs(fd, &told) == 0 && is_leasable_file_system(told.f_type);
}

inode_key key_of(const struct statx& told) {
    return {makedev(told.stx_dev_major, told.stx_dev_minor), told.stx_ino};
}

bool knows_mount(const struct statx& told) {
    return (told.stx_mask & STATX_MNT_ID) != 0;
}

// Whether the directory's watch tells of each change to what a name is now. Through another name,
// or another mount, it would be told elsewhere; devices change without a word.
bool is_covered(const lease& directory, const struct statx& told) {
    const bool silent_kind = S_ISCHR(told.stx_mode) || S_ISBLK(told.stx_mode);
    return !silent_kind && !S_ISDIR(told.stx_mode) && told.stx_nlink == 1 && knows_mount(told) &&
           told.stx_mnt_id == directory.mount;
}

bool stat_name(int directory, const std::string& name, struct statx& told) {
    constexpr int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
    return ::statx(directory, name.c_str(), flags, told_of_names, &told) == 0;
}

bool stat_file(int fd, struct statx& told) {
    return ::statx(fd, "", AT_EMPTY_PATH, told_of_names, &told) == 0;
}

// Without making it look used, where that is permitted.
unique_fd open_to_read(int descriptors, int fd) {
    const auto name = process_descriptors::name_of(fd);
    constexpr int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    unique_fd opened{::openat(descriptors, name.c_str(), flags | O_NOATIME)};
    if (!opened && errno == EPERM) {
        opened = unique_fd{::openat(descriptors, name.c_str(), flags)};
    }
    return opened;
}

// Under a lease nobody can write, and whoever wants to truncate waits: the size is the file's, and
// it is read in one piece of time however many calls that takes.
bool read_all(int fd, std::span<std::byte> room) {
    std::size_t bytes = 0;
    while (bytes < room.size()) {
        const auto rest = room.subspan(bytes);
        const auto got = ::pread(fd, rest.data(), rest.size(), static_cast<off_t>(bytes));
        if (got <= 0) {
            return false;
        }
        bytes += static_cast<std::size_t>(got);
    }
    return true;
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
    } else {
        entry.state = protocol::name_state::unknown;
    }
    return entry;
}

protocol::leased_entry leases::tell_name(
    lease& directory, const std::string& name, entry_type type
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
    if (S_ISLNK(told.stx_mode)) {
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

void leases::add_data(lease& directory, protocol::leased_entry& entry, std::span<std::byte> room) {
    if (!has_room()) {
        return;
    }
    // What the name leads to may be something else by now, whose opening would be noticed: so it is
    // found first and opened then.
    constexpr int find_only = O_PATH | O_NOFOLLOW | O_CLOEXEC;
    const unique_fd found{::openat(directory.fd(), entry.name.c_str(), find_only)};

    struct statx told {};

    if (!found || !stat_file(found.get(), told) || !S_ISREG(told.stx_mode) ||
        (told.stx_mnt_id != directory.mount && !is_leasable(found.get()))) {
        return;
    }
    lease made;
    made.file = std::make_shared<open_file>();
    made.file->fd = open_to_read(root_.descriptors().directory(), found.get());
    made.file->inode = key_of(told);
    made.file->flags = O_RDONLY;
    made.has_data = true;
    if (!made.file->fd) {
        return;
    }
    made.handle = handles_.add(made.file);
    const int fd = made.fd();
    const bool taken = files_.take(fd, *this, made.handle);
    // Anew: what was told before the lease may have changed before it.
    if (!taken || !stat_file(fd, told) || told.stx_size > room.size() ||
        !read_all(fd, room.first(told.stx_size))) {
        files_.release(fd);
        handles_.remove(made.handle);
        return;
    }
    entry.attr = to_wire(told);
    entry.covered = is_covered(directory, told);
    entry.handle = made.handle;
    entry.data.bytes = room.first(told.stx_size);
    table_.add(std::move(made));
}

void leases::lease_opened(
    const std::shared_ptr<open_file>& file,
    std::span<std::byte> room,
    protocol::open_leased_reply& reply
) {
    const int fd = file->fd.get();
    reply.as_of = number_;
    if (file->kind != file_kind::regular || (file->flags & O_ACCMODE) != O_RDONLY ||
        file->foreign || !has_room() || !is_leasable(fd) || !files_.take(fd, *this, reply.handle)) {
        return;
    }
    const int watched = watch(fd, file_changes);

    struct statx told {};

    const bool known = watched != no_watch && stat_file(fd, told);
    const auto wanted = room.first(std::min<std::size_t>(room.size(), told.stx_size));
    if (!known || !read_all(fd, wanted)) {
        files_.release(fd);
        unwatch(watched);
        return;
    }
    lease made;
    made.handle = reply.handle;
    made.file = file;
    made.has_data = true;
    made.watch = watched;
    table_.add(std::move(made));
    reply.attr = to_wire(told);
    reply.leased = true;
    reply.data.bytes = wanted;
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
