// Normalising works on the output as a stack of components: what is written is always normal, and
// ".." drops what follows the last slash.
#include "layer/common/path.hpp"

#include <cstring>

namespace farside {
namespace {

// The bytes of the output path, "" standing for "/" until the end.
struct stack {
    char* out;
    std::size_t room;
    std::size_t length = 0;

    bool push(const char* name, std::size_t bytes) noexcept {
        // bytes < room - length - 1, without a sum that can overflow.
        if (room - length <= bytes) {
            return false;
        }
        out[length] = '/';
        std::memcpy(out + length + 1, name, bytes);
        length += 1 + bytes;
        return true;
    }

    void pop() noexcept {
        while (length > 0 && out[length - 1] != '/') {
            --length;
        }
        if (length > 0) {
            --length;
        }
    }
};

std::size_t component_length(const char* begin, const char* end) noexcept {
    const char* at = begin;
    while (at < end && *at != '/') {
        ++at;
    }
    return static_cast<std::size_t>(at - begin);
}

bool push_all(stack& to, std::string_view path) noexcept {
    const char* at = path.data();
    const char* const end = at + path.size();
    while (at < end) {
        if (*at == '/') {
            ++at;
            continue;
        }
        const std::size_t bytes = component_length(at, end);
        if (bytes == 2 && at[0] == '.' && at[1] == '.') {
            to.pop();
        } else if (!(bytes == 1 && at[0] == '.') && !to.push(at, bytes)) {
            return false;
        }
        at += bytes;
    }
    return true;
}

}  // namespace

bool is_normal(std::string_view path) noexcept {
    if (path.empty() || path[0] != '/') {
        return false;
    }
    if (path.size() == 1) {
        return true;
    }
    // A component is wrong when empty, "." or "..": all that can be seen from the byte after a
    // slash on.
    const char* at = path.data();
    const char* const end = at + path.size();
    for (; at < end; ++at) {
        if (*at != '/') {
            continue;
        }
        const std::size_t left = static_cast<std::size_t>(end - at) - 1;
        if (left == 0 || at[1] == '/') {
            return false;
        }
        if (at[1] == '.' &&
            (left == 1 || at[2] == '/' || (at[2] == '.' && (left == 2 || at[3] == '/')))) {
            return false;
        }
    }
    return true;
}

long normalise(std::string_view base, std::string_view path, char* out, std::size_t room) noexcept {
    stack result{out, room};
    const bool absolute = !path.empty() && path[0] == '/';
    if ((!absolute && !push_all(result, base)) || !push_all(result, path)) {
        return -1;
    }
    if (result.length == 0) {
        if (room == 0) {
            return -1;
        }
        out[0] = '/';
        return 1;
    }
    return static_cast<long>(result.length);
}

long join(std::string_view base, std::string_view path, char* out, std::size_t room) noexcept {
    if (!path.empty() && path[0] == '/') {
        base = {};
    }
    const bool slash = !base.empty() && !path.empty() && base[base.size() - 1] != '/';
    if (base.size() > room || path.size() > room - base.size() ||
        (slash && path.size() == room - base.size())) {
        return -1;
    }
    if (!base.empty()) {
        std::memcpy(out, base.data(), base.size());
    }
    std::size_t length = base.size();
    if (slash) {
        out[length++] = '/';
    }
    if (!path.empty()) {
        std::memcpy(out + length, path.data(), path.size());
    }
    return static_cast<long>(length + path.size());
}

}  // namespace farside
