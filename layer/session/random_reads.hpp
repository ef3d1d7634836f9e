// What to make of reads here and there in a file: decisions only, for one file.
//
// A block that is read a second time is fetched as a whole. And as he who rents skis should buy
// them once the rent has come to their price: when the waits for such reads have taken as long as
// fetching the whole file would, the whole file is fetched, and has then cost twice the best choice
// at most.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <unordered_set>

namespace farside::session {

class random_reads {
public:
    // Of a file that is fetched as a whole.
    static constexpr std::uint64_t whole_bytes_max = std::uint64_t{1} << 30U;
    // Blocks that are remembered.
    static constexpr std::size_t touched_max = 65536;

    // Whether the block was read before.
    [[nodiscard]] bool touch(std::uint64_t block) {
        if (touched_.size() >= touched_max) {
            touched_.clear();
        }
        return !touched_.insert(block).second;
    }

    // A read had to wait. True, once: fetch the whole file.
    [[nodiscard]] bool waited(
        std::chrono::nanoseconds time, std::uint64_t file_bytes, std::uint64_t bytes_per_second
    ) {
        waited_ += time;
        if (decided_ || file_bytes > whole_bytes_max) {
            return false;
        }
        const auto rate = static_cast<double>(std::max<std::uint64_t>(bytes_per_second, 1));
        const double seconds = static_cast<double>(file_bytes) / rate;
        decided_ = std::chrono::duration<double>{waited_}.count() >= seconds;
        return decided_;
    }

private:
    std::unordered_set<std::uint64_t> touched_;
    std::chrono::nanoseconds waited_{};
    bool decided_ = false;
};

}  // namespace farside::session
