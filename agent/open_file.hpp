// An open file of a client, and the table of them. Requests that are under way share its ownership:
// a close takes the handle away at once and the descriptor when nobody needs it.
#pragma once

#include "agent/request_order.hpp"
#include "protocol/support/unique_fd.hpp"
#include "protocol/types.hpp"

#include <compare>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

namespace farside::agent {

// How calls on a file behave: what may wait, and for whom.
enum class file_kind : std::uint8_t {
    regular,
    directory,
    pipe,  // FIFO, socket
    character_device,
    block_device,
    path_only,  // O_PATH
};

// Files without a position, where reading and writing wait for somebody else.
[[nodiscard]] constexpr bool is_stream(file_kind kind) {
    return kind == file_kind::pipe || kind == file_kind::character_device;
}

// Which file it is, whatever its names.
struct inode_key {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;

    friend auto operator<=>(const inode_key&, const inode_key&) = default;
};

struct open_file {
    unique_fd fd;
    inode_key inode;
    file_kind kind = file_kind::regular;
    bool foreign = false;                 // on a file system that may hang, see file_systems.hpp
    std::uint32_t flags = 0;              // O_*; F_SETFL changes some
    std::int64_t directory_position = 0;  // where the descriptor of a directory stands
    request_order order;
};

// Loop thread only. One of each connection: a client names no files but its own.
class handle_table {
public:
    explicit handle_table(std::size_t files_max) : files_max_{files_max} {}

    // Counting the places that are promised.
    [[nodiscard]] bool full() const { return files_.size() + promised_ >= files_max_; }

    // A place for a file that is about to be added. REQUIRES: !full().
    void promise() { ++promised_; }

    // Right before the add(), or where none comes.
    void redeem() { --promised_; }

    [[nodiscard]] std::size_t files_max() const { return files_max_; }

    [[nodiscard]] std::size_t size() const { return files_.size(); }

    // REQUIRES: !full().
    protocol::handle_id add(std::shared_ptr<open_file> file);

    // Nothing where the handle is not open.
    [[nodiscard]] std::shared_ptr<open_file> find(protocol::handle_id handle) const;
    std::shared_ptr<open_file> remove(protocol::handle_id handle);

    // Every open file; leaves none.
    [[nodiscard]] std::vector<std::shared_ptr<open_file>> remove_all();

private:
    std::size_t files_max_;
    std::size_t promised_ = 0;
    std::uint64_t last_id_ = 0;
    std::unordered_map<std::uint64_t, std::shared_ptr<open_file>> files_;
};

}  // namespace farside::agent
