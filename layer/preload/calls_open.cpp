// open(2), openat(2), openat2(2), creat(2).
#include "layer/preload/cached.hpp"
#include "layer/preload/dispatch.hpp"
#include "layer/preload/open_files.hpp"
#include "layer/preload/remote_call.hpp"

#include <string_view>

#include <linux/openat2.h>

namespace farside::preload {
namespace {

struct open_request {
    unsigned flags;
    unsigned mode;
    std::uint64_t resolve;
};

bool creates(unsigned flags) noexcept {
    return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

last_link link_rule_of(unsigned flags) noexcept {
    const bool keep =
        (flags & O_NOFOLLOW) != 0 || (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
    return keep ? last_link::keep : last_link::follow;
}

long ask(
    session_call& call,
    std::uint64_t base,
    std::string_view path,
    const open_request& request,
    std::uint64_t id
) noexcept {
    return call.location(0, base, path)
        .argument(segment::first_argument, id)
        .argument(segment::first_argument + 1, request.flags)
        .argument(segment::first_argument + 2, request.mode)
        .argument(segment::first_argument + 3, creates(request.flags) ? current_umask() : 0)
        .argument(segment::first_argument + 4, request.resolve)
        .run();
}

long open_remote(
    call_frame& frame,
    std::uint64_t base,
    std::string_view path,
    std::size_t path_index,
    const open_request& request
) noexcept {
    // The descriptor comes first: EMFILE must not leave a file created or truncated behind.
    const placeholder made = make_placeholder(request.flags);
    if (made.fd < 0) {
        return made.fd;
    }
    session_call call{segment::call::open};
    const long result = ask(call, base, path, request, made.id);
    if (result < 0) {
        discard(made);
        return result;
    }
    if (call.decided_side() == side::local) {
        discard(made);
        return local_call(frame, path_index, call.path(0).data());
    }
    publish(made);
    return made.fd;
}

outcome serve(
    call_frame& frame, const place& where, std::size_t path_index, const open_request& request
) noexcept {
    // As Linux 6.4 and later, before looking at the path; POSIX leaves it open.
    constexpr unsigned makes_directory = O_CREAT | O_DIRECTORY;
    if (where.what() != place::kind::untouched &&
        (request.flags & (makes_directory | O_PATH)) == makes_directory) {
        return answer(frame, -EINVAL);
    }
    switch (where.what()) {
        case place::kind::untouched:
            return outcome::pass;
        case place::kind::failed:
            return answer(frame, where.failure());
        case place::kind::local:
            return answer(frame, local_call(frame, path_index, where.path().data()));
        case place::kind::remote:
            break;
    }
    // What is not there cannot be opened, unless it is made.
    if (!creates(request.flags) && request.resolve == 0) {
        if (const long failed = cached_failure(where); failed != 0) {
            count_hit();
            return answer(frame, failed);
        }
    }
    return answer(frame, open_remote(frame, where.base(), where.path(), path_index, request));
}

}  // namespace

outcome on_open(call_frame& frame) noexcept {
    const open_request request{frame.argument<unsigned>(1), frame.argument<unsigned>(2), 0};
    const place where{AT_FDCWD, frame.argument<const char*>(0), link_rule_of(request.flags)};
    return serve(frame, where, 0, request);
}

outcome on_creat(call_frame& frame) noexcept {
    const open_request request{O_CREAT | O_WRONLY | O_TRUNC, frame.argument<unsigned>(1), 0};
    const place where{AT_FDCWD, frame.argument<const char*>(0)};
    return serve(frame, where, 0, request);
}

outcome on_openat(call_frame& frame) noexcept {
    const open_request request{frame.argument<unsigned>(2), frame.argument<unsigned>(3), 0};
    const place where{
        frame.argument(0), frame.argument<const char*>(1), link_rule_of(request.flags)};
    return serve(frame, where, 1, request);
}

namespace {

// Whether openat2(2) takes it: what open(2) ignores, it refuses.
bool is_valid(const open_how& how) noexcept {
    constexpr std::uint64_t path_flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    constexpr std::uint64_t large_file = 0100000;  // O_LARGEFILE, which glibc defines as 0
    constexpr std::uint64_t known = path_flags | large_file | O_ACCMODE | O_CREAT | O_EXCL |
                                    O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC |
                                    O_ASYNC | O_DIRECT | O_NOATIME | O_TMPFILE;
    constexpr std::uint64_t resolve_known = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS |
                                            RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH |
                                            RESOLVE_IN_ROOT | RESOLVE_CACHED;
    const std::uint64_t flags = (how.flags & O_PATH) != 0 ? path_flags : known;
    const std::uint64_t modes = creates(static_cast<unsigned>(how.flags)) ? 07777U : 0U;
    return (how.flags & ~flags) == 0 && (how.mode & ~modes) == 0 &&
           (how.resolve & ~resolve_known) == 0;
}

constexpr std::size_t how_bytes_max = 4096;  // PAGE_SIZE

// Whether it says more than is known here: bytes behind the structure that are not zero. A kernel
// that knows them must not be asked, as it would look for a remote path on this machine.
bool says_more(const open_how* how, std::size_t bytes) noexcept {
    if (bytes > how_bytes_max) {
        return true;
    }
    const auto* const begin = reinterpret_cast<const unsigned char*>(how);
    for (std::size_t i = sizeof *how; i < bytes; ++i) {
        if (begin[i] != 0) {
            return true;
        }
    }
    return false;
}

// With RESOLVE_IN_ROOT "/" is the directory that the path starts at.
const char* beginning(const char* path, std::uint64_t resolve) noexcept {
    if ((resolve & RESOLVE_IN_ROOT) == 0 || text_length(path, PATH_MAX) <= 0 || path[0] != '/') {
        return path;
    }
    while (*path == '/') {
        ++path;
    }
    return *path == '\0' ? "." : path;
}

// What a path must not leave has to be open: here, the working directory.
long open_in_working_directory(
    call_frame& frame, const char* path, const open_request& request
) noexcept {
    const place directory{AT_FDCWD, "."};
    if (!directory.remote()) {
        return directory.what() == place::kind::failed ? directory.failure() : -ENOENT;
    }
    const placeholder base = make_placeholder(O_CLOEXEC);
    if (base.fd < 0) {
        return base.fd;
    }
    const open_request as_base{O_PATH | O_DIRECTORY, 0, 0};
    long result = 0;
    {
        session_call call{segment::call::open};
        result = ask(call, directory.base(), directory.path(), as_base, base.id);
    }
    if (result < 0) {
        discard(base);
        return result;
    }
    result = open_remote(frame, base.id, path, 1, request);
    kernel(__NR_close, base.fd);
    closed_descriptor(base.id);
    return result;
}

}  // namespace

outcome on_openat2(call_frame& frame) noexcept {
    const auto* const how = frame.argument<const open_how*>(2);
    const auto bytes = frame.argument<std::size_t>(3);
    if (bytes < sizeof(open_how) || !can_read(how, bytes < how_bytes_max ? bytes : how_bytes_max) ||
        !is_valid(*how)) {
        return outcome::pass;  // EFAULT, EINVAL
    }
    const open_request request{
        static_cast<unsigned>(how->flags), static_cast<unsigned>(how->mode), how->resolve};
    const char* const begin = beginning(frame.argument<const char*>(1), how->resolve);
    const place where{frame.argument(0), begin, link_rule_of(request.flags)};
    if (where.remote() && says_more(how, bytes)) {
        return answer(frame, -E2BIG);
    }
    const bool confined = (how->resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) != 0;
    if (confined && where.remote() && where.base() == 0) {
        const bool here = frame.argument<int>(0) == AT_FDCWD && begin[0] != '/';
        return answer(frame, here ? open_in_working_directory(frame, begin, request) : -EXDEV);
    }
    return serve(frame, where, 1, request);
}

}  // namespace farside::preload
