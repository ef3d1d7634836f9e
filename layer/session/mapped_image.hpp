// A file that programs have mapped with MAP_SHARED, in memory: the image, a memfd that they map and
// store into, and beside it the baseline, what the target's file is known to hold. Where the two
// differ somebody has stored something. No requests are made here; one thread, but programs store
// into the image at any moment.
//
// The comparison is by byte, so that what is written back is what was stored and nothing beside it;
// a store of the value that was there already cannot be seen, and need not be.
#pragma once

#include "protocol/support/unique_fd.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace farside::session {

// Stores on their way to the target: runs of bytes, with a copy of them as they were seen.
struct stored_bytes {
    struct run {
        std::uint64_t offset = 0;  // in the file
        std::size_t at = 0;        // in `bytes`
        std::size_t size = 0;
    };

    std::vector<std::byte> bytes;
    std::vector<run> runs;

    [[nodiscard]] std::span<const std::byte> of(const run& r) const {
        return std::span{bytes}.subspan(r.at, r.size);
    }
};

class mapped_image {
public:
    mapped_image() = default;
    mapped_image(const mapped_image&) = delete;
    mapped_image& operator=(const mapped_image&) = delete;
    ~mapped_image();

    // All zero. An errno, or 0. Called once.
    [[nodiscard]] int create(std::uint64_t size);

    [[nodiscard]] std::uint64_t size() const { return size_; }

    // A descriptor of the image of its own, to map: O_RDONLY or O_RDWR. Nothing: errno says why.
    [[nodiscard]] unique_fd reopen(int access) const;

    // The image's own.
    [[nodiscard]] int descriptor() const { return image_.file.get(); }

    // As ftruncate(2): what comes is zero, what goes is gone from every mapping. An errno, or 0;
    // then nothing has changed.
    [[nodiscard]] int resize(std::uint64_t size);

    // The ranges below are clipped to the size.

    // The first content.
    void load(std::uint64_t offset, std::span<const std::byte> content);

    // Somebody wrote this, over whatever was stored there.
    void overwrite(std::uint64_t offset, std::span<const std::byte> content);

    // The target was found to hold this: taken over where nothing was stored.
    void merge(std::uint64_t offset, std::span<const std::byte> content);

    // The same for zeros.
    void merge_hole(std::uint64_t offset, std::uint64_t bytes);

    // As a program sees it now.
    void copy(std::uint64_t offset, std::span<std::byte> to) const;

    // Stores from `from` on, at most `bytes_max` with `run_bytes` counted for each run beside its
    // bytes. Returns where to go on; size() at the end. REQUIRES: bytes_max > run_bytes.
    [[nodiscard]] std::uint64_t collect(
        std::uint64_t from, std::size_t bytes_max, std::size_t run_bytes, stored_bytes& out
    ) const;

    [[nodiscard]] bool differs() const;

    // The target holds this run now.
    void settle(const stored_bytes& stored, const stored_bytes::run& run);

private:
    // A memfd and the mapping of it, which may be longer.
    struct half {
        unique_fd file;
        std::byte* bytes = nullptr;
    };

    [[nodiscard]] static int create_half(half& h, const char* name, std::uint64_t size);
    [[nodiscard]] int reserve(std::uint64_t size);
    [[nodiscard]] std::size_t clip(std::uint64_t offset, std::size_t bytes) const;
    void merge_byte(std::uint64_t at, std::byte content);
    void merge_word(std::uint64_t at, std::uint64_t content);
    [[nodiscard]] std::uint64_t next_data(std::uint64_t from) const;
    [[nodiscard]] std::uint64_t data_end(std::uint64_t from) const;

    half image_;
    half baseline_;
    std::uint64_t size_ = 0;
    std::uint64_t capacity_ = 0;  // of both mappings
};

}  // namespace farside::session
