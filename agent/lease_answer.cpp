// The walk, the listing, and where a frame ends.
#include "agent/lease_answer.hpp"

#include "agent/limits.hpp"
#include "protocol/limits.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace farside::agent {
namespace {

namespace wire = protocol::limits;

constexpr std::size_t records_bytes = 32 * 1024;

// Around the entries of a frame: errno, as_of, two counts.
constexpr std::size_t envelope_bytes = 64;

// An entry that is not the first of its frame, whatever is told of it, and its place in `complete`.
constexpr std::size_t entry_bytes_max = 1024 + wire::path_bytes_max + wire::name_bytes_max;
static_assert(
    limits::lease_frame_bytes + entry_bytes_max + envelope_bytes <= wire::frame_payload_bytes_max
);
static_assert(
    wire::data_bytes_max + 1024 + wire::name_bytes_max + envelope_bytes <=
    wire::frame_payload_bytes_max
);

bool is_component(std::string_view name) {
    return !name.empty() && name != "." && name != ".." && name.find('/') == name.npos &&
           name.find('\0') == name.npos;
}

// "a/b" is two names, "/a" and "a//b" have an empty one.
std::deque<std::string> split(const std::string& path) {
    std::deque<std::string> names;
    std::size_t begin = 0;
    while (!path.empty() && begin <= path.size()) {
        const auto end = std::min(path.find('/', begin), path.size());
        names.push_back(path.substr(begin, end - begin));
        begin = end + 1;
    }
    return names;
}

entry_type type_of(unsigned char d_type) {
    switch (d_type) {
        case DT_UNKNOWN:
            return entry_type::unknown;
        case DT_DIR:
            return entry_type::directory;
        case DT_REG:
            return entry_type::regular;
        default:
            return entry_type::other;
    }
}

}  // namespace

lease_answer::lease_answer(leases& held, protocol::lookup request)
    : leases_{held},
      base_{request.base},
      descends_{true},
      names_{split(request.path)},
      file_bytes_max_{std::min(request.file_bytes_max, wire::data_bytes_max)},
      data_bytes_left_{request.data_bytes_max},
      list_{request.list},
      entries_left_{request.entries_max},
      below_bytes_left_{request.below_bytes_max} {}

lease_answer::lease_answer(leases& held, protocol::fetch request)
    : leases_{held},
      base_{request.directory},
      names_{
          std::make_move_iterator(request.names.begin()),
          std::make_move_iterator(request.names.end())},
      file_bytes_max_{std::min(request.file_bytes_max, wire::data_bytes_max)},
      data_bytes_left_{~std::uint64_t{0}} {}

boost::system::error_code lease_answer::check() {
    if (!std::ranges::all_of(names_, is_component)) {
        return errno_code(EINVAL);
    }
    if (base_ == protocol::no_handle) {
        return descends_ ? boost::system::error_code{} : errno_code(EBADF);
    }
    const auto* const base = leases_.find(base_);
    return base != nullptr && base->is_directory() ? boost::system::error_code{}
                                                   : errno_code(ESTALE);
}

void lease_answer::advance() {
    frame_.as_of = leases_.number();
    frame_.entries.clear();
    frame_.complete.clear();
    data_used_ = 0;
    frame_bytes_ = envelope_bytes;
    steps_ = 0;
    if (!leases_.may_look() && (begun_ || base_ != protocol::no_handle)) {
        is_last_ = true;
        return;
    }
    while (!is_last_ && frame_bytes_ < limits::lease_frame_bytes &&
           steps_ < limits::lease_frame_steps) {
        step();
        is_last_ = !has_more();
    }
}

bool lease_answer::has_more() const {
    const bool walks = at_ != protocol::no_handle && !names_.empty();
    const bool will_list = list_ && names_.empty() && at_ != protocol::no_handle;
    return !begun_ || walks || is_listing_ || will_list || !to_list_.empty();
}

void lease_answer::step() {
    ++steps_;
    if (!begun_) {
        begun_ = true;
        tell_base();
    } else if (at_ != protocol::no_handle && !names_.empty()) {
        tell_next_name();
    } else if (is_listing_) {
        tell_next_entry();
    } else if (list_ && names_.empty()) {
        list_ = false;
        main_ = at_;
        open_listing(at_);
    } else {
        const auto next = to_list_.front();
        to_list_.pop_front();
        open_listing(next);
    }
}

void lease_answer::tell_base() {
    at_ = base_;
    if (base_ == protocol::no_handle) {
        auto root = leases_.tell_root();
        at_ = root.handle;
        add(std::move(root));
    } else if (descends_ && names_.empty()) {
        auto* const base = leases_.find(base_);
        base->notices.on_question({});
        add(leases_.tell_itself(*base));
    }
}

void lease_answer::tell_next_name() {
    auto* const directory = leases_.find(at_);
    if (directory == nullptr) {
        at_ = protocol::no_handle;
        return;
    }
    if (tell(*directory, names_.front(), entry_type::unknown) == progress::full) {
        return;
    }
    names_.pop_front();
    if (descends_) {
        const auto& told = frame_.entries.back();
        const bool is_directory = S_ISDIR(told.attr.mode);
        at_ = is_directory ? told.handle : protocol::no_handle;
    }
}

