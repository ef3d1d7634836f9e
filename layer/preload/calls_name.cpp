// Calls that make, move and remove names.
#include "layer/preload/dispatch.hpp"
#include "layer/preload/remote_call.hpp"

#include <linux/fs.h>
#include <sys/stat.h>

namespace farside::preload {
namespace {

outcome make_directory(call_frame& frame, const place& where, std::size_t path_index) noexcept {
    return serve_location(
        frame,
        where,
        path_index,
        segment::call::make_directory,
        [&](session_call& call) noexcept {
            call.argument(segment::first_argument, frame.argument<std::uint64_t>(path_index + 1))
                .argument(segment::first_argument + 1, current_umask());
        }
    );
}

outcome make_node(call_frame& frame, const place& where, std::size_t path_index) noexcept {
    return serve_location(
        frame,
        where,
        path_index,
        segment::call::make_node,
        [&](session_call& call) noexcept {
            call.argument(segment::first_argument, frame.argument<std::uint64_t>(path_index + 1))
                .argument(segment::first_argument + 1, current_umask())
                .argument(
                    segment::first_argument + 2, frame.argument<std::uint64_t>(path_index + 2)
                );
        }
    );
}

outcome remove_at(
    call_frame& frame, const place& where, std::size_t path_index, std::uint64_t flags
) noexcept {
    return serve_location(
        frame,
        where,
        path_index,
        segment::call::remove,
        [&](session_call& call) noexcept { call.argument(segment::first_argument, flags); }
    );
}

}  // namespace

outcome on_mkdir(call_frame& frame) noexcept {
    const place where{AT_FDCWD, frame.argument<const char*>(0), last_link::keep};
    return make_directory(frame, where, 0);
}

outcome on_mkdirat(call_frame& frame) noexcept {
    const place where{frame.argument(0), frame.argument<const char*>(1), last_link::keep};
    return make_directory(frame, where, 1);
}

outcome on_mknod(call_frame& frame) noexcept {
    const place where{AT_FDCWD, frame.argument<const char*>(0), last_link::keep};
    return make_node(frame, where, 0);
}

outcome on_mknodat(call_frame& frame) noexcept {
    const place where{frame.argument(0), frame.argument<const char*>(1), last_link::keep};
    return make_node(frame, where, 1);
}

// unlink(2) and rmdir(2).
outcome on_unlink(call_frame& frame) noexcept {
    const place where{AT_FDCWD, frame.argument<const char*>(0), last_link::keep};
    return remove_at(frame, where, 0, frame.number == __NR_rmdir ? AT_REMOVEDIR : 0);
}

outcome on_unlinkat(call_frame& frame) noexcept {
    const place where{frame.argument(0), frame.argument<const char*>(1), last_link::keep};
    return remove_at(frame, where, 1, frame.argument<std::uint64_t>(2));
}

namespace {

struct two_places {
    std::size_t from_index;  // of the path arguments
    std::size_t to_index;
    segment::call op;
    std::uint64_t flags;
};

const char* local_path(const call_frame& frame, const place& where, std::size_t index) noexcept {
    return where.what() == place::kind::local ? where.path().data()
                                              : frame.argument<const char*>(index);
}

long both_local(
    const call_frame& frame, const two_places& how, const char* from, const char* to
) noexcept {
    return repeat(frame, {{how.from_index, from}, {how.to_index, to}});
}

// Beside a remote name, the one that was left to the kernel is local, or none at all: empty, too
// long, below a descriptor that is none. The kernel knows.
long refusal_beside_remote(
    const call_frame& frame, const place& where, std::size_t path_index, bool plain
) noexcept {
    if (where.what() != place::kind::untouched) {
        return -EXDEV;
    }
    const char* const path = frame.argument<const char*>(path_index);
    const long fd = plain ? AT_FDCWD : frame.argument(path_index - 1);
    struct stat status;
    const long told = kernel(__NR_newfstatat, fd, path, &status, AT_SYMLINK_NOFOLLOW);
    return told == 0 || (told == -ENOENT && path[0] != '\0') ? -EXDEV : told;
}

// rename and link: both names on one side, else EXDEV as between two file systems.
outcome serve_two(
    call_frame& frame, const place& from, const place& to, const two_places& how
) noexcept {
    for (const place* p : {&from, &to}) {
        if (p->what() == place::kind::failed) {
            return answer(frame, p->failure());
        }
    }
    if (from.what() == place::kind::untouched && to.what() == place::kind::untouched) {
        return outcome::pass;
    }
    if (from.is_local() && to.is_local()) {
        return answer(
            frame,
            both_local(
                frame,
                how,
                local_path(frame, from, how.from_index),
                local_path(frame, to, how.to_index)
            )
        );
    }
    // A name relative to a remote directory may still be local: only the session can tell, and it
    // is asked with both. So a local name beside one goes along as an absolute remote path would.
    if (!from.remote() || !to.remote()) {
        const bool plain = how.from_index == 0;
        return answer(
            frame,
            from.remote() ? refusal_beside_remote(frame, to, how.to_index, plain)
                          : refusal_beside_remote(frame, from, how.from_index, plain)
        );
    }
    session_call call{how.op};
    const long result = call.location(0, from.base(), from.path())
                            .location(1, to.base(), to.path())
                            .argument(segment::first_argument, how.flags)
                            .run();
    if (result >= 0 && call.decided_side() == side::local) {
        return answer(frame, both_local(frame, how, call.path(0).data(), call.path(1).data()));
    }
    return answer(frame, result);
}

}  // namespace

outcome on_rename(call_frame& frame) noexcept {
    const place from{AT_FDCWD, frame.argument<const char*>(0), last_link::keep};
    const place to{AT_FDCWD, frame.argument<const char*>(1), last_link::keep};
    return serve_two(frame, from, to, {0, 1, segment::call::rename, 0});
}

// renameat(2) and renameat2(2).
outcome on_renameat(call_frame& frame) noexcept {
    const place from{frame.argument(0), frame.argument<const char*>(1), last_link::keep};
    const place to{frame.argument(2), frame.argument<const char*>(3), last_link::keep};
    const std::uint64_t flags =
        frame.number == __NR_renameat2 ? frame.argument<std::uint64_t>(4) : 0;
    return serve_two(frame, from, to, {1, 3, segment::call::rename, flags});
}

outcome on_link(call_frame& frame) noexcept {
    const place from{AT_FDCWD, frame.argument<const char*>(0), last_link::keep};
    const place to{AT_FDCWD, frame.argument<const char*>(1), last_link::keep};
    return serve_two(frame, from, to, {0, 1, segment::call::make_link, 0});
}

outcome on_linkat(call_frame& frame) noexcept {
    const long flags = frame.argument(4);
    const last_link link = (flags & AT_SYMLINK_FOLLOW) != 0 ? last_link::follow : last_link::keep;
    const place from{frame.argument(0), frame.argument<const char*>(1), link, empty_rule(flags)};
    const place to{frame.argument(2), frame.argument<const char*>(3), last_link::keep};
    return serve_two(
        frame,
        from,
        to,
        {1, 3, segment::call::make_link, static_cast<std::uint64_t>(flags & ~AT_EMPTY_PATH)}
    );
}

namespace {

outcome make_symlink(call_frame& frame, const place& where, std::size_t path_index) noexcept {
    const char* const says = frame.argument<const char*>(0);
    const long length = where.remote() ? text_length(says, PATH_MAX) : 1;
    if (length <= 0 || length == PATH_MAX) {
        return answer(frame, length < 0 ? length : length == 0 ? -ENOENT : -ENAMETOOLONG);
    }
    const auto bytes = static_cast<std::size_t>(length);
    return serve_location(
        frame,
        where,
        path_index,
        segment::call::make_symlink,
        [&](session_call& call) noexcept {
            __builtin_memcpy(call.data(), says, bytes);
            call.data_bytes(bytes);
        }
    );
}

}  // namespace

outcome on_symlink(call_frame& frame) noexcept {
    const place where{AT_FDCWD, frame.argument<const char*>(1), last_link::keep};
    return make_symlink(frame, where, 1);
}

outcome on_symlinkat(call_frame& frame) noexcept {
    const place where{frame.argument(1), frame.argument<const char*>(2), last_link::keep};
    return make_symlink(frame, where, 2);
}

}  // namespace farside::preload
