// Each change is one system call on the owner's own description of the file, then the same change
// in its ranges.
#include "agent/record_locks.hpp"

#include "agent/limits.hpp"
#include "agent/lock_description.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include <fcntl.h>

namespace farside::agent {
namespace {

struct flock to_flock(const locked_range& range) {
    struct flock lock {};

    lock.l_type = range.type;
    lock.l_whence = SEEK_SET;
    lock.l_start = range.first;
    lock.l_len = range.last == range_end ? 0 : range.last - range.first + 1;
    return lock;
}

locked_range to_range(const struct flock& lock) {
    return {
        lock.l_type, lock.l_start, lock.l_len == 0 ? range_end : lock.l_start + (lock.l_len - 1)};
}

// Makes the description fit for locks of `type`. Locks can only be moved to another description
// where both may have them: those of a description that is only read are.
boost::system::error_code give_access(
    locked_file& file, std::int16_t type, const std::vector<locked_range>& held, const open_file& by
) {
    if (permits(file.access, type)) {
        return {};
    }
    auto better = open_again(by);
    if (!better || file.access != O_RDONLY) {
        return errno_code(ENOLCK);
    }
    for (const auto& range : held) {
        struct flock lock = to_flock(range);
        if (::fcntl(better->fd.get(), F_OFD_SETLK, &lock) != 0) {
            return errno_code(ENOLCK);
        }
    }
    file.fd = std::make_shared<const unique_fd>(std::move(better->fd));
    file.access = better->access;
    return {};
}

}  // namespace

class record_locks::use {
public:
    use() = default;

    // REQUIRES: the table's mutex is held.
    use(record_locks& table, std::shared_ptr<locked_file> file)
        : table_{&table}, file_{std::move(file)} {
        ++file_->users;
    }

    use(use&& other) noexcept : table_{other.table_}, file_{std::move(other.file_)} {}

    use(const use&) = delete;
    use& operator=(const use&) = delete;
    use& operator=(use&&) = delete;

    ~use() {
        if (file_) {
            table_->leave(file_);
        }
    }

    explicit operator bool() const { return file_ != nullptr; }

    locked_file& operator*() const { return *file_; }

