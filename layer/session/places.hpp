// Where a call acts: the side of its path, and how the agent is told. Also what the session decides
// for the programs: decisions that need a regular expression are put into the view, where the layer
// finds them the next time.
//
// The side is found from the normalised path, seen from the directory's recorded path where the
// call is relative to one. The agent gets the path as the program wrote it: a component before ".."
// may be a symbolic link.
#pragma once

#include "layer/segment/view.hpp"
#include "layer/session/open_files.hpp"
#include "layer/session/path_policy.hpp"
#include "protocol/file_messages.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace farside::session {

struct place {
    int failure = 0;  // errno; then nothing else counts
    side where = side::remote;
    std::string path;                 // absolute and normalised
    bool wants_directory = false;     // it was written like a directory's: "dir/"
    bool agent_refuses = false;       // whatever would change something
    protocol::location at;            // for the agent
    std::shared_ptr<open_file> base;  // keeps the handle in `at` open

    [[nodiscard]] bool remote() const {
        return where == side::remote || where == side::remote_read_only;
    }

    // For a system call on the local side.
    [[nodiscard]] std::string local_path() const {
        return wants_directory && path != "/" ? path + '/' : path;
    }

    // Whether the session refuses what would change something. In a session that is read-only as a
    // whole the agent does, and says exactly what a read-only mount would.
    [[nodiscard]] bool read_only() const {
        return where == side::remote_read_only && !agent_refuses;
    }
};

class places {
public:
    places(const path_policy& policy, segment::view& view, const open_files& files)
        : policy_{policy}, view_{view}, files_{files} {}

    // `base` is 0 or an open file's id; `path` has no NUL.
    [[nodiscard]] place find(std::uint64_t base, std::string_view path) const;

    // The side of an absolute path, recorded in the view where the layer cannot tell it alone.
    // Nothing: not an absolute path, or too long.
    [[nodiscard]] std::optional<side> classify(std::string_view path);

    // Tells the layer whether it can decide alone about names in an open directory: after it was
    // opened, and when its path has changed.
    void tell_names_far(const open_file& file) const;

    // The side of an absolute path as the agent wrote it.
    [[nodiscard]] side side_of(std::string_view path) const;

private:
    [[nodiscard]] place find_absolute(std::string_view path) const;
    [[nodiscard]] bool steps_on_local_side(std::string_view base, std::string_view path) const;
    void record(std::string_view path, side verdict);

    const path_policy& policy_;
    segment::view& view_;
    const open_files& files_;
    std::uint32_t decisions_ = 0;
    std::uint32_t text_bytes_ = 0;
};

}  // namespace farside::session
