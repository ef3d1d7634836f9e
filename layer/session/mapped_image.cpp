// Comparing and merging, a word at a time where all is aligned. Pages that neither half has are
// passed over without touching them: reading a hole of a memfd would make it a page.
#include "layer/session/mapped_image.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace farside::session {
namespace {

constexpr std::uint64_t page = 4096;
constexpr std::uint64_t word = sizeof(std::uint64_t);
// Mappings grow by half of what they are, and by this at least.
constexpr std::uint64_t growth_min = 64 * page;

std::uint64_t up(std::uint64_t value, std::uint64_t unit) {
    return (value + unit - 1) / unit * unit;
}

std::uint64_t load_word(const std::byte* at) {
    std::uint64_t value = 0;
    std::memcpy(&value, at, sizeof value);
    return value;
}

// Programs store into the image at the same time.
std::uint64_t seen_word(const std::byte* at) {
    return __atomic_load_n(reinterpret_cast<const std::uint64_t*>(at), __ATOMIC_RELAXED);
}

// 0xff in each byte that is not zero.
std::uint64_t spread(std::uint64_t difference) {
    constexpr std::uint64_t low = 0x7f7f7f7f7f7f7f7f;
    // The top bit of each byte that has any bit; no carry leaves its byte.
    const std::uint64_t marks = (((difference & low) + low) | difference) & ~low;
    return (marks >> 7U) * 0xff;
}

// REQUIRES: not empty.
bool is_zero(std::span<const std::byte> bytes) {
    return bytes[0] == std::byte{0} &&
           std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

std::uint64_t seek(const unique_fd& fd, std::uint64_t from, int whence, std::uint64_t none) {
    const auto found = ::lseek(fd.get(), static_cast<off_t>(from), whence);
    return found < 0 ? none : static_cast<std::uint64_t>(found);
}

void append(stored_bytes& out, std::uint64_t offset, std::span<const std::byte> bytes) {
    if (out.runs.empty() || out.runs.back().offset + out.runs.back().size != offset) {
        out.runs.push_back({offset, out.bytes.size(), 0});
    }
    out.bytes.insert(out.bytes.end(), bytes.begin(), bytes.end());
    out.runs.back().size += bytes.size();
}

// The bytes of `seen` that are not those of `known`, which are in the file at `offset`.
void append_different(
    stored_bytes& out,
    std::uint64_t offset,
    std::span<const std::byte> seen,
    std::span<const std::byte> known
) {
    for (std::size_t i = 0; i < seen.size(); ++i) {
        if (seen[i] != known[i]) {
            append(out, offset + i, seen.subspan(i, 1));
        }
    }
}

}  // namespace

mapped_image::~mapped_image() {
    for (const half* h : {&image_, &baseline_}) {
        if (h->bytes != nullptr) {
            ::munmap(h->bytes, capacity_);
        }
    }
}

int mapped_image::create_half(half& h, const char* name, std::uint64_t size) {
    h.file = unique_fd{::memfd_create(name, MFD_CLOEXEC)};
    if (!h.file || ::ftruncate(h.file.get(), static_cast<off_t>(size)) != 0) {
        return errno;
    }
    return 0;
}

int mapped_image::create(std::uint64_t size) {
    assert(!image_.file);
    if (const int failed = create_half(image_, "farside-map", size)) {
        return failed;
    }
    if (const int failed = create_half(baseline_, "farside-baseline", size)) {
        return failed;
    }
    if (const int failed = reserve(size)) {
        return failed;
    }
    size_ = size;
    return 0;
}

unique_fd mapped_image::reopen(int access) const {
    const std::string path = "/proc/self/fd/" + std::to_string(image_.file.get());
    return unique_fd{::open(path.c_str(), access | O_CLOEXEC)};
}

// The mappings may reach beyond the files: only what is below size_ is ever touched.
int mapped_image::reserve(std::uint64_t size) {
    if (size <= capacity_ && capacity_ != 0) {
        return 0;
    }
    const std::uint64_t wanted = up(size + std::max(size / 2, growth_min), page);
    std::byte* grown[2] = {};
    const half* const halves[2] = {&image_, &baseline_};
    for (std::size_t i = 0; i < 2; ++i) {
        void* const at =
            ::mmap(nullptr, wanted, PROT_READ | PROT_WRITE, MAP_SHARED, halves[i]->file.get(), 0);
        if (at == MAP_FAILED) {
            const int failed = errno;
            if (i == 1) {
                ::munmap(grown[0], wanted);
            }
            return failed;
        }
        grown[i] = static_cast<std::byte*>(at);
    }
    if (capacity_ != 0) {
        ::munmap(image_.bytes, capacity_);
        ::munmap(baseline_.bytes, capacity_);
    }
    image_.bytes = grown[0];
    baseline_.bytes = grown[1];
    capacity_ = wanted;
    return 0;
}

int mapped_image::resize(std::uint64_t size) {
    if (size == size_) {
        return 0;
    }
    if (const int failed = reserve(size)) {
        return failed;
    }
    if (size > size_) {
        // What was stored behind the end, in the last page, is not part of the file.
        const auto tail = up(size_, page) - size_;
        std::memset(image_.bytes + size_, 0, tail);
    }
    const auto wanted = static_cast<off_t>(size);
    if (::ftruncate(baseline_.file.get(), wanted) != 0) {
        return errno;
    }
    if (::ftruncate(image_.file.get(), wanted) != 0) {
        const int failed = errno;
        [[maybe_unused]] const int back =
            ::ftruncate(baseline_.file.get(), static_cast<off_t>(size_));
        return failed;
    }
    size_ = size;
    return 0;
}

std::size_t mapped_image::clip(std::uint64_t offset, std::size_t bytes) const {
    return offset >= size_ ? 0 : std::min<std::uint64_t>(bytes, size_ - offset);
}

void mapped_image::load(std::uint64_t offset, std::span<const std::byte> content) {
    content = content.first(clip(offset, content.size()));
    while (!content.empty()) {
        const auto part = content.first(std::min<std::size_t>(content.size(), page));
        if (!is_zero(part)) {
            std::memcpy(image_.bytes + offset, part.data(), part.size());
            std::memcpy(baseline_.bytes + offset, part.data(), part.size());
        }
        offset += part.size();
        content = content.subspan(part.size());
    }
}

void mapped_image::overwrite(std::uint64_t offset, std::span<const std::byte> content) {
    content = content.first(clip(offset, content.size()));
    if (!content.empty()) {
        std::memcpy(image_.bytes + offset, content.data(), content.size());
        std::memcpy(baseline_.bytes + offset, content.data(), content.size());
    }
}

// The swap fails where a program stores meanwhile: then its store is seen and stays.
void mapped_image::merge_byte(std::uint64_t at, std::byte content) {
    const auto before = std::exchange(baseline_.bytes[at], content);
    std::atomic_ref<std::byte> shown{image_.bytes[at]};
    auto expected = before;
    shown.compare_exchange_strong(expected, content, std::memory_order_relaxed);
}

void mapped_image::merge_word(std::uint64_t at, std::uint64_t content) {
    const std::uint64_t before = load_word(baseline_.bytes + at);
    if (before == content) {
        return;
    }
    std::memcpy(baseline_.bytes + at, &content, sizeof content);
    std::atomic_ref<std::uint64_t> shown{*reinterpret_cast<std::uint64_t*>(image_.bytes + at)};
    std::uint64_t seen = shown.load(std::memory_order_relaxed);
    std::uint64_t merged = 0;
    do {
        const std::uint64_t stored = spread(seen ^ before);
        merged = (seen & stored) | (content & ~stored);
    } while (!shown.compare_exchange_weak(seen, merged, std::memory_order_relaxed));
}

void mapped_image::merge(std::uint64_t offset, std::span<const std::byte> content) {
    content = content.first(clip(offset, content.size()));
    std::uint64_t at = offset;
    const std::uint64_t end = offset + content.size();
    const auto given = [&](std::uint64_t position) { return content.data() + (position - offset); };
    for (; at < end && at % word != 0; ++at) {
        merge_byte(at, *given(at));
    }
    while (at + word <= end) {
        const std::uint64_t stop = std::min(end, up(at + 1, page)) / word * word;
        if (std::memcmp(baseline_.bytes + at, given(at), stop - at) == 0) {
            at = stop;
            continue;
        }
        for (; at < stop; at += word) {
            merge_word(at, load_word(given(at)));
        }
    }
    for (; at < end; ++at) {
        merge_byte(at, *given(at));
    }
}

void mapped_image::merge_hole(std::uint64_t offset, std::uint64_t bytes) {
    static constexpr std::array<std::byte, page> zeros{};
    const std::uint64_t end = offset + clip(offset, bytes);
    std::uint64_t at = offset;
    while ((at = next_data(at)) < end) {
        const std::uint64_t stop = std::min(end, up(at + 1, page));
        merge(at, std::span{zeros}.first(stop - at));
        at = stop;
    }
}

void mapped_image::copy(std::uint64_t offset, std::span<std::byte> to) const {
    const auto bytes = clip(offset, to.size());
    if (bytes > 0) {
        std::memcpy(to.data(), image_.bytes + offset, bytes);
    }
}

// The first page at or after `from` that one of the halves has.
std::uint64_t mapped_image::next_data(std::uint64_t from) const {
    return std::min(
        seek(image_.file, from, SEEK_DATA, size_), seek(baseline_.file, from, SEEK_DATA, size_)
    );
}

// Where the pages from `from` on end in both.
std::uint64_t mapped_image::data_end(std::uint64_t from) const {
    return std::max(
        seek(image_.file, from, SEEK_HOLE, from), seek(baseline_.file, from, SEEK_HOLE, from)
    );
}

std::uint64_t mapped_image::collect(
    std::uint64_t from, std::size_t bytes_max, std::size_t run_bytes, stored_bytes& out
) const {
    std::uint64_t at = from / word * word;
    const auto full = [&] {
        // One word more may add that many runs.
        return out.bytes.size() + out.runs.size() * run_bytes + word * (run_bytes + 1) > bytes_max;
    };
    while ((at = next_data(at)) < size_) {
        at = at / word * word;
        const std::uint64_t end = std::min(data_end(at), size_);
        while (at < end) {
            const std::uint64_t stop = std::min(end, up(at + 1, page));
            if (std::memcmp(image_.bytes + at, baseline_.bytes + at, stop - at) == 0) {
                at = stop;
                continue;
            }
            for (; at < stop; at += word) {
                if (full()) {
                    return at;
                }
                const std::uint64_t seen = seen_word(image_.bytes + at);
                const std::uint64_t known = load_word(baseline_.bytes + at);
                if (seen == known) {
                    continue;
                }
                const auto bytes = std::bit_cast<std::array<std::byte, word>>(seen);
                if (at + word <= stop && spread(seen ^ known) == ~std::uint64_t{0}) {
                    append(out, at, bytes);
                } else {
                    const auto part = std::span{bytes}.first(std::min(word, stop - at));
                    append_different(out, at, part, {baseline_.bytes + at, part.size()});
                }
            }
            at = std::min(at, stop);
        }
    }
    return size_;
}

bool mapped_image::differs() const {
    stored_bytes first;
    constexpr std::size_t enough = 64;
    static_cast<void>(collect(0, enough, 1, first));
    return !first.runs.empty();
}

void mapped_image::settle(const stored_bytes& stored, const stored_bytes::run& run) {
    const auto bytes = clip(run.offset, run.size);
    if (bytes > 0) {
        std::memcpy(baseline_.bytes + run.offset, stored.bytes.data() + run.at, bytes);
    }
}

}  // namespace farside::session
