// A flat table: programs have few such mappings, and it is looked at only when there is one.
#include "layer/preload/mapped_ranges.hpp"

namespace farside::preload {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

}  // namespace

void mapped_parts::add(
    const mapped_part& part, std::uintptr_t range_begin, std::uintptr_t range_end
) noexcept {
    if (count == room || part.image == any_image) {
        parts[0] = {range_begin, range_end, any_image};
        count = 1;
    } else if (count == 0 || parts[0].image != any_image) {
        parts[count++] = part;
    }
}

void mapped_ranges::add(const mapped_part& part) noexcept {
    if (part.begin >= part.end || part.image == any_image) {
        return;
    }
    for (range& r : ranges_) {
        std::uint64_t free = 0;
        if (r.image.load(relaxed) == 0 &&
            r.image.compare_exchange_strong(free, part.image, relaxed)) {
            r.begin.store(part.begin, relaxed);
            r.end.store(part.end, relaxed);
            used_.fetch_add(1, relaxed);
            return;
        }
    }
    overflowed_.store(true, relaxed);
}

mapped_parts mapped_ranges::find(std::uintptr_t begin, std::uintptr_t end) const noexcept {
    mapped_parts found;
    if (overflowed_.load(relaxed)) {
        found.add({begin, end, any_image}, begin, end);
        return found;
    }
    for (const range& r : ranges_) {
        const std::uint64_t image = r.image.load(relaxed);
        const std::uintptr_t from = r.begin.load(relaxed);
        const std::uintptr_t to = r.end.load(relaxed);
        if (image != 0 && from < end && begin < to) {
            found.add({from < begin ? begin : from, to < end ? to : end, image}, begin, end);
        }
    }
    return found;
}

void mapped_ranges::cut(range& r, std::uintptr_t begin, std::uintptr_t end) noexcept {
    std::uint64_t image = r.image.load(relaxed);
    const std::uintptr_t from = r.begin.load(relaxed);
    const std::uintptr_t to = r.end.load(relaxed);
    if (image == 0 || from >= end || begin >= to) {
        return;
    }
    if (from < begin) {
        r.end.store(begin, relaxed);
        if (end < to) {
            add({end, to, image});
        }
    } else if (end < to) {
        r.begin.store(end, relaxed);
    } else {
        r.end.store(0, relaxed);
        r.begin.store(0, relaxed);
        if (r.image.compare_exchange_strong(image, 0, relaxed)) {
            used_.fetch_sub(1, relaxed);
        }
    }
}

mapped_parts mapped_ranges::take(std::uintptr_t begin, std::uintptr_t end) noexcept {
    const mapped_parts found = find(begin, end);
    if (found.count != 0) {
        for (range& r : ranges_) {
            cut(r, begin, end);
        }
    }
    return found;
}

}  // namespace farside::preload