    locked_file* operator->() const { return file_.get(); }

private:
    record_locks* table_ = nullptr;
    std::shared_ptr<locked_file> file_;
};

std::shared_ptr<lock_owner> record_locks::owner(std::uint64_t number) {
    const std::lock_guard lock{mutex_};
    const auto found = owners_.find(number);
    if (found != owners_.end()) {
        return found->second;
    }
    if (owners_.size() >= limits::lock_owners_max) {
        return nullptr;
    }
    return owners_.emplace(number, std::make_shared<lock_owner>(number)).first->second;
}

bool record_locks::has_foreign_files(const lock_owner& owner) const {
    const std::lock_guard lock{mutex_};
    return std::ranges::any_of(owner.files, [](const auto& file) { return file->foreign; });
}

record_locks::use record_locks::find(const work_context& context) {
    const std::lock_guard lock{mutex_};
    const auto& files = context.owner->files;
    const auto found = std::ranges::find(files, context.file->inode, &locked_file::inode);
    return found == files.end() ? use{} : use{*this, *found};
}

result<record_locks::use> record_locks::find_or_open(const work_context& context) {
    auto found = find(context);
    if (found) {
        return found;
    }
    auto again = open_again(*context.file);
    if (!again) {
        return again.error();
    }
    auto made = std::make_shared<locked_file>();
    made->owner = context.owner->number;
    made->inode = context.file->inode;
    made->foreign = context.file->foreign;
    made->access = again->access;
    made->fd = std::make_shared<const unique_fd>(std::move(again->fd));
    const std::lock_guard lock{mutex_};
    auto& files = context.owner->files;
    // Another thread of the owner may have been faster, and its end too.
    const auto other = std::ranges::find(files, made->inode, &locked_file::inode);
    if (other != files.end()) {
        return use{*this, *other};
    }
    if (context.owner->ended) {
        return errno_code(EINTR);
    }
    if (file_count_ >= limits::lock_files_max) {
        return errno_code(ENOLCK);
    }
    ++file_count_;
    files.push_back(made);
    files_[made->inode].push_back(made);
    return use{*this, std::move(made)};
}

void record_locks::leave(const std::shared_ptr<locked_file>& file) {
    const std::lock_guard lock{mutex_};
    if (--file->users == 0 && file->ranges.empty()) {
        remove(*file);
    }
}

// REQUIRES: the mutex is held. No effect on a file that is not in the table any more.
void record_locks::remove(const locked_file& file) {
    const auto is_it = [&](const auto& other) { return other.get() == &file; };
    if (const auto owner = owners_.find(file.owner); owner != owners_.end()) {
        std::erase_if(owner->second->files, is_it);
    }
    const auto same = files_.find(file.inode);
    if (same == files_.end()) {
        return;
    }
    file_count_ -= std::erase_if(same->second, is_it);
    if (same->second.empty()) {
        files_.erase(same);
    }
}

result<holding> record_locks::apply(
    locked_file& file, const locked_range& wanted, const work_context& context
) {
    const std::lock_guard turn{file.turn};
    std::vector<locked_range> to_move;
    {
        const std::lock_guard lock{mutex_};
        if (file.ranges.exceeds(limits::lock_ranges_max, wanted)) {
            return errno_code(ENOLCK);
        }
        if (!permits(file.access, wanted.type)) {
            to_move = file.ranges.all();
        }
    }
    if (const auto failed = give_access(file, wanted.type, to_move, *context.file)) {
        return failed;
    }
    struct flock asked = to_flock(wanted);
    const int done =
        unless_interrupted(context, [&] { return ::fcntl(file.fd->get(), F_OFD_SETLK, &asked); });
    if (done != 0) {
        return errno_code(errno == EACCES ? EAGAIN : errno);
    }
    {
        const std::lock_guard lock{mutex_};
        if (!context.owner->ended) {
            file.ranges.set(wanted);
            return file.ranges.empty() ? holding::nothing : holding::locks;
        }
    }
    // The process ended while its request was under way: nobody would ever unlock this.
    asked = to_flock({});
    ::fcntl(file.fd->get(), F_OFD_SETLK, &asked);
    return errno_code(EINTR);
}

result<holding> record_locks::set(const locked_range& wanted, const work_context& context) {
    if (wanted.type == F_UNLCK) {
        const auto file = find(context);
        return file ? apply(*file, wanted, context) : result<holding>{holding::nothing};
    }
    const auto file = find_or_open(context);
    if (!file) {
        return file.error();
    }
    return apply(**file, wanted, context);
}

// What is waited for is taken again when it was given: in between another thread of the owner may
// have given it up, or the locks may have moved to another description.
result<holding> record_locks::set_waiting(const locked_range& wanted, const work_context& context) {
    const auto file = find_or_open(context);
    if (!file) {
        return file.error();
    }
    locked_file& own = **file;
    for (;;) {
        const auto done = apply(own, wanted, context);
        if (done || done.error() != errno_code(EAGAIN)) {
            return done;
        }
        const auto waits = begin_wait({own.owner, own.inode, wanted});
        if (!waits) {
            return waits.error();
        }
        std::shared_ptr<const unique_fd> fd;
        {
            const std::lock_guard turn{own.turn};
            fd = own.fd;
        }
        struct flock asked = to_flock(wanted);
        const int returned =
            unless_interrupted(context, [&] { return ::fcntl(fd->get(), F_OFD_SETLKW, &asked); });
        const auto failed = returned != 0 ? last_error() : boost::system::error_code{};
        {
            const std::lock_guard lock{mutex_};
            waiting_.erase(*waits);
        }
        if (failed) {
            return failed;
        }
    }
}

result<record_locks::waiting_list::iterator> record_locks::begin_wait(const waiting_request& request
) {
    const std::lock_guard lock{mutex_};
    if (closes_circle(request)) {
        return errno_code(EDEADLK);
    }
    return waiting_.insert(waiting_.end(), request);
}

// REQUIRES: the mutex is held. Whether somebody whom the request waits for, directly or through
// others, waits for its owner.
bool record_locks::closes_circle(const waiting_request& request) const {
    std::unordered_set<std::uint64_t> seen;
    std::vector<const waiting_request*> open{&request};
    while (!open.empty()) {
        const waiting_request& waiting = *open.back();
        open.pop_back();
        const auto files = files_.find(waiting.inode);
        if (files == files_.end()) {
            continue;
        }
        for (const auto& file : files->second) {
            if (file->owner == waiting.owner || !file->ranges.conflicts(waiting.wanted)) {
                continue;
            }
            if (file->owner == request.owner) {
                return true;
            }
            if (!seen.insert(file->owner).second) {
                continue;
            }
            for (const auto& next : waiting_) {
                if (next.owner == file->owner) {
                    open.push_back(&next);
                }
            }
        }
    }
    return false;
}

// 0: none of ours.
std::uint64_t record_locks::owner_of(
    const inode_key& inode, const locked_range& exactly, std::uint64_t except
) const {
    const std::lock_guard lock{mutex_};
    const auto files = files_.find(inode);
    if (files == files_.end()) {
        return 0;
    }
    const auto found = std::ranges::find_if(files->second, [&](const auto& file) {
        return file->owner != except && file->ranges.contains(exactly);
    });
    return found == files->second.end() ? 0 : (*found)->owner;
}

result<record_locks::obstacle> record_locks::get(
    int command, const locked_range& wanted, const work_context& context
) {
    const bool of_owner = command == F_GETLK && context.owner;
    const auto file = of_owner ? find(context) : use{};
    obstacle found;
    found.lock = to_flock(wanted);
    const auto ask = [&](int fd, int how) {
        return unless_interrupted(context, [&] { return ::fcntl(fd, how, &found.lock); });
    };
    int returned = 0;
    if (file) {
        const std::lock_guard turn{file->turn};
        returned = ask(file->fd->get(), F_OFD_GETLK);
    } else {
        // This process itself has no record locks, so to it everybody else is in the way.
        returned = ask(context.fd(), command);
    }
    if (returned != 0) {
        return last_error();
    }
    if (found.lock.l_type != F_UNLCK && found.lock.l_pid == -1) {
        const auto asker = of_owner ? context.owner->number : 0;
        found.owner = owner_of(context.file->inode, to_range(found.lock), asker);
    }
    if (file) {
        const std::lock_guard lock{mutex_};
        found.asker = file->ranges.empty() ? holding::nothing : holding::locks;
    }
    return found;
}

result<void> record_locks::release(const work_context& context) {
    const auto file = find(context);
    if (!file) {
        return {};
    }
    const auto done = apply(*file, {}, context);
    if (!done) {
        return done.error();
    }
    return {};
}

void record_locks::end(const std::shared_ptr<lock_owner>& owner) {
    std::vector<std::shared_ptr<locked_file>> files;
    {
        const std::lock_guard lock{mutex_};
        owner->ended = true;
        files = owner->files;
        for (const auto& file : files) {
            file->ranges.clear();
            remove(*file);
        }
        owners_.erase(owner->number);
    }
    // A request that still waits keeps its description open, and must not keep what was locked.
    for (const auto& file : files) {
        const std::lock_guard turn{file->turn};
        struct flock all = to_flock({});
        ::fcntl(file->fd->get(), F_OFD_SETLK, &all);
    }
}

std::vector<std::shared_ptr<locked_file>> record_locks::end_all() {
    const std::lock_guard lock{mutex_};
    std::vector<std::shared_ptr<locked_file>> foreign;
    for (auto& [inode, files] : std::exchange(files_, {})) {
        std::ranges::copy_if(files, std::back_inserter(foreign), &locked_file::foreign);
    }
    owners_.clear();
    file_count_ = 0;
    return foreign;
}

}  // namespace farside::agent
