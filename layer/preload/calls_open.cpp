// open(2), openat(2), openat2(2), creat(2).
#include "layer/preload/dispatch.hpp"
#include "layer/preload/open_files.hpp"
#include "layer/preload/remote_call.hpp"

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

long open_remote(
    call_frame& frame, const place& where, std::size_t path_index, const open_request& request
) noexcept {
    // The descriptor comes first: EMFILE must not leave a file created or truncated behind.
    const placeholder made = make_placeholder(request.flags);
    if (made.fd < 0) {
        return made.fd;
    }
    session_call call{segment::call::open};
    call.location(0, where.base(), where.path())
        .argument(segment::first_argument, made.id)
        .argument(segment::first_argument + 1, request.flags)
        .argument(segment::first_argument + 2, request.mode)
        .argument(segment::first_argument + 3, creates(request.flags) ? current_umask() : 0)
        .argument(segment::first_argument + 4, request.resolve);
    const long result = call.run();
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
    return answer(frame, open_remote(frame, where, path_index, request));
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

outcome on_openat2(call_frame& frame) noexcept {
    const auto* const how = frame.argument<const open_how*>(2);
    if (how == nullptr || frame.argument(3) < static_cast<long>(sizeof(open_how))) {
        return outcome::pass;  // EFAULT, EINVAL
    }
    const open_request request{
        static_cast<unsigned>(how->flags), static_cast<unsigned>(how->mode), how->resolve};
    const place where{
        frame.argument(0), frame.argument<const char*>(1), link_rule_of(request.flags)};
    return serve(frame, where, 1, request);
}

}  // namespace farside::preload
