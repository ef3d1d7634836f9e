// When to read ahead in a file, and how far: decisions only, for one open file.
//
//     |<------ asked for before ------>|<--- newest window --->|
//                          reader ->   ^ marker                 ^ end
//
// A read at the beginning of the file, or behind the read before it, is a stream. The next window
// is asked for when the reader comes to the first byte of the newest one, so that one is always on
// its way while the other is read. The block at the marker is not published to covered processes:
// they must call for it, and only thereby is it known how far they are.
#pragma once

#include <cstdint>
#include <optional>

namespace farside::session {

struct byte_range {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;

    [[nodiscard]] bool empty() const { return begin >= end; }

    [[nodiscard]] std::uint64_t size() const { return empty() ? 0 : end - begin; }

    friend bool operator==(const byte_range&, const byte_range&) = default;
};

class readahead {
public:
    static constexpr std::uint64_t block_bytes = std::uint64_t{64} * 1024;
    static constexpr std::uint64_t first_window = std::uint64_t{128} * 1024;
    static constexpr std::uint64_t window_max = std::uint64_t{32} * 1024 * 1024;

    // What holds at the time of a read.
    struct surroundings {
        std::uint64_t window = window_max;  // the largest that the link is worth
        std::uint64_t file_end = 0;         // whole blocks; nothing is asked for behind it
        bool hurry = false;                 // all will be read, as far as can be told
        bool lost = false;                  // the first byte read was here and has gone again
    };

    // `expected`: up to where the first bytes are there already.
    explicit readahead(std::uint64_t expected) : expected_{expected} {}

    struct decision {
        bool stream = false;  // else: exactly what was read, and no more
        byte_range ahead;     // whole blocks that come now; may be there already in part
        std::optional<std::uint64_t> marker;  // none: there is nothing more to ask for
    };

    // A read that covered processes could not answer alone. REQUIRES: not empty.
    [[nodiscard]] decision on_read(byte_range asked, const surroundings& now);

    // posix_fadvise(2): POSIX_FADV_RANDOM, and all others.
    enum class advice { none, random };
    void advise(advice a);

    // No window is known any more: what was asked for was given up.
    void collapse();

    // How far ahead was asked for; 0: no stream.
    [[nodiscard]] std::uint64_t asked_end() const { return streaming_ ? end_ : 0; }

private:
    [[nodiscard]] bool continues(const byte_range& asked) const;
    [[nodiscard]] std::uint64_t next_window(const surroundings& now) const;

    std::uint64_t expected_;    // where the last read ended
    std::uint64_t begin_ = 0;   // of the stream
    std::uint64_t marker_ = 0;  // of the newest window
    std::uint64_t end_ = 0;
    std::uint64_t window_ = first_window;  // size of the newest
    bool streaming_ = false;
    bool random_ = false;
};

}  // namespace farside::session
