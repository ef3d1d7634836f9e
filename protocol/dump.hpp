// Messages as text for traces and tests: open{{#0, "/etc/hosts"}, 524288, 0, 18, 0}. Fields come in
// the order of their declaration; long bytes and lists are cut, so a line stays a line.
#pragma once

#include "protocol/frame.hpp"
#include "protocol/type_name.hpp"

#include <boost/pfr/core.hpp>

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace farside::protocol {

namespace detail {

void dump_value(std::string& out, const bytes_view& value);

inline void dump_value(std::string& out, bool value) {
    out += value ? "true" : "false";
}

template <std::integral T>
void dump_value(std::string& out, T value) {
    out += std::to_string(value);
}

inline void dump_value(std::string& out, handle_id value) {
    out += '#' + std::to_string(static_cast<std::uint64_t>(value));
}

template <typename T>
requires std::is_enum_v<T>

void dump_value(std::string& out, T value) {
    dump_value(out, static_cast<std::underlying_type_t<T>>(value));
}

inline void dump_value(std::string& out, const std::string& value) {
    dump_value(out, bytes_view{std::as_bytes(std::span{value})});
}

template <typename T>
requires std::is_aggregate_v<T>
void dump_value(std::string& out, const T& value);

template <typename T>
void dump_value(std::string& out, const std::vector<T>& items) {
    constexpr std::size_t shown_max = 8;
    out += '[';
    for (std::size_t i = 0; i < items.size() && i < shown_max; ++i) {
        out += i == 0 ? "" : ", ";
        dump_value(out, items[i]);
    }
    if (items.size() > shown_max) {
        out += ", ... " + std::to_string(items.size()) + " in all";
    }
    out += ']';
}

template <typename T>
requires std::is_aggregate_v<T>

void dump_value(std::string& out, const T& value) {
    out += '{';
    boost::pfr::for_each_field(value, [&out](const auto& field, std::size_t index) {
        out += index == 0 ? "" : ", ";
        dump_value(out, field);
    });
    out += '}';
}

}  // namespace detail

// Any message, reply or part of one.
template <typename Message>
requires std::is_aggregate_v<Message>

[[nodiscard]] std::string dump(const Message& message) {
    std::string out{type_name<Message>()};
    detail::dump_value(out, message);
    return out;
}

// A whole frame: "7 open{...}", "7 open_reply{...}", "7 open failed 2", "0 goodbye{...}". A payload
// that is not its message is shown as the reason why.
[[nodiscard]] std::string dump(const frame& f);

// A peer's text, fit for a person's terminal: at most limits::text_bytes_max, control bytes as '?'.
[[nodiscard]] std::string one_line(std::string_view text);

}  // namespace farside::protocol
