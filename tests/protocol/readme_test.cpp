// protocol/README.md is the spec of the wire; here its tables are compared with the code. A failure
// prints the row that belongs there.
#include "protocol/frame_queue.hpp"
#include "protocol/handshake.hpp"
#include "protocol/message_table.hpp"

#include <boost/pfr/core.hpp>
#include <boost/pfr/tuple_size.hpp>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>

namespace farside::protocol {
namespace {

const std::filesystem::path folder = std::filesystem::path{FARSIDE_SOURCE_DIR} / "protocol";

std::string content_of(const std::string& name) {
    std::ifstream file{folder / name};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

// The rows of the first table below `heading`, as cells without their back quotes.
std::vector<std::vector<std::string>> table_below(const std::string& heading) {
    std::istringstream lines{content_of("README.md")};
    std::vector<std::vector<std::string>> rows;
    bool below = false;
    for (std::string line; std::getline(lines, line);) {
        below = below || line == heading;
        if (!below || !line.starts_with('|')) {
            if (!rows.empty()) {
                break;
            }
            continue;
        }
        std::istringstream cells{line.substr(1)};
        auto& row = rows.emplace_back();
        for (std::string cell; std::getline(cells, cell, '|');) {
            cell = std::regex_replace(cell, std::regex{"`|^ +| +$"}, "");
            row.push_back(cell);
        }
    }
    // The title and the line below it are no rows.
    rows.erase(rows.begin(), rows.begin() + std::min<std::ptrdiff_t>(2, std::ssize(rows)));
    return rows;
}

// The names of a structure's fields in the order of their declaration, from the source: the
// language cannot tell them.
std::vector<std::string> field_names(const std::string& structure) {
    static const std::string sources =
        content_of("types.hpp") + content_of("session_messages.hpp") +
        content_of("file_messages.hpp") + content_of("lock_messages.hpp") +
        content_of("name_messages.hpp") + content_of("watch_messages.hpp") +
        content_of("lease_messages.hpp");
    const std::string opening = "struct " + structure + " {\n";
    const auto begin = sources.find(opening);
    if (begin == std::string::npos) {
        return {};
    }
    const auto end = sources.find("\n};", begin);
    std::istringstream lines{sources.substr(begin + opening.size(), end - begin - opening.size())};
    const std::regex field{R"( {4}(?!using)[a-z0-9_:<>]+ ([a-z_]+)( = [^;]+|\{\})?;.*)"};
    std::vector<std::string> names;
    for (std::string line; std::getline(lines, line);) {
        std::smatch match;
        if (std::regex_match(line, match, field)) {
            names.push_back(match[1]);
        }
    }
    return names;
}

// What the spec calls a type; structures met on the way are noted with their fields.
class type_names {
public:
    std::map<std::string, std::string> structures;

    template <typename T>
    std::string fields_of() {
        const auto names = field_names(std::string{type_name<T>()});
        EXPECT_EQ(names.size(), boost::pfr::tuple_size_v<T>) << type_name<T>();
        std::string text;
        const T value{};
        boost::pfr::for_each_field(value, [&](const auto& field, std::size_t index) {
            text += index == 0 ? "" : ", ";
            text += (index < names.size() ? names[index] : "?") + ' ';
            text += name_of_type(std::type_identity<std::remove_cvref_t<decltype(field)>>{});
        });
        return text.empty() ? "nothing" : text;
    }

private:
    std::string name_of_type(std::type_identity<bool> /*type*/) { return "bool"; }

    std::string name_of_type(std::type_identity<handle_id> /*type*/) { return "handle"; }

    std::string name_of_type(std::type_identity<request_id> /*type*/) { return "request_id"; }

    std::string name_of_type(std::type_identity<instance_id> /*type*/) { return "instance"; }

    std::string name_of_type(std::type_identity<std::string> /*type*/) { return "bytes"; }

    std::string name_of_type(std::type_identity<bytes_view> /*type*/) { return "bytes"; }

    template <std::integral T>
    std::string name_of_type(std::type_identity<T> /*type*/) {
        return (std::is_signed_v<T> ? "i" : "u") + std::to_string(8 * sizeof(T));
    }

    template <typename T>
    std::string name_of_type(std::type_identity<std::vector<T>> /*type*/) {
        return "list of " + name_of_type(std::type_identity<T>{});
    }

    template <typename T>
    std::string name_of_type(std::type_identity<T> /*type*/) {
        std::string name{type_name<T>()};
        if constexpr (std::is_class_v<T>) {
            structures[name] = fields_of<T>();
        }
        return name;
    }
};

TEST(Readme, HasEveryMessageWithItsFields) {
    std::map<int, std::vector<std::string>> rows;
    int last = 0;
    for (const auto& row : table_below("## Messages")) {
        ASSERT_EQ(row.size(), 5U) << row.front();
        const int number = std::stoi(row.front());
        EXPECT_GT(number, last) << "rows are in the order of their numbers";
        last = number;
        rows[number] = row;
    }
    type_names types;
    for_each_message(all_messages{}, [&]<typename Message>(std::type_identity<Message>) {
        const std::string name{type_name<Message>()};
        const auto number = static_cast<int>(Message::op);
        std::string reply = "none";
        if constexpr (answered_message<Message>) {
            reply = types.fields_of<typename Message::reply>();
        }
        const auto request = types.fields_of<Message>();
        const auto call = rows.contains(number) ? rows[number][2] : "";
        EXPECT_FALSE(call.empty()) << name << ": the third cell names the system call";
        const std::vector<std::string> expected{std::to_string(number), name, call, request, reply};
        EXPECT_EQ(rows[number], expected) << "| " << number << " | `" << name << "` | " << call
                                          << " | " << request << " | " << reply << " |";
        rows.erase(number);
    });
    EXPECT_TRUE(rows.empty()) << "a row without a message: " << rows.begin()->second[1];
}

TEST(Readme, HasEveryStructureWithItsFields) {
    type_names types;
    for_each_message(all_messages{}, [&]<typename Message>(std::type_identity<Message>) {
        types.fields_of<Message>();
        if constexpr (answered_message<Message>) {
            types.fields_of<typename Message::reply>();
        }
    });
    std::map<std::string, std::string> found;
    for (const auto& row : table_below("### Structures")) {
        ASSERT_EQ(row.size(), 2U) << row.front();
        found[row[0]] = row[1];
    }
    for (const auto& [name, fields] : types.structures) {
        EXPECT_EQ(found[name], fields) << "| `" << name << "` | " << fields << " |";
    }
    EXPECT_EQ(found.size(), types.structures.size());
}

TEST(Readme, HasEveryLimitWithItsValue) {
    const std::map<std::string, std::uint32_t> values{
        {"data_bytes_max", limits::data_bytes_max},
        {"frame_payload_bytes_max", limits::frame_payload_bytes_max},
        {"read_bytes_max", limits::read_bytes_max},
        {"directory_bytes_max", limits::directory_bytes_max},
        {"path_bytes_max", limits::path_bytes_max},
        {"name_bytes_max", limits::name_bytes_max},
        {"xattr_name_bytes_max", limits::xattr_name_bytes_max},
        {"xattr_value_bytes_max", limits::xattr_value_bytes_max},
        {"xattr_list_bytes_max", limits::xattr_list_bytes_max},
        {"token_bytes_max", limits::token_bytes_max},
        {"text_bytes_max", limits::text_bytes_max},
        {"requests_in_flight_max", limits::requests_in_flight_max},
        {"handles_max", limits::handles_max},
        {"outgoing_bytes_max", limits::outgoing_bytes_max},
        {"handshake_timeout_ms", limits::handshake_timeout_ms},
    };
    std::map<std::string, std::uint32_t> found;
    for (const auto& row : table_below("## Limits")) {
        ASSERT_EQ(row.size(), 2U);
        found[row[0]] = static_cast<std::uint32_t>(std::stoul(row[1]));
    }
    EXPECT_EQ(found, values);

    // The list above is complete, too.
    const std::string source = content_of("limits.hpp");
    const std::regex declaration{R"(inline constexpr std::uint32_t ([a-z_]+) =)"};
    std::size_t declared = 0;
    for (std::sregex_iterator it{source.begin(), source.end(), declaration}, end; it != end; ++it) {
        ++declared;
        EXPECT_TRUE(values.contains((*it)[1])) << (*it)[1] << " is not in the README";
    }
    EXPECT_EQ(declared, values.size());
}

TEST(Readme, HasTheFrameFlags) {
    const auto rows = table_below("## Frame");
    ASSERT_EQ(rows.size(), 3U);
    EXPECT_EQ(rows[0][0], "reply");
    EXPECT_EQ(rows[0][1], std::to_string(frame_flags::reply));
    EXPECT_EQ(rows[1][0], "more");
    EXPECT_EQ(rows[1][1], std::to_string(frame_flags::more));
    EXPECT_EQ(rows[2][0], "class");
    EXPECT_EQ(rows[2][1], "16 × 1 to " + std::to_string(static_cast<unsigned>(priority_last)));
    EXPECT_EQ(flags_of(priority{1}), 16);
    static_assert(frame_flags::known == (frame_flags::reply | frame_flags::more));
}

TEST(Readme, NamesTheVersionsAndTheMagic) {
    const auto text = content_of("README.md");
    const auto versions = "code that speaks it: versions " + std::to_string(version_min) + " to " +
                          std::to_string(version_max) + ".";
    EXPECT_NE(text.find(versions), std::string::npos) << versions;
    EXPECT_NE(text.find("8 bytes of magic from the client (`FARSIDE\\n`)"), std::string::npos);
    const std::string_view spelled = "FARSIDE\n";
    EXPECT_TRUE(std::ranges::equal(magic, std::as_bytes(std::span{spelled})));
}

TEST(Readme, NamesEveryFileOfTheFolder) {
    const auto text = content_of("README.md");
    for (const auto& entry : std::filesystem::recursive_directory_iterator{folder}) {
        const auto name = std::filesystem::relative(entry.path(), folder).string();
        if (name.ends_with(".hpp")) {
            EXPECT_NE(text.find('`' + name + '`'), std::string::npos) << name;
        }
    }
}

}  // namespace
}  // namespace farside::protocol
