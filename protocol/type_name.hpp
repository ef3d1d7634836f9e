// The name of a type as the source spells it, without its namespace, at compile time. Message names
// in traces, statistics and the spec come from here: a message is named once, by its declaration.
#pragma once

#include <string_view>

namespace farside::protocol {

namespace detail {

template <typename T>
consteval std::string_view spelled() {
    // "... [with T = farside::protocol::open; ...]" (g++) or "... [T = farside::protocol::open]"
    // (clang)
    const std::string_view text = __PRETTY_FUNCTION__;
    const auto begin = text.find("T = ") + 4;
    return text.substr(begin, text.find_first_of(";]", begin) - begin);
}

}  // namespace detail

template <typename T>
consteval std::string_view type_name() {
    constexpr std::string_view full = detail::spelled<T>();
    constexpr auto colon = full.rfind(':');
    return colon == std::string_view::npos ? full : full.substr(colon + 1);
}

}  // namespace farside::protocol
