// Extended attributes. Each family has a path form, an l form and an f form, told by the number.
#include "layer/preload/cached.hpp"
#include "layer/preload/dispatch.hpp"
#include "layer/preload/remote_call.hpp"

#include <string_view>

#include <asm/errno.h>
#include <linux/limits.h>

namespace farside::preload {
namespace {

struct form {
    bool descriptor;
    bool keeps_link;
};

form form_of(long number) noexcept {
    switch (number) {
        case __NR_fgetxattr:
        case __NR_flistxattr:
        case __NR_fsetxattr:
        case __NR_fremovexattr:
            return {true, false};
        case __NR_lgetxattr:
        case __NR_llistxattr:
        case __NR_lsetxattr:
        case __NR_lremovexattr:
            return {false, true};
        default:
            return {false, false};
    }
}

// The length rules of getxattr(2) and listxattr(2): size 0 asks for the length.
long give_value(session_call& call, long result, char* out, std::uint64_t room) noexcept {
    if (result < 0 || room == 0) {
        return result;
    }
    if (static_cast<std::uint64_t>(result) > room) {
        return -ERANGE;
    }
    const long given = copy_out(out, call.data(), static_cast<std::size_t>(result));
    return given < 0 ? given : result;
}

constexpr long not_cached = 1;

// Attributes that anybody may ask for, so that a file without any says ENODATA. Others have rules
// of their own about who may ask, or where they can be.
bool asks_freely(std::string_view name) noexcept {
    return name == "security.selinux" || name == "security.capability" ||
           name == "system.posix_acl_access" || name == "system.posix_acl_default";
}

// What the cache answers to getxattr(2), or without a name to listxattr(2). It knows only of files
// without any.
[[gnu::noinline]] long cached_xattr(const place& where, std::string_view name) noexcept {
    cached_node node;
    if (!where.remote() || (!name.empty() && !asks_freely(name)) ||
        look_up(where, node) != cached_answer::found || !node.is_plain()) {
        return not_cached;
    }
    return name.empty() ? 0 : -ENODATA;
}

// `known` is asked what the cache says of a place.
template <typename Known, typename Prepare, typename Finish>
outcome serve(
    call_frame& frame, segment::call op, Known known, Prepare prepare, Finish finish
) noexcept {
    const form f = form_of(frame.number);
    const auto with_flags = [&](session_call& call) noexcept {
        call.argument(segment::first_argument, f.keeps_link ? AT_SYMLINK_NOFOLLOW : 0);
        prepare(call);
    };
    if (f.descriptor) {
        FARSIDE_REMOTE_DESCRIPTOR(id, frame.argument(0))
        if (path_only(id)) {
            return answer(frame, -EBADF);
        }
        return serve_descriptor(frame, id, op, with_flags, finish);
    }
    const place where{
        AT_FDCWD,
        frame.argument<const char*>(0),
        f.keeps_link ? last_link::keep : last_link::follow};
    if (const long cached = known(where); cached != not_cached) {
        count_hit();
        return answer(frame, cached);
    }
    return serve_location(frame, where, 0, op, with_flags, finish);
}

long ask_always(const place& /*where*/) noexcept {
    return not_cached;
}

long no_change(session_call&, long result) noexcept {
    return result;
}

// Puts the attribute's name in the place of a second path. False: the call answers `error`.
bool valid_name(const char* name, long& error) noexcept {
    const long bytes = text_length(name, XATTR_NAME_MAX + 1);
    error = bytes < 0 ? bytes : -ERANGE;
    return bytes > 0 && bytes <= XATTR_NAME_MAX;
}

void put_name(session_call& call, const char* name) noexcept {
    call.location(1, 0, name);
}

bool is_remote_call(const call_frame& frame) noexcept {
    return !form_of(frame.number).descriptor || open_file_of(frame.argument(0)) != 0;
}

}  // namespace

outcome on_getxattr(call_frame& frame) noexcept {
    const char* const name = frame.argument<const char*>(1);
    long error = 0;
    if (!is_remote_call(frame) || !valid_name(name, error)) {
        return outcome::pass;
    }
    return serve(
        frame,
        segment::call::get_xattr,
        [&](const place& where) noexcept { return cached_xattr(where, name); },
        [&](session_call& call) noexcept { put_name(call, name); },
        [&](session_call& call, long result) noexcept {
            return give_value(
                call, result, frame.argument<char*>(2), frame.argument<std::uint64_t>(3)
            );
        }
    );
}

outcome on_listxattr(call_frame& frame) noexcept {
    return serve(
        frame,
        segment::call::list_xattr,
        [](const place& where) noexcept { return cached_xattr(where, {}); },
        [](session_call&) noexcept {},
        [&](session_call& call, long result) noexcept {
            return give_value(
                call, result, frame.argument<char*>(1), frame.argument<std::uint64_t>(2)
            );
        }
    );
}

outcome on_setxattr(call_frame& frame) noexcept {
    const char* const name = frame.argument<const char*>(1);
    const auto bytes = frame.argument<std::uint64_t>(3);
    long error = 0;
    if (!is_remote_call(frame) || !valid_name(name, error) || bytes > XATTR_SIZE_MAX ||
        !can_read(frame.argument<const char*>(2), bytes)) {
        return outcome::pass;
    }
    return serve(
        frame,
        segment::call::set_xattr,
        ask_always,
        [&](session_call& call) noexcept {
            put_name(call, name);
            call.argument(segment::first_argument + 1, frame.argument<std::uint64_t>(4));
            __builtin_memcpy(call.data(), frame.argument<const char*>(2), bytes);
            call.data_bytes(bytes);
        },
        no_change
    );
}

outcome on_removexattr(call_frame& frame) noexcept {
    const char* const name = frame.argument<const char*>(1);
    long error = 0;
    if (!is_remote_call(frame) || !valid_name(name, error)) {
        return outcome::pass;
    }
    return serve(
        frame,
        segment::call::remove_xattr,
        ask_always,
        [&](session_call& call) noexcept { put_name(call, name); },
        no_change
    );
}

}  // namespace farside::preload
