// The choice of what is next.
#include "protocol/frame_queue.hpp"

#include <cassert>
#include <utility>

namespace farside::protocol {

std::size_t frame_queue::index_of(priority of) {
    assert(of >= priority::stream);
    return static_cast<std::size_t>(of) - static_cast<std::size_t>(priority::stream);
}

void frame_queue::add(priority of, buffer frame) {
    if (of < priority::stream) {
        auto& out = of == priority::control ? control_ : metadata_;
        out.insert(out.end(), frame.begin(), frame.end());
        return;
    }
    auto& chosen = bulk_[index_of(of)];
    chosen.bytes += frame.size();
    chosen.frames.push_back(std::move(frame));
}

std::size_t frame_queue::bytes(priority of) const {
    switch (of) {
        case priority::control:
            return control_.size() + writing_.control.size();
        case priority::metadata:
            return metadata_.size() + writing_.metadata.size();
        default:
            return bulk_[index_of(of)].bytes;
    }
}

std::size_t frame_queue::bytes() const {
    std::size_t all = bytes(priority::control) + bytes(priority::metadata);
    for (const auto& c : bulk_) {
        all += c.bytes;
    }
    return all;
}

bool frame_queue::empty() const {
    bool nothing = control_.empty() && metadata_.empty();
    for (const auto& c : bulk_) {
        nothing = nothing && c.frames.empty();
    }
    return nothing;
}

// The best class that has frames, unless one behind it was passed over often enough.
// `bulk_classes` where there is none.
std::size_t frame_queue::choose() {
    std::size_t chosen = bulk_classes;
    for (std::size_t i = 0; i < bulk_classes; ++i) {
        auto& c = bulk_[i];
        if (c.frames.empty()) {
            c.passed_over = 0;
        } else if (chosen == bulk_classes || c.passed_over >= passed_over_max) {
            chosen = i;
        }
    }
    for (std::size_t i = 0; i < bulk_classes; ++i) {
        bulk_[i].passed_over = i == chosen ? 0 : bulk_[i].passed_over + 1;
    }
    return chosen;
}

const frame_queue::batch& frame_queue::take(scope what) {
    std::swap(writing_.control, control_);
    if (what == scope::control) {
        return writing_;
    }
    std::swap(writing_.metadata, metadata_);
    const auto chosen = choose();
    if (chosen == bulk_classes) {
        return writing_;
    }
    writing_.of = static_cast<priority>(chosen + static_cast<std::size_t>(priority::stream));
    auto& frames = bulk_[chosen].frames;
    std::size_t taken = 0;
    while (!frames.empty() && writing_.bulk.size() < bulk_frames_max &&
           (taken == 0 || taken + frames.front().size() <= bulk_bytes_max)) {
        taken += frames.front().size();
        writing_.bulk.push_back(std::move(frames.front()));
        frames.pop_front();
    }
    return writing_;
}

void frame_queue::written() {
    for (const auto& frame : writing_.bulk) {
        bulk_[index_of(writing_.of)].bytes -= frame.size();
    }
    writing_.control.clear();
    writing_.metadata.clear();
    writing_.bulk.clear();
}

}  // namespace farside::protocol
