// What is leased to one client, and how it is found: by handle, by the kernel's watch, by inode.
// The kernel watches inodes: where one is mounted at two places, two leases have the same watch.
// State only, no system calls.
#pragma once

#include "agent/limits.hpp"
#include "agent/open_file.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace farside::agent {

inline constexpr int no_watch = -1;

// Decides how often a name is worth a notice of its own.
class notice_limit {
public:
    using clock = std::chrono::steady_clock;

    enum class verdict : std::uint8_t {
        tell,    // what it is now
        hush,    // that it is unknown from now on: this is the last notice of it
        silent,  // nothing
    };

    [[nodiscard]] verdict on_change(const std::string& name, clock::time_point now);

    // Somebody was told of the name: its changes matter again.
    void on_question(const std::string& name) {
        if (!noted_.empty()) {
            noted_.erase(name);
        }
    }

    // Somebody was told of all names, also of those that are not there.
    void on_listing() { noted_.clear(); }

    // There are more names than are remembered.
    [[nodiscard]] bool overflows() const { return noted_.size() > limits::noted_names_max; }

private:
    struct note {
        clock::time_point since;
        std::uint32_t notices = 0;
        bool silent = false;
    };

    void forget_old(clock::time_point now);

    std::unordered_map<std::string, note> noted_;
    std::size_t worth_cleaning_ = 64;
};

struct lease {
    protocol::handle_id handle{};
    std::shared_ptr<open_file> file;
    int watch = no_watch;  // none of files whose directory is watched
    std::uint64_t mount = 0;
    bool has_data = false;  // the kernel's lease on the bytes is held
    notice_limit notices;   // by name; the empty one is itself

    // Directories in it that are leased: one that is removed is told by this directory's watch
    // alone, as the handle keeps its inode.
    std::unordered_map<std::string, protocol::handle_id> below;

    [[nodiscard]] bool is_directory() const { return file->kind == file_kind::path_only; }

    [[nodiscard]] int fd() const { return file->fd.get(); }
};

class lease_table {
public:
    [[nodiscard]] std::size_t size() const { return leases_.size(); }

    // Pointers live until the lease is removed.
    lease& add(lease made);
    lease* find(protocol::handle_id handle);

    [[nodiscard]] bool is_watched(int watch) const { return by_watch_.contains(watch); }

    [[nodiscard]] std::vector<protocol::handle_id> watched_by(int watch) const;

    // A directory: by its inode, which the watch stands for, and where it is mounted.
    lease* find_directory(int watch, std::uint64_t mount);

    [[nodiscard]] bool holds_data() const { return !with_data_.empty(); }

    [[nodiscard]] std::vector<protocol::handle_id> with_data(const inode_key& inode) const;

    // REQUIRES: it is there.
    lease remove(protocol::handle_id handle);

    template <typename F>
    void for_each(F&& f) {
        for (auto& [id, held] : leases_) {
            f(held);
        }
    }

    void clear();

private:
    std::unordered_map<std::uint64_t, lease> leases_;
    std::unordered_map<int, std::vector<protocol::handle_id>> by_watch_;
    std::multimap<inode_key, protocol::handle_id> with_data_;
};

}  // namespace farside::agent
