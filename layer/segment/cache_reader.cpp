// A walk looks up name after name. Only directories have names, so nothing need be known of a node
// to find a name in it; what kind it is matters where a name is not found.
#include "layer/segment/cache_reader.hpp"

#include <sys/stat.h>

namespace farside::segment {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

constexpr unsigned links_max = 40;  // MAXSYMLINKS of the kernel

template <std::size_t Words>
void load_words(
    void* to, const std::atomic<std::uint64_t> (&from)[Words], std::size_t words
) noexcept {
    for (std::size_t i = 0; i < words; ++i) {
        const std::uint64_t word = from[i].load(relaxed);
        std::memcpy(static_cast<char*>(to) + i * sizeof word, &word, sizeof word);
    }
}

}  // namespace

// ---- records ----

cache_reader::named cache_reader::find_name(std::uint64_t directory, std::string_view name)
    const noexcept {
    const name_key key = key_of(cache_->head.numbers, directory, name);
    for (const name_record& record : cache_->names[set_of_name(key)]) {
        if (record.low.load(relaxed) != key.low) {
            continue;
        }
        const stable_read reading{record.sequence};
        const name_key found{record.low.load(relaxed), record.high.load(relaxed)};
        const std::uint64_t node = record.node.load(relaxed);
        if (!reading.holds()) {
            return {name_state::changing, 0};
        }
        if (found == key) {
            return {node == no_node ? name_state::missing : name_state::present, node};
        }
    }
    return {name_state::not_here, 0};
}

const node_record* cache_reader::find_node(std::uint64_t id) const noexcept {
    if (id == 0) {
        return nullptr;
    }
    for (const node_record& record : cache_->nodes[set_of_node(id)]) {
        if (record.id.load(relaxed) == id) {
            return &record;
        }
    }
    return nullptr;
}

cache_reader::answer cache_reader::read_node(std::uint64_t id, node_view& out) const noexcept {
    const node_record* const record = find_node(id);
    if (record == nullptr) {
        return answer::unknown;
    }
    const stable_read reading{record->sequence};
    out.id = record->id.load(relaxed);
    out.flags = record->flags.load(relaxed);
    load_words(&out.attributes, record->attributes, attribute_words);
    const std::size_t link = out.link_bytes();
    load_words(out.link, record->link, link > link_max ? link_words : (link + 7) / 8);
    if (!reading.holds() || out.id != id || link > link_max || !out.has_attributes()) {
        return answer::unknown;
    }
    return answer::found;
}

// ---- walking ----

class cache_walk {
public:
    using answer = cache_reader::answer;
    using node_view = cache_reader::node_view;

    cache_walk(const cache_reader& from, std::uint64_t start, std::string_view path) noexcept
        : from_{from}, at_{start}, rest_{path} {}

    answer run(cache_reader::last_link last, node_view& view) noexcept;

private:
    [[nodiscard]] bool skip_slashes() noexcept;
    [[nodiscard]] std::string_view take_name() noexcept;
    [[nodiscard]] answer climb() noexcept;
    [[nodiscard]] answer follow(const node_view& link, std::string_view behind) noexcept;
    [[nodiscard]] bool may_follow_last() const noexcept;
    [[nodiscard]] answer judge_absent(std::string_view name, const node_view& view) const noexcept;

    void push(std::uint64_t directory) noexcept {
        if (depth_ < stack_room) {
            above_[depth_] = directory;
        }
        ++depth_;
    }

    static constexpr std::size_t stack_room = 24;
    static constexpr std::size_t text_room = 384;

    const cache_reader& from_;
    std::uint64_t at_;  // where the walk is: a directory, or what is to be one if it goes on
    std::string_view rest_;
    std::uint64_t above_[stack_room];  // the directories on the way to it
    std::size_t depth_ = 0;
    unsigned links_ = 0;
    // What links said and what was to follow them; `rest_` lies at the end, once there was one.
    char text_[text_room];
};

bool cache_walk::skip_slashes() noexcept {
    const std::size_t before = rest_.size();
    while (!rest_.empty() && rest_[0] == '/') {
        rest_.remove_prefix(1);
    }
    return rest_.size() != before;
}

std::string_view cache_walk::take_name() noexcept {
    std::size_t bytes = 0;
    while (bytes < rest_.size() && rest_[bytes] != '/') {
        ++bytes;
    }
    const std::string_view name = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return name;
}

// ".." of a directory. That of the root is the root.
cache_walk::answer cache_walk::climb() noexcept {
    if (depth_ == 0) {
        return at_ == root_node ? answer::found : answer::unknown;
    }
    if (depth_ > stack_room) {
        return answer::unknown;
    }
    at_ = above_[--depth_];
    return answer::found;
}

// The walk goes on with what the link says, and then with `behind`, a part of the path.
cache_walk::answer cache_walk::follow(const node_view& link, std::string_view behind) noexcept {
    const std::size_t bytes = link.link_bytes();
    if (++links_ > links_max) {
        return answer::loop;
    }
    const bool apart = !behind.empty() && behind[0] != '/';
    const std::size_t needed = bytes + (apart ? 1 : 0) + behind.size();
    if (bytes == 0 || needed > text_room) {
        return answer::unknown;
    }
    char* const end = text_ + text_room;
    std::memmove(end - behind.size(), behind.data(), behind.size());
    char* const begin = end - needed;
    if (apart) {
        begin[bytes] = '/';
    }
    std::memcpy(begin, link.link, bytes);
    rest_ = {begin, needed};
    if (link.link[0] == '/') {
        at_ = root_node;
        depth_ = 0;
        return answer::found;
    }
    return climb();
}

