// A change replaces the ranges that it overlaps or touches by what becomes of them.
#include "agent/locked_ranges.hpp"

#include <algorithm>

namespace farside::agent {
namespace {

// Whether `later`, which begins behind `earlier`, continues it.
bool joins(const locked_range& earlier, const locked_range& later) {
    return earlier.type == later.type && earlier.last != range_end &&
           earlier.last + 1 == later.first;
}

}  // namespace

locked_ranges::span locked_ranges::touched_by(const locked_range& wanted) const {
    const auto begin = std::ranges::partition_point(ranges_, [&](const locked_range& r) {
        return r.last != range_end && r.last + 1 < wanted.first;
    });
    const auto end = std::partition_point(begin, ranges_.end(), [&](const locked_range& r) {
        return wanted.last == range_end || r.first <= wanted.last + 1;
    });
    return {
        static_cast<std::size_t>(begin - ranges_.begin()),
        static_cast<std::size_t>(end - ranges_.begin())};
}

std::vector<locked_range> locked_ranges::replacement(
    const locked_range& wanted, const span& touched
) const {
    std::vector<locked_range> pieces;
    for (std::size_t i = touched.begin; i < touched.end; ++i) {
        const auto& r = ranges_[i];
        if (r.first < wanted.first) {
            pieces.push_back({r.type, r.first, std::min(r.last, wanted.first - 1)});
        }
        if (r.last > wanted.last) {
            pieces.push_back({r.type, std::max(r.first, wanted.last + 1), r.last});
        }
    }
    if (wanted.type != F_UNLCK) {
        pieces.push_back(wanted);
    }
    std::ranges::sort(pieces, {}, &locked_range::first);
    std::vector<locked_range> joined;
    for (const auto& piece : pieces) {
        if (!joined.empty() && joins(joined.back(), piece)) {
            joined.back().last = piece.last;
        } else {
            joined.push_back(piece);
        }
    }
    return joined;
}

void locked_ranges::set(const locked_range& wanted) {
    const auto touched = touched_by(wanted);
    const auto pieces = replacement(wanted, touched);
    const auto at = [this](std::size_t index) {
        return ranges_.begin() + static_cast<std::ptrdiff_t>(index);
    };
    ranges_.erase(at(touched.begin), at(touched.end));
    ranges_.insert(at(touched.begin), pieces.begin(), pieces.end());
}

bool locked_ranges::conflicts(const locked_range& wanted) const {
    return std::ranges::any_of(ranges_, [&](const locked_range& r) { return r.conflicts(wanted); });
}

bool locked_ranges::contains(const locked_range& exactly) const {
    return std::ranges::find(ranges_, exactly) != ranges_.end();
}

bool locked_ranges::exceeds(std::size_t count_max, const locked_range& wanted) const {
    const auto touched = touched_by(wanted);
    const auto kept = ranges_.size() - (touched.end - touched.begin);
    const auto after = kept + replacement(wanted, touched).size();
    return after > count_max && after > ranges_.size();
}

}  // namespace farside::agent
