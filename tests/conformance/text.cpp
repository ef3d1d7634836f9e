// Formatting only.
#include "tests/conformance/text.hpp"

#include <array>
#include <cstdio>
#include <cstring>
#include <utility>

namespace farside::conformance::text {
namespace {

constexpr std::size_t shown_bytes_max = 48;
constexpr std::size_t beginning_bytes = 16;

std::uint64_t hash_of(std::string_view bytes) {
    std::uint64_t hash = 0xcbf29ce484222325U;  // FNV-1a
    for (const char c : bytes) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    }
    return hash;
}

std::string hex(std::uint64_t number) {
    std::array<char, 24> room{};
    std::snprintf(room.data(), room.size(), "%llx", static_cast<unsigned long long>(number));
    return room.data();
}

void append(std::string& to, std::string_view word) {
    if (!to.empty()) {
        to += '|';
    }
    to += word;
}

}  // namespace

std::string quoted(std::string_view bytes) {
    std::string result = "\"";
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\') {
            result += c;
            continue;
        }
        std::array<char, 8> room{};
        std::snprintf(room.data(), room.size(), "\\x%02x", byte);
        result += room.data();
    }
    return result + '"';
}

std::string shortened(std::string_view bytes) {
    if (bytes.size() <= shown_bytes_max) {
        return quoted(bytes);
    }
    return quoted(bytes.substr(0, beginning_bytes)) + "... (" + std::to_string(bytes.size()) +
           " bytes, hash " + hex(hash_of(bytes)) + ')';
}

std::string of_outcome(outcome value) {
    if (value >= 0) {
        return std::to_string(value);
    }
    const char* const known = ::strerrorname_np(static_cast<int>(-value));
    return known != nullptr ? known : std::to_string(value);
}

std::string octal(unsigned number) {
    std::array<char, 16> room{};
    std::snprintf(room.data(), room.size(), "%04o", number);
    return room.data();
}

std::string of_open_flags(unsigned flags) {
    static constexpr std::pair<unsigned, const char*> names[] = {
        {O_TMPFILE, "O_TMPFILE"},
        {O_CREAT, "O_CREAT"},
        {O_EXCL, "O_EXCL"},
        {O_NOCTTY, "O_NOCTTY"},
        {O_TRUNC, "O_TRUNC"},
        {O_APPEND, "O_APPEND"},
        {O_SYNC, "O_SYNC"},
        {O_DSYNC, "O_DSYNC"},
        {O_NONBLOCK, "O_NONBLOCK"},
        {O_DIRECT, "O_DIRECT"},
        {O_DIRECTORY, "O_DIRECTORY"},
        {O_NOFOLLOW, "O_NOFOLLOW"},
        {O_NOATIME, "O_NOATIME"},
        {O_CLOEXEC, "O_CLOEXEC"},
        {O_PATH, "O_PATH"},
        {O_ASYNC, "O_ASYNC"},
    };
    static constexpr const char* modes[] = {"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"};
    std::string result = modes[flags & O_ACCMODE];
    flags &= ~static_cast<unsigned>(O_ACCMODE);
    for (const auto& [bits, word] : names) {
        if ((flags & bits) == bits) {
            append(result, word);
            flags &= ~bits;
        }
    }
    if (flags != 0) {
        append(result, "0x" + hex(flags));
    }
    return result;
}

std::string of_at_flags(int flags) {
    static constexpr std::pair<int, const char*> names[] = {
        {AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW"},
        {AT_SYMLINK_FOLLOW, "AT_SYMLINK_FOLLOW"},
        {AT_EMPTY_PATH, "AT_EMPTY_PATH"},
        {AT_NO_AUTOMOUNT, "AT_NO_AUTOMOUNT"},
    };
    std::string result;
    for (const auto& [bit, word] : names) {
        if ((flags & bit) != 0) {
            append(result, word);
            flags &= ~bit;
        }
    }
    if (flags != 0) {
        append(result, "0x" + hex(static_cast<unsigned>(flags)));
    }
    return result;
}

std::string of_whence(int whence) {
    static constexpr const char* names[] = {
        "SEEK_SET", "SEEK_CUR", "SEEK_END", "SEEK_DATA", "SEEK_HOLE"};
    return whence >= 0 && whence <= SEEK_HOLE ? names[whence] : std::to_string(whence);
}

std::string of_lock(const struct flock& lock) {
    static constexpr const char* types[] = {"F_RDLCK", "F_WRLCK", "F_UNLCK"};
    const bool known = lock.l_type >= F_RDLCK && lock.l_type <= F_UNLCK;
    return (known ? types[lock.l_type] : std::to_string(lock.l_type)) + ' ' +
           of_whence(lock.l_whence) + ' ' + std::to_string(lock.l_start) + ' ' +
           std::to_string(lock.l_len);
}

std::string of_lock_command(int command) {
    switch (command) {
        case F_GETLK:
            return "F_GETLK";
        case F_SETLK:
            return "F_SETLK";
        case F_SETLKW:
            return "F_SETLKW";
        case F_OFD_GETLK:
            return "F_OFD_GETLK";
        case F_OFD_SETLK:
            return "F_OFD_SETLK";
        default:
            return "F_OFD_SETLKW";
    }
}

std::string of_type(unsigned mode) {
    switch (mode & S_IFMT) {
        case S_IFREG:
            return "file";
        case S_IFDIR:
            return "directory";
        case S_IFLNK:
            return "link";
        case S_IFIFO:
            return "fifo";
        case S_IFSOCK:
            return "socket";
        case S_IFCHR:
            return "character-device";
        case S_IFBLK:
            return "block-device";
        default:
            return "type " + octal(mode & S_IFMT);
    }
}

std::string of_entry_type(unsigned type) {
    return type == 0 ? "unknown" : of_type(type << 12U);  // DTTOIF
}

std::string of_moment(const moment& m) {
    if (m.nanoseconds == UTIME_NOW) {
        return "now";
    }
    if (m.nanoseconds == UTIME_OMIT) {
        return "omit";
    }
    return std::to_string(m.seconds) + "s+" + std::to_string(m.nanoseconds) + "ns";
}

std::string of_status(const file_status& status) {
    std::string result = of_type(status.mode) + ' ' + octal(status.mode & 07777U) + " links " +
                         std::to_string(status.links);
    if (!S_ISDIR(status.mode)) {
        result += " size " + std::to_string(status.size);
    }
    result += " uid " + std::to_string(status.uid) + " gid " + std::to_string(status.gid);
    if (S_ISCHR(status.mode) || S_ISBLK(status.mode)) {
        result += " device " + std::to_string(status.rdev_major) + ':' +
                  std::to_string(status.rdev_minor);
    }
    return result;
}

std::string pattern(std::size_t bytes, unsigned seed) {
    std::string made(bytes, '\0');
    std::uint32_t state = 2463534242U + seed;
    for (char& c : made) {
        state ^= state << 13U;
        state ^= state >> 17U;
        state ^= state << 5U;
        c = static_cast<char>(state);
    }
    return made;
}

}  // namespace farside::conformance::text
