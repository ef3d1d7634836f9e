// Notices open files whose last descriptor is gone without a word: its process was killed, or ended
// with files open. Every descriptor of a remote file holds a lock on the byte of its id in the
// template (segment.hpp), which the kernel drops with the last descriptor; inotify says that some
// descriptor was dropped, and a sweep finds out which ids have no lock any more.
//
// A sweep costs: few files are asked for one by one (F_OFD_GETLK; the kernel walks the list of all
// locks for each), many by reading /proc/locks once. Sweeps are at least `pause_min` apart, and
// twenty times as long as the last one took: they never cost more than a twentieth of a CPU.
#pragma once

#include "layer/session/async_event.hpp"
#include "layer/session/deadline.hpp"
#include "layer/session/open_files.hpp"
#include "layer/session/task_group.hpp"
#include "protocol/support/unique_fd.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_set>

namespace farside::session {

// Asks the kernel which ids have a descriptor.
class descriptor_locks {
public:
    // `template_descriptor` stays open as long as this; no lock is ever taken through it.
    descriptor_locks(int template_descriptor, std::uint64_t device, std::uint64_t inode)
        : template_{template_descriptor}, device_{device}, inode_{inode} {}

    [[nodiscard]] bool is_held(std::uint64_t id) const;

    // All ids that are held, from /proc/locks; nothing where that cannot be read.
    [[nodiscard]] std::optional<std::unordered_set<std::uint64_t>> all_held() const;

    // Those of `ids` that are not held.
    [[nodiscard]] std::vector<std::uint64_t> without_descriptor(
        const std::vector<std::uint64_t>& ids
    ) const;

private:
    int template_;
    std::uint64_t device_;
    std::uint64_t inode_;
};

class descriptor_watch {
public:
    descriptor_watch(task_group& tasks, open_files& files, descriptor_locks locks);

    descriptor_watch(const descriptor_watch&) = delete;
    descriptor_watch& operator=(const descriptor_watch&) = delete;

    // Begins to watch. Without inotify (its limits are per user) deaths alone start sweeps.
    void start(int template_descriptor);

    // A process died: its descriptors are gone by now.
    void process_died();

    // Nothing of some file is on its way any more (write_behind).
    void bytes_settled();

    // call::close: drops `id` unless a descriptor of it is left somewhere.
    void closed(std::uint64_t id);

    // Those of `ids` that have no descriptor any more: found and dropped without waiting for a
    // sweep. It is for the caller to close them at the agent.
    [[nodiscard]] std::vector<std::shared_ptr<open_file>> take_closed(
        const std::vector<std::uint64_t>& ids
    );

    // call::reclaim: sweeps at once, claims that never became an open file too. Returns how many
    // entries became free.
    std::size_t reclaim();

    void stop();

private:
    static constexpr std::chrono::milliseconds pause_min{5};
    // inotify tells before the lock is dropped: a last look comes this long after an event. A close
    // that has an error to tell may come as late.
    static constexpr std::chrono::milliseconds last_look_after{200};

    awaitable<> listen();
    awaitable<> sweep_when_needed();
    std::size_t sweep(bool claims);
    // The layer gives a descriptor up before it says so: a close of the file may be on its way, or
    // wait for what was written behind, and is what tells a program that this failed.
    [[nodiscard]] static bool may_be_asked(open_file& file);

    task_group& tasks_;
    open_files& files_;
    descriptor_locks locks_;
    async_descriptor inotify_;
    asio::steady_timer pause_timer_;
    std::optional<deadline> last_look_;
    async_event needed_;  // a descriptor was dropped or a process died
    async_event swept_;   // then the next event is listened for
    bool stopped_ = false;
    bool process_died_ = false;
    bool dropped_ = false;
    bool closes_awaited_ = false;  // the last sweep left files for that
    std::chrono::steady_clock::duration pause_ = pause_min;
    // Claims without a lock that the last sweep saw. A process claims an entry an instant before it
    // locks it: only what two sweeps saw is dead.
    std::unordered_set<std::uint64_t> suspects_;
};

}  // namespace farside::session
