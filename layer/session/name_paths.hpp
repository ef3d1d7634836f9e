// Paths as strings, the small things that walking them from outside the tree needs.
#pragma once

#include "protocol/limits.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace farside::session {

[[nodiscard]] inline std::string joined(std::string_view directory, std::string_view name) {
    std::string path{directory};
    if (!path.ends_with('/') && !name.empty()) {
        path += '/';
    }
    path += name;
    return path;
}

// The names at the front of a path: up to "..", or one that no file has. `all` where that is all
// of it.
struct leading_names {
    std::string path;
    std::size_t count = 0;
    bool all = true;
};

[[nodiscard]] inline leading_names leading(std::string_view path) {
    leading_names names;
    while (true) {
        const auto begin = path.find_first_not_of('/');
        if (begin == std::string_view::npos) {
            return names;
        }
        path.remove_prefix(begin);
        const auto name = path.substr(0, path.find('/'));
        path.remove_prefix(name.size());
        if (name == ".." || name.size() > protocol::limits::name_bytes_max) {
            names.all = false;
            return names;
        }
        if (name != ".") {
            names.path = names.count == 0 ? std::string{name} : joined(names.path, name);
            ++names.count;
        }
    }
}

// Whether `path` is `above` or lies below it.
[[nodiscard]] inline bool at_or_below(std::string_view path, std::string_view above) {
    return path.starts_with(above) &&
           (path.size() == above.size() || above.ends_with('/') || path[above.size()] == '/');
}

[[nodiscard]] inline std::string_view parent_of(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == 0 ? path.substr(0, 1) : path.substr(0, slash);
}

}  // namespace farside::session
