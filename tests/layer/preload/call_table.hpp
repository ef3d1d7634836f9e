// The table of system calls as layer/README.md shows it, between two lines that mark where. Written
// by make_call_table, compared by a test.
#pragma once

#include "layer/preload/system_calls.hpp"

#include <cstring>
#include <optional>
#include <sstream>
#include <string>

namespace farside::preload {

inline constexpr const char* table_begin = "<!-- calls: written by make_call_table -->\n";
inline constexpr const char* table_end = "<!-- end of calls -->\n";

inline std::string standing_text(const system_call& call) {
    std::string text;
    switch (call.stands.what) {
        case standing::kind::implemented:
            text = "implemented";
            break;
        case standing::kind::local:
            text = "local";
            break;
        case standing::kind::refused:
            text = std::string{"refused with "} + ::strerrorname_np(call.stands.error);
            break;
    }
    return *call.special == '\0' ? text : text + ": " + call.special;
}

inline std::string call_table() {
    std::ostringstream text;
    text << "| number | call | on remote files | test |\n|---|---|---|---|\n";
    for (const system_call& call : system_calls) {
        text << "| " << call.number << " | `" << call.name << "` | " << standing_text(call) << " | "
             << call.test << " |\n";
    }
    return text.str();
}

// `readme` with the table between its markers; nothing where it has no markers.
inline std::optional<std::string> with_table(const std::string& readme) {
    const auto begin = readme.find(table_begin);
    const auto end = readme.find(table_end);
    if (begin == std::string::npos || end == std::string::npos) {
        return std::nullopt;
    }
    return readme.substr(0, begin + std::strlen(table_begin)) + call_table() + readme.substr(end);
}

}  // namespace farside::preload
