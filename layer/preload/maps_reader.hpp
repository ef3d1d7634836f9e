// Reads /proc/self/maps a buffer at a time, without allocating.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace farside::preload {

struct mapping {
    std::uintptr_t begin;
    std::uintptr_t end;
    bool executable;
    std::string_view path;  // valid until the next call
};

class maps_reader {
public:
    maps_reader() noexcept;
    ~maps_reader();
    maps_reader(const maps_reader&) = delete;
    maps_reader& operator=(const maps_reader&) = delete;
    maps_reader(maps_reader&&) = delete;
    maps_reader& operator=(maps_reader&&) = delete;

    [[nodiscard]] bool next(mapping& out) noexcept;

private:
    [[nodiscard]] bool line(std::string_view& out) noexcept;

    int fd_ = -1;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    char buffer_[4 * 4096];
};

}  // namespace farside::preload
