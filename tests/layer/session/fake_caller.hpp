// The layer's side of the segment, as a test plays it: claims slots, posts calls, rings, waits,
// makes the descriptors that stand for remote files. Uses system calls and atomics only, so that a
// forked child may use it too.
#pragma once

#include "layer/common/side.hpp"
#include "layer/segment/segment.hpp"
#include "protocol/support/unique_fd.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace farside::session::testing {

struct question {
    segment::call op{};
    std::array<std::int64_t, 8> arguments{};
    std::array<std::string, 2> path;
    std::string data;
};

struct answer {
    std::int64_t result = 0;
    side where = side::remote;
    std::array<std::int64_t, 8> arguments{};
    std::array<std::string, 2> path;
    std::string data;
};

struct mapped_file {
    answer asked;
    unique_fd descriptor;
};

// No answer within the time a test can take: a bug, and not a hang.
inline constexpr std::int64_t no_answer = -100'000;

struct remote_file {
    answer opened;
    unique_fd fd;
    std::uint64_t id = 0;
};

class fake_caller {
public:
    fake_caller(segment::segment& shared, int doorbell, int template_descriptor)
        : shared_{shared}, doorbell_{doorbell}, template_{template_descriptor} {}

    // A call from claiming to freeing the slot.
    [[nodiscard]] answer ask(const question& q) const;

    // The same, handing over a copy of `descriptor`.
    [[nodiscard]] answer ask_with(int descriptor, const question& q) const;

    // A call with a location and other arguments.
    [[nodiscard]] answer at(
        segment::call op,
        const std::string& path,
        const std::vector<std::int64_t>& others = {},
        const std::string& data = {},
        std::uint64_t base = 0
    ) const;

    // A call with an id.
    [[nodiscard]] answer on(
        segment::call op,
        std::uint64_t id,
        const std::vector<std::int64_t>& others = {},
        const std::string& data = {}
    ) const;

    [[nodiscard]] answer read(std::uint64_t id, std::int64_t bytes) const {
        return on(segment::call::read, id, {segment::position_current, bytes});
    }

    [[nodiscard]] answer write(std::uint64_t id, const std::string& data) const {
        return on(segment::call::write, id, {segment::position_current, 0}, data);
    }

    // As open(2) in the layer: a descriptor, a locked id, a claimed entry, then the call.
    [[nodiscard]] remote_file open(
        const std::string& path, int flags = 0, int mode = 0, std::uint64_t base = 0
    ) const;

    // As close(2): tells the session where the descriptor was the last.
    [[nodiscard]] std::int64_t close(remote_file& file) const;

    // As mmap(2) with MAP_SHARED in the layer: hands a socket over and takes what comes back.
    [[nodiscard]] mapped_file map_shared(std::uint64_t id, int protection) const;

    // The steps of ask().
    [[nodiscard]] std::uint32_t claim() const;
    void fill(std::uint32_t slot, const question& q) const;
    // False: the session has died.
    [[nodiscard]] bool post(std::uint32_t slot) const;
    [[nodiscard]] answer await(std::uint32_t slot) const;
    void cancel(std::uint32_t slot) const;
    void free(std::uint32_t slot) const;
    void ring(std::uint32_t slot) const;

    [[nodiscard]] segment::open_file& entry(std::uint64_t id) const {
        return shared_.open_files[id % segment::open_file_count];
    }

    // A descriptor of the template whose lock says that a new id lives.
    [[nodiscard]] remote_file make_descriptor() const;

private:
    segment::segment& shared_;
    int doorbell_;
    int template_;
};

}  // namespace farside::session::testing
