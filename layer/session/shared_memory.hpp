// The memory and the descriptors that a session shares with the processes it covers: segment, view,
// template and doorbell (layer/segment/segment.hpp says what they are for), the cache behind the
// view.
//
// Life: the supervisor creates them, forks the session process (which inherits the mappings and all
// descriptors and then adopts the segment), starts the program with the four descriptors of
// inherited(), and keeps none of them itself: the doorbell ends when the last covered process does.
#pragma once

#include "layer/segment/segment.hpp"
#include "layer/segment/view.hpp"
#include "layer/session/cache_writer.hpp"
#include "layer/session/robust_list.hpp"
#include "protocol/error.hpp"
#include "protocol/support/unique_fd.hpp"

#include <cstdint>
#include <memory>
#include <utility>

namespace farside::session {

class shared_memory {
public:
    // Bytes of files that the cache holds at most, by default.
    static constexpr std::uint64_t arena_bytes_default = std::uint64_t{512} * 1024 * 1024;

    // `arena_bytes`: whole slabs; 0: there is no cache at all. All descriptors are close-on-exec;
    // the launcher places them where the program inherits them.
    [[nodiscard]] static protocol::result<shared_memory> create(
        std::uint64_t arena_bytes = arena_bytes_default
    );

    shared_memory(shared_memory&& other) noexcept;
    shared_memory& operator=(shared_memory&&) = delete;
    shared_memory(const shared_memory&) = delete;
    shared_memory& operator=(const shared_memory&) = delete;
    ~shared_memory();

    [[nodiscard]] segment::segment& shared() const { return *segment_; }

    [[nodiscard]] segment::view& view() const { return *view_; }

    // For the session's cache_writer.
    [[nodiscard]] cache_writer::memory cache() const;

    // What a covered process inherits (descriptor numbers in this process).
    struct inherited_descriptors {
        int segment = -1;    // read-write
        int view = -1;       // read-only
        int template_ = -1;  // read-only
        int doorbell = -1;   // the covered processes' end
        int trace = -1;      // none: calls are not traced
    };

    [[nodiscard]] inherited_descriptors inherited() const;

    [[nodiscard]] std::uint64_t segment_inode() const { return segment_inode_; }

    [[nodiscard]] std::uint64_t template_inode() const { return template_inode_; }

    [[nodiscard]] std::uint64_t template_device() const { return template_device_; }

    // Where covered processes write their traces.
    void set_trace(unique_fd trace) { trace_ = std::move(trace); }

    // The supervisor, once the program runs: closes all of them, the session's end too.
    void release_descriptors();

    // In the session process, on the thread that serves: this thread owns every call slot from now
    // on, and the kernel wakes all callers when it ends (robust futex list). Closes the covered
    // processes' end of the doorbell. REQUIRES: no caller exists yet; called once.
    [[nodiscard]] boost::system::error_code adopt();

    // The session's end of the doorbell; -1 after it was taken.
    [[nodiscard]] unique_fd take_session_doorbell() { return std::move(session_doorbell_); }

    [[nodiscard]] int template_descriptor() const { return template_.get(); }

private:
    shared_memory() = default;

    [[nodiscard]] boost::system::error_code create_segment();
    [[nodiscard]] boost::system::error_code create_view(std::uint64_t arena_bytes);
    [[nodiscard]] boost::system::error_code fill_cache(std::uint64_t arena_bytes);
    [[nodiscard]] std::size_t view_file_bytes() const;
    [[nodiscard]] boost::system::error_code create_template();
    [[nodiscard]] boost::system::error_code create_doorbell();

    segment::segment* segment_ = nullptr;
    segment::view* view_ = nullptr;
    segment::cache* cache_ = nullptr;  // behind the view, in the same mapping; null: none
    unique_fd segment_fd_;
    unique_fd view_fd_;
    unique_fd template_;
    unique_fd user_doorbell_;
    unique_fd session_doorbell_;
    unique_fd trace_;
    std::uint64_t segment_inode_ = 0;
    std::uint64_t template_inode_ = 0;
    std::uint64_t template_device_ = 0;
    std::unique_ptr<robust_list> robust_;
};

}  // namespace farside::session
