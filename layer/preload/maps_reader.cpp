// Lines are cut out of a fixed buffer; the rest of an unfinished one moves to its front.
#include "layer/preload/maps_reader.hpp"

#include "layer/preload/syscall_x86_64.hpp"

#include <cstring>

#include <fcntl.h>

namespace farside::preload {
namespace {

std::uintptr_t take_hexadecimal(std::string_view& text) noexcept {
    std::uintptr_t value = 0;
    while (!text.empty()) {
        const char c = text[0];
        if (c >= '0' && c <= '9') {
            value = value * 16 + static_cast<std::uintptr_t>(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            value = value * 16 + static_cast<std::uintptr_t>(c - 'a' + 10);
        } else {
            break;
        }
        text.remove_prefix(1);
    }
    return value;
}

}  // namespace

maps_reader::maps_reader() noexcept
    : fd_{static_cast<int>(kernel(__NR_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC)
      )} {}

maps_reader::~maps_reader() {
    if (fd_ >= 0) {
        kernel(__NR_close, fd_);
    }
}

bool maps_reader::line(std::string_view& out) noexcept {
    while (true) {
        for (std::size_t i = begin_; i < end_; ++i) {
            if (buffer_[i] == '\n') {
                out = {buffer_ + begin_, i - begin_};
                begin_ = i + 1;
                return true;
            }
        }
        std::memmove(buffer_, buffer_ + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
        const long got = kernel(__NR_read, fd_, buffer_ + end_, sizeof buffer_ - end_);
        if (got <= 0) {
            return false;
        }
        end_ += static_cast<std::size_t>(got);
    }
}

bool maps_reader::next(mapping& out) noexcept {
    std::string_view text;
    if (fd_ < 0 || !line(text)) {
        return false;
    }
    out.begin = take_hexadecimal(text);
    text.remove_prefix(text.empty() ? 0 : 1);  // '-'
    out.end = take_hexadecimal(text);
    out.executable = text.size() > 3 && text[3] == 'x';  // " r-xp ..."
    out.path = {};
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '/') {
            out.path = text;
            out.path.remove_prefix(i);
            break;
        }
    }
    return true;
}

}  // namespace farside::preload
