// Whether guessing pays: of what was fetched before anybody asked, how much was used. When less
// than half of the last 64 was, guessing pauses for as many occasions, and is then tried again.
#pragma once

#include <cstdint>

namespace farside::session {

class prefetch_score {
public:
    static constexpr unsigned window = 64;

    enum class outcome : bool { wasted, used };

    void record(outcome o) {
        history_ = history_ << 1U | (o == outcome::used ? 1U : 0U);
        if (recorded_ < window) {
            ++recorded_;
        }
        if (recorded_ == window && __builtin_popcountll(history_) < int{window} / 2) {
            pause_ = window;
            recorded_ = 0;
        }
    }

    // There is something to guess: whether to do so.
    [[nodiscard]] bool allows() {
        if (pause_ == 0) {
            return true;
        }
        --pause_;
        return false;
    }

private:
    std::uint64_t history_ = 0;
    unsigned recorded_ = 0;
    unsigned pause_ = 0;
};

}  // namespace farside::session
