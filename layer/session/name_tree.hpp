// What the agent said of the target's names, as a tree that is true for as long as the agent's
// leases are held: every leased directory has the names that were told of it, each leading to a
// node or to nothing, and where all were told the others are known to be missing. protocol/
// lease_messages.hpp has the rules that make it true.
//
//     directory node ── names: "bin" ─► node      "tmp" ─► null: missing     (others: unknown,
//          │                                                      or missing where complete)
//          └─ lease: the handle; closed with its last user
//
// Ids of nodes are never reused; a name that leads to another inode leads to another node. Nothing
// the agent tells is trusted to make sense. Bounded by bytes and by leases: the directory that was
// not used for longest loses its names and its lease.
//
// No input or output, one thread.
#pragma once

#include "layer/segment/cache.hpp"
#include "layer/session/file_identity.hpp"
#include "layer/session/listing_habit.hpp"
#include "layer/session/recent_changes.hpp"
#include "protocol/lease_messages.hpp"

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace farside::session {

// A directory's handle at the agent; the last owner closes it, which ends the lease.
using lease_ptr = std::shared_ptr<const protocol::handle_id>;

// A directory as getdents64(2) tells it, "." and ".." included; positions count from the front.
using listing = std::vector<protocol::directory_entry>;

class cache_writer;
struct name_node;

// A directory that is leased.
struct leased_directory {
    lease_ptr lease;
    std::map<std::string, std::unique_ptr<name_node>, std::less<>> names;  // null: missing
    std::size_t missing = 0;                                               // names that are null
    std::uint64_t last_place = 0;
    std::uint64_t own_place = 0;      // of "."; 0: unknown
    std::uint64_t parents_place = 0;  // of ".."
    bool complete = false;
    std::list<name_node*>::iterator use;
    std::shared_ptr<const listing> listed;  // as long as it is true
    listing_habit habit;
};

struct name_node {
    std::uint64_t id = 0;
    name_node* parent = nullptr;  // null: the root, or a directory without a name
    std::string_view name;        // the parent's key
    protocol::attributes attr;    // mask 0: never told. Inode, device and type hold
    bool covered = false;         // all of `attr` holds
    bool plain = false;           // it has no extended attributes
    bool doubted = false;         // it is not covered, but might be if it were told again
    bool read_since = false;      // it was covered until somebody read, which may have changed it
    bool keeps_accessed = false;  // reading did not change it
    std::uint32_t reads = 0;      // by us
    std::uint64_t place = 0;  // among the parent's names, as the directory tells them; 0: unknown
    bool refused = false;     // the agent gave no lease of the directory
    std::string link;
    std::unique_ptr<leased_directory> leased;

    [[nodiscard]] bool directory() const;
    [[nodiscard]] bool symbolic_link() const;
};

// Whether the agent may look names up there, as far as is known: it did, or anybody may.
// REQUIRES: it is leased.
[[nodiscard]] bool searchable(const name_node& directory);

// Whether the kernel may refuse to follow the link: one of somebody else in a directory that all
// may write to (proc(5), protected_symlinks).
[[nodiscard]] bool may_be_refused(const name_node& directory, const name_node& link);

// Whether who may do what with it is decided alike.
[[nodiscard]] bool same_rights(const protocol::attributes& a, const protocol::attributes& b);

enum class last_link { follow, keep };

struct resolution {
    enum class kind { found, missing, not_directory, loop, unknown };

    kind what = kind::unknown;
    name_node* node = nullptr;  // found: it
    // missing, unknown: where; null: not even the root is known, or what the walk began with.
    name_node* directory = nullptr;
    std::string rest;       // missing, unknown: what was still to be walked from there
    bool leasable = false;  // unknown: a lookup may tell more
};

class name_tree {
public:
    // Metadata in memory, about.
    static constexpr std::size_t bytes_max = std::size_t{64} * 1024 * 1024;
    // Half of what an agent watches by default; open files need handles, too.
    static constexpr std::size_t leases_max = 16384;
    static constexpr std::size_t links_max = 40;  // as the kernel

    // Of a complete directory: names that are gone are kept up to half as many as there are, and
    // this many more.
    static constexpr std::size_t missing_min = 256;

    struct limits {
        std::size_t bytes = bytes_max;
        std::size_t leases = leases_max;
    };

    // `close` is told each handle that the tree has no use for.
    name_tree(std::function<void(protocol::handle_id)> close, limits most);
    name_tree(const name_tree&) = delete;
    name_tree& operator=(const name_tree&) = delete;
    ~name_tree();

    // From now on what holds is there for all to read. Called once, before anything is known.
    void publish_to(cache_writer& shared) { shared_ = &shared; }

    // Files among what the agent tells: a file's data and lease, its new attributes, its end.
    struct file_parts {
        std::function<void(const name_node&, const protocol::leased_entry&)> told;
        std::function<void(const protocol::leased_entry&)> changed;
        std::function<void(protocol::handle_id)> ended;
        std::function<void()> all_ended;
    };

    void hand_files_to(file_parts files) { files_ = std::move(files); }

    // Whether what happens to the file of the node may be told under another name, or not at all:
    // then what is known of it does not hold.
    void doubt(std::function<bool(const name_node&)> whether) { doubtful_ = std::move(whether); }

    [[nodiscard]] bool is_doubtful(const name_node& node) const;

    // A frame of the reply to a lookup that began with the ticket; and a notice.
    void apply(const protocol::lookup_reply& frame, recent_changes::ticket began);
    void apply(const protocol::changes& notice);

    [[nodiscard]] recent_changes& recent() { return recent_; }

    // Walks as the kernel does, from `base` or, where the path is absolute, from the root.
    [[nodiscard]] resolution resolve(name_node* base, std::string_view path, last_link last);

    // Null: not known (any more).
    [[nodiscard]] name_node* find(std::uint64_t id) const;

    [[nodiscard]] name_node* root() const { return root_.get(); }

    // All names of the directory with inode and type, in its own order; null where not all is
    // known.
    [[nodiscard]] std::shared_ptr<const listing> list(name_node& directory) const;

    // Whether a listing would tell more: names are not known, or where among the others they are.
    [[nodiscard]] static bool to_be_listed(const name_node& directory);

    // "/a/b"; empty: it has no path.
    [[nodiscard]] static std::string path_of(const name_node& node);

    // The attributes no longer hold, because somebody read; and they do again.
    void unsettle(name_node& node);
    void settle(name_node& node, const protocol::attributes& now);

    // The attributes no longer hold, until they are told again.
    void uncover(name_node& node);
    // Of all names of the file but `kept`, for good: who saw a file with two names does not know
    // who has it open by the one that is gone.
    void uncover_others(const file_identity& inode, const name_node* kept);

    // A request found the lease ended.
    void lose_lease(protocol::handle_id handle);

    void forget_all();

    [[nodiscard]] std::size_t bytes() const { return bytes_; }

    [[nodiscard]] std::size_t leases() const { return uses_.size(); }

private:
    using entry = protocol::leased_entry;

    void apply_told(const entry& told, std::uint64_t as_of);
    void apply_entry(const entry& told, std::uint64_t number);
    void apply_self(name_node& node, const entry& told);
    void apply_root(const entry& told, std::uint64_t number);
    void apply_child(name_node& directory, const entry& told, std::uint64_t number);
    [[nodiscard]] name_node& place_child(
        name_node& directory, const entry& told, protocol::handle_id handle
    );
    void distrust_replies(const name_node& node);
    void complete(protocol::handle_id handle, std::uint64_t as_of);
    void discard(protocol::handle_id handle);

    [[nodiscard]] std::unique_ptr<name_node> make_node(std::uint64_t id);
    enum class where { here, moved };
    void set_covered(name_node& node, bool covered);
    void set_attributes(name_node& node, const entry& told, where now);
    void move(name_node& node, name_node& directory, std::string_view name);
    [[nodiscard]] lease_ptr lease_of(protocol::handle_id handle);
    void set_lease(name_node& node, protocol::handle_id handle);
    void drop_lease(name_node& node);
    void drop_names(name_node& directory);
    void put(name_node& directory, std::string_view name, std::unique_ptr<name_node> child);
    void forget_name(name_node& directory, std::string_view name);
    [[nodiscard]] std::unique_ptr<name_node> detach(name_node& node);
    void dispose(std::unique_ptr<name_node> node);
    void drop_homeless();
    void changed_names(name_node& directory);
    void forget_missing(name_node& directory);
    void publish_node(const name_node& node);
    void publish_name(const name_node& directory, std::string_view name, const name_node* child);
    void retract_name(const name_node& directory, std::string_view name);
    void retract_node(const name_node& node);
    void use(name_node& directory);
    void keep_budget();

    std::function<void(protocol::handle_id)> close_;
    limits most_;
    cache_writer* shared_ = nullptr;  // null: nobody reads
    file_parts files_;
    std::function<bool(const name_node&)> doubtful_;
    recent_changes recent_;
    std::uint64_t last_id_ = segment::root_node;
    std::unordered_map<std::uint64_t, name_node*> by_id_;
    std::unordered_map<protocol::handle_id, name_node*> by_handle_;
    std::unordered_map<protocol::handle_id, std::weak_ptr<const protocol::handle_id>> leases_;
    std::unordered_multimap<std::uint64_t, name_node*> covered_;  // by inode; no directories
    std::list<name_node*> uses_;  // leased directories, the one used last in front
    std::unique_ptr<name_node> root_;
    // Directories that lost their name in a notice; the same one may tell where they are now.
    std::vector<std::unique_ptr<name_node>> homeless_;
    std::size_t bytes_ = 0;
    bool by_notice_ = false;  // what is applied now comes from a notice
};

}  // namespace farside::session
