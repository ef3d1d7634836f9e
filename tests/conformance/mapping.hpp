// A mapping of a file, as cases about mappings use it.
#pragma once

#include "tests/conformance/transcript.hpp"

#include <cerrno>
#include <span>
#include <string>

#include <sys/mman.h>

namespace farside::conformance {

// A mapping, or the -errno that came instead.
class mapping {
public:
    mapping(std::size_t bytes, int protection, int flags, int fd, off_t offset = 0)
        : bytes_{bytes}, memory_{::mmap(nullptr, bytes, protection, flags, fd, offset)} {
        failure_ = memory_ == MAP_FAILED ? -outcome{errno} : 0;
    }

    mapping(const mapping&) = delete;
    mapping& operator=(const mapping&) = delete;

    ~mapping() { unmap(); }

    void unmap() {
        if (failure_ == 0) {
            ::munmap(memory_, bytes_);
            failure_ = -ENOENT;
        }
    }

    // Its memory is somebody else's affair from now on.
    void release() { failure_ = -ENOENT; }

    [[nodiscard]] outcome failure() const { return failure_; }

    [[nodiscard]] std::span<char> bytes() const {
        return failure_ == 0 ? std::span{static_cast<char*>(memory_), bytes_} : std::span<char>{};
    }

    [[nodiscard]] std::string text() const { return {bytes().begin(), bytes().end()}; }

    // `text` at `offset`, if there is a mapping.
    void store(std::size_t offset, std::string_view text) const {
        if (failure_ == 0) {
            text.copy(bytes().data() + offset, text.size());
        }
    }

private:
    std::size_t bytes_;
    void* memory_;
    outcome failure_;
};

inline void show(transcript& t, const std::string& what, const mapping& map) {
    t.record(what, map.failure(), text::shortened(map.text()));
}

}  // namespace farside::conformance
