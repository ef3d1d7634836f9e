// The bytes of one file of the target, under a lease of its handle: blocks that are here (in the
// cache that covered processes read), blocks on their way, and who waits for them.
//
// The bytes hold until end() is called, which takes them away from everybody at once. What is still
// on its way then counts for nothing: whoever waited asks the agent himself. No block is asked for
// twice, and the end of the file is only believed of a read that came back short.
//
// Owned by those who have the file open, and by the file_cache that made it. One thread.
#pragma once

#include "layer/session/agent_link.hpp"
#include "layer/session/cache_writer.hpp"
#include "layer/session/link_estimate.hpp"
#include "layer/session/random_reads.hpp"
#include "layer/session/readahead.hpp"

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <vector>

namespace farside::session {

class file_data : public std::enable_shared_from_this<file_data> {
public:
    static constexpr std::uint64_t block_bytes = readahead::block_bytes;
    static_assert(block_bytes == segment::block_bytes);

    // What all files have in common. Outlives them, and what they spawn.
    struct surroundings {
        task_group& tasks;
        agent_link& link;
        cache_writer& shared;
        std::function<link_estimate::values()> estimate;
        // Bytes that were asked for and have not come yet, over all files.
        std::uint64_t under_way = 0;
        // Is told each file that nobody uses any more.
        std::function<void(file_data&)> unused;
    };

    // `data`: the id of its blocks, never used before.
    file_data(
        surroundings& around,
        std::uint64_t data,
        protocol::handle_id handle,
        const protocol::attributes& attr
    );
    file_data(const file_data&) = delete;
    file_data& operator=(const file_data&) = delete;
    ~file_data();

    [[nodiscard]] std::uint64_t id() const { return data_; }

    [[nodiscard]] protocol::handle_id handle() const { return handle_; }

    [[nodiscard]] const protocol::attributes& attr() const { return attr_; }

    // Whether its bytes hold.
    [[nodiscard]] bool leased() const { return leased_; }

    // The lease has ended.
    void end();

    // Whole blocks, and at least a byte more than the file has.
    [[nodiscard]] std::uint64_t blocks_end() const;

    // Where the file was seen to end.
    [[nodiscard]] std::optional<std::uint64_t> file_end() const { return file_end_; }

    // The first bytes; fewer than were asked for: all.
    void begin_with(std::span<const std::byte> bytes, std::uint64_t asked);

    // The bytes of a block, until something else is called; data() is null where it is not here.
    [[nodiscard]] std::span<const std::byte> find(std::uint64_t index);

    [[nodiscard]] bool on_its_way(std::uint64_t index) const;

    // Whoever reads this block must call for it.
    void hold_back(std::uint64_t index) { held_back_.insert(index); }

    // Somebody has the file open; and no longer. After the last nothing is held back.
    void attach() { ++readers_; }

    void detach();

    [[nodiscard]] bool read_by_nobody() const { return readers_ == 0; }

    [[nodiscard]] bool has_one_reader() const { return readers_ == 1; }

    // The node whose name leads here; 0: none.
    void name(std::uint64_t node) { node_ = node; }

    [[nodiscard]] std::uint64_t node() const { return node_; }

    // Its handle is closed with it, unless it was given to an open file.
    void give_handle_away() { owns_handle_ = false; }

    [[nodiscard]] bool owns_handle() const { return owns_handle_; }

    // It was fetched before anybody opened it.
    void set_guessed() { guessed_ = true; }

    [[nodiscard]] bool guessed() const { return guessed_; }

    void set_used() { guessed_ = false; }

    // Asks for what is neither here nor on its way. Ahead of a stream's reader, or a guess.
    // REQUIRES: whole blocks.
    enum class reason { demand, ahead, guess };
    void fetch(byte_range blocks, reason why);

    // All of it, in the background.
    void fetch_all();

    // Returns when the block is here, or nobody fetches it any more.
    awaitable<> wait_for(std::uint64_t index);

    // Reads here and there in it.
    random_reads random;

private:
    // A request under way.
    struct flight {
        byte_range range;               // what was asked for
        std::uint64_t arrived = 0;      // up to where
        std::vector<std::byte> staged;  // the part of a block that has come
    };

    using flights = std::list<flight>;

    struct waiter {
        std::uint64_t index = 0;
        async_event* woken = nullptr;
    };

    [[nodiscard]] std::uint64_t request_bytes_max() const;
    static awaitable<> request(
        std::shared_ptr<file_data> self,
        flights::iterator f,
        protocol::priority of,
        session_stats::waited w
    );
    static awaitable<> request_all(std::shared_ptr<file_data> self);

    void take(flight& f, std::span<const std::byte> bytes);
    void landed(flights::iterator f, bool failed);
    void store(std::uint64_t index, std::span<const std::byte> bytes, bool ends);
    void ends_at(std::uint64_t offset);
    void wake(std::uint64_t index);
    void wake_all();

    surroundings& around_;
    std::uint64_t data_;
    protocol::handle_id handle_;
    protocol::attributes attr_;
    std::uint64_t node_ = 0;
    unsigned readers_ = 0;
    bool owns_handle_ = true;
    bool guessed_ = false;
    bool leased_ = true;
    bool fetching_all_ = false;
    std::optional<std::uint64_t> file_end_;
    flights flights_;
    std::list<waiter> waiters_;
    std::set<std::uint64_t> held_back_;
    std::map<std::uint64_t, std::vector<std::byte>> held_;  // those that came
};

}  // namespace farside::session
