// The states of pieces. Requests on one handle take effect in the order in which they were sent:
// what is sent in the order of writing needs no waiting for answers.
#include "layer/session/pending_writes.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>

namespace farside::session {
namespace {

bool overlap(const pending_writes::piece& whole, const pending_writes::piece& other) {
    const auto begin = whole.rest_offset();
    const auto end = whole.offset + whole.bytes.size();
    return other.offset < end && begin < other.offset + other.bytes.size();
}

}  // namespace

bool pending_writes::extends_last(std::uint64_t offset) const {
    if (pieces_.empty()) {
        return false;
    }
    const piece& last = *pieces_.back();
    return last.now == state::waiting && last.done == 0 &&
           last.offset + last.bytes.size() == offset && last.bytes.size() < limits::piece_bytes_max;
}

void pending_writes::add(std::uint64_t offset, std::span<const std::byte> bytes, time_point now) {
    while (!bytes.empty()) {
        if (!extends_last(offset)) {
            auto fresh = std::make_unique<piece>();
            fresh->offset = offset;
            fresh->begin = added_;
            fresh->written = now;
            pieces_.push_back(std::move(fresh));
            charge_ += limits::piece_overhead_bytes;
        }
        auto& into = pieces_.back()->bytes;
        const auto part =
            bytes.first(std::min(bytes.size(), limits::piece_bytes_max - into.size()));
        into.insert(into.end(), part.begin(), part.end());
        charge_ += part.size();
        added_ += part.size();
        offset += part.size();
        bytes = bytes.subspan(part.size());
    }
}

pending_writes::piece* pending_writes::next(time_point now) {
    if (cut_short_ != 0) {
        return nullptr;
    }
    while (next_ < pieces_.size() && pieces_[next_]->now != state::waiting) {
        ++next_;
    }
    if (next_ == pieces_.size()) {
        return nullptr;
    }
    piece& p = *pieces_[next_];
    const bool grows = next_ + 1 == pieces_.size() && extends_last(p.offset + p.bytes.size());
    const bool waits =
        grows && under_way_ != 0 && p.begin >= hurry_to_ && now < p.written + limits::piece_age_max;
    return waits ? nullptr : &p;
}

pending_writes::time_point pending_writes::next_time() const {
    const bool waits = cut_short_ == 0 && !pieces_.empty() && under_way_ != 0 &&
                       pieces_.back()->now == state::waiting;
    return waits ? pieces_.back()->written + limits::piece_age_max : time_point::max();
}

void pending_writes::sent(piece& p) {
    assert(p.now == state::waiting);
    p.now = state::sent;
    ++under_way_;
}

bool pending_writes::sent_to(std::uint64_t bytes) const {
    const auto waits = [&](const std::unique_ptr<piece>& p) {
        return p->begin < bytes && p->now != state::sent && p->now != state::settled;
    };
    return std::ranges::none_of(pieces_, waits);
}

int pending_writes::answered(piece& p, std::int64_t result) {
    assert(p.now == state::sent && under_way_ > 0);
    --under_way_;
    const auto rest = static_cast<std::int64_t>(p.rest().size());
    int failure = 0;
    if (result <= 0 || result > rest) {
        failure = result < 0 ? static_cast<int>(-result) : EIO;
        p.failed = true;
        p.now = state::settled;
    } else {
        p.done += static_cast<std::size_t>(result);
        p.now = result < rest ? state::cut_short : state::settled;
        cut_short_ += result < rest ? 1 : 0;
        times_cut_short_ += result < rest ? 1 : 0;
    }
    retire();
    return failure;
}

void pending_writes::retire() {
    while (!pieces_.empty() && pieces_.front()->now == state::settled) {
        const std::size_t bytes = pieces_.front()->bytes.size();
        settled_ += bytes;
        charge_ -= bytes + limits::piece_overhead_bytes;
        pieces_.pop_front();
        next_ -= next_ > 0 ? 1 : 0;
    }
    if (cut_short_ != 0 && under_way_ == 0) {
        resend();
    }
}

// Everything that was sent is answered. The rests go out again, and what the target has already of
// later pieces once more where an older rest would cover it.
void pending_writes::resend() {
    std::vector<const piece*> rests;
    for (const auto& p : pieces_) {
        const bool covered = std::any_of(rests.begin(), rests.end(), [&](const piece* rest) {
            return overlap(*rest, *p);
        });
        if (p->now == state::waiting || p->failed) {
            continue;
        }
        if (covered) {
            p->done = 0;
        }
        if (covered || p->now == state::cut_short) {
            p->now = state::waiting;
            rests.push_back(p.get());
        }
    }
    cut_short_ = 0;
    next_ = 0;
}

std::uint64_t pending_writes::give_up() {
    std::uint64_t lost = 0;
    for (const auto& p : pieces_) {
        lost += p->now == state::settled ? 0 : p->rest().size();
    }
    pieces_.clear();
    settled_ = added_;
    charge_ = 0;
    next_ = under_way_ = cut_short_ = 0;
    return lost;
}

}  // namespace farside::session
