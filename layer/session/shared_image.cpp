// The conversation with the agent about one mapped file. Requests on its handle take effect in the
// order in which they were sent, and the turn lets only one conversation go on at a time.
#include "layer/session/shared_image.hpp"

#include "protocol/limits.hpp"
#include "protocol/name_messages.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace farside::session {
namespace {

constexpr std::uint32_t read_bytes = 1024 * 1024;
static_assert(read_bytes <= protocol::limits::read_bytes_max);

// Of a store in a request, beside its data: offset and length.
constexpr std::size_t store_bytes = sizeof(std::int64_t) + sizeof(std::uint32_t);

struct flock byte_lock(std::uint64_t byte, short type) {
    struct flock lock {};

    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = static_cast<off_t>(byte);
    lock.l_len = 1;
    return lock;
}

int number_of(const boost::system::error_code& ec) {
    return ec.category() == boost::system::system_category() && ec.value() > 0 ? ec.value() : EIO;
}

}  // namespace

shared_image::version shared_image::version_of(const protocol::attributes& attr) {
    return {attr.size, attr.modified, attr.changed};
}

// ---- mappings ----

unique_fd shared_image::add_mapping(std::shared_ptr<open_file> file) {
    unique_fd made = bytes_.reopen(file->writable() ? O_RDWR : O_RDONLY);
    if (!made) {
        return made;
    }
    struct flock lock = byte_lock(++last_byte_, F_RDLCK);
    if (::fcntl(made.get(), F_OFD_SETLK, &lock) != 0) {
        return {};
    }
    through_ = file;
    if (file->writable()) {
        writer_ = file;
    }
    mappings_.push_back({last_byte_, std::move(file)});
    return made;
}

std::vector<std::shared_ptr<open_file>> shared_image::drop_ended() {
    std::vector<std::shared_ptr<open_file>> ended;
    std::erase_if(mappings_, [&](mapping& m) {
        struct flock question = byte_lock(m.byte, F_WRLCK);
        // What cannot be asked counts as mapped: nothing is given up on a doubt.
        const bool has_ended =
            ::fcntl(bytes_.descriptor(), F_OFD_GETLK, &question) == 0 && question.l_type == F_UNLCK;
        if (has_ended) {
            ended.push_back(std::move(m.file));
        }
        return has_ended;
    });
    std::ranges::sort(ended);
    ended.erase(std::unique(ended.begin(), ended.end()), ended.end());
    return ended;
}

void shared_image::let_files_go() {
    const auto serves = [this](const std::shared_ptr<open_file>& file) {
        return std::ranges::find(mappings_, file, &mapping::file) != mappings_.end();
    };
    if (!serves(through_)) {
        through_ = mappings_.empty() ? nullptr : mappings_.front().file;
    }
    if (writer_ && !serves(writer_)) {
        const auto writes = [](const mapping& m) { return m.file->writable(); };
        const auto next = std::ranges::find_if(mappings_, writes);
        writer_ = next == mappings_.end() ? nullptr : next->file;
    }
}

// ---- from the target ----

awaitable<int> shared_image::look(version& found) {
    link_caller by;
    protocol::stat request;
    request.at.base = through_->handle;
    request.flags = AT_EMPTY_PATH;
    request.mask = STATX_BASIC_STATS;
    reply_collector<protocol::stat> reply;
    const auto ec = co_await link_.call(request, reply, by);
    if (ec) {
        co_return number_of(ec);
    }
    found = version_of(reply.value.attr);
    co_return 0;
}

awaitable<std::uint64_t> shared_image::seek(std::uint64_t from, int whence, std::uint64_t none) {
    link_caller by;
    protocol::seek request;
    request.handle = through_->handle;
    request.offset = static_cast<std::int64_t>(from);
    request.whence = static_cast<std::uint32_t>(whence);
    reply_collector<protocol::seek> reply;
    const auto ec = co_await link_.call(request, reply, by);
    const auto found = static_cast<std::uint64_t>(reply.value.position);
    co_return ec || reply.value.position < 0 || found<from || found> none ? none : found;
}

awaitable<int> shared_image::read_data(std::uint64_t from, std::uint64_t to) {
    link_caller by;
    std::vector<std::byte> room(std::min<std::uint64_t>(read_bytes, to - from));
    while (from < to) {
        protocol::read request;
        request.handle = through_->handle;
        request.offset = static_cast<std::int64_t>(from);
        request.bytes = static_cast<std::uint32_t>(std::min<std::uint64_t>(room.size(), to - from));
        reply_collector<protocol::read> reply;
        reply.room = std::span{room}.first(request.bytes);
        const auto ec = co_await link_.call(request, reply, by);
        if (ec) {
            co_return number_of(ec);
        }
        if (reply.value == 0) {
            break;  // it became shorter meanwhile: the next look will tell
        }
        const auto got = std::span{std::as_const(room)}.first(reply.value);
        if (first_) {
            bytes_.load(from, got);
        } else {
            bytes_.merge(from, got);
        }
        from += reply.value;
    }
    co_return 0;
}

