// Each event has one operation that causes it and nothing else that its mask lets through
// (fsnotify_change() in the kernel: a change of the access time alone is IN_ACCESS, of the
// modification time alone IN_MODIFY, of both IN_ATTRIB; no file need be opened for them).
#include "layer/session/shadow_files.hpp"

#include "protocol/limits.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace farside::session {
namespace {

// A mask that the kernel takes and that no event matches.
constexpr std::uint32_t quiet = IN_DONT_FOLLOW;

// Where the other end of a rename is that leaves or enters what the program watches.
constexpr const char* aside = "aside";

// Half of each pair fills the queue: two events that differ are not merged.
constexpr std::uint32_t queue_max_if_unknown = 16384;

// In memory, in no directory; it ends with its last descriptor.
unique_fd detached_file_system() {
    const unique_fd context{static_cast<int>(::syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC))};
    if (!context ||
        ::syscall(SYS_fsconfig, context.get(), FSCONFIG_SET_STRING, "mode", "0700", 0) != 0 ||
        ::syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
        return {};
    }
    return unique_fd{static_cast<int>(::syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, 0))};
}

unique_fd directory_in(const char* parent, std::string& path) {
    if (parent == nullptr || *parent != '/') {
        return {};
    }
    path = std::string{parent} + "/farside-watches-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) {
        path.clear();
        return {};
    }
    return unique_fd{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
}

bool touch(int root, const std::string& path, std::uint32_t event) {
    std::array<timespec, 2> times{};
    times[0].tv_nsec = (event & (IN_ACCESS | IN_ATTRIB)) != 0 ? UTIME_NOW : UTIME_OMIT;
    times[1].tv_nsec = (event & (IN_MODIFY | IN_ATTRIB)) != 0 ? UTIME_NOW : UTIME_OMIT;
    return ::utimensat(root, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) == 0;
}

unique_fd open_for(int root, const std::string& path, std::uint32_t event) {
    const int access = (event & IN_CLOSE_WRITE) != 0 ? O_WRONLY : O_RDONLY;
    return unique_fd{::openat(root, path.c_str(), access | O_CLOEXEC | O_NOFOLLOW)};
}

// A peer's name: it must stay inside its directory.
bool is_name(const std::string& name) {
    return !name.empty() && name.size() <= protocol::limits::name_bytes_max && name != "." &&
           name != ".." && name.find('/') == std::string::npos &&
           name.find('\0') == std::string::npos;
}

std::uint32_t queue_max() {
    std::uint32_t events = 0;
    std::ifstream file{"/proc/sys/fs/inotify/max_queued_events"};
    return file >> events ? events : queue_max_if_unknown;
}

}  // namespace

shadow_files::~shadow_files() {
    if (!removed_at_end_.empty()) {
        std::error_code ignored;
        std::filesystem::remove_all(removed_at_end_, ignored);
    }
}

int shadow_files::open() {
    if (root_) {
        return 0;
    }
    root_ = detached_file_system();
    for (const char* parent :
         {static_cast<const char*>(std::getenv("XDG_RUNTIME_DIR")), "/dev/shm", "/tmp"}) {
        if (!root_) {
            root_ = directory_in(parent, removed_at_end_);
        }
    }

    struct stat status {};

    if (!root_ || ::fstat(root_.get(), &status) != 0 ||
        ::mkdirat(root_.get(), aside, S_IRWXU) != 0) {
        root_.reset();
        return ENOSPC;
    }
    // The kernel's own number of a device: 20 bits of minor.
    device_ = (std::uint64_t{major(status.st_dev)} << 20U) | minor(status.st_dev);
    return 0;
}

std::string shadow_files::kernel_path(const std::string& path) const {
    return "/proc/self/fd/" + std::to_string(root_.get()) + '/' + path;
}

bool shadow_files::create(const std::string& path, shadow_kind kind) const {
    const int failed = kind == shadow_kind::directory
                           ? ::mkdirat(root_.get(), path.c_str(), S_IRWXU)
                           : ::mknodat(root_.get(), path.c_str(), S_IFREG | S_IRUSR | S_IWUSR, 0);
    return failed == 0;
}

void shadow_files::erase(const std::string& path, shadow_kind kind) const {
    const int flags = kind == shadow_kind::directory ? AT_REMOVEDIR : 0;
    [[maybe_unused]] const int gone = ::unlinkat(root_.get(), path.c_str(), flags);
}

int shadow_files::make(int inotify, shadow_kind kind, shadow& made) {
    made.inotify = inotify;
    made.path = std::to_string(++last_number_);
    if (!create(made.path, kind)) {
        return errno;
    }

    struct stat status {};

    made.watch = ::inotify_add_watch(inotify, kernel_path(made.path).c_str(), quiet);
    if (made.watch < 0 || ::fstatat(root_.get(), made.path.c_str(), &status, 0) != 0) {
        const int failure = errno;
        erase(made.path, kind);
        return failure;
    }
    made.inode = status.st_ino;
    return 0;
}

void shadow_files::remove(const shadow& which) {
    ::inotify_rm_watch(which.inotify, which.watch);
    if (::unlinkat(root_.get(), which.path.c_str(), 0) != 0) {
        erase(which.path, shadow_kind::directory);
    }
}

// Somebody that the layer does not cover may have removed the watch; then this makes another one,
// which nobody asked for.
bool shadow_files::set_mask(const shadow& on, std::uint32_t mask) const {
    const int got = ::inotify_add_watch(on.inotify, kernel_path(on.path).c_str(), mask);
    if (got >= 0 && got != on.watch) {
        ::inotify_rm_watch(on.inotify, got);
    }
    return got == on.watch;
}

