// The byte ranges that one owner has locked in one file, kept as the kernel keeps them: what
// touches and has the same type is one range, what is locked again takes the new type. So a range
// here is exactly one of those that the kernel tells of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <fcntl.h>

namespace farside::agent {

// Both ends are in the range; a lock to the end of the file, however long it grows, ends here.
inline constexpr std::int64_t range_end = std::numeric_limits<std::int64_t>::max();

struct locked_range {
    std::int16_t type = F_UNLCK;
    std::int64_t first = 0;
    std::int64_t last = range_end;

    [[nodiscard]] bool overlaps(const locked_range& other) const {
        return first <= other.last && other.first <= last;
    }

    // Whether two owners cannot have both.
    [[nodiscard]] bool conflicts(const locked_range& other) const {
        return overlaps(other) && (type == F_WRLCK || other.type == F_WRLCK);
    }

    friend bool operator==(const locked_range&, const locked_range&) = default;
};

class locked_ranges {
public:
    // F_UNLCK takes the range away.
    void set(const locked_range& wanted);

    void clear() { ranges_.clear(); }

    [[nodiscard]] bool conflicts(const locked_range& wanted) const;
    [[nodiscard]] bool contains(const locked_range& exactly) const;

    // Whether set() would leave more ranges than `count_max`.
    [[nodiscard]] bool exceeds(std::size_t count_max, const locked_range& wanted) const;

    [[nodiscard]] bool empty() const { return ranges_.empty(); }

    // In order, disjoint.
    [[nodiscard]] const std::vector<locked_range>& all() const { return ranges_; }

private:
    struct span {
        std::size_t begin = 0;
        std::size_t end = 0;
    };

    [[nodiscard]] span touched_by(const locked_range& wanted) const;
    [[nodiscard]] std::vector<locked_range> replacement(
        const locked_range& wanted, const span& touched
    ) const;

    std::vector<locked_range> ranges_;
};

}  // namespace farside::agent
