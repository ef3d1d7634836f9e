// Which addresses of this process are shared mappings of remote files: so that munmap(2), mremap(2)
// and msync(2) of other memory, which malloc does all the time, cost a look at a counter.
//
// A hint, without locks: a range that is missing is written back by the session a moment later; one
// that is there in vain costs a call. fork(2) copies it with the rest of the memory.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace farside::preload {

// Above this all memory counts as mapped, to the end of the process.
inline constexpr std::size_t mapped_ranges_max = 1024;

// In place of an image's number: any of them.
inline constexpr std::uint64_t any_image = 0;

// A part of a mapping: [begin, end).
struct mapped_part {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    std::uint64_t image = any_image;
};

// What of a range is mapped. Where there are more parts than this holds, or they are not known,
// there is one: the range, as that of any image.
struct mapped_parts {
    static constexpr std::size_t room = 8;

    mapped_part parts[room];
    std::size_t count = 0;

    [[nodiscard]] const mapped_part* begin() const noexcept { return parts; }

    [[nodiscard]] const mapped_part* end() const noexcept { return parts + count; }

    void add(
        const mapped_part& part, std::uintptr_t range_begin, std::uintptr_t range_end
    ) noexcept;
};

class mapped_ranges {
public:
    [[nodiscard]] bool none() const noexcept {
        return used_.load(std::memory_order_relaxed) == 0 &&
               !overflowed_.load(std::memory_order_relaxed);
    }

    void add(const mapped_part& part) noexcept;

    [[nodiscard]] mapped_parts find(std::uintptr_t begin, std::uintptr_t end) const noexcept;

    // The same, and they are mapped no longer.
    mapped_parts take(std::uintptr_t begin, std::uintptr_t end) noexcept;

private:
    struct range {
        std::atomic<std::uint64_t> image;  // 0: free
        std::atomic<std::uintptr_t> begin;
        std::atomic<std::uintptr_t> end;
    };

    void cut(range& r, std::uintptr_t begin, std::uintptr_t end) noexcept;

    range ranges_[mapped_ranges_max];
    std::atomic<std::size_t> used_;
    std::atomic<bool> overflowed_;
};

}  // namespace farside::preload
