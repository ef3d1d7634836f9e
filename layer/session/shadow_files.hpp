// Shadows: files and directories that nobody but the session ever sees, one for each watch of a
// remote object. The program's own inotify descriptor watches the shadow, and for each event on the
// remote object the session makes the kernel tell the same event of the shadow:
//
//     prepare quietly ─► set the watch's mask to the one event ─► do what causes it ─► quiet again
//
// So whatever a program may do with an inotify descriptor goes on to be the kernel's business:
// numbers of watches, queue, merging, overflow, poll, local watches beside remote ones.
//
// The shadows are on a file system of their own that nobody can reach and that ends with the
// session, where the kernel allows to make one; else in a directory of mode 0700, removed at the
// end.
#pragma once

#include "protocol/support/unique_fd.hpp"

#include <cstdint>
#include <string>

namespace farside::session {

enum class shadow_kind : bool { file, directory };

// A shadow, as one program's inotify instance watches it.
struct shadow {
    int inotify = -1;  // not owned
    std::int32_t watch = -1;
    std::uint64_t inode = 0;
    std::string path;  // below the directory of shadows
};

class shadow_files {
public:
    shadow_files() = default;
    shadow_files(const shadow_files&) = delete;
    shadow_files& operator=(const shadow_files&) = delete;
    ~shadow_files();

    // Makes the place for shadows where there is none yet. Returns 0 or an errno.
    [[nodiscard]] int open();

    // The device of all shadows as /proc/PID/fdinfo writes it. REQUIRES: open() succeeded.
    [[nodiscard]] std::uint64_t device() const { return device_; }

    // Makes a shadow and watches it, without any event. Returns 0 or the kernel's errno.
    [[nodiscard]] int make(int inotify, shadow_kind kind, shadow& made);

    // Removes it; the watch first, which the kernel tells with IN_IGNORED.
    void remove(const shadow& which);

    // The outcome of a replay.
    enum class told {
        yes,
        no,     // it could not be made to happen
        ended,  // the watch is gone: the event ended it, or somebody else did
    };

    // `mask` has an event's bit, and IN_ISDIR; `name` is empty for events of the object itself.
    // After IN_DELETE_SELF the shadow is gone.
    [[nodiscard]] told replay(const shadow& on, std::uint32_t mask, const std::string& name);

    // A rename from one watched directory to another, or the same one: both events, one cookie.
    [[nodiscard]] told replay_rename(
        const shadow& from,
        const std::string& old_name,
        const shadow& to,
        const std::string& new_name,
        shadow_kind kind
    );

    // Fills the instance's queue until the kernel tells IN_Q_OVERFLOW. What fills it are events of
    // a watch that the program never made, and so ignores.
    [[nodiscard]] told overflow(int inotify);

private:
    [[nodiscard]] std::string kernel_path(const std::string& path) const;
    [[nodiscard]] bool set_mask(const shadow& on, std::uint32_t mask) const;
    [[nodiscard]] bool create(const std::string& path, shadow_kind kind) const;
    void erase(const std::string& path, shadow_kind kind) const;

    template <typename Act>
    [[nodiscard]] told during(const shadow& on, std::uint32_t mask, Act act) const;

    [[nodiscard]] told replay_named(
        const shadow& on, std::uint32_t event, const std::string& path, shadow_kind kind
    ) const;
    [[nodiscard]] told replay_on_object(
        const shadow& on, std::uint32_t event, const std::string& path
    ) const;
    [[nodiscard]] told replay_own_move(const shadow& on) const;

    unique_fd root_;
    std::string removed_at_end_;  // where the shadows have a path
    std::uint64_t device_ = 0;
    std::uint64_t last_number_ = 0;
};

}  // namespace farside::session
