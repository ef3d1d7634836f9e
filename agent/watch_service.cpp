// Watches. The object is found as any other, then watched through its descriptor: resolution stays
// inside the target, and what is told of the object is true of what is watched.
#include "agent/services.hpp"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>

namespace farside::agent {

result<added_watch> execute(const protocol::watch_add& request, const work_context& context) {
    const auto links = (request.mask & IN_DONT_FOLLOW) != 0 ? follow::no : follow::yes;
    const auto found = context.root->find(context.at(request.at), links);
    if (!found) {
        return found.error();
    }

    struct stat told {};

    if (::fstat(found->fd, &told) != 0) {
        return last_error();
    }
    // The descriptor's own name is a link that must be followed.
    const auto mask = request.mask & ~std::uint32_t{IN_DONT_FOLLOW};
    const auto name = process_descriptors::name_of(found->fd);
    added_watch added;
    added.watch = ::inotify_add_watch(context.watched_by->inotify.get(), name.c_str(), mask);
    if (added.watch < 0) {
        return last_error();
    }
    added.directory = S_ISDIR(told.st_mode);
    if (added.directory && context.where == lane::here) {
        const auto path = context.root->descriptors().path_of(found->fd);
        added.path = path ? *path : std::string{};
    }
    return added;
}

result<protocol::empty_reply> execute(
    const protocol::watch_remove& request, const work_context& context
) {
    return done_if_zero(::inotify_rm_watch(context.watched_by->inotify.get(), request.watch));
}

}  // namespace farside::agent
