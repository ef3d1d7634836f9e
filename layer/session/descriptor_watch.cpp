// Asking the kernel, and when to ask.
#include "layer/session/descriptor_watch.hpp"

#include <array>
#include <cstdio>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace farside::session {
namespace {

// Up to this many ids are asked for one by one.
constexpr std::size_t single_questions_max = 64;

// The id that a line of /proc/locks tells to be held in file `where` ("MAJOR:MINOR:INODE"), or 0:
//
//     17: OFDLCK ADVISORY  WRITE -1 00:01:1234 42 42
//
// "->" before the kind marks somebody who waits for a lock.
std::uint64_t held_id(const std::string& line, const std::string& where) {
    const auto file = line.find(where);
    if (file == std::string::npos || line.find("OFDLCK") == std::string::npos ||
        line.find("->") != std::string::npos) {
        return 0;
    }
    return std::strtoull(line.c_str() + file + where.size(), nullptr, 10);
}

}  // namespace

bool descriptor_locks::is_held(std::uint64_t id) const {
    struct flock question {};

    question.l_type = F_WRLCK;
    question.l_whence = SEEK_SET;
    question.l_start = static_cast<off_t>(id);
    question.l_len = 1;
    // What cannot be asked counts as held: nothing is closed on a doubt.
    return ::fcntl(template_, F_OFD_GETLK, &question) != 0 || question.l_type != F_UNLCK;
}

std::optional<std::unordered_set<std::uint64_t>> descriptor_locks::all_held() const {
    std::ifstream locks{"/proc/locks"};
    if (!locks) {
        return std::nullopt;
    }
    std::array<char, 64> where{};
    const int bytes = std::snprintf(
        where.data(),
        where.size(),
        " %02x:%02x:%llu ",
        major(device_),
        minor(device_),
        static_cast<unsigned long long>(inode_)
    );
    const std::string file{where.data(), static_cast<std::size_t>(bytes)};
    std::unordered_set<std::uint64_t> held;
    std::string line;
    while (std::getline(locks, line)) {
        if (const auto id = held_id(line, file)) {
            held.insert(id);
        }
    }
    if (locks.bad()) {
        return std::nullopt;
    }
    return held;
}

std::vector<std::uint64_t> descriptor_locks::without_descriptor(
    const std::vector<std::uint64_t>& ids
) const {
    std::optional<std::unordered_set<std::uint64_t>> held;
    if (ids.size() > single_questions_max) {
        held = all_held();
    }
    std::vector<std::uint64_t> gone;
    for (const auto id : ids) {
        // /proc/locks is not one moment's picture: what it does not show is asked for again.
        if (!(held && held->contains(id)) && !is_held(id)) {
            gone.push_back(id);
        }
    }
    return gone;
}

descriptor_watch::descriptor_watch(task_group& tasks, open_files& files, descriptor_locks locks)
    : tasks_{tasks},
      files_{files},
      locks_{locks},
      inotify_{tasks.executor()},
      pause_timer_{tasks.executor()},
      needed_{tasks.executor()},
      swept_{tasks.executor()} {}

void descriptor_watch::start(int template_descriptor) {
    tasks_.spawn(sweep_when_needed());
    unique_fd inotify{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
    const std::string path = "/proc/self/fd/" + std::to_string(template_descriptor);
    if (inotify && ::inotify_add_watch(inotify.get(), path.c_str(), IN_CLOSE_WRITE) >= 0) {
        inotify_.assign(inotify.release());
        tasks_.spawn(listen());
    }
}

void descriptor_watch::process_died() {
    process_died_ = true;
    needed_.notify();
}

void descriptor_watch::bytes_settled() {
    if (closes_awaited_) {
        needed_.notify();
    }
}

void descriptor_watch::closed(std::uint64_t id) {
    if (!locks_.is_held(id)) {
        files_.drop(id);
    }
}

std::vector<std::shared_ptr<open_file>> descriptor_watch::take_closed(
    const std::vector<std::uint64_t>& ids
) {
    std::vector<std::shared_ptr<open_file>> taken;
    for (const auto id : locks_.without_descriptor(ids)) {
        if (auto file = files_.find(id)) {
            taken.push_back(std::move(file));
        }
        files_.drop(id);
    }
    return taken;
}

std::size_t descriptor_watch::reclaim() {
    return sweep(true);
}

void descriptor_watch::stop() {
    stopped_ = true;
    boost::system::error_code ignored;
    inotify_.close(ignored);
    pause_timer_.cancel();
    last_look_.reset();
    needed_.notify();
    swept_.notify();
}

// Events are taken and thrown away: they all say the same. None is listened for while a sweep is
// due already, so that a program that closes many files does not wake the session for each.
awaitable<> descriptor_watch::listen() {
    std::array<char, 4096> events{};
    while (!stopped_) {
        const auto buffer = asio::buffer(events);
        const auto [ec, bytes] = co_await inotify_.async_read_some(buffer, as_result);
        if (ec) {
            break;
        }
        dropped_ = true;
        needed_.notify();
        co_await swept_.wait();
    }
}

awaitable<> descriptor_watch::sweep_when_needed() {
    using clock = std::chrono::steady_clock;
    while (!stopped_) {
        co_await needed_.wait();
        pause_timer_.expires_after(pause_);
        if (!stopped_) {
            co_await pause_timer_.async_wait(as_result);
        }
        if (stopped_) {
            break;
        }
        const bool again = std::exchange(dropped_, false);
        const bool claims = std::exchange(process_died_, false) || !suspects_.empty();
        const auto begin = clock::now();
        sweep(claims);
        pause_ = std::max<clock::duration>(pause_min, 20 * (clock::now() - begin));
        swept_.notify();
        last_look_.reset();
        if (again || closes_awaited_ || !suspects_.empty()) {
            last_look_.emplace(tasks_.executor(), last_look_after, [this] { needed_.notify(); });
        }
    }
}

bool descriptor_watch::may_be_asked(open_file& file) {
    if (file.on_its_way) {
        return true;
    }
    if (file.write_failure == 0) {
        return false;
    }
    const auto now = std::chrono::steady_clock::now();
    if (!file.unheld_since) {
        file.unheld_since = now;
    }
    return now < *file.unheld_since + last_look_after;
}

std::size_t descriptor_watch::sweep(bool claims) {
    std::size_t freed = 0;
    closes_awaited_ = false;
    for (const auto id : locks_.without_descriptor(files_.ids())) {
        const auto file = files_.find(id);
        if (file && may_be_asked(*file)) {
            closes_awaited_ = true;
        } else {
            files_.drop(id);
            ++freed;
        }
    }
    if (!claims) {
        return freed;
    }
    std::unordered_set<std::uint64_t> suspects;
    for (const auto id : locks_.without_descriptor(files_.unopened_claims())) {
        if (suspects_.contains(id)) {
            files_.drop(id);
            ++freed;
        } else {
            suspects.insert(id);
        }
    }
    suspects_ = std::move(suspects);
    return freed;
}

}  // namespace farside::session
