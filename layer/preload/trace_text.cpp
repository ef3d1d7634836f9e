// Tables of names, and the few ways of writing a number.
#include "layer/preload/trace_text.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace farside::preload {
namespace {

struct named {
    std::uint64_t value;
    const char* name;
};

constexpr named open_flag_names[] = {
    {O_CREAT, "O_CREAT"},
    {O_EXCL, "O_EXCL"},
    {O_NOCTTY, "O_NOCTTY"},
    {O_TRUNC, "O_TRUNC"},
    {O_APPEND, "O_APPEND"},
    {O_NONBLOCK, "O_NONBLOCK"},
    {O_SYNC, "O_SYNC"},  // before O_DSYNC, which is a part of it
    {O_DSYNC, "O_DSYNC"},
    {O_ASYNC, "O_ASYNC"},
    {O_DIRECT, "O_DIRECT"},
    {O_TMPFILE, "O_TMPFILE"},  // before O_DIRECTORY, likewise
    {O_DIRECTORY, "O_DIRECTORY"},
    {O_NOFOLLOW, "O_NOFOLLOW"},
    {O_NOATIME, "O_NOATIME"},
    {O_CLOEXEC, "O_CLOEXEC"},
    {O_PATH, "O_PATH"},
};

constexpr named at_flag_names[] = {
    {AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW"},
    {AT_REMOVEDIR, "AT_REMOVEDIR"},  // also AT_EACCESS
    {AT_SYMLINK_FOLLOW, "AT_SYMLINK_FOLLOW"},
    {AT_NO_AUTOMOUNT, "AT_NO_AUTOMOUNT"},
    {AT_EMPTY_PATH, "AT_EMPTY_PATH"},
    {AT_STATX_FORCE_SYNC, "AT_STATX_FORCE_SYNC"},
    {AT_STATX_DONT_SYNC, "AT_STATX_DONT_SYNC"},
};

constexpr named fcntl_names[] = {
    {F_DUPFD, "F_DUPFD"},
    {F_GETFD, "F_GETFD"},
    {F_SETFD, "F_SETFD"},
    {F_GETFL, "F_GETFL"},
    {F_SETFL, "F_SETFL"},
    {F_GETLK, "F_GETLK"},
    {F_SETLK, "F_SETLK"},
    {F_SETLKW, "F_SETLKW"},
    {F_SETOWN, "F_SETOWN"},
    {F_GETOWN, "F_GETOWN"},
    {F_SETSIG, "F_SETSIG"},
    {F_GETSIG, "F_GETSIG"},
    {F_OFD_GETLK, "F_OFD_GETLK"},
    {F_OFD_SETLK, "F_OFD_SETLK"},
    {F_OFD_SETLKW, "F_OFD_SETLKW"},
    {F_SETLEASE, "F_SETLEASE"},
    {F_GETLEASE, "F_GETLEASE"},
    {F_NOTIFY, "F_NOTIFY"},
    {F_DUPFD_CLOEXEC, "F_DUPFD_CLOEXEC"},
    {F_SETPIPE_SZ, "F_SETPIPE_SZ"},
    {F_GETPIPE_SZ, "F_GETPIPE_SZ"},
    {F_ADD_SEALS, "F_ADD_SEALS"},
    {F_GET_SEALS, "F_GET_SEALS"},
};

constexpr named whence_names[] = {
    {SEEK_SET, "SEEK_SET"},
    {SEEK_CUR, "SEEK_CUR"},
    {SEEK_END, "SEEK_END"},
    {SEEK_DATA, "SEEK_DATA"},
    {SEEK_HOLE, "SEEK_HOLE"},
};

// Those that calls on files answer; others are shown as numbers.
constexpr named error_names[] = {
#define NAMED(error) \
    { error, #error }
    NAMED(EPERM),      NAMED(ENOENT),       NAMED(EINTR),        NAMED(EIO),
    NAMED(ENXIO),      NAMED(E2BIG),        NAMED(ENOEXEC),      NAMED(EBADF),
    NAMED(EAGAIN),     NAMED(ENOMEM),       NAMED(EACCES),       NAMED(EFAULT),
    NAMED(ENOTBLK),    NAMED(EBUSY),        NAMED(EEXIST),       NAMED(EXDEV),
    NAMED(ENODEV),     NAMED(ENOTDIR),      NAMED(EISDIR),       NAMED(EINVAL),
    NAMED(ENFILE),     NAMED(EMFILE),       NAMED(ENOTTY),       NAMED(ETXTBSY),
    NAMED(EFBIG),      NAMED(ENOSPC),       NAMED(ESPIPE),       NAMED(EROFS),
    NAMED(EMLINK),     NAMED(EPIPE),        NAMED(EDOM),         NAMED(ERANGE),
    NAMED(EDEADLK),    NAMED(ENAMETOOLONG), NAMED(ENOLCK),       NAMED(ENOSYS),
    NAMED(ENOTEMPTY),  NAMED(ELOOP),        NAMED(ENODATA),      NAMED(EOVERFLOW),
    NAMED(EOPNOTSUPP), NAMED(EADDRINUSE),   NAMED(ECONNREFUSED), NAMED(ETIMEDOUT),
    NAMED(ESTALE),     NAMED(EDQUOT),       NAMED(ECANCELED),
#undef NAMED
};

template <std::size_t Count>
const char* name_of(const named (&names)[Count], std::uint64_t value) noexcept {
    for (const named& entry : names) {
        if (entry.value == value) {
            return entry.name;
        }
    }
    return nullptr;
}

// "A|B|0x40"; `before` is what stands there already.
template <std::size_t Count>
void put_flags(
    trace_text& out, const named (&names)[Count], std::uint64_t flags, bool before
) noexcept {
    for (const named& entry : names) {
        if ((flags & entry.value) == entry.value) {
            out.put(before ? "|" : "").put(entry.name);
            before = true;
            flags &= ~entry.value;
        }
    }
    if (flags != 0 || !before) {
        out.put(before ? "|0x" : "0x").put_unsigned(flags, 16);
    }
}

void put_open_flags(trace_text& out, std::uint64_t flags) noexcept {
    constexpr std::string_view modes[] = {"O_RDONLY", "O_WRONLY", "O_RDWR", "3"};
    constexpr std::uint64_t large_file = 0100000;  // O_LARGEFILE, which every open has
    out.put(modes[flags & O_ACCMODE]);
    const std::uint64_t rest = flags & ~std::uint64_t{O_ACCMODE} & ~large_file;
    if (rest != 0) {
        put_flags(out, open_flag_names, rest, true);
    }
}

template <std::size_t Count>
void put_name(trace_text& out, const named (&names)[Count], long value) noexcept {
    const char* const name = name_of(names, static_cast<std::uint64_t>(value));
    if (name != nullptr) {
        out.put(name);
    } else {
        out.put_number(value);
    }
}

}  // namespace

void trace_text::put_byte(char byte) noexcept {
    if (bytes_ < line_room - 1) {  // the end of the line always fits
        out_[bytes_++] = byte;
    }
}

trace_text& trace_text::put(std::string_view text) noexcept {
    for (const char c : text) {
        put_byte(c);
    }
    return *this;
}

trace_text& trace_text::put_unsigned(std::uint64_t value, unsigned base, unsigned digits) noexcept {
    char text[64];
    unsigned at = sizeof text;
    while (value != 0 || sizeof text - at < digits) {
        text[--at] = "0123456789abcdef"[value % base];
        value /= base;
    }
    return put({text + at, sizeof text - at});
}

trace_text& trace_text::put_number(long value) noexcept {
    const auto magnitude = static_cast<std::uint64_t>(value);
    return value < 0 ? put("-").put_unsigned(0 - magnitude) : put_unsigned(magnitude);
}

trace_text& trace_text::put_quoted(std::string_view bytes) noexcept {
    const bool cut = bytes.size() > quoted_max;
    put("\"");
    for (const char c : bytes.substr(0, quoted_max)) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            put_byte('\\');
            put_byte(c);
        } else if (c == '\n') {
            put("\\n");
        } else if (byte < 0x20 || byte >= 0x7f) {
            put("\\x").put_unsigned(byte, 16, 2);
        } else {
            put_byte(c);
        }
    }
    return put(cut ? "\"..." : "\"");
}

