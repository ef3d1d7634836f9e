// What events of the agent do to the program's watches.
#include "layer/session/remote_watches.hpp"

#include <algorithm>
#include <iterator>

#include <sys/inotify.h>

namespace farside::session {

void remote_watches::happened(const protocol::watch_events& told) {
    const auto found = instances_.find(static_cast<std::uint64_t>(told.instance));
    if (found == instances_.end()) {
        return;  // closed meanwhile
    }
    const instance_ptr in = found->second;
    const event_span events{told.events};
    // Events of the watch that is being added come before the answer that makes it known.
    auto known = events.end();
    if (in->holds()) {
        known = events.begin();
    } else if (in->adding) {
        known = std::find_if(events.begin(), events.end(), [&](const auto& event) {
            return event.watch >= 0 && !in->shadows.contains(event.watch);
        });
    }
    const auto count = static_cast<std::size_t>(known - events.begin());
    apply(*in, events.first(count));
    hold(*in, events.subspan(count));
    forget_if_idle(*in);
}

void remote_watches::hold(instance& in, event_span events) {
    if (in.held.size() + events.size() > held_max) {
        in.held_too_many = true;
    } else {
        in.held.insert(in.held.end(), events.begin(), events.end());
    }
}

void remote_watches::release(instance& in) {
    const auto events = std::exchange(in.held, {});
    const bool too_many = std::exchange(in.held_too_many, false);
    apply(in, events);
    if (too_many) {
        overflow(in);
    }
}

void remote_watches::apply(instance& in, event_span events) {
    std::unordered_set<std::size_t> done;
    for (std::size_t i = 0; i < events.size(); ++i) {
        if (done.contains(i)) {
            continue;
        }
        const auto& event = events[i];
        std::size_t other = events.size();
        if ((event.mask & IN_MOVED_FROM) != 0 && event.cookie != 0) {
            const auto rest = events.subspan(i);
            const auto found = std::find_if(rest.begin(), rest.end(), [&](const auto& later) {
                return (later.mask & IN_MOVED_TO) != 0 && later.cookie == event.cookie;
            });
            other = static_cast<std::size_t>(found - rest.begin()) + i;
        }
        if (other != events.size() && apply_rename(in, event, events[other])) {
            done.insert(other);
        } else {
            apply_one(in, event);
        }
    }
}

// False: one of the two watches is not there, so the events are told one by one.
bool remote_watches::apply_rename(
    instance& in, const protocol::watch_event& from, const protocol::watch_event& to
) {
    const auto source = in.shadows.find(from.watch);
    const auto target = in.shadows.find(to.watch);
    if (source == in.shadows.end() || target == in.shadows.end()) {
        return false;
    }
    const auto kind = (from.mask & IN_ISDIR) != 0 ? shadow_kind::directory : shadow_kind::file;
    return shadows_.replay_rename(source->second, from.name, target->second, to.name, kind) ==
           shadow_files::told::yes;
}

void remote_watches::apply_one(instance& in, const protocol::watch_event& event) {
    if ((event.mask & IN_Q_OVERFLOW) != 0) {
        overflow(in);
        return;
    }
    const auto found = in.shadows.find(event.watch);
    if (found == in.shadows.end()) {
        return;  // ended meanwhile
    }
    if ((event.mask & IN_IGNORED) != 0) {
        end(in, event.watch);
        return;
    }
    if ((event.mask & IN_ALL_EVENTS) == 0) {
        return;  // IN_UNMOUNT: IN_IGNORED follows
    }
    const auto result = shadows_.replay(found->second, event.mask, event.name);
    if (result == shadow_files::told::ended) {
        end(in, event.watch);
        if ((event.mask & IN_DELETE_SELF) == 0) {
            protocol::watch_remove request;
            request.instance = in.id;
            request.watch = event.watch;
            tasks_.spawn(send(request));
        }
    } else if (result == shadow_files::told::no) {
        overflow(in);  // an event is lost, and that must be seen
    }
}

// Where even that fails the program has no more room for anything.
void remote_watches::overflow(const instance& in) {
    [[maybe_unused]] const auto told = shadows_.overflow(in.inotify.get());
}

// Nothing more will be learned of any watch: as when its file system is unmounted.
void remote_watches::lost() {
    const auto all = instances_;
    for (const auto& [id, in] : all) {
        release(*in);
        while (!in->shadows.empty()) {
            end(*in, in->shadows.begin()->first);
        }
        forget_if_idle(*in);
    }
}

}  // namespace farside::session
