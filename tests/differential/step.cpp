// The text form: the operation's name and its four numbers.
#include "tests/differential/step.hpp"

#include <algorithm>
#include <sstream>

namespace farside::differential {
namespace {

constexpr std::array names{
    "open",
    "open_at",
    "close",
    "dup",
    "dup2",
    "read",
    "pread",
    "readv",
    "write",
    "pwrite",
    "writev",
    "seek",
    "truncate_open",
    "truncate",
    "allocate",
    "sync",
    "stat_open",
    "stat",
    "access",
    "list",
    "list_on",
    "unlink",
    "make_directory",
    "remove_directory",
    "rename",
    "link",
    "make_symlink",
    "read_link",
    "change_mode",
    "set_times",
    "get_flags",
    "set_flags",
    "lock_file",
    "lock_record",
    "copy_range",
    "send_file",
    "splice",
    "map",
    "map_private",
    "load",
    "store",
    "sync_map",
    "unmap",
    "remap",
    "fork",
    "spawn",
    "change_directory",
    "leave_directory",
    "set_umask"};
static_assert(names.size() == static_cast<std::size_t>(action::set_umask) + 1);

}  // namespace

std::string_view name_of(action what) {
    return names[static_cast<std::size_t>(what)];
}

std::string to_text(const step& one) {
    std::string text{name_of(one.what)};
    for (const auto number : one.numbers) {
        text += ' ' + std::to_string(number);
    }
    return text;
}

std::string to_text(const sequence& all) {
    std::string text;
    for (const auto& one : all) {
        text += to_text(one) + '\n';
    }
    return text;
}

std::optional<sequence> parse(std::string_view text) {
    sequence all;
    std::istringstream lines{std::string{text}};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words{line};
        std::string name;
        step one;
        words >> name;
        for (auto& number : one.numbers) {
            words >> number;
        }
        const auto* const found = std::ranges::find(names, name);
        if (!words || found == names.end()) {
            return std::nullopt;
        }
        one.what = static_cast<action>(found - names.begin());
        all.push_back(one);
    }
    return all;
}

}  // namespace farside::differential