trace_text& trace_text::put_result(long result) noexcept {
    constexpr long error_max = 4095;  // MAX_ERRNO
    if (result >= 0 || result < -error_max) {
        return put_number(result);
    }
    put_name(*this, error_names, -result);
    return *this;
}

trace_text& trace_text::put_argument(argument_kind kind, long value) noexcept {
    const auto bits = static_cast<std::uint64_t>(value);
    switch (kind) {
        case argument_kind::at:
            return static_cast<int>(value) == AT_FDCWD ? put("AT_FDCWD")
                                                       : put_number(static_cast<int>(value));
        case argument_kind::fd:
            return put_number(static_cast<int>(value));
        case argument_kind::number:
            return put_number(value);
        case argument_kind::count:
            return put_unsigned(bits);
        case argument_kind::octal:
            return put((bits & 0xffffffffU) == 0 ? "" : "0").put_unsigned(bits & 0xffffffffU, 8);
        case argument_kind::open_flags:
            put_open_flags(*this, bits & 0xffffffffU);
            return *this;
        case argument_kind::at_flags:
            if (bits == 0) {
                return put("0");
            }
            put_flags(*this, at_flag_names, bits & 0xffffffffU, false);
            return *this;
        case argument_kind::whence:
            put_name(*this, whence_names, value);
            return *this;
        case argument_kind::fcntl_command:
            put_name(*this, fcntl_names, value);
            return *this;
        default:
            return value == 0 ? put("0") : put("0x").put_unsigned(bits, 16);
    }
}

std::string_view trace_text::finish() noexcept {
    out_[bytes_++] = '\n';
    return {out_, bytes_};
}

}  // namespace farside::preload
