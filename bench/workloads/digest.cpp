// Digests, names and errors: what all workloads share.
#include "bench/workloads/workload.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace farside::bench {
namespace {

constexpr std::uint64_t prime = 0x100000001b3;

std::uint64_t word_at(std::span<const std::byte> bytes, std::size_t at) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, std::min(sizeof word, bytes.size() - at));
    return word;
}

}  // namespace

void digest::add(std::span<const std::byte> bytes) {
    const std::size_t step = thorough_ ? sizeof(std::uint64_t) : sizes::block_bytes;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
        add_number(word_at(bytes, at));
    }
    count(bytes.size());
}

void digest::add_line(std::string_view line) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : line) {
        hash = (hash ^ static_cast<unsigned char>(c)) * prime;
    }
    lines_ += hash;
    count();
}

void digest::add_number(std::uint64_t number) {
    value_ = (value_ ^ number) * prime;
    value_ ^= value_ >> 29U;
}

void fail(std::string_view what, const std::string& path) {
    std::fprintf(
        stderr,
        "workload: %.*s %s: %s\n",
        static_cast<int>(what.size()),
        what.data(),
        path.c_str(),
        std::strerror(errno)
    );
    std::exit(1);
}

std::string numbered(std::string_view prefix, int number) {
    char digits[16];
    std::snprintf(digits, sizeof digits, "%04d", number);
    return std::string{prefix} + digits;
}

void fill_block(std::span<std::byte> block, std::uint64_t number) {
    std::uint64_t state = number * 0x9e3779b97f4a7c15 + 1;
    for (std::size_t at = 0; at + sizeof state <= block.size(); at += sizeof state) {
        state ^= state << 13U;
        state ^= state >> 7U;
        state ^= state << 17U;
        std::memcpy(block.data() + at, &state, sizeof state);
    }
}

}  // namespace farside::bench
