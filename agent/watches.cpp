// What is subtle is a rename: the kernel queues IN_MOVED_FROM and IN_MOVED_TO one after the other,
// and who reads in between sees half of it. But it does both with the directories locked: looking
// up a name that nobody has looked up waits for that lock, and then the other half is there.
#include "agent/watches.hpp"

#include "agent/limits.hpp"
#include "protocol/frame.hpp"

#include <climits>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <span>
#include <unordered_map>
#include <unordered_set>

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace farside::agent {
namespace {

// A buffer's worth of the kernel's structures encodes to fewer bytes than it has, and two of them
// fit into a frame.
constexpr std::size_t read_bytes = 60 * 1024;
// With its NUL, padded to whole structures.
constexpr std::size_t event_name_bytes_max = NAME_MAX + 1;
static_assert(event_name_bytes_max % sizeof(inotify_event) == 0);
static_assert(2 * read_bytes + 1024 <= protocol::limits::frame_payload_bytes_max);

using event_list = std::vector<protocol::watch_event>;

// Appends what one read(2) of at most `room` bytes gives; false: nothing was there.
bool take_events(int inotify, std::size_t room, event_list& events) {
    alignas(inotify_event) std::array<char, read_bytes> raw;
    const auto got = ::read(inotify, raw.data(), std::min(room, raw.size()));
    if (got <= 0) {
        return false;  // errno says why
    }
    const auto bytes = static_cast<std::size_t>(got);
    for (std::size_t at = 0; at + sizeof(inotify_event) <= bytes;) {
        inotify_event head;
        std::memcpy(&head, &raw[at], sizeof head);
        protocol::watch_event event{head.wd, head.mask, head.cookie, {}};
        if (head.len > 0) {
            event.name = &raw[at + sizeof head];  // NUL-terminated, padded with more of it
        }
        events.push_back(std::move(event));
        at += sizeof head + head.len;
    }
    return true;
}

// Takes exactly one: the kernel gives as many whole events as there is room for, and their sizes
// are multiples of its structure's.
bool take_one(int inotify, event_list& events) {
    for (std::size_t room = sizeof(inotify_event);
         room <= sizeof(inotify_event) + event_name_bytes_max;
         room += sizeof(inotify_event)) {
        if (take_events(inotify, room, events)) {
            return true;
        }
        if (errno != EINVAL) {  // too little room
            return false;
        }
    }
    return false;
}

// Waits until a rename in the directory that is under way is done.
void await_rename(const std::string& directory) {
    static std::atomic<std::uint64_t> names{0};
    const auto path = directory + "/.farside-" + std::to_string(::getpid()) + '-' +
                      std::to_string(names.fetch_add(1, std::memory_order_relaxed));
    [[maybe_unused]] const int never_there = ::access(path.c_str(), F_OK);
}

// The renames whose first half is the last thing known of them: by cookie, the directory's watch.
using open_renames = std::unordered_map<std::uint32_t, std::int32_t>;

void note_renames(std::span<const protocol::watch_event> events, open_renames& open) {
    for (const auto& event : events) {
        if ((event.mask & IN_MOVED_FROM) != 0) {
            open.emplace(event.cookie, event.watch);
        } else if ((event.mask & IN_MOVED_TO) != 0) {
            open.erase(event.cookie);
        }
    }
}

// Reads on until both halves of each rename are there, or the other one is not watched. One event
// at a time: more could end with half of the next rename.
void complete_renames(const watch_instance& instance, event_list& events) {
    constexpr std::size_t more_max = read_bytes / (sizeof(inotify_event) + event_name_bytes_max);
    open_renames open;
    note_renames(events, open);
    for (std::size_t more = 0; !open.empty() && more < more_max; ++more) {
        std::unordered_set<std::int32_t> awaited;
        for (const auto& [cookie, watch] : open) {
            const auto path = instance.paths.find(watch);
            if (path != instance.paths.end() && !path->second.empty() &&
                awaited.insert(watch).second) {
                await_rename(path->second);
            }
        }
        const std::size_t known = events.size();
        if (!take_one(instance.inotify.get(), events)) {
            break;
        }
        note_renames(std::span{events}.subspan(known), open);
    }
}

}  // namespace

watches::watches(const asio::any_io_executor& executor) : ready_{executor}, changed_{executor} {}

result<std::shared_ptr<watch_instance>> watches::find_or_make(protocol::instance_id id) {
    if (auto known = find(id)) {
        return known;
    }
    const auto no_room = errno_code(ENOSPC);
    if (instances_.size() >= limits::watch_instances_max) {
        return no_room;
    }
    if (!ready_.is_open()) {
        unique_fd made{::epoll_create1(EPOLL_CLOEXEC)};
        boost::system::error_code ec;
        ready_.assign(made.get(), ec);
        if (!made || ec) {
            return no_room;
        }
        [[maybe_unused]] const int now_owned_by_asio = made.release();
        changed_.notify();
    }
    unique_fd inotify{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
    epoll_event interest{};
    interest.events = EPOLLIN;
    interest.data.u64 = static_cast<std::uint64_t>(id);
    if (!inotify ||
        ::epoll_ctl(ready_.native_handle(), EPOLL_CTL_ADD, inotify.get(), &interest) != 0) {
        return no_room;
    }
    auto made = std::make_shared<watch_instance>(id, std::move(inotify));
    instances_.emplace(static_cast<std::uint64_t>(id), made);
    return made;
}

std::shared_ptr<watch_instance> watches::find(protocol::instance_id id) const {
    const auto found = instances_.find(static_cast<std::uint64_t>(id));
    return found == instances_.end() ? nullptr : found->second;
}

void watches::keep(watch_instance& instance, const added_watch& added) {
    if (instance.ended_early.erase(added.watch) == 0 && find(instance.id).get() == &instance) {
        watches_ += instance.paths.insert_or_assign(added.watch, added.path).second ? 1U : 0U;
    }
}

bool watches::full() const {
    return watches_ >= limits::watches_max;
}

bool watches::close(protocol::instance_id id) {
    const auto found = instances_.find(static_cast<std::uint64_t>(id));
    if (found == instances_.end()) {
        return false;
    }
    watches_ -= found->second->paths.size();
    // A request that still runs may hold the descriptor for a while.
    ::epoll_ctl(ready_.native_handle(), EPOLL_CTL_DEL, found->second->inotify.get(), nullptr);
    instances_.erase(found);
    return true;
}

bool watches::drain(protocol::buffer& out) {
    if (instances_.empty() || stopped_) {
        return true;
    }
    told_ = false;
    changed_.notify();
    for (;;) {
        std::array<epoll_event, 16> ready{};
        const int count =
            ::epoll_wait(ready_.native_handle(), ready.data(), static_cast<int>(ready.size()), 0);
        if (count <= 0) {
            return true;
        }
        for (const auto& event : std::span{ready}.first(static_cast<std::size_t>(count))) {
            drain_instance(*instances_.at(event.data.u64), out);
        }
        if (out.size() >= limits::event_bytes_max) {
            return false;
        }
    }
}

void watches::drain_instance(watch_instance& instance, protocol::buffer& out) {
    protocol::watch_events happened;
    happened.instance = instance.id;
    if (!take_events(instance.inotify.get(), read_bytes, happened.events)) {
        return;
    }
    complete_renames(instance, happened.events);
    forget_ended(instance, happened);
    protocol::append_one_way(out, happened);
}

void watches::forget_ended(watch_instance& instance, const protocol::watch_events& happened) {
    for (const auto& event : happened.events) {
        if ((event.mask & IN_IGNORED) == 0) {
            continue;
        }
        if (instance.paths.erase(event.watch) != 0) {
            --watches_;
        } else {
            instance.ended_early.insert(event.watch);
        }
    }
}

awaitable<bool> watches::wait() {
    while (!stopped_) {
        if (told_ || !ready_.is_open()) {
            co_await changed_.wait();
            continue;
        }
        const auto [ec] = co_await ready_.async_wait(descriptor::wait_read);
        if (ec) {
            break;
        }
        told_ = true;
        co_return !stopped_;
    }
    co_return false;
}

void watches::stop() {
    stopped_ = true;
    boost::system::error_code ignored;
    ready_.close(ignored);
    changed_.notify();
}

}  // namespace farside::agent
