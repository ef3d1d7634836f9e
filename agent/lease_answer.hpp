// The answer to one lookup or fetch, frame by frame: as much as fits a frame, or as may be done
// before others have their turn. Between two frames leases may end; what is gone is then not told.
//
//     names to tell --> directories to list, breadth first --> entries of one directory
#pragma once

#include "agent/leases.hpp"
#include "agent/work.hpp"

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

namespace farside::agent {

class lease_answer {
public:
    lease_answer(leases& held, protocol::lookup request);
    lease_answer(leases& held, protocol::fetch request);

    // What is wrong with the request. To be asked before advance().
    [[nodiscard]] boost::system::error_code check();

    // Makes the next frame. REQUIRES: there is one.
    void advance();

    // Lives until the next advance().
    [[nodiscard]] const protocol::lookup_reply& frame() const { return frame_; }

    [[nodiscard]] bool is_last() const { return is_last_; }

private:
    enum class progress : std::uint8_t { told, full };

    // A directory's entries as the kernel gives them.
    struct listing {
        protocol::handle_id directory{};
        unique_fd fd;
        std::vector<std::byte> records;
        std::size_t at = 0;
        std::size_t end = 0;
        bool whole = true;  // every name that was there is told
    };

    struct record {
        std::string name;
        entry_type type = entry_type::unknown;
        std::size_t next = 0;  // where the one behind it is
    };

    [[nodiscard]] bool has_more() const;
    void step();  // REQUIRES: has_more()
    void tell_base();
    void tell_next_name();
    void open_listing(protocol::handle_id directory);
    void tell_next_entry();
    void tell_place(const lease& directory, const record& itself);
    void end_listing();
    [[nodiscard]] bool next_record(record& found);
    [[nodiscard]] bool fill_records();
    [[nodiscard]] progress tell(lease& directory, const std::string& name, entry_type type);
    void add(protocol::leased_entry&& entry);
    [[nodiscard]] bool lists_below() const;
    void stop_listing();

    leases& leases_;
    protocol::handle_id base_;
    bool descends_ = false;  // each name is looked up in the one before it
    std::deque<std::string> names_;
    std::uint32_t file_bytes_max_ = 0;
    std::uint64_t data_bytes_left_ = 0;

    bool begun_ = false;
    bool is_last_ = false;
    protocol::handle_id at_{};    // where the next name is looked up; no_handle: the walk has ended
    protocol::handle_id main_{};  // the directory that is asked for, once it is listed
    bool list_ = false;
    std::uint32_t entries_left_ = 0;
    std::uint64_t below_bytes_left_ = 0;
    std::deque<protocol::handle_id> to_list_;
    listing now_;
    bool is_listing_ = false;

    protocol::lookup_reply frame_;
    data_buffer data_;
    std::size_t data_used_ = 0;
    std::size_t frame_bytes_ = 0;
    std::size_t steps_ = 0;
};

}  // namespace farside::agent