// A file of one read is read as it is; of a longer one the holes are not.
awaitable<int> shared_image::read_all(std::uint64_t size) {
    std::uint64_t at = 0;
    while (at < size) {
        std::uint64_t data = at;
        std::uint64_t end = size;
        if (size > read_bytes) {
            data = co_await seek(at, SEEK_DATA, size);
            if (data == size) {
                // Nothing but a hole, or a file system that cannot tell: then it has no hole.
                const std::uint64_t hole = co_await seek(at, SEEK_HOLE, size);
                data = hole == at ? size : at;
            } else {
                end = co_await seek(data, SEEK_HOLE, size);
            }
        }
        bytes_.merge_hole(at, data - at);
        if (data < end) {
            const int failed = co_await read_data(data, end);
            if (failed != 0) {
                co_return failed;
            }
        }
        at = end;
    }
    co_return 0;
}

awaitable<int> shared_image::load(std::shared_ptr<open_file> file, std::uint64_t bytes_max) {
    through_ = std::move(file);
    version found;
    int failed = co_await look(found);
    if (failed != 0) {
        co_return failed;
    }
    if (found.size > bytes_max) {
        co_return EFBIG;
    }
    failed = bytes_.create(found.size);
    if (failed != 0) {
        co_return failed;
    }
    failed = co_await read_all(found.size);
    if (failed != 0) {
        co_return failed;
    }
    first_ = false;
    seen_ = found;
    co_return 0;
}

awaitable<int> shared_image::refresh() {
    version found;
    int failed = co_await look(found);
    if (failed != 0 || (found == seen_ && !stale_)) {
        co_return failed;
    }
    failed = bytes_.resize(found.size);
    if (failed != 0) {
        co_return failed;
    }
    // The attributes are older than the bytes: a change in between is seen the next time.
    failed = co_await read_all(found.size);
    if (failed != 0) {
        co_return failed;
    }
    seen_ = found;
    stale_ = false;
    co_return 0;
}

awaitable<> shared_image::begin_change() {
    version found;
    const int failed = co_await look(found);
    stale_ = stale_ || failed != 0 || !(found == seen_);
}

awaitable<> shared_image::end_change() {
    version found;
    const int failed = co_await look(found);
    if (failed == 0 && bytes_.resize(found.size) == 0) {
        seen_ = found;
    } else {
        stale_ = true;
    }
    if (stale_) {
        // Where that fails it is tried again, the next time that the file is looked at.
        co_await refresh();
    }
}

void shared_image::written(std::uint64_t offset, std::span<const std::byte> content) {
    const std::uint64_t end = offset + content.size();
    if (end > bytes_.size() && bytes_.resize(end) != 0) {
        stale_ = true;
    }
    bytes_.overwrite(offset, content);
}

void shared_image::show(std::uint64_t offset, std::span<std::byte> content) {
    bytes_.merge(offset, content);
    bytes_.copy(offset, content);
}

// ---- to the target ----

awaitable<int> shared_image::send(const stored_bytes& stored, std::size_t& done) {
    link_caller by;
    protocol::write_back request;
    request.handle = writer_->handle;
    for (const auto& run : stored.runs) {
        request.stores.push_back({static_cast<std::int64_t>(run.offset), {stored.of(run)}});
    }
    reply_collector<protocol::write_back> reply;
    const auto ec = co_await link_.call(request, reply, by);
    if (ec) {
        co_return number_of(ec);
    }
    done = reply.value.stores;
    if (done == 0 || done > stored.runs.size()) {
        co_return EIO;
    }
    stale_ = stale_ || !(version_of(reply.value.before) == seen_);
    seen_ = version_of(reply.value.after);
    co_return 0;
}

awaitable<int> shared_image::write_back() {
    std::uint64_t at = 0;
    scan_time_ = {};
    while (writer_ && at < bytes_.size()) {
        stored_bytes stored;
        const auto begin = std::chrono::steady_clock::now();
        at = bytes_.collect(at, protocol::limits::data_bytes_max, store_bytes, stored);
        scan_time_ += std::chrono::steady_clock::now() - begin;
        if (stored.runs.empty()) {
            break;
        }
        std::size_t done = 0;
        const int failed = co_await send(stored, done);
        if (failed != 0) {
            co_return failed;
        }
        for (std::size_t i = 0; i < done; ++i) {
            bytes_.settle(stored, stored.runs[i]);
        }
        if (done < stored.runs.size()) {
            at = stored.runs[done].offset;  // once more, to be told why
        }
    }
    co_return 0;
}

awaitable<int> shared_image::sync() {
    const int failed = co_await write_back();
    if (failed != 0 || !writer_) {
        co_return failed;
    }
    link_caller by;
    protocol::sync request;
    request.handle = writer_->handle;
    reply_collector<protocol::sync> reply;
    const auto ec = co_await link_.call(request, reply, by);
    co_return ec ? number_of(ec) : 0;
}

}  // namespace farside::session
