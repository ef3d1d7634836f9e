// Normalising, deciding, recording.
#include "layer/session/places.hpp"

#include "layer/common/path.hpp"

#include <array>
#include <cerrno>
#include <cstring>

namespace farside::session {
namespace {

using path_buffer = std::array<char, segment::path_room>;

// "dir/" and "dir/." insist on a directory, and so must what stands for them.
bool insists_on_directory(std::string_view path) {
    return path.ends_with('/') || path.ends_with("/.") || path == ".";
}

// The normal form of `path` seen from `base`; empty: too long.
std::string normal_form(std::string_view base, std::string_view path) {
    if (is_normal(path)) {
        return std::string{path};
    }
    path_buffer out;
    const long bytes = normalise(base, path, out.data(), out.size() - 2);
    return bytes <= 0 ? std::string{} : std::string{out.data(), static_cast<std::size_t>(bytes)};
}

place failed(int number) {
    place p;
    p.failure = number;
    return p;
}

}  // namespace

place places::find(std::uint64_t base, std::string_view path) const {
    if (base == 0 || path.starts_with('/')) {
        return find_absolute(path);
    }
    place found;
    found.agent_refuses = policy_.read_only();
    found.base = files_.find(base);
    if (!found.base) {
        return failed(EBADF);
    }
    found.at.base = found.base->handle;
    found.path = found.base->path;
    found.where = found.base->where;
    if (path.empty()) {
        return found;
    }
    if (!S_ISDIR(found.base->mode)) {
        return failed(ENOTDIR);
    }
    found.path = normal_form(found.base->path, path);
    if (found.path.empty()) {
        return failed(ENAMETOOLONG);
    }
    found.where = policy_.decide(found.path);
    found.at.path = path;
    found.wants_directory = insists_on_directory(path);
    if (found.remote() && steps_on_local_side(found.base->path, path)) {
        found.at.base = protocol::no_handle;
        found.at.path = found.local_path();
    }
    return found;
}

// Whether the path steps out of a local directory with "..", on its way to a remote name: the
// target could not walk it as it is written.
bool places::steps_on_local_side(std::string_view base, std::string_view path) const {
    constexpr std::string_view up = "/..";
    for (auto at = path.find(up); at != std::string_view::npos; at = path.find(up, at + 1)) {
        const auto end = at + up.size();
        if (end != path.size() && path[end] != '/') {
            continue;
        }
        const auto before = normal_form(base, path.substr(0, at));
        const side where = before.empty() ? side::remote : policy_.decide(before);
        if (where == side::local) {
            return true;
        }
    }
    return false;
}

place places::find_absolute(std::string_view path) const {
    if (!path.starts_with('/')) {
        return failed(path.empty() ? ENOENT : EINVAL);
    }
    place found;
    found.agent_refuses = policy_.read_only();
    found.path = normal_form("/", path);
    if (found.path.empty()) {
        return failed(ENAMETOOLONG);
    }
    found.where = policy_.decide(found.path);
    found.at.path = path;
    found.wants_directory = insists_on_directory(path);
    return found;
}

std::optional<side> places::classify(std::string_view path) {
    if (!path.starts_with('/')) {
        return std::nullopt;
    }
    const std::string normal = normal_form("/", path);
    if (normal.empty()) {
        return std::nullopt;
    }
    const side verdict = policy_.decide(normal);
    if (decide(view_.policy, normal) == side::undecided) {
        record(normal, verdict);
    }
    return verdict;
}

void places::tell_names_far(const open_file& file) const {
    const side where = policy_.decide(file.path);
    const bool far = S_ISDIR(file.mode) &&
                     (where == side::remote || where == side::remote_read_only) &&
                     subtree_is_remote(policy_.table(), file.path);
    file.entry.names_far.store(far ? 1 : 0, std::memory_order_release);
}

side places::side_of(std::string_view path) const {
    const std::string normal = normal_form("/", path);
    return normal.empty() ? side::hidden : policy_.decide(normal);
}

// Append only: readers see an entry whole, because its hash is stored last, or not at all.
void places::record(std::string_view path, side verdict) {
    auto& table = view_.decisions;
    constexpr auto entries_max = segment::decision_table::entries / 4 * 3;
    if (decisions_ >= entries_max || path.size() > table.text_room - text_bytes_) {
        return;  // full: the layer asks again each time
    }
    const std::uint64_t hash = segment::path_hash(path.data(), path.size());
    auto at = static_cast<std::uint32_t>(hash % segment::decision_table::entries);
    while (table.slots[at].hash.load(std::memory_order_relaxed) != 0) {
        const auto& slot = table.slots[at];
        if (std::string_view{table.text + slot.text_offset, slot.text_bytes} == path) {
            return;
        }
        at = (at + 1) % segment::decision_table::entries;
    }
    auto& slot = table.slots[at];
    slot.text_offset = text_bytes_;
    slot.text_bytes = static_cast<std::uint32_t>(path.size());
    slot.verdict = verdict;
    std::memcpy(table.text + text_bytes_, path.data(), path.size());
    text_bytes_ += slot.text_bytes;
    ++decisions_;
    slot.hash.store(hash, std::memory_order_release);
}

}  // namespace farside::session
