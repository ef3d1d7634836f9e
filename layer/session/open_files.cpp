// The registry itself; who may drop an entry and when is descriptor_watch's affair.
#include "layer/session/open_files.hpp"

#include "layer/session/file_reader.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include <fcntl.h>

namespace farside::session {
namespace {

// What open(2) uses up: these are not flags of the open file.
constexpr std::uint32_t creation_flags = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC;
// All that O_PATH leaves of the flags beside it.
constexpr std::uint32_t path_flags = O_PATH | O_DIRECTORY | O_NOFOLLOW;
// The kernel's O_LARGEFILE, which it sets for every 64-bit process; the C library calls it 0.
constexpr std::uint32_t large_file = 0100000;

}  // namespace

bool open_file::readable() const {
    return !path_only() && (flags & O_ACCMODE) != O_WRONLY;
}

bool open_file::writable() const {
    return !path_only() && (flags & O_ACCMODE) != O_RDONLY;
}

bool open_file::path_only() const {
    return (flags & O_PATH) != 0;
}

void open_file::read_past_cache() {
    assert(owns_handle);
    reader = nullptr;
    entry.data.store(0, std::memory_order_release);
}

open_files::open_files(
    asio::any_io_executor executor,
    segment::segment& shared,
    std::function<void(protocol::handle_id)> close
)
    : executor_{std::move(executor)}, shared_{shared}, close_{std::move(close)} {}

open_files::~open_files() {
    clear();
}

segment::open_file& open_files::entry_of(std::uint64_t id) const {
    return shared_.open_files[id % segment::open_file_count];
}

bool open_files::claimed(std::uint64_t id) const {
    return id != 0 && id < segment::open_file_id_max && !files_.contains(id) &&
           entry_of(id).id.load(std::memory_order_acquire) == id;
}

bool open_files::add(std::uint64_t id, description what) {
    const std::shared_ptr<open_file> file{
        new open_file{executor_, entry_of(id)}, [this](open_file* f) { release(f); }};
    file->id = id;
    file->handle = what.handle;
    file->where = what.where;
    file->path = std::move(what.path);
    file->flags = what.flags;
    file->mode = what.mode;
    file->identity = what.identity;
    file->node = what.node;
    file->lease = std::move(what.lease);
    file->owns_handle = !what.reader;
    file->reader = std::move(what.reader);
    if (!claimed(id)) {
        return false;
    }
    file->entry.position.store(0, std::memory_order_relaxed);
    file->entry.flags.store(file->flags, std::memory_order_relaxed);
    file->entry.node.store(file->node, std::memory_order_relaxed);
    const auto data = file->reader ? file->reader->data()->id() : 0;
    file->entry.data.store(data, std::memory_order_relaxed);
    file->entry.names_far.store(0, std::memory_order_relaxed);
    file->entry.mode.store(file->mode, std::memory_order_release);
    files_.emplace(id, file);
    if (!S_ISDIR(file->mode)) {
        by_inode_.emplace(file->identity, file.get());
    }
    if (S_ISFIFO(file->mode) && !file->path_only()) {
        fifos_.emplace(file->identity, id);
    }
    if (!S_ISDIR(file->mode) && observer_.added) {
        observer_.added(*file);
    }
    return true;
}

std::shared_ptr<open_file> open_files::find(std::uint64_t id) const {
    const auto found = files_.find(id);
    return found == files_.end() ? nullptr : found->second;
}

void open_files::note_lock(open_file& file) {
    file.locked = true;
    locked_.emplace(file.identity, file.id);
}

std::vector<std::uint64_t> open_files::beside(const open_file& file, const ids_of_inodes& among) {
    std::vector<std::uint64_t> ids;
    for (auto at = among.lower_bound({file.identity, 0});
         at != among.end() && at->first == file.identity;
         ++at) {
        if (at->second != file.id) {
            ids.push_back(at->second);
        }
    }
    return ids;
}

std::vector<std::uint64_t> open_files::locked_beside(const open_file& file) const {
    return beside(file, locked_);
}

std::vector<std::uint64_t> open_files::fifos_beside(const open_file& file) const {
    return beside(file, fifos_);
}

std::vector<open_file*> open_files::of_inode(const file_identity& inode) const {
    std::vector<open_file*> found;
    for (auto at = by_inode_.lower_bound({inode, nullptr});
         at != by_inode_.end() && at->first == inode;
         ++at) {
        found.push_back(at->second);
    }
    return found;
}

std::vector<std::uint64_t> open_files::fifos() const {
    std::vector<std::uint64_t> ids;
    for (const auto& [identity, id] : fifos_) {
        ids.push_back(id);
    }
    return ids;
}

void open_files::drop(std::uint64_t id) {
    if (const auto found = files_.find(id); found != files_.end()) {
        open_file& file = *found->second;
        if (file.locked) {
            locked_.erase({file.identity, id});
        }
        fifos_.erase({file.identity, id});
        if (file.reader) {
            file.reader->closing(file.position());
        }
        files_.erase(found);
    }
    if (id != 0) {
        std::uint64_t expected = id;
        entry_of(id).id.compare_exchange_strong(expected, 0, std::memory_order_acq_rel);
    }
}

void open_files::clear() {
    cleared_ = true;
    locked_.clear();
    fifos_.clear();
    files_.clear();
}

std::vector<std::uint64_t> open_files::ids() const {
    std::vector<std::uint64_t> all;
    all.reserve(files_.size());
    for (const auto& [id, file] : files_) {
        all.push_back(id);
    }
    return all;
}

std::vector<std::uint64_t> open_files::unopened_claims() const {
    // Entries above the highest id were never touched: reading them would allocate their pages.
    const std::uint64_t used = std::min<std::uint64_t>(
        shared_.head.last_open_file_id.load(std::memory_order_acquire), segment::open_file_count - 1
    );
    std::vector<std::uint64_t> claims;
    for (std::uint64_t i = 0; i <= used; ++i) {
        const auto id = shared_.open_files[i].id.load(std::memory_order_acquire);
        if (id != 0 && id % segment::open_file_count == i && !files_.contains(id)) {
            claims.push_back(id);
        }
    }
    return claims;
}

std::uint32_t open_files::status_flags(std::uint32_t open_flags) {
    if ((open_flags & O_PATH) != 0) {
        return open_flags & path_flags;
    }
    const std::uint32_t kept = open_flags & ~creation_flags;
    // The part of O_SYNC that is not O_DSYNC means both, as build_open_flags() has it.
    const bool synchronous = (kept & (O_SYNC ^ O_DSYNC)) != 0;
    return kept | large_file | (synchronous ? std::uint32_t{O_DSYNC} : 0);
}

void open_files::release(open_file* file) {
    if (file->write_failure != 0 && untold_) {
        untold_(*file);
    }
    if (by_inode_.erase({file->identity, file}) != 0 && !cleared_ && observer_.released) {
        observer_.released(*file);
    }
    if (!cleared_ && !file->closed && !file->lease && file->owns_handle) {
        close_(file->handle);
    }
    delete file;
}

}  // namespace farside::session