bool lease_answer::lists_below() const {
    return below_bytes_left_ > 0;
}

void lease_answer::open_listing(protocol::handle_id directory) {
    auto* const held = leases_.find(directory);
    if (held == nullptr) {
        return;
    }
    // What is not told is missing: from now on that changes matters of every name.
    held->notices.on_listing();
    constexpr int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    unique_fd fd{::openat(held->fd(), ".", flags | O_NOATIME)};
    if (!fd && errno == EPERM) {
        fd = unique_fd{::openat(held->fd(), ".", flags)};
    }
    if (fd) {
        now_.directory = directory;
        now_.fd = std::move(fd);
        now_.records.resize(records_bytes);
        now_.at = now_.end = 0;
        now_.whole = true;
        is_listing_ = true;
    }
}

// False: there is none, or none can be had.
bool lease_answer::fill_records() {
    const auto got =
        ::syscall(SYS_getdents64, now_.fd.get(), now_.records.data(), now_.records.size());
    now_.at = 0;
    now_.end = got > 0 ? static_cast<std::size_t>(got) : 0;
    now_.whole = now_.whole && got >= 0;
    return got > 0;
}

bool lease_answer::next_record(record& found) {
    if (now_.at >= now_.end && !fill_records()) {
        return false;
    }
    const auto* const raw = &now_.records[now_.at];
    std::uint16_t bytes = 0;
    std::memcpy(&bytes, raw + offsetof(dirent64, d_reclen), sizeof bytes);
    const auto type = std::to_integer<unsigned char>(raw[offsetof(dirent64, d_type)]);
    found.name = reinterpret_cast<const char*>(raw + offsetof(dirent64, d_name));
    found.type = type_of(type);
    found.next = now_.at + bytes;
    return true;
}

// Where it stands is all that is told of it.
void lease_answer::tell_place(const lease& directory, const record& itself) {
    protocol::leased_entry entry;
    entry.directory = directory.handle;
    entry.name = itself.name;
    entry.listed = true;
    add(std::move(entry));
    now_.at = itself.next;
}

void lease_answer::tell_next_entry() {
    auto* const directory = leases_.find(now_.directory);
    record next;
    if (directory == nullptr || !next_record(next)) {
        now_.whole = now_.whole && directory != nullptr;
        end_listing();
        return;
    }
    if (next.name == "." || next.name == "..") {
        tell_place(*directory, next);
        return;
    }
    const bool is_main = now_.directory == main_;
    if (is_main ? entries_left_ == 0 : below_bytes_left_ == 0) {
        stop_listing();
        return;
    }
    const auto bytes_before = frame_bytes_;
    if (tell(*directory, next.name, next.type) == progress::full) {
        return;
    }
    now_.at = next.next;
    auto& told = frame_.entries.back();
    told.listed = true;
    if (is_main) {
        --entries_left_;
    } else {
        below_bytes_left_ -=
            std::min<std::uint64_t>(below_bytes_left_, frame_bytes_ - bytes_before);
    }
    if (told.handle != protocol::no_handle && S_ISDIR(told.attr.mode) && lists_below()) {
        to_list_.push_back(told.handle);
    }
}

void lease_answer::end_listing() {
    if (now_.whole) {
        frame_.complete.push_back(now_.directory);
        frame_bytes_ += sizeof now_.directory;
    }
    is_listing_ = false;
    now_.fd.reset();
}

void lease_answer::stop_listing() {
    now_.whole = false;
    end_listing();
    to_list_.clear();
}

lease_answer::progress lease_answer::tell(
    lease& directory, const std::string& name, entry_type type
) {
    directory.notices.on_question(name);
    const bool follows = descends_ && names_.size() > 1;
    auto entry = leases_.tell_name(
        directory, name, type, follows ? leases::links::followed : leases::links::unchanged
    );
    if (S_ISDIR(entry.attr.mode)) {
        steps_ += limits::directory_steps;
    }
    const auto size = entry.attr.size;
    if (entry.state == protocol::name_state::present && S_ISREG(entry.attr.mode) &&
        file_bytes_max_ != 0 && size <= file_bytes_max_ && size <= data_bytes_left_) {
        steps_ += limits::directory_steps;
        const auto bytes = static_cast<std::size_t>(size);
        const bool fits = frame_bytes_ + bytes + entry_bytes_max <= wire::frame_payload_bytes_max;
        if (!fits && !frame_.entries.empty()) {
            frame_bytes_ = limits::lease_frame_bytes;  // it is the first of the next one
            return progress::full;
        }
        leases_.add_data(
            directory, entry, data_.room(wire::data_bytes_max).subspan(data_used_, bytes)
        );
        data_used_ += entry.data.bytes.size();
        data_bytes_left_ -= entry.data.bytes.size();
    }
    add(std::move(entry));
    return progress::told;
}

void lease_answer::add(protocol::leased_entry&& entry) {
    frame_bytes_ += encoded_bytes(entry);
    frame_.entries.push_back(std::move(entry));
}

}  // namespace farside::agent
