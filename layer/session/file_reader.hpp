// One open file's way to the bytes of a leased file: what is here is copied, what is coming is
// waited for, and what will be wanted is asked for in time.
#pragma once

#include "layer/session/file_cache.hpp"
#include "layer/session/readahead.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace farside::session {

class file_reader {
public:
    // `inline_bytes`: the first bytes that are here already.
    file_reader(file_cache& cache, std::shared_ptr<file_data> data, std::uint64_t inline_bytes);
    file_reader(const file_reader&) = delete;
    file_reader& operator=(const file_reader&) = delete;
    ~file_reader();

    [[nodiscard]] const std::shared_ptr<file_data>& data() const { return data_; }

    // Whether covered processes may look for its bytes.
    [[nodiscard]] bool leased() const { return data_->leased(); }

    // As pread(2), as long as the lease is held; nothing: the agent is to be asked for all of it.
    // `in_all`: what the caller is going to read from `offset` on, as far as is known.
    using bytes_read = std::optional<std::size_t>;
    awaitable<bytes_read> read(
        std::uint64_t offset, std::span<std::byte> room, std::uint64_t in_all, link_caller& by
    );

    // A read that the agent was asked for was answered after this time.
    void waited(std::chrono::nanoseconds time);

    // The last descriptor is gone; `position` is where it was.
    void closing(std::int64_t position);

private:
    struct copied {
        std::size_t bytes = 0;
        bool complete = false;  // as many as there are
    };

    [[nodiscard]] copied copy(std::uint64_t offset, std::span<std::byte> room) const;
    // What becomes of a read: all of it is here or comes, by a stream or block by block; or it is
    // better left to the agent.
    enum class way { stream, blocks, agent };
    [[nodiscard]] way ask(byte_range asked, bool hurry);
    [[nodiscard]] way ask_scattered(byte_range asked);
    void count();

    file_cache& cache_;
    std::shared_ptr<file_data> data_;
    readahead ahead_;
    std::uint64_t furthest_ = 0;       // where a read ended
    std::uint64_t windows_begin_ = 0;  // asked for ahead: from here
    std::uint64_t windows_end_ = 0;
};

}  // namespace farside::session
