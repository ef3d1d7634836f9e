// What the session knows of the target's names, and how it comes to know more: asks the agent for
// leased names beside a program's own request, waits for what was asked for already, guesses which
// directories are wanted as a whole.
//
//     a call ─► find() ─► known: answered without the agent
//                  │  └─► asked for already: waits for the answer's frames
//                  └────► unknown: missed() asks for it, beside the call's own request
//
// Notices are applied where they arrive: before any reply behind them. Where there are no caches
// everything is unknown, and nothing is asked. One thread.
#pragma once

#include "layer/session/agent_link.hpp"
#include "layer/session/listing_prediction.hpp"
#include "layer/session/name_tree.hpp"
#include "layer/session/open_files.hpp"
#include "layer/session/places.hpp"
#include "layer/session/task_group.hpp"
#include "protocol/lease_messages.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace farside::session {

class name_cache {
public:
    // Lookups under way at once; more are not asked for.
    static constexpr std::size_t lookups_max = 16;
    // Lookups that one call waits for, one after the other; then it asks for itself.
    static constexpr int waits_max = 4;

    struct options {
        bool enabled = true;
        bool predict = true;
        name_tree::limits limits;
    };

    // `answered_elsewhere`: how many calls were answered from what is published here. `watched`:
    // whether programs are told who opens and reads directories: then nobody does who was not told
    // to, and whoever was does.
    name_cache(
        task_group& tasks,
        agent_link& link,
        session_stats& stats,
        std::function<std::uint64_t()> answered_elsewhere,
        std::function<bool()> watched,
        options how
    );

    name_cache(const name_cache&) = delete;
    name_cache& operator=(const name_cache&) = delete;
    ~name_cache();

    // Where a call acts, to be found from what is known. The nodes in the answer are good until the
    // next wait.
    awaitable<resolution> find(const place& where, last_link last, link_caller& by);

    // What is known now.
    [[nodiscard]] resolution known(const place& where, last_link last) {
        return look(where, last).known;
    }

    // What an open file is; null: not known.
    [[nodiscard]] name_node* node_of(open_file& file);

    // The kernel tells of a change under the name by which the file was opened, which may be gone
    // while the file has another one (link(2), unlink(2)). So no attributes hold of a name that
    // leads to one of these files, unless it was opened by that name. To be called once.
    void mind(open_files& files);

    // A call did not find what it wanted: more is asked for, without waiting.
    enum class wants { one, all };
    void missed(const resolution& known, wants what);

    // The agent answered a stat of the node: its attributes may hold again, once they are told.
    void was_seen(std::uint64_t node, const protocol::attributes& now);

    // All names of an open directory, which is asked for where that may tell; null: the agent's
    // own way is left.
    awaitable<std::shared_ptr<const listing>> list(open_file& directory, link_caller& by);

    // The agent read the open file for a program.
    void was_read(open_file& file);

    // It changed a file in a way that no notice tells of: its flags, how many names it has, the
    // time of access alone.
    void changed_silently(open_file& file);
    void changed_silently(const place& where, last_link last);

    [[nodiscard]] name_tree& tree() { return tree_; }

    // Names of a leased directory with their data, about so many bytes, before anybody wants them.
    awaitable<boost::system::error_code> fetch(
        const protocol::fetch& request, std::uint64_t bytes, link_caller& by
    );

    [[nodiscard]] bool enabled() const { return enabled_; }

    // Whether directories may be opened and read without the agent, and listed ahead.
    [[nodiscard]] bool may_list() const { return predict_ && !watched_(); }

    [[nodiscard]] const listing_prediction& prediction() const { return prediction_; }

    // The connection is lost, or the session ends.
    void stop();

private:
    // A lookup under way.
    struct lookup {
        protocol::lookup request;
        lease_ptr base;        // keeps the handle open
        std::string target;    // "/a/b"
        bool counted = false;  // as a round trip
    };

    using lookup_ptr = std::shared_ptr<lookup>;

    struct view {
        resolution known;
        std::string wanted;  // unknown: the first name that is, "/a/b"; empty: it has no path
    };

    [[nodiscard]] view look(const place& where, last_link last);

    // What one call waits for, and what it waited for before.
    struct patience {
        lookup_ptr told;
        int lookups = 0;

        [[nodiscard]] bool for_another(lookup_ptr next);
    };

    [[nodiscard]] lookup_ptr telling(std::string_view wanted) const;
    awaitable<> wait_for_more(const patience& for_what, link_caller& by);
    void wake();

    void ask(name_node* base, std::string path, bool list, std::uint32_t below_bytes);
    void ask_listing(name_node* base, const std::string& path);
    void list_again(name_node& directory);
    void follow_upwards(const name_node* directory, const std::string& names);
    void ask_below(name_node& directory, listing_prediction::child what);
    void list_found(name_node& node);
    awaitable<> look_up(lookup_ptr asked);
    void tell(const protocol::lookup_reply& frame, recent_changes::ticket began);
    void learn(const lookup& asked);
    [[nodiscard]] bool may_guess();
    void close(protocol::handle_id handle);
    awaitable<> send_close(protocol::handle_id handle);

    task_group& tasks_;
    agent_link& link_;
    session_stats& stats_;
    std::function<std::uint64_t()> answered_elsewhere_;
    std::function<bool()> watched_;
    bool enabled_;
    bool predict_;
    name_tree tree_;
    listing_prediction prediction_;
    std::string last_missed_;  // a path
    std::vector<lookup_ptr> lookups_;
    std::vector<async_event*> waiting_;  // until more is known
};

}  // namespace farside::session