// A link at the end of a path that lies in a sticky directory which all may write is not followed
// for everybody (protected_symlinks, proc_sys_fs(5)).
bool cache_walk::may_follow_last() const noexcept {
    if (depth_ == 0 || depth_ > stack_room) {
        return false;
    }
    const node_record* const record = from_.find_node(above_[depth_ - 1]);
    if (record == nullptr) {
        return false;
    }
    const stable_read reading{record->sequence};
    node_attributes attributes;
    load_words(&attributes, record->attributes, attribute_words);
    const bool known = (record->flags.load(relaxed) & node_has_attributes) != 0 &&
                       record->id.load(relaxed) == above_[depth_ - 1];
    constexpr std::uint32_t shared = S_ISVTX | S_IWOTH;
    return reading.holds() && known && (attributes.mode & shared) != shared;
}

// A name that was not found in the directory `view`: missing where all names are there, as long as
// that is still so after one more look.
cache_walk::answer cache_walk::judge_absent(std::string_view name, const node_view& view)
    const noexcept {
    const node_record* const record = from_.find_node(view.id);
    if (record == nullptr) {
        return answer::unknown;
    }
    const stable_read reading{record->sequence};
    const bool complete = record->id.load(relaxed) == view.id &&
                          (record->flags.load(relaxed) & node_is_complete) != 0;
    if (!complete) {
        return answer::unknown;
    }
    const auto again = from_.find_name(view.id, name).state;
    const bool absent =
        again == cache_reader::name_state::not_here || again == cache_reader::name_state::missing;
    return absent && reading.holds() ? answer::missing : answer::unknown;
}

cache_walk::answer cache_walk::run(cache_reader::last_link last, node_view& view) noexcept {
    while (true) {
        const bool slash = skip_slashes();
        const std::string_view here = rest_;
        const std::string_view name = take_name();
        const bool plain = !name.empty() && name != "." && name != "..";
        if (name.size() > name_max) {
            return answer::unknown;
        }
        if (plain) {
            const auto found = from_.find_name(at_, name);
            if (found.state == cache_reader::name_state::present) {
                push(at_);
                at_ = found.node;
                continue;
            }
            if (found.state != cache_reader::name_state::not_here) {
                return found.state == cache_reader::name_state::missing ? answer::missing
                                                                        : answer::unknown;
            }
        }
        // Now it matters what we came to.
        if (const answer known = from_.read_node(at_, view); known != answer::found) {
            return known;
        }
        if (S_ISLNK(view.attributes.mode)) {
            if (name.empty() && !slash && last == cache_reader::last_link::keep) {
                return answer::found;
            }
            if (name.empty() && !may_follow_last()) {
                return answer::unknown;
            }
            const std::string_view behind = name.empty() ? std::string_view{"/", slash} : here;
            if (const answer went = follow(view, behind); went != answer::found) {
                return went;
            }
            continue;
        }
        if (!S_ISDIR(view.attributes.mode)) {
            return name.empty() && !slash ? answer::found : answer::not_directory;
        }
        if (name.empty()) {
            return answer::found;
        }
        if (plain) {
            return judge_absent(name, view);
        }
        if (name.size() == 2) {
            if (const answer went = climb(); went != answer::found) {
                return went;
            }
        }
    }
}

cache_reader::answer cache_reader::resolve(
    std::uint64_t start, std::string_view path, last_link last, node_view& out
) const noexcept {
    cache_walk walk{*this, start, path};
    return walk.run(last, out);
}

// ---- bytes ----

cache_reader::piece cache_reader::find_block(std::uint64_t data, std::uint64_t index)
    const noexcept {
    for (const block_record& record : cache_->blocks[set_of_block(data, index)]) {
        if (record.data.load(relaxed) != data || record.index.load(relaxed) != index) {
            continue;
        }
        piece found;
        found.sequence = &record.sequence;
        found.seen = record.sequence.load(std::memory_order_acquire);
        const bool same = record.data.load(relaxed) == data && record.index.load(relaxed) == index;
        const std::uint64_t place = record.place.load(relaxed);
        if (!same || found.seen % 2 != 0 || !found.still_holds()) {
            return {};
        }
        const std::uint64_t begin = (place & place_page_mask) * arena_page_bytes;
        found.size = place >> place_bytes_shift & place_bytes_mask;
        if (found.size > block_bytes || begin + found.size > cache_->head.arena_bytes) {
            return {};
        }
        found.bytes = arena_ + begin;
        found.ends_file = (place & place_ends_file) != 0;
        found.slab = static_cast<std::uint32_t>(begin / block_bytes);
        return found;
    }
    return {};
}

cache_reader::piece cache_reader::find_bytes(std::uint64_t data, std::uint64_t offset)
    const noexcept {
    const std::uint64_t index = offset / block_bytes;
    const std::size_t skipped = offset % block_bytes;
    piece found = find_block(data, index);
    if (found.bytes == nullptr && skipped == 0 && index > 0) {
        // The file may end with the block before.
        found = find_block(data, index - 1);
        if (found.bytes == nullptr || found.size < block_bytes || !found.ends_file) {
            return {};
        }
        found.size = 0;
        return found;
    }
    if (found.bytes == nullptr || (skipped >= found.size && !found.ends_file)) {
        return {};
    }
    const std::size_t rest = skipped < found.size ? found.size - skipped : 0;
    found.bytes += skipped < found.size ? skipped : found.size;
    found.size = rest;
    return found;
}

}  // namespace farside::segment
