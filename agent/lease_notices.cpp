// From the kernel's events to notices. An event only says that something happened to a name: what
// is told is what the name is when it is told, so a notice is never older than the last event
// before it, and many events of one name are one notice.
#include "agent/leases.hpp"
#include "agent/limits.hpp"
#include "protocol/frame.hpp"

#include <array>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace farside::agent {
namespace {

constexpr std::size_t read_bytes = 64 * 1024;
constexpr std::size_t ended_max = 4096;  // in one message

constexpr std::uint32_t gone = IN_DELETE_SELF | IN_UNMOUNT | IN_IGNORED;
constexpr std::uint32_t comes_or_goes = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;

static_assert(
    limits::lease_frame_bytes + ended_max * sizeof(protocol::handle_id) + 8192 <=
    protocol::limits::frame_payload_bytes_max
);

std::string key_of(protocol::handle_id held, const std::string& name) {
    std::string key(sizeof held, '\0');
    std::memcpy(key.data(), &held, sizeof held);
    return key += name;
}

}  // namespace

bool leases::drain(protocol::buffer& out) {
    if (stopped_) {
        return true;
    }
    if (told_) {
        told_ = false;
        changed_.notify();
    }
    bool all = true;
    if (inotify_.is_open()) {
        const auto mounts = mounts_.changes();
        if (mounts != mounts_seen_) {
            end_all();
        } else {
            all = take_events();
        }
    }
    tell_changes(out);
    return all;
}

// Takes what is in the queue by now, and not what comes meanwhile: who changes things all the time
// would be listened to forever. False: there is more.
bool leases::take_events() {
    int left = 1;
    for (bool first = true; inotify_.is_open() && left > 0; first = false) {
        if (happened_.size() >= limits::changed_names_max) {
            return false;
        }
        alignas(inotify_event) std::array<char, read_bytes> raw;
        const auto got = ::read(inotify_.native_handle(), raw.data(), raw.size());
        if (got <= 0) {
            return true;
        }
        const auto bytes = static_cast<std::size_t>(got);
        for (std::size_t at = 0; at + sizeof(inotify_event) <= bytes;) {
            inotify_event head;
            std::memcpy(&head, &raw[at], sizeof head);
            const std::string name{head.len > 0 ? &raw[at + sizeof head] : ""};
            if ((head.mask & IN_Q_OVERFLOW) != 0) {
                end_all();
                return true;
            }
            note(head.wd, head.mask, name);
            at += sizeof head + head.len;
        }
        left -= static_cast<int>(got);
        if (first && ::ioctl(inotify_.native_handle(), FIONREAD, &left) != 0) {
            return false;
        }
    }
    return true;
}

void leases::note(int watch, std::uint32_t mask, const std::string& name) {
    for (const auto handle : table_.watched_by(watch)) {
        auto* const held = table_.find(handle);
        if (held == nullptr) {
            continue;
        }
        if ((mask & gone) != 0) {
            end(handle);
        } else if (name.empty()) {
            note_itself(*held, mask);
        } else {
            note_name(*held, mask, name);
        }
    }
}

void leases::note_itself(lease& changed, std::uint32_t mask) {
    const bool modified = (mask & IN_MODIFY) != 0;
    note_change(changed.handle, {}, modified);
}

void leases::note_name(lease& directory, std::uint32_t mask, const std::string& name) {
    const bool is_directory = (mask & IN_ISDIR) != 0;
    if ((mask & comes_or_goes) == 0) {
        // A directory that is leased tells of itself, one that is not is not covered.
        if (!is_directory) {
            note_change(directory.handle, name, (mask & IN_MODIFY) != 0);
        }
        return;
    }
    note_change(directory.handle, name, false);
    note_change(directory.handle, {}, false);
    const auto below = directory.below.find(name);
    if (!is_directory || below == directory.below.end()) {
        return;
    }
    const auto child = below->second;
    directory.below.erase(below);
    auto* const held = table_.find(child);

    struct stat told {};

    if (held != nullptr && (mask & IN_DELETE) != 0 && ::fstat(held->fd(), &told) == 0 &&
        told.st_nlink == 0) {
        end(child);
    }
}

void leases::note_change(protocol::handle_id held, const std::string& name, bool modified) {
    const auto [at, first] = happened_at_.try_emplace(key_of(held, name), happened_.size());
    if (first) {
        happened_.push_back({held, name, modified});
    }
    happened_[at->second].modified |= modified;
}

void leases::tell_changes(protocol::buffer& out) {
    for (const auto& happened : happened_) {
        if (untold_bytes_ >= limits::lease_frame_bytes) {
            flush(out);
        }
        tell_change(happened);
    }
    happened_.clear();
    happened_at_.clear();
    flush(out);
}

void leases::tell_change(const change& happened) {
    auto* const held = table_.find(happened.lease);
    if (held == nullptr) {
        return;  // it ended after that
    }
    const auto verdict = held->notices.on_change(happened.name, notice_limit::clock::now());
    if (held->notices.overflows()) {
        end(held->handle);
        return;
    }
    protocol::leased_entry entry;
    if (verdict == notice_limit::verdict::tell) {
        entry = happened.name.empty() ? tell_itself(*held)
                                      : tell_name(*held, happened.name, entry_type::unknown);
    } else {
        entry.directory = held->is_directory() ? held->handle : protocol::no_handle;
        entry.handle = happened.name.empty() ? held->handle : protocol::no_handle;
        entry.name = happened.name;
        entry.state = protocol::name_state::unknown;
    }
    if (happened.modified && table_.holds_data()) {
        end_data_of(*held, happened.name);
    }
    if (verdict != notice_limit::verdict::silent) {
        untold_bytes_ += encoded_bytes(entry);
        untold_.entries.push_back(std::move(entry));
    }
}

// In one odd way contents change without an open for writing, and so without breaking a lease:
// O_RDONLY|O_TRUNC.
void leases::end_data_of(const lease& watched, const std::string& name) {
    struct stat told {};

    const char* const file = name.c_str();
    if (::fstatat(watched.fd(), file, &told, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0) {
        return;
    }
    for (const auto handle : table_.with_data({told.st_dev, told.st_ino})) {
        end(handle);
    }
}

void leases::flush(protocol::buffer& out) {
    while (!untold_.entries.empty() || !untold_.ended.empty() || untold_.all_ended) {
        protocol::changes told;
        told.number = ++number_;
        told.entries = std::exchange(untold_.entries, {});
        told.all_ended = std::exchange(untold_.all_ended, false);
        if (untold_.ended.size() > ended_max) {
            const auto rest = untold_.ended.begin() + ended_max;
            told.ended.assign(untold_.ended.begin(), rest);
            untold_.ended.erase(untold_.ended.begin(), rest);
        } else {
            told.ended = std::exchange(untold_.ended, {});
        }
        protocol::append_one_way(out, told);
    }
    untold_bytes_ = 0;
}

awaitable<bool> leases::wait() {
    while (!stopped_) {
        if (told_ || !inotify_.is_open()) {
            co_await changed_.wait();
            continue;
        }
        const auto [ec] = co_await inotify_.async_wait(descriptor::wait_read);
        if (!ec) {  // else it was closed, and another one may be opened
            told_ = true;
            co_return !stopped_;
        }
    }
    co_return false;
}

}  // namespace farside::agent
