// What every fuzz target shares: the entry point's declaration and the one way to report a finding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

// The name is libFuzzer's.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) noexcept;

namespace farside {

// A property of the code under test; abort() is what a fuzzer and a replay both notice.
inline void require(bool holds) noexcept {
    if (!holds) {
        std::abort();
    }
}

inline std::span<const std::byte> as_span(const std::uint8_t* data, std::size_t size) noexcept {
    return std::as_bytes(std::span{data, size});
}

}  // namespace farside
