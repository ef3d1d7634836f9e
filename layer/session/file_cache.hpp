// The files of the target whose bytes are kept: all that are leased for reading, by their handle
// and, where a name leads to them, by the node of that name.
//
//     open_leased, fetch, lookup ─► file_data ◄─ file_reader ◄─ open file
//                                       ▲
//              changes: it ended ───────┘
//
// Open files of the same node share one handle at the agent, as long as none of them needs an open
// file of its own there (flock, F_SETFL). A file that nobody has open is kept for the next who
// opens it, up to a number of them.
//
// One thread. Outlives all open files.
#pragma once

#include "layer/session/file_data.hpp"
#include "layer/session/prefetch_score.hpp"
#include "protocol/lease_messages.hpp"

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <unordered_map>
#include <unordered_set>

namespace farside::session {

struct open_file;

class file_cache {
public:
    // Files that may be opened by others, too; each takes a handle and a lease of the agent.
    static constexpr std::size_t named_max = 8192;
    // Bytes on their way that nobody waits for yet.
    static constexpr std::uint64_t ahead_bytes_max = std::uint64_t{64} * 1024 * 1024;

    struct options {
        bool enabled = true;
        bool predict = true;  // guess what is read next, beyond a plain stream
        std::uint64_t bytes = std::uint64_t{512} << 20U;  // of the cache
    };

    using close_handle = std::function<void(protocol::handle_id)>;

    file_cache(
        task_group& tasks,
        agent_link& link,
        cache_writer& shared,
        session_stats& stats,
        close_handle close
    );
    file_cache(const file_cache&) = delete;
    file_cache& operator=(const file_cache&) = delete;
    ~file_cache();

    void configure(options what) { options_ = what; }

    // Whether to ask for leases.
    [[nodiscard]] bool enabled() const {
        return options_.enabled && !unsupported_ && !reading_is_observed_;
    }

    // Somebody wants to be told of each read in the target: nothing is kept until nobody does.
    void observe_reading();

    void reading_is_not_observed() { reading_is_observed_ = false; }

    [[nodiscard]] bool predicts() const { return options_.predict; }

    // The agent knows of none.
    void note_unsupported() { unsupported_ = true; }

    // First bytes to ask for with an open.
    [[nodiscard]] std::uint32_t inline_bytes() const;

    // The largest window of a stream, now.
    [[nodiscard]] std::uint64_t window() const;

    // Whether a block comes in a fraction of the time that any answer takes.
    [[nodiscard]] bool block_is_cheap() const;

    // Of files that are fetched as a whole.
    [[nodiscard]] std::uint64_t whole_bytes_max() const;

    [[nodiscard]] link_estimate::values estimate() const { return around_.estimate(); }

    // ---- files ----

    // While a request for a lease is under way: the lease may end before the reply comes.
    class asking {
    public:
        explicit asking(file_cache& cache) : cache_{cache} { ++cache_.asking_; }

        asking(const asking&) = delete;
        asking& operator=(const asking&) = delete;

        ~asking() { cache_.stop_asking(); }

    private:
        file_cache& cache_;
    };

    // The answer to an open, where it comes; null where the file is not leased. Takes the handle
    // only if it returns something.
    [[nodiscard]] std::shared_ptr<file_data> opened(
        const protocol::open_leased_reply& reply, std::uint32_t asked
    );

    // Several open files may share it from now on.
    void name(const std::shared_ptr<file_data>& file, std::uint64_t node);

    // A leased file that the node's name leads to, if it is still as it was then; or null.
    [[nodiscard]] std::shared_ptr<file_data> find(
        std::uint64_t node, const protocol::attributes& now
    );

    // A file that was told of with all its bytes; the handle is ours.
    void adopt(std::uint64_t node, const protocol::leased_entry& told);

    // Somebody opens what was told of before anybody asked.
    void note_use(file_data& file);

    // A notice, as far as it is about files.
    void apply(const protocol::changes& notice);

    // Its handle's attributes changed; its lease ended; all did.
    void changed(const protocol::leased_entry& told);
    void ended(protocol::handle_id handle);
    void all_ended();

    // The open file is about to use its handle in a way that others would notice. Fails as open(2).
    awaitable<boost::system::error_code> make_private(open_file& file, link_caller& by);

    // Everything ends without a word to the agent.
    void stop();

    // ---- guesses ----

    prefetch_score score;

    // Streams start with their largest window.
    [[nodiscard]] bool hurries() const;

    void note_closed(bool read_to_end);

    // Of what was fetched unasked.
    void count_ahead(std::uint64_t bytes);
    void count_use(std::uint64_t used, std::uint64_t wasted);

private:
    struct named {
        std::shared_ptr<file_data> file;
        std::list<std::uint64_t>::iterator use;
    };

    void stop_asking();
    void forget(file_data& file);
    void unname(const file_data& file);
    void drop_idle();

    options options_;
    bool unsupported_ = false;
    bool reading_is_observed_ = false;
    bool stopped_ = false;
    session_stats& stats_;
    close_handle close_;
    file_data::surroundings around_;
    std::uint64_t last_data_ = 0;
    std::unordered_map<protocol::handle_id, file_data*> by_handle_;
    std::unordered_map<std::uint64_t, named> by_node_;
    std::list<std::uint64_t> uses_;  // nodes, the one used last in front
    std::size_t asking_ = 0;
    std::unordered_set<protocol::handle_id> ended_meanwhile_;
    bool all_ended_meanwhile_ = false;
    unsigned read_in_full_ = 0;  // files, one after the other
};

}  // namespace farside::session
