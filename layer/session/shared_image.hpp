// One file of the target that is mapped with MAP_SHARED, by whatever processes: its image, the
// mappings of it, and the way of its bytes to and from the agent.
//
//     program's stores --> image --write_back()--> target
//     program's mapping <-- image <--refresh()---- target, changed by others
//
// A mapping lives as long as somebody has memory mapped through its descriptor: that holds a lock
// on a byte of the image, as descriptors of open files do on the template (segment.hpp). The files
// that mappings were made through stay open at the agent for as long, as they do natively.
//
// Everything but the constructor REQUIRES that the caller holds `turn`. No call here is interrupted
// by a signal to the process that asked.
#pragma once

#include "layer/session/agent_link.hpp"
#include "layer/session/async_event.hpp"
#include "layer/session/mapped_image.hpp"
#include "layer/session/open_files.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace farside::session {

class shared_image {
public:
    shared_image(
        const asio::any_io_executor& executor,
        agent_link& link,
        const file_identity& identity,
        std::uint64_t number
    )
        : turn{executor}, link_{link}, identity_{identity}, number_{number} {}

    shared_image(const shared_image&) = delete;
    shared_image& operator=(const shared_image&) = delete;

    async_mutex turn;

    [[nodiscard]] const file_identity& identity() const { return identity_; }

    [[nodiscard]] std::uint64_t number() const { return number_; }

    [[nodiscard]] const std::string& path() const { return through_->path; }

    [[nodiscard]] std::uint64_t size() const { return bytes_.size(); }

    // The first content, through a file that can be read. An errno, or 0; EFBIG above `bytes_max`.
    awaitable<int> load(std::shared_ptr<open_file> file, std::uint64_t bytes_max);

    [[nodiscard]] bool is_loaded() const { return !first_; }

    // A descriptor to map, which can be written if the file can. Nothing: errno says why.
    [[nodiscard]] unique_fd add_mapping(std::shared_ptr<open_file> file);

    // Forgets mappings that nobody has any more, and answers the files they were made through.
    std::vector<std::shared_ptr<open_file>> drop_ended();

    // Lets files go that no mapping was made through. To be called when nothing differs.
    void let_files_go();

    [[nodiscard]] bool is_mapped() const { return !mappings_.empty(); }

    // Whether something is stored that the target does not have.
    [[nodiscard]] bool differs() const { return writer_ && bytes_.differs(); }

    // Brings every store to the target. An errno, or 0; what is not there yet is tried again by the
    // next call.
    awaitable<int> write_back();

    // write_back(), then fsync(2).
    awaitable<int> sync();

    // Takes over what others changed, if the attributes tell of a change.
    awaitable<int> refresh();

    // Around a change that a covered process makes by a call: what others changed before is
    // noticed, and what the call changed is then no change of others.
    awaitable<> begin_change();
    awaitable<> end_change();

    // A covered process wrote these bytes.
    void written(std::uint64_t offset, std::span<const std::byte> content);

    // Bytes that the target was just seen to have, replaced by what programs see.
    void show(std::uint64_t offset, std::span<std::byte> content);

    // The image may be out of date in a way that attributes do not tell: read all of it again.
    void doubt() { stale_ = true; }

    // How long the last comparison took.
    [[nodiscard]] std::chrono::steady_clock::duration scan_time() const { return scan_time_; }

private:
    // What tells of a change.
    struct version {
        std::uint64_t size = 0;
        protocol::timestamp modified;
        protocol::timestamp changed;

        friend bool operator==(const version&, const version&) = default;
    };

    struct mapping {
        std::uint64_t byte = 0;           // of the image, locked
        std::shared_ptr<open_file> file;  // stays open at the agent
    };

    [[nodiscard]] static version version_of(const protocol::attributes& attr);
    awaitable<int> look(version& found);
    awaitable<int> read_all(std::uint64_t size);
    // The next offset with data or with none; `none` at the end, or where that cannot be told.
    awaitable<std::uint64_t> seek(std::uint64_t from, int whence, std::uint64_t none);
    awaitable<int> read_data(std::uint64_t from, std::uint64_t to);
    awaitable<int> send(const stored_bytes& stored, std::size_t& done);

    agent_link& link_;
    file_identity identity_;
    std::uint64_t number_;
    mapped_image bytes_;
    std::vector<mapping> mappings_;
    std::uint64_t last_byte_ = 0;
    std::shared_ptr<open_file> through_;  // to read, and to ask for attributes
    std::shared_ptr<open_file> writer_;   // to write; null while nothing could be stored
    version seen_;
    bool stale_ = false;
    bool first_ = true;  // no content yet
    std::chrono::steady_clock::duration scan_time_{};
};

}  // namespace farside::session
