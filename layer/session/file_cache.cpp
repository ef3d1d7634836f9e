// Who knows which file, and for how long.
#include "layer/session/file_cache.hpp"

#include "layer/session/file_reader.hpp"
#include "layer/session/name_tree.hpp"
#include "layer/session/open_files.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>

namespace farside::session {
namespace {

// A program that read so many files to the end will read the next one, too.
constexpr unsigned hurry_after = 3;

}  // namespace

file_cache::file_cache(
    task_group& tasks,
    agent_link& link,
    cache_writer& shared,
    session_stats& stats,
    close_handle close
)
    : stats_{stats},
      close_{std::move(close)},
      around_{
          tasks,
          link,
          shared,
          [&link] { return link.estimate(); },
          0,
          [this](file_data& file) { forget(file); }} {}

file_cache::~file_cache() {
    stop();
}

// Whole blocks, which others can read.
std::uint32_t file_cache::inline_bytes() const {
    constexpr std::uint64_t most = protocol::limits::data_bytes_max;
    const auto quarter = around_.estimate().bdp() / 4;
    return quarter >= most ? most : readahead::block_bytes;
}

std::uint64_t file_cache::window() const {
    const auto room = ahead_bytes_max - std::min(ahead_bytes_max, around_.under_way);
    return std::min({2 * around_.estimate().bdp(), readahead::window_max, room});
}

bool file_cache::block_is_cheap() const {
    return readahead::block_bytes <= around_.estimate().bdp() / 4;
}

std::uint64_t file_cache::whole_bytes_max() const {
    return std::min(random_reads::whole_bytes_max, options_.bytes / 2);
}

// ---- files ----

void file_cache::stop_asking() {
    if (--asking_ == 0) {
        ended_meanwhile_.clear();
        all_ended_meanwhile_ = false;
    }
}

std::shared_ptr<file_data> file_cache::opened(
    const protocol::open_leased_reply& reply, std::uint32_t asked
) {
    const bool holds = reply.leased && !all_ended_meanwhile_ &&
                       !ended_meanwhile_.contains(reply.handle) && S_ISREG(reply.attr.mode);
    if (!holds || stopped_ || by_handle_.contains(reply.handle)) {
        return nullptr;
    }
    auto file = std::make_shared<file_data>(around_, ++last_data_, reply.handle, reply.attr);
    by_handle_.emplace(reply.handle, file.get());
    file->begin_with(reply.data.bytes, asked);
    return file;
}

void file_cache::name(const std::shared_ptr<file_data>& file, std::uint64_t node) {
    if (!file->leased() || file->attr().links != 1) {
        return;  // by another name it has another path
    }
    if (const auto known = by_node_.find(node); known != by_node_.end()) {
        unname(*known->second.file);
    }
    unname(*file);
    uses_.push_front(node);
    file->name(node);
    by_node_[node] = {file, uses_.begin()};
    drop_idle();
}

std::shared_ptr<file_data> file_cache::find(std::uint64_t node, const protocol::attributes& now) {
    const auto found = by_node_.find(node);
    if (found == by_node_.end()) {
        return nullptr;
    }
    auto file = found->second.file;
    const auto& then = file->attr();
    if (!file->leased() || now.links != 1 || !same_rights(then, now) ||
        identity_of(then) != identity_of(now)) {
        unname(*file);
        return nullptr;
    }
    uses_.splice(uses_.begin(), uses_, found->second.use);
    return file;
}

void file_cache::adopt(std::uint64_t node, const protocol::leased_entry& told) {
    if (by_handle_.contains(told.handle)) {
        return;  // it was told before
    }
    const bool usable = options_.enabled && !stopped_ && S_ISREG(told.attr.mode);
    if (!usable) {
        close_(told.handle);
        return;
    }
    auto file = std::make_shared<file_data>(around_, ++last_data_, told.handle, told.attr);
    by_handle_.emplace(told.handle, file.get());
    file->begin_with(told.data.bytes, told.data.bytes.size() + 1);
    file->set_guessed();
    count_ahead(told.data.bytes.size());
    name(file, node);
}

void file_cache::note_use(file_data& file) {
    if (file.guessed()) {
        file.set_used();
        count_use(file.attr().size, 0);
        score.record(prefetch_score::outcome::used);
    }
}

void file_cache::apply(const protocol::changes& notice) {
    if (notice.all_ended) {
        all_ended();
    }
    for (const auto& told : notice.entries) {
        if (told.directory == protocol::no_handle) {
            changed(told);
        }
    }
    for (const auto handle : notice.ended) {
        ended(handle);
    }
}

void file_cache::changed(const protocol::leased_entry& told) {
    const auto found = by_handle_.find(told.handle);
    if (found != by_handle_.end() && told.attr.links != 1) {
        unname(*found->second);
    }
}

void file_cache::ended(protocol::handle_id handle) {
    if (const auto found = by_handle_.find(handle); found != by_handle_.end()) {
        found->second->end();
        unname(*found->second);
    } else if (asking_ > 0) {
        ended_meanwhile_.insert(handle);
    }
}

void file_cache::all_ended() {
    all_ended_meanwhile_ = asking_ > 0;
    for (const auto& [handle, file] : by_handle_) {
        file->end();
    }
    uses_.clear();
    // Those that nobody has open go with this, and take themselves out of `by_handle_`.
    const auto gone = std::exchange(by_node_, {});
}

void file_cache::observe_reading() {
    reading_is_observed_ = true;
    all_ended();
}

// The last owner lets go: of a file that nobody has open, its handle.
void file_cache::unname(const file_data& file) {
    const auto found = by_node_.find(file.node());
    if (found != by_node_.end() && found->second.file.get() == &file) {
        const auto keep = std::move(found->second.file);
        uses_.erase(found->second.use);
        by_node_.erase(found);
    }
}

void file_cache::drop_idle() {
    for (auto at = uses_.end(); by_node_.size() > named_max && at != uses_.begin();) {
        --at;
        const auto found = by_node_.find(*at);
        const bool idle = found->second.file->read_by_nobody();
        if (idle) {
            const auto gone = std::move(found->second.file);
            by_node_.erase(found);
            at = uses_.erase(at);
        }
    }
}

void file_cache::forget(file_data& file) {
    by_handle_.erase(file.handle());
    if (file.guessed()) {
        count_use(0, file.attr().size);
        score.record(prefetch_score::outcome::wasted);
    }
    if (!stopped_ && file.owns_handle()) {
        close_(file.handle());
    }
}

awaitable<boost::system::error_code> file_cache::make_private(open_file& file, link_caller& by) {
    if (!file.reader || file.owns_handle) {
        co_return boost::system::error_code{};
    }
    const auto data = file.reader->data();
    if (data->has_one_reader()) {
        // Nobody else has it open: it is his from here on.
        unname(*data);
        data->give_handle_away();
        file.owns_handle = true;
        co_return boost::system::error_code{};
    }
    protocol::open request;
    request.at.base = file.handle;
    request.flags = file.flags & ~static_cast<std::uint32_t>(O_NOFOLLOW | O_DIRECTORY);
    reply_collector<protocol::open> reply;
    const auto ec = co_await around_.link.call(request, reply, by);
    if (!ec && file.owns_handle) {
        close_(reply.value.handle);  // somebody was faster
    } else if (!ec) {
        file.handle = reply.value.handle;
        file.owns_handle = true;
    }
    co_return ec;
}

void file_cache::stop() {
    stopped_ = true;
    all_ended();
}

// ---- guesses ----

void file_cache::note_closed(bool read_to_end) {
    read_in_full_ = read_to_end ? std::min(read_in_full_ + 1, hurry_after) : 0;
}

bool file_cache::hurries() const {
    return options_.predict && read_in_full_ == hurry_after;
}

void file_cache::count_ahead(std::uint64_t bytes) {
    stats_.prefetched(bytes);
}

void file_cache::count_use(std::uint64_t used, std::uint64_t wasted) {
    stats_.prefetch_used(used, wasted);
}

}  // namespace farside::session