template <typename Act>
shadow_files::told shadow_files::during(const shadow& on, std::uint32_t mask, Act act) const {
    if (!set_mask(on, mask)) {
        return told::ended;
    }
    const bool done = act();
    return set_mask(on, quiet) && done ? told::yes : told::no;
}

shadow_files::told shadow_files::replay(
    const shadow& on, std::uint32_t mask, const std::string& name
) {
    const auto event = mask & IN_ALL_EVENTS;
    const auto kind = (mask & IN_ISDIR) != 0 ? shadow_kind::directory : shadow_kind::file;
    if ((event & (event - 1)) != 0) {  // two changes by one operation
        const auto later = event & (event - 1);
        const auto result = replay(on, mask & ~later, name);
        return result == told::yes ? replay(on, later | (mask & IN_ISDIR), name) : result;
    }
    if (event == IN_DELETE_SELF) {
        if (!set_mask(on, event)) {
            return told::ended;
        }
        if (::unlinkat(root_.get(), on.path.c_str(), 0) != 0) {
            erase(on.path, shadow_kind::directory);
        }
        return told::ended;
    }
    if (event == IN_MOVE_SELF) {
        return replay_own_move(on);
    }
    if (name.empty()) {
        return replay_on_object(on, event, on.path);
    }
    return is_name(name) ? replay_named(on, event, on.path + '/' + name, kind) : told::no;
}

shadow_files::told shadow_files::replay_named(
    const shadow& on, std::uint32_t event, const std::string& path, shadow_kind kind
) const {
    const std::string elsewhere = std::string{aside} + "/x";
    const int root = root_.get();
    const auto rename = [root](const std::string& from, const std::string& to) {
        return ::renameat(root, from.c_str(), root, to.c_str()) == 0;
    };
    const bool begins_there = event != IN_CREATE && event != IN_MOVED_TO;
    if (begins_there && !create(path, kind)) {
        return told::no;
    }
    auto result = told::no;
    switch (event) {
        case IN_CREATE:
            result = during(on, event, [&] { return create(path, kind); });
            break;
        case IN_DELETE:
            result = during(on, event, [&] {
                erase(path, kind);
                return true;
            });
            break;
        case IN_MOVED_FROM:
            result = during(on, event, [&] { return rename(path, elsewhere); });
            erase(elsewhere, kind);
            break;
        case IN_MOVED_TO:
            if (create(elsewhere, kind)) {
                result = during(on, event, [&] { return rename(elsewhere, path); });
            }
            erase(elsewhere, kind);
            break;
        default:
            result = replay_on_object(on, event, path);
            break;
    }
    erase(path, kind);
    return result;
}

shadow_files::told shadow_files::replay_on_object(
    const shadow& on, std::uint32_t event, const std::string& path
) const {
    const int root = root_.get();
    unique_fd opened;
    switch (event) {
        case IN_ACCESS:
        case IN_MODIFY:
        case IN_ATTRIB:
            return during(on, event, [&] { return touch(root, path, event); });
        case IN_OPEN:
            return during(on, event, [&] {
                opened = open_for(root, path, event);
                return static_cast<bool>(opened);
            });
        case IN_CLOSE_WRITE:
        case IN_CLOSE_NOWRITE:
            opened = open_for(root, path, event);
            return during(on, event, [&] {
                const bool was_open = static_cast<bool>(opened);
                opened.reset();
                return was_open;
            });
        default:
            return told::no;
    }
}

// The watch is on the inode, so it is quieted by the name that the shadow has meanwhile.
shadow_files::told shadow_files::replay_own_move(const shadow& on) const {
    if (!set_mask(on, IN_MOVE_SELF)) {
        return told::ended;
    }
    auto moved = on;
    moved.path = "moved";
    const int root = root_.get();
    const bool done = ::renameat(root, on.path.c_str(), root, moved.path.c_str()) == 0;
    const bool quieted = set_mask(done ? moved : on, quiet);
    if (done && ::renameat(root, moved.path.c_str(), root, on.path.c_str()) != 0) {
        return told::no;
    }
    return done && quieted ? told::yes : told::no;
}

shadow_files::told shadow_files::replay_rename(
    const shadow& from,
    const std::string& old_name,
    const shadow& to,
    const std::string& new_name,
    shadow_kind kind
) {
    if (!is_name(old_name) || !is_name(new_name)) {
        return told::no;
    }
    const auto old_path = from.path + '/' + old_name;
    const auto new_path = to.path + '/' + new_name;
    if (!create(old_path, kind)) {
        return told::no;
    }
    const std::uint32_t mask = from.watch == to.watch ? IN_MOVE : IN_MOVED_FROM;
    const auto result = during(from, mask, [&] {
        const bool both = from.watch == to.watch || set_mask(to, IN_MOVED_TO);
        const bool done =
            both && ::renameat(root_.get(), old_path.c_str(), root_.get(), new_path.c_str()) == 0;
        return set_mask(to, quiet) && done;
    });
    erase(result == told::yes ? new_path : old_path, kind);
    return result;
}

shadow_files::told shadow_files::overflow(int inotify) {
    shadow filler;
    if (make(inotify, shadow_kind::file, filler) != 0 || !set_mask(filler, IN_ACCESS | IN_MODIFY)) {
        return told::no;
    }
    bool done = true;
    for (std::uint32_t i = 0, end = queue_max() + 1; i < end && done; ++i) {
        done = touch(root_.get(), filler.path, (i & 1U) == 0 ? IN_ACCESS : IN_MODIFY);
    }
    remove(filler);
    return done ? told::yes : told::no;
}

}  // namespace farside::session
